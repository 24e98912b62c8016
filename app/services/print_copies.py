"""電子契約の写し（控え）: a concluded contract to be printed, never to be taken for the original (L9, L11, L22)."""

from dataclasses import dataclass

from app.services import workbench
from app.services.strongroom import strongroom
from app.signing.copies import Foot, print_copy

MARK = "電子契約の写し（控え）"
NO_ORIGINAL = "この写しに電子署名はありません。原本は電子データです。"


@dataclass(frozen=True)
class Order:
    """Which file is copied, in plain values."""

    number: str
    pdf_sha256: str


def order(document):
    return Order(document.number, document.pdf_sha256)


def make(wanted):
    """The copy as a PDF; slow, so outside any transaction.

    :raises app.errors.PapersBusy: too many are being made
    :raises app.errors.StorageFailed: the contract's file is missing or not what it was
    """
    with workbench.place():
        pdf = strongroom().store.get(wanted.pdf_sha256)
        foot = Foot(MARK, wanted.number, NO_ORIGINAL, wanted.pdf_sha256)
        return print_copy(pdf, foot, f"{MARK}　{wanted.number}")
