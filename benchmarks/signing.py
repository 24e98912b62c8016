"""P1, P2, P7: signing, archiving and verifying against the least that any program must do.

The limit is SHA-256 over the file and one private-key operation for each signature and each time stamp.
All figures are CPU time of one process; a ratio compares two figures of the same run.
"""

import datetime as dt
import hashlib
import json
import time
from pathlib import Path

from app import clock
from app.signing import authorities as pki
from app.signing.fields import FieldSpec, place_fields
from app.signing.intake import Limits, receive
from app.signing.keys import KeyKind, new_key, sign_sha256
from app.signing.pades import SigningDesk
from app.signing.stamps import Stamp
from app.signing.timestamps import EmbeddedTsa
from app.signing.verify import verify

ROUNDS = 15
A_WEEK = dt.timedelta(days=7)
CONTRACT = Path(__file__).parent.parent / "demo" / "contracts" / "construction-contract.pdf"


def cpu_seconds(work, rounds=ROUNDS):
    """CPU seconds of one call, over `rounds` calls after one that warms up."""
    work()
    begun = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - begun) / rounds


def desk_and_signer(kind, token=None):
    """A signing desk with its own authorities, and one signer's key and certificate; its keys in the token if given."""
    urls = pki.PkiUrls.under("https://portal.example/pki")
    own = pki.new_authorities("契約ポータル", clock.now(), urls, kind, token)
    cas = {ca.certificate.subject: ca for ca in (own.signers_ca, own.tsa_ca)}
    desk = SigningDesk(
        own.root.certificate, own.signers_ca, EmbeddedTsa(own.tsa, [own.tsa_ca.certificate]),
        [ca.certificate for ca in cas.values()],
        [pki.crl(own.root, [], clock.now(), 1, A_WEEK)],
        lambda leaf: pki.ocsp_response(cas[leaf.issuer], leaf, None, clock.now(), A_WEEK),
    )  # fmt: skip
    key = new_key(kind, token)
    subject = pki.Subject("株式会社みなと建設", "JC-00000001")
    return desk, key, pki.issue_signer(own.signers_ca, key.public_key(), subject, clock.now(), urls)


def measure(kind):
    """The figures of one kind of key, by name."""
    contract = receive(CONTRACT.read_bytes(), Limits(20 * 1024 * 1024, 1000)).pdf
    contract = place_fields(contract, [FieldSpec("sender"), FieldSpec("receiver-1")])
    desk, key, certificate = desk_and_signer(kind)
    stamp = Stamp("受領", "株式会社みなと建設", "青木 健一", clock.now())

    def sign(pdf=contract, field="sender"):
        return desk.sign(pdf, key=key, certificate=certificate, field=field, stamp=stamp)

    signed = sign(sign(), "receiver-1")
    archived = desk.archive(signed)
    hashing = cpu_seconds(lambda: hashlib.sha256(contract).digest())
    private_key = cpu_seconds(lambda: sign_sha256(key, b"x" * 32))
    limit = hashing + 2 * private_key  # the signature and its own time stamp
    archive_limit = hashing + private_key
    signing, archiving = cpu_seconds(sign), cpu_seconds(lambda: desk.archive(signed))
    verifying = cpu_seconds(lambda: verify(archived, desk.trusted_roots), 5)
    return {
        "key": kind.value,
        "file_bytes": len(contract),
        "limit_ms": round(limit * 1000, 2),
        "P1_sign_ms": round(signing * 1000, 1),
        "P1_ratio": round(signing / limit, 1),
        "P2_archive_ms": round(archiving * 1000, 1),
        "P2_ratio": round(archiving / archive_limit, 1),
        "P7_verify_ms": round(verifying * 1000, 1),
    }


if __name__ == "__main__":
    for kind in KeyKind:
        print(json.dumps(measure(kind)))
