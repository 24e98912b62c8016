"""添付・補足書類 of a document: their intake, and which of them go along with the next sending (I4, T11)."""

import time
from dataclasses import dataclass

from flask import current_app

from app.errors import NotFound, Refused
from app.models import AttachmentKind, DocumentAttachment
from app.services.strongroom import strongroom
from app.signing import attached
from app.signing.intake import Limits

MOST_ATTACHMENTS = 5
ANSWER_SECONDS = 9  # for all files of one form, so that even a form of hostile ones is answered (S4)
MIME_TYPES = {
    AttachmentKind.pdf: "application/pdf",
    AttachmentKind.jpg: "image/jpeg",
    AttachmentKind.png: "image/png",
    AttachmentKind.docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    AttachmentKind.xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
TOO_MANY = f"添付・補足書類は{MOST_ATTACHMENTS}つまでです。添付するファイルを減らして、もう一度［確認］を押してください。"
GONE = (
    "添付・補足書類「{}」は、選択してから時間が経過したため、保存されていません。"
    "このファイルを取り消してから選択し直し、もう一度［確認］を押してください。"
)
TOO_SLOW = (
    "ファイルの確認に時間がかかったため、途中で止めました。確認できたファイルは、この画面に残っています。"
    "残りのファイルを選択し直して、もう一度［確認］を押してください。"
)


@dataclass(frozen=True)
class KeptFile:
    """An accepted file, stored; the form carries it from one attempt to the next."""

    file_name: str
    kind: AttachmentKind
    sha256: str
    size_bytes: int


def kept_of(document):
    """The files that go along with the document now, as the form carries them."""
    return [KeptFile(row.file_name, row.kind, row.sha256, row.size_bytes) for row in document.attachments]


def take_in(kept, uploads, since):
    """Check and store more files, one after the other; each accepted one is added to `kept` at once.

    :param kept: the list of those accepted already; what was accepted before a refusal stays in it
    :param uploads: pairs of a file name and a function that reads the file
    :param since: :func:`time.monotonic` when the form arrived
    :raises app.errors.IntakeRefused: names the file, the cause and the next step
    :raises Refused: too many files
    """
    if len(kept) + len(uploads) > MOST_ATTACHMENTS:
        raise Refused(TOO_MANY)
    most_bytes = current_app.config["MAX_ATTACHMENTS_MB"] * 1024 * 1024
    for file_name, read in uploads:
        content = read()
        limits = Limits(size_bytes=most_bytes, pages=current_app.config["MAX_PAGES"])
        if sum(file.size_bytes for file in kept) + len(content) > most_bytes:
            raise Refused(attached.SENTENCES["too_large"].format(megabytes=current_app.config["MAX_ATTACHMENTS_MB"]))
        left = ANSWER_SECONDS - (time.monotonic() - since)
        if left < 1:
            raise Refused(TOO_SLOW)
        taken = attached.receive(file_name, content, attached.within(limits, left))
        if taken.sha256 not in {file.sha256 for file in kept}:
            sha256 = strongroom().store.put(taken.content)
            kept.append(KeptFile(taken.file_name, AttachmentKind(taken.kind), sha256, len(taken.content)))


def lay(document, kept, now):
    """Let exactly these files go along from the next sending on; what went out before stays on record.

    Only for documents that are with their registrar.

    :raises Refused: a file is not there any more: since the form took it, the last document it was kept for was disposed of
    """
    coming = document.revision + 1
    wanted = {file.sha256: file for file in kept}
    for row in document.attachments:
        if row.sha256 in wanted:
            del wanted[row.sha256]
        elif row.first_revision == coming:
            document.attachment_rows.remove(row)  # it never went out
        else:
            row.last_revision = document.revision
    position = max((row.position for row in document.attachment_rows), default=0)
    for file in wanted.values():
        if not strongroom().store.has(file.sha256):
            raise Refused(GONE.format(file.file_name))
        position += 1
        document.attachment_rows.append(
            DocumentAttachment(
                position=position, file_name=file.file_name, kind=file.kind, sha256=file.sha256,
                size_bytes=file.size_bytes, first_revision=coming, created_at=now,
            )
        )  # fmt: skip


def find(document, attachment_id):
    """One of the files that go along now; those of earlier rounds are on record only (T11)."""
    row = next((row for row in document.attachments if row.id == attachment_id), None)
    if row is None:
        raise NotFound
    return row


def content_of(row):
    return strongroom().store.get(row.sha256)
