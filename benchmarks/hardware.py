"""Signing with keys in a PKCS#11 token against the same with keys that the portal holds itself.

Needs ``PORTAL_PKCS11_MODULE``, ``PORTAL_PKCS11_TOKEN`` and ``PORTAL_PKCS11_PIN``; the keys it makes are destroyed
again.  A signature is PAdES B-LT with its own time stamp: two operations with a key in the token.  Times are wall
time, since a token may be a machine of its own; the two kinds of round alternate.
"""

import json
import os
import statistics
import time

from app import clock
from app.signing.fields import FieldSpec, place_fields
from app.signing.hardware import Token
from app.signing.intake import Limits, receive
from app.signing.keys import KeyKind, sign_sha256
from app.signing.stamps import Stamp
from benchmarks.signing import CONTRACT, desk_and_signer

ROUNDS = 31


class Remembering(Token):
    """A token that knows which keys were made for the measurement."""

    def __init__(self, *settings):
        super().__init__(*settings)
        self.made = []

    def new_key(self, kind):
        self.made.append(super().new_key(kind))
        return self.made[-1]

    def destroy_all(self):
        while self.made:
            self.destroy(self.made.pop().key_id)


def milliseconds(work):
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def medians(*works):
    """The median milliseconds of each, measured in turns after one round that warms up."""
    for work in works:
        work()
    rounds = [[milliseconds(work) for work in works] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def measure(kind, token):
    """The figures of one kind of key, by name."""
    contract = place_fields(receive(CONTRACT.read_bytes(), Limits(20 * 1024 * 1024, 1000)).pdf, [FieldSpec("sender")])
    stamp = Stamp("受領", "株式会社みなと建設", "青木 健一", clock.now())

    def signing(desk, key, certificate):
        return lambda: desk.sign(contract, key=key, certificate=certificate, field="sender", stamp=stamp)

    try:
        made = [desk_and_signer(kind, where) for where in (None, token)]
        sealed_ms, token_ms = medians(*(signing(*one) for one in made))
        raw_sealed_ms, raw_token_ms = medians(*(lambda key=key: sign_sha256(key, b"x" * 32) for _, key, _ in made))
    finally:
        token.destroy_all()
    return {
        "key": kind.value,
        "sign_sealed_ms": round(sealed_ms, 1), "sign_token_ms": round(token_ms, 1), "sign_ratio": round(token_ms / sealed_ms, 2),
        "key_sealed_ms": round(raw_sealed_ms, 2), "key_token_ms": round(raw_token_ms, 2),
    }  # fmt: skip


if __name__ == "__main__":
    hardware = Remembering(*(os.environ[f"PORTAL_PKCS11_{name}"] for name in ("MODULE", "TOKEN", "PIN")))
    for kind in KeyKind:
        print(json.dumps(measure(kind, hardware)))
