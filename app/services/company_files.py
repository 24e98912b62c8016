"""データの一括出力: what the ZIP file of a company holds beside its documents (B5).

Tables are read some rows at a time, each time in a context and a short transaction of its own: the file may be of any
size.  Of other companies it says what the own people read on their pages, and nothing more (S7).
"""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from app import queries
from app.extensions import db, reading
from app.labels import (
    ACCOUNT_ACTION,
    ACTION,
    COMPANY_FACT,
    COMPANY_STATUS,
    CONSENT_ACT,
    CONSENT_METHOD,
    FEE_ITEM,
    LIST_COLUMN,
    ROLE,
    SERVICE_STATE,
    USER_STATE,
    day,
    jst,
    options_of,
    wish_of,
    yes_no,
)
from app.models import (
    AccountEvent,
    Certificate,
    Company,
    ContractCase,
    ElectronicConsent,
    ListColumn,
    PortalUser,
    ServiceApplication,
    Statement,
    UsageRecord,
    UserState,
)
from app.services import listing, log_audit
from app.services.strongroom import strongroom

ROWS_AT_ONCE = 500
DOCUMENTS_AT_ONCE = 50
READ_ME = "お読みください.txt"
OVERVIEW = "契約文書一覧.csv"
LOG = "監査ログ.jsonl"
SECONDS = "%Y/%m/%d %H:%M:%S"
TEXT = """データの一括出力

このZIPファイルには、貴社が電子契約サービスに保管しているデータが入っています。
表（CSVファイル）は文字コードUTF-8で、表計算ソフトで開くことができます。日時は日本時間です。

index.csv　　　　　　　　 契約文書と添付・補足書類のファイルの索引（ファイル名、SHA-256）
契約文書一覧.csv　　　　　すべての契約文書の情報、自社回覧先、自社内コメント
D00000000_契約文書_….pdf　契約文書（電子署名とタイムスタンプを含む、保管されているままのファイル）
D00000000_添付….　　　　　添付・補足書類
企業情報.csv　　　　　　　企業情報、プラン、オプション
利用者.csv　　　　　　　　利用者（削除済みの利用者を含む）
電子証明書.csv　　　　　　電子証明書の一覧
電子証明書_JC-….pem　　　 電子証明書（公開部分のみ。署名鍵は含まれません）
操作履歴.csv　　　　　　　利用者、電子証明書、企業についての操作の履歴
電子契約の承諾.csv　　　　電子契約の承諾の記録
案件.csv　　　　　　　　　案件
申請.csv　　　　　　　　　プラン変更、オプション、解約などの申請
利用実績.csv　　　　　　　ご利用料金の対象（税抜）
利用明細.csv　　　　　　　締め済みの月の利用明細
承諾の書面_….pdf　　　　　書面で受領した、電子契約の承諾
監査ログ.jsonl　　　　　　貴社の監査ログ（1行に1件の記録。改ざんの検証用）

監査ログの各記録には、直前の記録のハッシュ値（previous）と自身のハッシュ値（sha256）が含まれ、1件でも書き換え、削除、差し込みが
あると一致しなくなります。IPアドレスやメールの内容は含まれず、そのハッシュ値のみが含まれます。anchoredの行は、毎日の
タイムスタンプが付与された位置です（タイムスタンプ自体は、サービスで保管しています）。
保管期間の満了後に廃棄された契約文書は、契約文書一覧.csvに情報のみが含まれています。
まだ発信していない作成中の契約文書は、ご自身が登録したもののみ含まれます。
PDFの電子署名は、サービスの［電子署名の検証］の画面、またはPDF閲覧ソフトで検証できます。
"""


def files(app, user_id, document_ids):
    """Names and pieces of these files, one after the other.

    :param document_ids: those of the ZIP file, in order
    """
    with app.app_context(), reading():
        company_id = db.session.get(PortalUser, user_id).company_id
    yield READ_ME, iter([("\ufeff" + TEXT).replace("\n", "\r\n").encode()])
    yield OVERVIEW, _pieces([*LIST_COLUMN.values(), "廃棄", "自社回覧先", "自社内コメント"], _overview(app, user_id, document_ids))
    for name, header, asked, line in _TABLES:
        yield name, _pieces(header, _lines(app, company_id, asked, line))
    yield from _certificates(app, company_id)
    yield from _papers(app, company_id)
    yield LOG, _log(app, company_id)


def _pieces(header, lines):
    """A table as a CSV file has it, with a byte order mark, piece by piece."""
    yield ("\ufeff" + listing.csv_of([header])).encode()
    for some in lines:
        yield listing.csv_of([[_cell(cell) for cell in line] for line in some]).encode()


def _cell(cell):
    """Numbers stay numbers, for the minus of a correction is no formula; of texts none is harmful to a spreadsheet."""
    return cell if isinstance(cell, int) else listing.harmless(str(cell or ""))


def _lines(app, company_id, asked, line):
    """The lines of a table, some at a time, by the numbers of its rows."""
    last = 0
    while True:
        with app.app_context(), reading():
            statement, row_id = asked(company_id)
            rows = db.session.scalars(statement.where(row_id > last).order_by(row_id).limit(ROWS_AT_ONCE)).unique().all()
            if not rows:
                return
            last, some = rows[-1].id, [line(row, company_id) for row in rows]
        yield some


def _overview(app, user_id, ids):
    """Facts of each document, the own company's route and comment; where access was lost meanwhile, nothing."""
    for start in range(0, len(ids), DOCUMENTS_AT_ONCE):
        with app.app_context(), reading():
            user = db.session.get(PortalUser, user_id)
            documents = queries.documents_to_export(user, ids[start : start + DOCUMENTS_AT_ONCE])
            some = [_facts(document, user.company_id) for document in documents]
        yield some


def _facts(document, company_id):
    own, cells = document.party_of(company_id), listing.cells_of(document, company_id)
    record = document.archive_record
    route = "、".join(_turn(step) for step in own.steps)
    return [*(cells[column] for column in ListColumn), jst(record.disposed_at) if record else "", route, own.comment]


def _turn(step):
    done = f"　{ACTION[step.outcome]} {jst(step.closed_at)}" if step.outcome else ""
    deputy = f"　代理：{_who(step.deputy)}" if step.deputy else ""
    return f"{ROLE[step.role]}：{_who(step.user)}{done}{deputy}"


def _who(person):
    return f"{person.shown_name}（{person.user_code}）" if person else ""


def _company(row, _):
    return [row.code, *(getattr(row, name) for name in COMPANY_FACT), row.plan.name, COMPANY_STATUS[row.status],
            options_of(row), day(row.ended_on), jst(row.created_at, SECONDS)]  # fmt: skip


def _person(row, _):
    state = UserState.deleted if row.deleted_at else UserState.active
    return [row.user_code, row.full_name, row.kana, row.department, row.title, row.mail_address,
            yes_no(row.is_company_admin), USER_STATE[state], jst(row.last_seen, SECONDS)]  # fmt: skip


def _certificate(row, _):
    return [row.number, row.subject_name, row.serial, jst(row.not_before, SECONDS), jst(row.not_after, SECONDS),
            jst(row.revoked_at, SECONDS), yes_no(row.is_imported)]  # fmt: skip


def _event(row, company_id):
    """As 操作履歴照会 shows it: of an operator neither name nor address."""
    is_own = row.actor is not None and row.actor.company_id == company_id
    by = _who(row.actor) if is_own else "運営者" if row.actor else ""
    return [jst(row.at, SECONDS), ACCOUNT_ACTION[row.action], _who(row.user), by, row.note,
            row.ip_address if is_own or row.actor is None else ""]  # fmt: skip


def _consent(row, company_id):
    by = _who(row.actor) if row.actor.company_id == company_id else ""
    paper = row.paper
    facts = [day(paper.received_on), _paper_name(paper), paper.sha256] if paper else ["", "", ""]
    note = paper.note if paper and row.partner_id == company_id else ""  # of who recorded it
    return [jst(row.at, SECONDS), row.giver.name, row.partner.name, CONSENT_ACT[row.act],
            CONSENT_METHOD[row.method] if row.method else "", by, row.text, *facts, note]  # fmt: skip


def _case(row, _):
    return [row.number, row.name, row.work_name, row.place, day(row.term_from), day(row.term_to),
            _who(row.person), row.note, jst(row.created_at, SECONDS), jst(row.closed_at, SECONDS)]  # fmt: skip


def _application(row, _):
    return [row.number, wish_of(row), SERVICE_STATE[row.state], jst(row.applied_at, SECONDS), jst(row.decided_at, SECONDS),
            day(row.effective_on), jst(row.took_effect_at, SECONDS), row.reason]  # fmt: skip


def _usage(row, _):
    return [day(row.used_on), FEE_ITEM[row.item], row.subject, row.yen, yes_no(row.is_sample), row.reason,
            row.statement.number if row.statement else ""]  # fmt: skip


def _statement(row, _):
    return [row.number, f"{row.month:%Y/%m}", row.net_yen, row.tax_percent, row.tax_yen, row.total_yen,
            row.issuer_name, row.issuer_number, row.company_name, row.company_address, jst(row.closed_at, SECONDS)]  # fmt: skip


def _of(table, *options, column="company_id"):
    """How the rows of a table that belong to one company are asked for."""
    return lambda company_id: (select(table).where(getattr(table, column) == company_id).options(*options), table.id)


def _consents_of(company_id):
    is_own = or_(ElectronicConsent.giver_id == company_id, ElectronicConsent.partner_id == company_id)
    return select(ElectronicConsent).where(is_own).options(
        joinedload(ElectronicConsent.actor), joinedload(ElectronicConsent.paper)
    ), ElectronicConsent.id


_TABLES = (
    ("企業情報.csv", ["企業ID", *COMPANY_FACT.values(), "プラン", "状態", "オプション", "解約日", "登録日時"],
     _of(Company, column="id"), _company),
    ("利用者.csv", ["利用者ID", "氏名", "カナ", "部署", "役職", "メールアドレス", "管理者権限", "状態", "最終ログイン"],
     _of(PortalUser, selectinload(PortalUser.roles)), _person),
    ("電子証明書.csv", ["管理番号", "名義", "シリアル番号", "有効期間の開始", "有効期間の終了", "失効日時", "外部の認証局が発行"],
     _of(Certificate), _certificate),
    ("操作履歴.csv", ["日時", "操作", "対象の利用者", "操作した方", "内容", "IPアドレス"],
     _of(AccountEvent, joinedload(AccountEvent.user), joinedload(AccountEvent.actor)), _event),
    ("電子契約の承諾.csv", ["日時", "承諾する企業", "相手の企業", "内容", "方法", "自社の操作した方", "種類及び内容", "書面の受領日", "書面のファイル名", "書面のSHA-256", "備考"],
     _consents_of, _consent),
    ("案件.csv", ["案件番号", "案件名", "工事名", "工事場所", "工期の開始", "工期の終了", "担当", "備考", "登録日時", "終了日時"],
     _of(ContractCase, joinedload(ContractCase.person)), _case),
    ("申請.csv", ["申請番号", "申請の内容", "状態", "申請日時", "審査日時", "適用日", "適用日時", "理由"],
     _of(ServiceApplication), _application),
    ("利用実績.csv", ["利用日", "項目", "対象", "金額（円、税抜）", "サンプル料金", "訂正の理由", "利用明細の番号"],
     _of(UsageRecord, joinedload(UsageRecord.statement)), _usage),
    ("利用明細.csv", ["番号", "月", "金額（円、税抜）", "税率（%）", "消費税（円）", "合計（円）", "発行者", "登録番号", "企業名", "住所", "締め日時"],
     _of(Statement), _statement),
)  # fmt: skip


def _certificates(app, company_id):
    """The public part of each certificate; the keys stay where they are."""
    with app.app_context(), reading():
        numbers = db.session.execute(
            select(Certificate.id, Certificate.number).where(Certificate.company_id == company_id).order_by(Certificate.id)
        ).all()
    for row_id, number in numbers:
        with app.app_context(), reading():
            der = db.session.get(Certificate, row_id).certificate_der
        yield f"電子証明書_{number}.pem", iter([x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)])


def _paper_name(paper):
    return f"承諾の書面_{paper.id:08}.pdf"


def _papers(app, company_id):
    """The scanned papers of consents that the company gave or was given."""
    with app.app_context(), reading():
        consents, _ = _consents_of(company_id)
        papers = [row.paper for row in db.session.scalars(consents.where(ElectronicConsent.paper.has())).unique()]
        store, found = strongroom().store, [(_paper_name(paper), paper.sha256) for paper in papers]
    for name, sha256 in found:
        yield name, store.stream(sha256)


def _log(app, company_id):
    """The company's own chain of the 監査ログ, for :func:`app.signing.log_chain.check_export`."""
    with app.app_context(), reading():
        lines, last = log_audit.beginning_of_own(company_id)
    yield "".join(lines).encode()
    count = 0
    for after in range(0, last, log_audit.BATCH):
        with app.app_context(), reading():
            lines = log_audit.entries_of_own(company_id, after, min(after + log_audit.BATCH, last))
        count += len(lines)
        yield "".join(lines).encode()
    yield log_audit.end_of_own(count).encode()
