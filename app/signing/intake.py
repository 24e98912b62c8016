"""What an uploaded file must be before anyone sees or hashes it, and the one form in which it is kept.

The files come from people, and some of them are attacks.  So this module never opens one: it starts
``apart/main.py``, which has limited memory and time and nothing of the portal's environment, and it
turns that program's answer into a rewritten PDF or into a sentence for the person who uploaded it.

Source: I5 (requirements.md); S4, S5, S6, S13 and findings 6-9 (quality.md).
"""

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from app.errors import IntakeRefused, NotFound, StorageFailed

CHILD = Path(__file__).with_name("apart") / "main.py"
HEADER_WITHIN_BYTES = 1024
LONGEST_SIDE_PX = 1200  # of a page that is compared; A4 at 72 dpi has 842

_SAVE_AS_PDF = "PDF形式で保存し直してから、もう一度登録してください。"
_PRINT_TO_PDF = (
    "元の文書を開き、［印刷］の出力先に「Microsoft Print to PDF」などのPDFを選んで保存し直し、"
    "そのファイルを登録してください。"
)

SENTENCES = {
    "empty": "ファイルの中身が空（0バイト）です。元のファイルが正しく保存されているかご確認のうえ、"
    "もう一度お選びください。",
    "too_large": "ファイルの大きさが上限の{megabytes}MBを超えています。画像の解像度を下げるか、"
    "ファイルを分けてから、もう一度登録してください。",
    "office": "Word・Excelなど、PDF以外の形式のファイルです。作成したソフトの［名前を付けて保存］または"
    "［エクスポート］で、" + _SAVE_AS_PDF,
    "zip": "圧縮（ZIP）ファイルまたはPDF以外の形式のファイルです。圧縮されている場合は展開し、"
    + _SAVE_AS_PDF,
    "image": "画像ファイルです。スキャナーや印刷の設定でPDFを選び、" + _SAVE_AS_PDF,
    "web_page": "Webページ（HTML）のファイルです。ブラウザーの［印刷］で「PDFに保存」を選び、"
    "保存したPDFファイルを登録してください。",
    "not_pdf": "PDFファイルではありません。契約文書はPDF形式で登録してください。"
    "別の形式の場合は、" + _SAVE_AS_PDF,
    "damaged": "PDFファイルが壊れているか、途中までしか保存されていません。元の文書からPDFを作り直すか、"
    "ファイルをもう一度受け取ってから、登録してください。",
    "encrypted": "PDFファイルにパスワードまたは編集・印刷の制限が設定されています。"
    "作成元のソフトでセキュリティ設定を解除して保存し直し、もう一度登録してください。",
    "signed": "すでに電子署名またはタイムスタンプが付いたPDFファイルです。"
    "署名を付ける前のPDFファイルを登録してください。",
    "javascript": "PDFファイルにJavaScript（自動で動くプログラム）が含まれています。" + _PRINT_TO_PDF,
    "launch": "PDFファイルに、ほかのプログラムやファイルを起動する設定が含まれています。" + _PRINT_TO_PDF,
    "embedded": "PDFファイルに別のファイルが添付されています。添付ファイルを取り除いて保存し直すか、"
    "内容をページに含めたPDFを作成し、もう一度登録してください。",
    "xfa": "XFA形式の入力フォームを含むPDFファイルです。" + _PRINT_TO_PDF,
    "form_action": "PDFファイルに、入力内容を外部へ送信または読み込む設定が含まれています。" + _PRINT_TO_PDF,
    "media": "PDFファイルに動画・音声・3Dなどが含まれています。これらを取り除いたPDFを作成し、"
    "もう一度登録してください。",
    "external": "PDFファイルが、外部にある別のファイルの内容を参照しています。" + _PRINT_TO_PDF,
    "form_values": "入力フォームの表示内容を確定できません。" + _PRINT_TO_PDF,
    "two_faced": "PDFファイルの内部構造が特殊なため、閲覧ソフトによって異なる内容が表示されるおそれが"
    "あります。" + _PRINT_TO_PDF,
    "no_pages": "PDFファイルにページがありません。元の文書からPDFを作り直し、もう一度登録してください。",
    "too_many_pages": "PDFファイルのページ数が上限の{pages:,}ページを超えています。ファイルを分けてから、"
    "もう一度登録してください。",
    "page_shape": "用紙の大きさが正しくないページがあります。A4などの用紙サイズを指定してPDFを作り直し、"
    "もう一度登録してください。",
    "too_complex": "PDFファイルの構造が複雑すぎるか、展開すると大きくなりすぎるため、"
    "確認を完了できませんでした。" + _PRINT_TO_PDF,
}


@dataclass(frozen=True)
class Limits:
    """How large and how laborious an upload may be.

    `cpu_seconds` and `wall_seconds` stay below the ten seconds within which every upload is answered (S4).
    """

    size_bytes: int = 20 * 1024 * 1024
    pages: int = 1000
    cpu_seconds: int = 8
    wall_seconds: int = 9
    memory_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True)
class Intake:
    """An accepted upload in the form in which it is kept, shown, hashed and signed.

    `pdf` is one revision with a classic cross-reference table and indirect annotations, without forms,
    actions, attachments or unreachable objects; `sha256` is its digest in lower-case hexadecimal.
    """

    pdf: bytes
    page_count: int
    sha256: str


def receive(upload: bytes, limits: Limits = Limits()) -> Intake:  # noqa: B008 - immutable
    """Refuse an upload that cannot be signed and kept, or rewrite it once.

    The same upload always gives the same bytes.

    :raises IntakeRefused: with a sentence that names the cause and the next step

    Source: I5; S4-S6.
    """
    cause = _obvious_cause(upload, limits)
    if cause:
        raise _refused(cause, limits)
    facts, pdf = run_child(
        "inspect",
        upload,
        limits,
        size_bytes=limits.size_bytes,
        pages=limits.pages,
    )
    if "cause" in facts:
        raise _refused(facts["cause"], limits)
    return Intake(pdf=pdf, page_count=facts["page_count"], sha256=hashlib.sha256(pdf).hexdigest())


def page_sizes(pdf: bytes, limits: Limits = Limits()) -> list[tuple[float, float]]:  # noqa: B008
    """Width and height of each page in points, as it is shown: cropped and turned.

    :param pdf: a file that :func:`receive` returned, or a signed revision of it
    """
    facts, _ = run_child("measure", pdf, limits)
    if "cause" in facts:
        raise StorageFailed
    return [(width, height) for width, height in facts["sizes"]]


def render_page(pdf: bytes, page_index: int, width_px: int, limits: Limits = Limits()) -> bytes:  # noqa: B008
    """A picture of one page as PNG, for 署名位置確認; keeping it for the next time is left to the caller.

    :param pdf: a file that :func:`receive` returned, or a signed revision of it
    :param page_index: counted from 0
    :param width_px: width of the picture; a page more than four times as high as wide comes out narrower
    :raises NotFound: there is no such page

    Source: I5; S4.
    """
    facts, png = run_child(
        "render", pdf, limits, page_index=page_index, width_px=width_px, height_px=4 * width_px
    )
    if facts.get("cause") == "no_such_page":
        raise NotFound
    if "cause" in facts:
        raise StorageFailed
    return png


def page_rows(pdf: bytes, first: int, count: int, limits: Limits = Limits()) -> tuple[bytes, ...]:  # noqa: B008
    """What tells whether two pages look alike, and where not: each page at 72 dpi, summed up row by row.

    :param pdf: a file that :func:`receive` returned
    :param first: the first page, counted from 0
    :returns: for each of at most `count` pages big-endian words of four bytes: the width in pixels, then the
        CRC-32 of each row of grey pixels, from the top.  Equal bytes are equal pictures.
    :raises StorageFailed: the pages are too laborious to draw
    """
    facts, body = run_child("rows", pdf, limits, first=first, count=count, longest_px=LONGEST_SIDE_PX)
    if "cause" in facts:
        raise StorageFailed
    ends = list(accumulate(facts["lengths"], initial=0))
    return tuple(body[start:end] for start, end in pairwise(ends))


def _obvious_cause(upload, limits):
    """What is wrong with the upload as far as its size and first bytes tell; None when they are in order."""
    if not upload:
        return "empty"
    if len(upload) > limits.size_bytes:
        return "too_large"
    if b"%PDF-" in upload[: HEADER_WITHIN_BYTES + len(b"%PDF-")]:
        return None
    if upload.startswith(b"PK"):
        office = any(folder in upload for folder in (b"word/", b"xl/", b"ppt/", b"mimetype"))
        return "office" if office else "zip"
    if upload.startswith(b"\xd0\xcf\x11\xe0"):
        return "office"
    if upload.startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"GIF8", b"BM")):
        return "image"
    text = upload[:HEADER_WITHIN_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "web_page"
    return "not_pdf"


def _refused(cause, limits):
    return IntakeRefused(
        SENTENCES[cause].format(megabytes=limits.size_bytes // (1024 * 1024), pages=limits.pages)
    )


def run_child(task, given, limits, *, program=CHILD, **options):
    """Give bytes to the limited program; returns what it found and the bytes it made.

    A program stopped by one of its limits has met a file that is too complex; one that cannot even start
    is a fault of the installation and raises RuntimeError.
    """
    options |= {"memory_bytes": limits.memory_bytes, "cpu_seconds": limits.cpu_seconds}
    command = [sys.executable, "-I", "-B", str(program), task, json.dumps(options)]
    try:
        done = subprocess.run(  # noqa: S603 - fixed command, no shell
            command,
            input=given,
            capture_output=True,
            timeout=limits.wall_seconds,
            env={"LANG": "C.UTF-8"},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return {"cause": "too_complex"}, b""
    if done.returncode == 0:
        first, _, body = done.stdout.partition(b"\n")
        return json.loads(first), body
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT):
        return {"cause": "too_complex"}, b""
    if done.returncode < 0:
        return {"cause": "damaged"}, b""
    raise RuntimeError(f"The intake program failed: {done.stderr[-2000:].decode(errors='replace')}")
