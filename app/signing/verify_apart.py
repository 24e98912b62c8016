"""Verification of a stranger's file in a process of its own, with limited memory and time (S4).

The process has nothing of the portal's environment, keeps nothing, and its end is always an answer: what it
could not finish is called 検証できません.
"""

import base64
import datetime as dt
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.signing import evidence
from app.signing.intake import Limits
from app.signing.layers import FOR_EVER, AlgorithmEnds
from app.signing.verify import Verdict, too_complex

CHILD = Path(__file__).with_name("_verify_child.py")
STOPPED = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT, -signal.SIGSEGV)

OutsideRootsOf = Callable[[Collection[bytes]], evidence.OutsideRoots]


def verify_apart(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    outside_roots_of: OutsideRootsOf = lambda _certificates: {},
    expected: Collection[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - immutable
    ends: AlgorithmEnds = FOR_EVER,
    stamp_roots: Sequence[x509.Certificate] = (),
) -> Verdict:
    """:func:`app.signing.verify.verify`, elsewhere.

    :param outside_roots_of: the roots that count for signers' certificates (DER), asked with those in the file
        where the own roots are not enough
    """
    known = {
        "roots": certificates_of(root.public_bytes(Encoding.DER) for root in roots), "expected": sorted(expected),
        "ends": {kind: day.isoformat() for kind, day in ends.items()},
        "stamp_roots": certificates_of(root.public_bytes(Encoding.DER) for root in stamp_roots),
    }  # fmt: skip
    answer = _ask(pdf, known, {}, limits)
    if answer is None:
        return too_complex(hashlib.sha256(pdf).hexdigest())
    outside = outside_roots_of([base64.b64decode(one) for one in answer["signers"]]) if answer["signers"] else {}
    if outside:
        answer = _ask(pdf, known, outside, limits) or answer
    return Verdict.from_dict(answer["verdict"])


def question_in(question):
    """What :func:`app.signing.verify.verify` takes beside the file, from the first line of the input."""
    outside = {base64.b64decode(one): _certificate(root) for one, root in question["outside"]}
    ends = {kind: dt.date.fromisoformat(day) for kind, day in question["ends"].items()}
    roots, stamp_roots = ([_certificate(root) for root in question[name]] for name in ("roots", "stamp_roots"))
    return roots, outside, question["expected"], ends, stamp_roots


def certificates_of(ders):
    return [base64.b64encode(der).decode() for der in ders]


def _certificate(text):
    return x509.load_der_x509_certificate(base64.b64decode(text))


def _ask(pdf, known, outside, limits):
    """The process's answer; None where it had to be stopped."""
    pairs = [certificates_of([der, root.public_bytes(Encoding.DER)]) for der, root in outside.items()]
    question = known | {"outside": pairs}
    options = {"memory_bytes": limits.memory_bytes, "cpu_seconds": limits.cpu_seconds}
    try:
        done = subprocess.run(  # noqa: S603 - fixed command, no shell
            [sys.executable, "-I", "-B", str(CHILD), json.dumps(options)],
            input=json.dumps(question).encode() + b"\n" + pdf,
            capture_output=True,
            timeout=limits.wall_seconds,
            env={"LANG": "C.UTF-8"},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == 0:
        return json.loads(done.stdout)
    if done.returncode in STOPPED or b"MemoryError" in done.stderr:
        return None
    raise RuntimeError(f"The verification program failed: {done.stderr[-2000:].decode(errors='replace')}")
