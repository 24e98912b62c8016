"""合意締結証明書: what the portal certifies about a concluded contract, as one signed PDF (I19).

Drawn from the rows each time it is asked for and not stored: the same facts give the same pages, only the seal and its
time stamp are new.  The own company sees who took each of its turns; of another company stands here what its signature
in the contract shows, and when it received and signed, never its route, its approvers or its comments (I18).
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID
from flask import current_app

from app.clock import now
from app.labels import ACTION, FACT, KIND, LEVEL, SIDE, certificate_title, day, jst, mode_of
from app.services import seals, workbench
from app.services.strongroom import strongroom
from app.signing import evidence
from app.signing.fields import FieldSpec, place_fields
from app.signing.sheets import Section, Sheet, draw
from app.signing.stamps import Stamp
from app.workflow import IN_ARCHIVE, TOWARDS_CONCLUSION, Action, Status

FIELD = "seal"
_MOMENT = "%Y/%m/%d %H:%M:%S"
_OF_OTHERS = frozenset({Action.send, Action.confirm_receipt, Action.sign})
_BYTES_OF_HEX = 2


@dataclass(frozen=True)
class SignatureFacts:
    """One 電子署名, as the contract's own file shows it."""

    field_name: str
    company: str
    person: str
    certificate_der: bytes
    certificate_no: str


@dataclass(frozen=True)
class Order:
    """All that the certificate says, in plain values, so that no row is touched while it is made."""

    title: str
    number: str
    pdf_sha256: str
    facts: tuple
    parties: tuple
    course: tuple
    corrections: tuple
    signatures: tuple
    files: tuple


def order(document, company_id):
    """What is to be certified about a concluded document to one of its companies."""
    return Order(
        title=certificate_title(document),
        number=document.number,
        pdf_sha256=document.pdf_sha256,
        facts=_facts(document),
        parties=tuple((SIDE[party.side], str(party.company)) for party in document.parties),
        course=_course(document, company_id),
        corrections=_corrections(document),
        signatures=tuple(_signature(one, company_id) for one in document.valid_signatures),
        files=_files(document),
    )


def make(wanted):
    """The certificate as a PDF, sealed by the service; slow, so outside any transaction.

    :raises app.errors.PapersBusy: too many are being made
    :raises app.errors.SigningFailed: no seal, or no time stamp: then there is no certificate
    :raises app.errors.StorageFailed: the contract's file is missing or not what it was
    """
    with workbench.place():
        strong, seal = strongroom(), seals.newest()
        drawn = draw(_sheet(wanted, _times_of(strong.store.get(wanted.pdf_sha256))))
        pdf = place_fields(drawn.pdf, [FieldSpec(FIELD, drawn.seal_page, drawn.seal_box)])
        stamp = Stamp("証明", current_app.config["OPERATOR_NAME"], "", now())
        return strong.desk.sign(
            pdf, key=seal.key, certificate=seal.certificate, field=FIELD, stamp=stamp,
            reason=f"{wanted.number} {wanted.title}",
        )  # fmt: skip


# -- from the rows ---------------------------------------------------------------


def _facts(document):
    facts = [
        ("文書管理番号", document.number),
        ("契約件名", document.title),
        ("文書種別", KIND[document.kind]),
        ("署名区分", mode_of(document)),
        ("契約締結年月日", day(document.conclusion_date)),
        ("締結日時" if document.mode.is_signed else "回覧完了日時", jst(document.concluded_at, _MOMENT)),
    ]
    if document.status in IN_ARCHIVE:
        facts.append(("保管期間", f"{day(document.archived_on)} ～ {day(document.retained_until)}"))
    return tuple(facts)


def _course(document, company_id):
    """The steps of the round that led to the conclusion: moment, company, what was done, for the own company by whom."""
    last = {}
    for event in document.events:
        is_own = event.company_id == company_id
        if event.action not in (TOWARDS_CONCLUSION if is_own else _OF_OTHERS) or event.revision != document.revision:
            continue
        key = (event.action, event.company_id, event.actor_id if is_own else None)
        last.pop(key, None)  # taken again after a 社内差戻: the last time counts
        last[key] = (jst(event.at, _MOMENT), event.company.name, _act(event, is_own))
    end = "契約締結" if document.mode.is_signed else "文書回覧完了"
    rows = [*last.values(), (jst(document.concluded_at, _MOMENT), "", end)]
    rows += [(jst(e.at, _MOMENT), "", ACTION[e.action]) for e in document.events if e.action is Action.archive]
    return tuple(rows)


def _corrections(document):
    """訂正 of a fact that is certified here, with its former value: moment, what was changed and why."""
    found = (one for one in document.events if one.action is Action.correct and FACT["conclusion_date"] in one.reason)
    return tuple((jst(one.at, _MOMENT), f"{one.reason}　{one.company.name}") for one in found)


def _act(event, is_own):
    word = ACTION[event.action]
    return f"{word}　{_person(event.actor, event.on_behalf_of)}" if is_own else word


def _person(actor, absent):
    return f"{actor.full_name}（{absent.full_name}の代理）" if absent is not None else actor.full_name


def _signature(row, company_id):
    is_own = row.user.company_id == company_id
    return SignatureFacts(
        row.field_name, row.certificate.company.name, _person(row.user, row.on_behalf_of if is_own else None),
        row.certificate.certificate_der, row.certificate.number,
    )  # fmt: skip


def _files(document):
    concluded = next(event for event in document.events if event.new_status is Status.completion_wait)
    files = [("締結時の契約文書", document.file_name, concluded.pdf_sha256)]
    if document.status in IN_ARCHIVE:
        level = next(row.level for row in reversed(document.revisions) if row.sha256 == document.pdf_sha256)
        files.append(("長期保管の契約文書", LEVEL[level], document.pdf_sha256))
    files += [(f"添付・補足書類{n}", row.file_name, row.sha256) for n, row in enumerate(document.attachments, start=1)]
    return tuple(files)


# -- onto the sheet ----------------------------------------------------------------


def _times_of(pdf):
    """When each signature was time-stamped, by its field."""
    times = {}
    for signature in evidence.read(pdf).embedded_regular_signatures:
        token = evidence.signature_time_stamp(signature)
        times[signature.field_name] = jst(evidence.time_of(token), _MOMENT) if token is not None else ""
    return times


def _sheet(wanted, times):
    config = current_app.config
    verification = f"{config['BASE_URL']}/verify/"
    signed = bool(wanted.signatures)
    sections = [
        Section("契約文書", wanted.facts),
        Section("当事者", wanted.parties),
        Section(
            "締結までの経過" if signed else "回覧完了までの経過", wanted.course, (0.25, 0.4, 0.35),
            "日時は、当サービスに記録された日本時間です。他社の社内の回覧は記載していません。",
        ),
        *([Section("情報の訂正", wanted.corrections)] if wanted.corrections else []),
        *(_signature_section(n, one, times[one.field_name]) for n, one in enumerate(wanted.signatures, start=1)),
        Section(
            "ファイル", tuple(row for kind, name, sha256 in wanted.files for row in ((kind, name), ("SHA-256", sha256))),
            note="SHA-256は、ファイルから計算される値です。1バイトでも異なるファイルの値は、これと一致しません。",
        ),
        Section(
            "検証の方法",
            (
                ("検証ページ", verification),
                ("本証明書の発行者", config["OPERATOR_NAME"]),
                ("ルート証明書", f"{config['BASE_URL']}/pki/root.pem"),
            ),
            note="検証ページで、本証明書と契約文書のPDFファイルを検証できます。本証明書には、当サービスの認証局が発行した"
            "電子証明書による電子署名とタイムスタンプを付与しています（国の認定を受けた認証業務によるものではありません）。"
            "紙に印刷したものは写しです。",
            qr=verification,
        ),
    ]  # fmt: skip
    what = "次の契約文書が締結されるまで" if signed else "次の文書の回覧が完了するまで"
    lead = f"本証明書は、{what}の経過を、{config['SERVICE_NAME']}の記録にもとづいて証明するものです。契約文書の原本に代わるものではありません。"
    return Sheet(wanted.title, lead, sections, f"{wanted.title}　文書管理番号 {wanted.number}")


def _signature_section(number, signature, stamped_at):
    certificate = x509.load_der_x509_certificate(signature.certificate_der)
    rows = [
        ("企業名", signature.company),
        ("署名者", signature.person),
        ("部署", _named(certificate.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)),
        ("役職", _named(certificate.subject, NameOID.TITLE)),
        ("署名日時", f"{stamped_at}（日本時間、タイムスタンプによる）"),
        ("証明書の管理番号", signature.certificate_no),
        ("シリアル番号", _in_hex(certificate.serial_number)),
        ("証明書の発行者", _named(certificate.issuer, NameOID.COMMON_NAME)),
    ]
    return Section(f"電子署名{number}", tuple((label, text) for label, text in rows if text))


def _named(name, oid):
    return "、".join(str(attribute.value) for attribute in name.get_attributes_for_oid(oid))


def _in_hex(serial_number):
    """As certificate viewers show it: hexadecimal, in pairs."""
    digits = f"{serial_number:X}"
    digits = digits.zfill(len(digits) + len(digits) % _BYTES_OF_HEX)
    return ":".join(digits[place : place + _BYTES_OF_HEX] for place in range(0, len(digits), _BYTES_OF_HEX))
