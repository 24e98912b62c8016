"""P7: verifying a 5 MB archived contract with two signatures: `python -m benchmarks.verification`.

CPU time of the verification itself, and CPU and wall time as the page does it, in a process of its own.
"""

import io
import json
import random
import resource
import time

import pikepdf

from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind
from app.signing.verify import verify
from app.signing.verify_apart import verify_apart
from benchmarks.signing import cpu_seconds, desk_and_signer

SIZE_BYTES = 5 * 1024 * 1024
ROUNDS = 5


def scan(size_bytes=SIZE_BYTES):
    """One page with a picture that does not compress."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    height = size_bytes // 2000
    picture = pdf.make_stream(
        random.Random(1).randbytes(height * 2000), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image,  # noqa: S311
        Width=2000, Height=height, ColorSpace=pikepdf.Name.DeviceGray, BitsPerComponent=8,
    )  # fmt: skip
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=picture))
    page.obj.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Scan Do Q")
    out = io.BytesIO()
    pdf.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return out.getvalue()


def measure(kind):
    """The figures of one kind of key, by name."""
    desk, key, certificate = desk_and_signer(kind)
    pdf = place_fields(scan(), [FieldSpec("sender"), FieldSpec("receiver-1")])
    for field in ("sender", "receiver-1"):
        pdf = desk.sign(pdf, key=key, certificate=certificate, field=field)
    pdf = desk.archive(pdf)
    roots = desk.trusted_roots
    assert verify(pdf, roots).level == verify_apart(pdf, roots).level == "B-LTA"
    inside = cpu_seconds(lambda: verify(pdf, roots), ROUNDS)
    spent, begun = _children(), time.monotonic()
    for _ in range(ROUNDS):
        verify_apart(pdf, roots)
    wall = (time.monotonic() - begun) / ROUNDS
    apart = (_children() - spent) / ROUNDS
    return {
        "key": kind.value,
        "file_bytes": len(pdf),
        "P7_verify_cpu_ms": round(inside * 1000),
        "P7_apart_cpu_ms": round(apart * 1000),
        "P7_apart_wall_ms": round(wall * 1000),
    }


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for kind in KeyKind:
        print(json.dumps(measure(kind)))
