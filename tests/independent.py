"""Signed PDFs checked by programs that share no code with the portal: qpdf, poppler's pdfsig and OpenSSL.

Evidence about revocation inside the file is not evaluated here; everything else is: structure, byte ranges,
digests, signatures, chains up to the root at the proven moments, and every time stamp.
"""

import datetime as dt
import hashlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from asn1crypto import cms

TOOLS = ("qpdf", "pdfsig", "openssl")
PACKAGES = {"qpdf": "qpdf", "pdfsig": "poppler-utils", "openssl": "openssl"}

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass
class _Signed:
    """One signature or document time stamp, cut out of the file."""

    covered: bytes
    contents: bytes

    @property
    def signed_data(self):
        return cms.ContentInfo.load(self.contents)["content"]

    @property
    def is_time_stamp(self):
        return self.signed_data["encap_content_info"]["content_type"].native == "tst_info"

    @property
    def token(self):
        """The DER of the time stamp inside the signature."""
        (info,) = self.signed_data["signer_infos"]
        tokens = [
            a["values"][0] for a in info["unsigned_attrs"] if a["type"].native == "signature_time_stamp_token"
        ]
        assert len(tokens) == 1, f"{len(tokens)} time stamps in a signature, expected one"
        return tokens[0].dump()

    @property
    def signature_value(self):
        return self.signed_data["signer_infos"][0]["signature"].native


def independently_valid(pdf: bytes, root_pem: bytes) -> None:
    """Check a file signed 1..n times, archived or not, or only time-stamped.

    :param root_pem: the portal's root certificate
    :raises AssertionError: with what the program said
    """
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: apt-get install {PACKAGES[tool]})")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "signed.pdf").write_bytes(pdf)
        (folder / "root.pem").write_bytes(root_pem)
        _run("qpdf", "--check", folder / "signed.pdf")
        parts = signed_parts(pdf)
        assert parts, "no signature and no time stamp in the file"
        at = dt.datetime.now(dt.UTC)
        for number in range(len(parts) - 1, -1, -1):  # each layer at the moment that the next one proves
            at = _check(parts[number], at, folder)
        _check_with_pdfsig(folder / "signed.pdf", sum(not part.is_time_stamp for part in parts), len(parts))


def signed_parts(pdf: bytes) -> list[_Signed]:
    """The signatures and document time stamps, oldest first; the newest must cover the whole file."""
    parts = []
    ranges = sorted((tuple(map(int, found)) for found in _BYTE_RANGE.findall(pdf)), key=lambda r: r[2] + r[3])
    for first, length, second, rest in ranges:
        assert first == 0, "a byte range does not begin at the first byte"
        gap = pdf[length:second]
        assert re.fullmatch(rb"<[0-9A-Fa-f]+>", gap), "more than a signature lies outside a byte range"
        assert re.search(rb"%%EOF\s*\Z", pdf[: second + rest]), "a byte range does not end with a revision"
        covered = pdf[:length] + pdf[second : second + rest]
        contents = bytes.fromhex(gap[1:-1].decode())
        parts.append(_Signed(covered, cms.ContentInfo.load(contents).dump()))
    if ranges:
        assert ranges[-1][2] + ranges[-1][3] == len(pdf), "bytes after what the last signature covers"
    return parts


def _check(part, at, folder):
    """Check one layer at `at`; the moment it proves for those below."""
    (folder / "covered").write_bytes(part.covered)
    if part.is_time_stamp:
        (folder / "token").write_bytes(part.contents)
        _verify_token(folder, at, "-data", folder / "covered")
        return _time_of(part.signed_data)
    (folder / "token").write_bytes(part.token)
    digest = hashlib.sha256(part.signature_value).hexdigest()
    _verify_token(folder, at, "-digest", digest)
    stamped = _time_of(cms.ContentInfo.load(part.token)["content"])
    (folder / "signature").write_bytes(part.contents)
    _run(
        "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER",
        "-in", folder / "signature", "-content", folder / "covered", "-out", folder / "out",
        "-CAfile", folder / "root.pem", "-purpose", "any", "-attime", str(int(stamped.timestamp())),
    )  # fmt: skip
    return stamped


def _verify_token(folder, at, *what):
    _run(
        "openssl", "ts", "-verify", "-token_in", "-in", folder / "token", *what,
        "-CAfile", folder / "root.pem", "-attime", str(int(at.timestamp())),
    )  # fmt: skip


def _time_of(signed_data):
    return signed_data["encap_content_info"]["content"].parsed["gen_time"].native


def _check_with_pdfsig(path, signatures, filled):
    said = _run("pdfsig", "-nocert", "-no-ocsp", path, may_fail=True)
    blocks = [block for block in re.split(r"(?m)^Signature #\d+:$", said)[1:] if "is not signed" not in block]
    assert len(blocks) == filled, f"pdfsig sees {len(blocks)} signatures, expected {filled}:\n{said}"
    ordinary = [block for block in blocks if "ETSI.CAdES.detached" in block]
    assert len(ordinary) == signatures, f"pdfsig sees {len(ordinary)} PAdES signatures:\n{said}"
    for block in ordinary:
        assert "Signature Validation: Signature is Valid." in block, f"pdfsig refuses:\n{block}"


def _run(*command, may_fail=False):
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    said = f"{done.stdout}\n{done.stderr}".strip()
    assert may_fail or done.returncode == 0, f"{' '.join(command[:3])} refuses:\n{said}"
    return said
