"""添付・補足書類: what may lie beside a contract, what may not, and under which name it is kept."""

import io

import pytest
from PIL import Image

from app.errors import IntakeRefused
from app.signing.attached import clean_name, receive, with_suffix
from app.signing.intake import Limits
from tests import office_files as made
from tests import pdfs

HYPERLINK = made.RELS.format(made.LINK.format("hyperlink", "https://portal.example/"))
GOOD = {
    "docx": (made.office(parts=[("word/_rels/document.xml.rels", HYPERLINK)]), "docx"),
    "xlsx": (made.office("xlsx", parts=[("xl/printerSettings/printerSettings1.bin", b"x"), ("xl/ctrlProps/ctrlProp1.xml", "<x/>")]), "xlsx"),
    "png": (made.picture(), "png"),
    "palette": (made.picture(mode="P"), "png"),
    "grey": (made.picture("JPEG", mode="L"), "jpg"),
    "cmyk": (made.picture("JPEG", mode="CMYK"), "jpg"),
}


@pytest.mark.requirement("I4", "S5")
@pytest.mark.parametrize("name", GOOD)
def test_what_clerks_send_is_accepted(name):
    content, kind = GOOD[name]
    taken = receive("見積 書.dat", content, Limits())
    assert taken.kind == kind and taken.file_name == f"見積 書.dat.{kind}"
    assert (taken.content == content) is (kind in ("docx", "xlsx"))  # Office files stay as they are


@pytest.mark.requirement("I4", "S5", "S6")
def test_a_pdf_goes_through_the_intake_of_contracts():
    taken = receive("図面.PDF", pdfs.contract("purchase-order"), Limits())
    assert (taken.kind, taken.file_name) == ("pdf", "図面.PDF") and taken.content.startswith(b"%PDF-")
    with pytest.raises(IntakeRefused, match="「図.pdf」：.*JavaScript"):
        receive("図.pdf", pdfs.BAD["script on opening"][0](), Limits())


@pytest.mark.requirement("I4", "S6", "S14")
def test_a_photograph_is_upright_and_tells_no_place():
    taken = receive("現場.jpeg", made.photo() + b"hidden behind the end", Limits())
    drawn = Image.open(io.BytesIO(taken.content))
    assert drawn.size == (20, 40) and not drawn.getexif() and taken.file_name == "現場.jpeg"
    assert b"secret place" not in taken.content and b"hidden" not in taken.content
    assert taken == receive("現場.jpeg", made.photo(), Limits())


@pytest.mark.requirement("I4", "S4", "S5")
@pytest.mark.parametrize("name", made.BAD)
def test_what_could_harm_is_refused_with_cause_and_next_step(name):
    content, words = made.BAD[name]
    with pytest.raises(IntakeRefused) as refused:
        receive("書類.docx", content, Limits())
    assert "「書類.docx」" in refused.value.sentence and words in refused.value.sentence
    assert refused.value.sentence.endswith("。")


@pytest.mark.requirement("S14")
@pytest.mark.parametrize(
    "typed, kept",
    [
        ("C:\\Users\\x\\見積.xlsx", "見積.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ('"; filename=x".pdf', "_; filename=x_.pdf"),
        (".htaccess", "htaccess"),
        ("...", "添付書類"),
        ("", "添付書類"),
        ("あ" * 300 + ".pdf", "あ" * 196 + ".pdf"),
        ("x" * 300, "x" * 200),
    ],
)
def test_hostile_names_become_names(typed, kept):
    assert clean_name(typed) == kept


def test_the_ending_says_what_the_file_is():
    assert with_suffix("x.exe", "pdf") == "x.exe.pdf" and with_suffix("x.JPEG", "jpg") == "x.JPEG"
