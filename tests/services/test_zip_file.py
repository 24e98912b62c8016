"""ZIP files made piece by piece: readable everywhere, named safely, never held."""

import io
import random
import subprocess
import tracemalloc
import zipfile

import pytest

from app.clock import now
from app.services import zip_file
from tests.conftest import tool

LONG = "長" * 300


@pytest.mark.requirement("L7", "S14")
@pytest.mark.parametrize("called, name", [
    ("資材注文書", "D1_契約文書_資材注文書.pdf"),
    ("資材注文書.pdf", "D1_契約文書_資材注文書.pdf"),
    ("../../etc/passwd", "D1_契約文書_etc_passwd.pdf"),
    ("C:\\Windows\\x", "D1_契約文書_C__Windows_x.pdf"),
    ("CON", "D1_契約文書_CON.pdf"),
    ('a<b>"c"|d?*', "D1_契約文書_a_b__c__d.pdf"),
    ("請書\u202efdp.exe", "D1_契約文書_請書fdp.exe.pdf"),
    ("一\n二\t三\0四\u200b", "D1_契約文書_一 二 三四.pdf"),
    (" . .. ", "D1_契約文書.pdf"),
    ("", "D1_契約文書.pdf"),
    ("か\u3099", "D1_契約文書_が.pdf"),
    (LONG, f"D1_契約文書_{'長' * 40}.pdf"),
])  # fmt: skip
def test_a_name_is_taken_by_every_system(called, name):
    assert zip_file.safe_name("D1", "契約文書", called, "pdf") == name
    assert len(name.encode()) < 255


@pytest.mark.requirement("L7")
def test_independent_programs_read_the_file(tmp_path):
    entries = [("D1_契約文書_が.pdf", [b"one", b" two"]), ("index.csv", iter([b"\xef\xbb\xbfa\r\n"]))]
    path = tmp_path / "x.zip"
    path.write_bytes(b"".join(zip_file.pieces(entries, now())))
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert [(info.filename, bool(info.flag_bits & 0x800)) for info in file.infolist()] == [
            ("D1_契約文書_が.pdf", True), ("index.csv", False)
        ]  # fmt: skip
        assert file.read("D1_契約文書_が.pdf") == b"one two"
    assert subprocess.run([tool("unzip"), "-t", path], capture_output=True).returncode == 0  # noqa: S603


@pytest.mark.requirement("L7", "P5")
def test_a_large_file_takes_no_memory_and_more_files_than_zip_counts_are_counted():
    """60 MB that do not compress, in pieces; and 65,536 files, for which ZIP64 records are needed."""
    noise = random.Random(1).randbytes(1024 * 1024)  # noqa: S311
    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in zip_file.pieces([("x.pdf", (noise for _ in range(60)))], now())]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) > 59_000_000 and max(sizes) < 3 * 1024 * 1024
    assert peak < 12 * 1024 * 1024
    many = b"".join(zip_file.pieces(((f"{number}", [b""]) for number in range(65_536)), now()))
    with zipfile.ZipFile(io.BytesIO(many)) as file:
        assert len(file.infolist()) == 65_536
    assert b"PK\6\6" in many[-200:]
