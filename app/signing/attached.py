"""添付・補足書類: which files may lie beside a contract, and in which form they are kept.

A PDF goes through the same intake as the contract.  A picture is drawn anew, which leaves out the place it was
taken at and whatever hides in it.  A Word or Excel file stays as it is, and is refused when it could run, embed
or fetch anything.  Files are only ever offered for download.

Source: I4 (requirements.md); S4, S5, S13, S14 (quality.md).
"""

import hashlib
from dataclasses import dataclass, replace

from app.errors import IntakeRefused
from app.signing import intake

SUFFIXES = {"pdf": (".pdf",), "jpg": (".jpg", ".jpeg"), "png": (".png",), "docx": (".docx",), "xlsx": (".xlsx",)}
MOST_NAME = 200  # characters; Windows allows 255, and browsers add a number

_AS_PDF = "PDF形式で保存し直してから、もう一度添付してください。"
SENTENCES = {
    "empty": "ファイルの中身が空（0バイト）です。元のファイルをご確認のうえ、もう一度お選びください。",
    "too_large": "添付・補足書類の合計が上限の{megabytes}MBを超えています。ファイルを小さくするか、減らしてください。",
    "other": "添付できない形式のファイルです。PDF、JPEG、PNG、Word（.docx）、Excel（.xlsx）のいずれかで保存し直してください。",
    "old_office": "旧形式のWord・Excelファイル（.doc、.xlsなど）か、パスワードが設定されたファイルです。"
    "パスワードを解除し、.docx、.xlsxまたはPDF形式で保存し直してください。",
    "other_office": "Word（.docx）・Excel（.xlsx）以外の形式のファイルです。" + _AS_PDF,
    "zip": "圧縮（ZIP）ファイルは添付できません。展開して、中のファイルを添付してください。",
    "encrypted": "ファイルにパスワードが設定されています。パスワードを解除して保存し直し、もう一度添付してください。",
    "program": "マクロなど、自動で動くプログラムが含まれています。マクロを含まない形式（.docx、.xlsx）か、" + _AS_PDF,
    "embedded": "ファイルの中に、別のファイルが埋め込まれています。埋め込まれたファイルを取り除くか、" + _AS_PDF,
    "linked": "ほかのファイルや外部のデータを参照しています。リンクを解除して保存し直すか、" + _AS_PDF,
    "damaged": "ファイルが壊れているか、途中までしか保存されていません。元のソフトで開いて保存し直し、もう一度添付してください。",
    "too_many_pixels": "画像が大きすぎます（上限は4,000万画素）。画像を縮小して保存し直し、もう一度添付してください。",
    "too_complex": "ファイルの構造が複雑すぎるか、確認に時間がかかりすぎるため、受け付けられませんでした。" + _AS_PDF,
}  # fmt: skip


@dataclass(frozen=True)
class Attached:
    """An accepted file in the form in which it is kept; `kind` is one of :data:`SUFFIXES`."""

    file_name: str
    kind: str
    content: bytes
    sha256: str


def receive(file_name: str, upload: bytes, limits: intake.Limits) -> Attached:
    """Refuse a file that may not lie beside a contract, or bring it into its form.

    :raises IntakeRefused: naming the file, the cause and the next step
    """
    named = clean_name(file_name)
    cause, kind, content = _read(upload, limits, named)
    if cause:
        sentence = SENTENCES[cause].format(megabytes=limits.size_bytes // (1024 * 1024))
        raise IntakeRefused(f"「{named}」：{sentence}")
    return Attached(with_suffix(named, kind), kind, content, hashlib.sha256(content).hexdigest())


def _read(upload, limits, named):
    if not upload:
        return "empty", None, b""
    if len(upload) > limits.size_bytes:
        return "too_large", None, b""
    if upload.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return _by_child("picture", upload, limits)
    if upload.startswith(b"PK"):
        return _by_child("office", upload, limits)
    if upload.startswith(b"\xd0\xcf\x11\xe0"):
        return "old_office", None, b""
    if b"%PDF-" not in upload[: intake.HEADER_WITHIN_BYTES + len(b"%PDF-")]:
        return "other", None, b""
    try:
        return None, "pdf", intake.receive(upload, limits).pdf
    except IntakeRefused as refusal:
        raise IntakeRefused(f"「{named}」：{refusal.sentence}") from refusal


def _by_child(task, upload, limits):
    facts, content = intake.run_child(task, upload, limits)
    return facts.get("cause"), facts.get("kind"), content


def clean_name(file_name: str) -> str:
    """A file name that no system takes for a path, a device or a command; never empty (S14)."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    kept = "".join("_" if c in ':*?"<>|' else c for c in last if c.isprintable())
    stem, dot, suffix = kept.strip(". ").rpartition(".")
    name = f"{stem[: MOST_NAME - len(suffix) - 1]}.{suffix}" if dot and len(suffix) <= 8 else kept.strip(". ")[:MOST_NAME]
    return name or "添付書類"


def with_suffix(name: str, kind: str) -> str:
    """The name with an ending that says what the file is, whatever it was called."""
    return name if name.lower().endswith(SUFFIXES[kind]) else f"{name}{SUFFIXES[kind][0]}"


def within(limits: intake.Limits, seconds: float) -> intake.Limits:
    """The same limits, in the whole seconds that are left for an answer (S4)."""
    left = int(seconds)
    return replace(limits, wall_seconds=min(left, limits.wall_seconds), cpu_seconds=min(left, limits.cpu_seconds))
