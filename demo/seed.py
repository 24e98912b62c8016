"""The demo's first day: invented companies and people, and a document waiting at each turn."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from app.clock import japan_date, month_of, now
from app.construction_law import CONSENT_TEXT
from app.extensions import db, writing
from app.jobs import archive_transfer, bulk_download
from app.models import (
    AttachmentKind,
    Company,
    CompanyOption,
    DocumentKind,
    Letter,
    OutboxMessage,
    PortalUser,
    ServiceKind,
)
from app.plans import PlanKind
from app.queries import role_rows
from app.services import (
    bulk_downloads,
    certificates,
    companies,
    consents,
    delegations,
    documents,
    fee_table,
    files,
    logbook,
    outbox,
    paper_consents,
    papers,
    positions,
    route_templates,
    seals,
    service_changes,
    statements,
    strongroom,
    usage,
)
from app.services.attachments import KeptFile
from app.services.positions import Place
from app.services.registration import Facts
from app.services.route_templates import Wish
from app.signing.sheets import Section, Sheet, draw
from app.workflow import SignatureMode, Status
from demo import actors, cases, service
from demo.actors import Plan, Receiver

CONTRACTS = Path(__file__).parent / "contracts"
PASSWORD = "Demo-1234"  # noqa: S105  everybody's, but of those who have never logged in

# plan, name, kana, address, phone, people: (name, kana, department, title, part)
# part: a administrator, s signer with an activated certificate, n signer who has not activated it,
#       f has never logged in
COMPANIES = (
    (PlanKind.one_side, "株式会社あおば建設", "カブシキガイシャアオバケンセツ", "東京都中央区青葉台町一丁目2番3号", "03-0000-0101", (
        ("青木 健一", "アオキ ケンイチ", "工事部", "主任", "a"),
        ("石川 麻衣", "イシカワ マイ", "工事部", "課長", ""),
        ("上田 剛", "ウエダ ツヨシ", "工事部", "部長", ""),
        ("青葉 一郎", "アオバ イチロウ", "役員室", "代表取締役", "s"),
        ("大野 由紀", "オオノ ユキ", "経理部", "", ""),
        ("岡本 翔", "オカモト ショウ", "工事部", "", "f"),
    )),
    (PlanKind.one_side, "株式会社ひばり組", "カブシキガイシャヒバリグミ", "大阪府架空市雲雀町2番2号", "06-0000-0002", (
        ("平井 誠", "ヒライ マコト", "購買部", "係長", "a"),
        ("福田 涼子", "フクダ リョウコ", "購買部", "部長", "s"),
    )),
    (PlanKind.partner, "みどり設備工業株式会社", "ミドリセツビコウギョウカブシキガイシャ", "神奈川県横浜市西区緑ヶ浦二丁目14番5号", "045-000-0202", (
        ("水野 直樹", "ミズノ ナオキ", "営業部", "", "a"),
        ("村上 恵", "ムラカミ メグミ", "営業部", "課長", ""),
        ("緑川 花子", "ミドリカワ ハナコ", "役員室", "代表取締役", "s"),
        ("山口 実", "ヤマグチ ミノル", "役員室", "専務取締役", "n"),
        ("横山 沙織", "ヨコヤマ サオリ", "総務部", "", ""),
    )),
    (PlanKind.partner, "髙﨑電工㈲", "タカサキデンコウ", "群馬県架空市高崎町4番4号", "027-000-0004", (
        ("髙﨑 一郎", "タカサキ イチロウ", "", "代表取締役", "as"),
    )),
    (PlanKind.both_sides, "つばめ鉄鋼株式会社", "ツバメテッコウカブシキガイシャ", "愛知県架空市燕町5番5号", "052-000-0005", (
        ("津田 文子", "ツダ フミコ", "業務部", "", "a"),
        ("寺島 淳", "テラシマ ジュン", "業務部", "部長", "s"),
    )),
    (PlanKind.both_sides, "しらさぎ建材株式会社", "シラサギケンザイカブシキガイシャ", "兵庫県架空市白鷺町6番6号", "079-000-0006", (
        ("島田 亮", "シマダ リョウ", "営業部", "", "a"),
        ("菅原 美咲", "スガワラ ミサキ", "営業部", "部長", "s"),
    )),
)  # fmt: skip

SITE = "青葉台複合施設新築工事"
# mode -> what its PDF says: title, kind, file, amount, term
CONTRACT_TERM = (dt.date(2026, 12, 7), dt.date(2027, 3, 31))
ORDER_TERM = (dt.date(2026, 12, 14), dt.date(2027, 2, 26))
PAPERS = {
    SignatureMode.both_sides: ("工事請負契約書", DocumentKind.contract, "construction-contract", 27_500_000, CONTRACT_TERM),
    SignatureMode.sender_only: ("注文書", DocumentKind.order, "purchase-order", 8_426_220, ORDER_TERM),
    SignatureMode.receiver_only: ("注文請書", DocumentKind.order_acceptance, "order-acknowledgement", 8_426_220, ORDER_TERM),
    SignatureMode.no_signature: ("安全書類送付状", DocumentKind.other, "safety-cover-letter", None, (None, None)),
}  # fmt: skip
PAPER_OF_THREE = ("支給材に関する三者間覚書", DocumentKind.memorandum, "supply-memorandum", None, (None, None))
# what the construction contract of the demo says of 建設業法第19条第1項
TICKED = ("work", "price", "period", "advance", "changes", "force_majeure", "inspection", "payment", "default", "disputes")
TURNS = {
    SignatureMode.both_sides: (
        Status.sender_approval, Status.sender_signature, Status.receiver_receipt,
        Status.receiver_approval, Status.receiver_signature,
    ),
    SignatureMode.sender_only: (
        Status.sender_approval, Status.sender_signature, Status.receiver_receipt, Status.receiver_approval,
    ),
    SignatureMode.receiver_only: (
        Status.sender_approval, Status.receiver_receipt, Status.receiver_approval, Status.receiver_signature,
    ),
    SignatureMode.no_signature: (Status.sender_approval, Status.receiver_receipt, Status.receiver_approval),
}  # fmt: skip


class Seed:
    """What the seeding makes, and afterwards tells in accounts.json."""

    def __init__(self):
        self.accounts = []
        self.people = {}
        self.uploads = {}
        self.planted = 0

    def plant(self):
        """Fill an empty portal; each part is committed on its own."""
        with writing():
            fee_table.lay_samples(now() - dt.timedelta(days=31))
            for row in COMPANIES:
                self._company(*row)
            self._operator()
            self._circulation()
            self._consents()
            self._documents()
            self._received()
            cases.plant(self.people)
            self._service_applications()
            self._closed_month()
            self._refused_mail()
        return self.accounts

    # -- companies and people --------------------------------------------------

    def _company(self, plan, name, kana, address, phone, rows):
        company = companies.found_company(name, plan, now(), kana=kana, address=address, phone=phone)
        made = [(self._person(company, row), row[4]) for row in rows]
        signers = [user for user, part in made if set(part) & {"s", "n"}]
        certificate = certificates.issue(
            company, signers, signers[0], now(), department=signers[0].department, title=signers[0].title
        )
        db.session.commit()
        pin = actors.secret_mailed(signers[0], Letter.certificate_pin)
        for user, part in made:
            if "s" in part:
                actors.activate(user, pin, PASSWORD)
            authorities = [word for word, on in (("admin", "a" in part), ("signer", user in signers)) if on]
            self._account(user, part, authorities, [(certificate.number, pin)] if user in signers else [])

    def _person(self, company, row):
        name, kana, department, title, part = row
        roles = role_rows("Member", "CompanyAdmin") if "a" in part else role_rows("Member")
        user = PortalUser(
            full_name=name, kana=kana, department=department, title=title, company=company,
            mail_address=f"{len(self.people) + 1:02d}@{company.code.lower()}.example",
        )  # fmt: skip
        companies.enrol(user, now(), roles=roles)
        self.people[name] = user
        if "f" not in part:
            actors.choose_password(user, PASSWORD)
        return user

    def _account(self, user, part, authorities, own_certificates):
        password = actors.secret_mailed(user, Letter.initial_password) if "f" in part else PASSWORD
        company = user.company
        self.accounts.append({
            "company_code": company.code if company else None,
            "company_name": company.name if company else None,
            "plan": company.plan.kind.value if company else None,
            "user_code": user.user_code,
            "password": password,
            "name": user.full_name,
            "email": user.mail_address,
            "authorities": authorities,
            "certificates": [{"certificate_no": number, "pin": pin} for number, pin in own_certificates],
        })  # fmt: skip

    def _operator(self):
        roles = role_rows("Operator")
        user = PortalUser(full_name="運営 太郎", mail_address="operator@portal.example")
        companies.enrol(user, now(), roles=roles)
        actors.choose_password(user, PASSWORD)
        db.session.commit()
        self.operator = user
        self._account(user, "", ["operator"], [])

    def _circulation(self):
        """A deputy for two weeks, a company that returns inside, and 回覧ルート雛形 in three companies."""
        who, today = self.people, japan_date(now())
        who["水野 直樹"].company.returns_inside = True
        delegations.name_deputy(
            who["村上 恵"], who["横山 沙織"], today, today + dt.timedelta(days=14), who["村上 恵"], now()
        )
        for keeper, name, approvers, signer, viewers, default in (
            ("青木 健一", "工事部（課長・部長承認）", ("石川 麻衣", "上田 剛"), "青葉 一郎", ("大野 由紀",), {}),
            ("水野 直樹", "営業部の標準", ("村上 恵",), "緑川 花子", ("横山 沙織",), {}),
            ("津田 文子", "業務部の標準", (), "寺島 淳", (), {"is_registration_default": True, "is_receipt_default": True}),
        ):
            wish = Wish(
                name, [who[one].user_code for one in approvers], [who[signer].user_code],
                [who[one].user_code for one in viewers], is_shared=True, **default,
            )  # fmt: skip
            route_templates.save(who[keeper], now(), wish)

    def _consents(self):
        """Both contractors for construction work have consented to contracts of 株式会社あおば建設 (L14)."""
        partner = self.people["青木 健一"].company
        for name in ("水野 直樹", "髙﨑 一郎"):
            consents.give(partner, self.people[name], now(), drawn=0)
        giver = self.people["島田 亮"].company
        letter = Sheet(
            "電子契約に関する承諾書", f"{partner.name} 御中　　当社は、次の内容により建設工事の請負契約を締結することを承諾します。",
            [Section("措置の種類および内容", [("", CONSENT_TEXT)], (0.02, 0.98)), Section("承諾者", [("企業名", giver.name), ("住所", giver.address)])],
            f"{giver.name}（架空の企業）",
        )  # fmt: skip
        paper_consents.record(
            giver, self.people["青木 健一"], now(), received_on=japan_date(now()), file_name="電子契約承諾書_しらさぎ建材.pdf",
            pdf=draw(letter).pdf, note="原本は工事部の書庫に保管",
        )  # fmt: skip
        db.session.commit()

    # -- documents -------------------------------------------------------------

    def _documents(self):
        for mode, turns in TURNS.items():
            for turn in turns:
                self._document(mode, turn)
        self._place(self._document(SignatureMode.both_sides, Status.draft))
        self._remanded()
        self._corrected()
        self._paper(self._document(SignatureMode.sender_only, Status.completion_wait))
        archived = self._document(SignatureMode.both_sides, Status.completion_wait)
        archive_transfer.run_one(archived.id, now())
        self._amendment(archived)
        self.people["青木 健一"].company.has_archive_extension = True
        self._bulk_download(archived)
        self._single_id()
        self._shared_fee()
        self._three_companies()
        self._without_consent()
        self._for_bulk_signing()
        admin = self.people["水野 直樹"]
        companies.apply_for_change(admin.company, admin, {"phone": "045-000-1201"}, now())
        admin = self.people["津田 文子"]
        wish = service_changes.Wish(ServiceKind.option_start, japan_date(now()), option=CompanyOption.bulk_signing)
        service_changes.apply_for(admin.company, admin, now(), form_token=str(uuid4()), wish=wish)
        db.session.commit()

    def _closed_month(self):
        """利用明細 of last month for two companies, and a correction of one of them in the running month (I10)."""
        last_month = month_of(month_of(japan_date(now())) - dt.timedelta(days=1))
        for name in ("青木 健一", "津田 文子"):
            company = self.people[name].company
            usage.record_monthly(company, last_month, now())
            closed = statements.close(company.id, last_month, now())
            db.session.commit()
        usage.correct(closed.records[0], self.operator, now(), reason="開始月のご利用料金を無料とするため", new_yen=0)
        db.session.commit()

    def _plan(self):
        who = self.people
        return Plan(
            registrar=who["青木 健一"], approvers=[who["石川 麻衣"], who["上田 剛"]], signer=who["青葉 一郎"],
            viewers=[who["大野 由紀"]], recipient=who["水野 直樹"], receiver_approvers=[who["村上 恵"]],
            receiver_signer=who["緑川 花子"], receiver_viewers=[who["横山 沙織"]],
        )  # fmt: skip

    def _document(self, mode, until, plan=None, paper=None, **more):
        plan = plan or self._plan()
        self.planted += 1
        title, kind, file, amount, (term_from, term_to) = paper or PAPERS[mode]
        facts = Facts(
            title=f"{SITE}　{title}　No.{self.planted}", kind=kind, mode=mode, amount_yen=amount,
            term_from=term_from, term_to=term_to,
            message="お世話になっております。ご確認のほど、よろしくお願いいたします。",
            is_construction=file == "construction-contract", is_disclosure=file == "purchase-order",
            article_19=TICKED,
        )  # fmt: skip
        attached = self._attached() if mode is SignatureMode.both_sides else ()
        facts = replace(facts, **more)
        document = actors.register(plan, facts, self._upload(file), "工事部で内容を確認済みです。", attached)
        actors.walk(document, plan, until)
        return document

    def _upload(self, file):
        if file not in self.uploads:
            path = CONTRACTS / f"{file}.pdf"
            self.uploads[file] = files.take_in(path.name, path.read_bytes())
        return self.uploads[file]

    def _place(self, document):
        """署名位置 below the names of 発注者 and 受注者 on the last page of the contract."""
        wanted = {
            party.field_name: Place.from_mm(document.page_count - 1, left, 80.0, 60.0, 20.0)
            for party, left in zip(document.parties, (24.0, 106.0), strict=True)
        }
        positions.place(document, document.registrar, now(), wanted)
        db.session.commit()
    def _attached(self):
        """安全書類送付状 beside each 工事請負契約書; it has been through the intake already."""
        upload = self._upload("safety-cover-letter")
        size = len(strongroom.strongroom().store.get(upload.sha256))
        return [KeptFile("安全書類送付状.pdf", AttachmentKind.pdf, upload.sha256, size)]

    def _amendment(self, original):
        """A 変更契約書 not sent yet, to the contract in the archive (L24)."""
        title = f"{SITE}　工事請負変更契約書"
        self._document(
            SignatureMode.both_sides, Status.draft, original=original, title=title, kind=DocumentKind.change_contract
        )

    def _bulk_download(self, document):
        """A ZIP file of the archive, ready to be fetched (L7)."""
        asked = bulk_downloads.request(
            self.people["青木 健一"], now(), ids=[document.id], in_archive=True, conditions={}
        )
        db.session.commit()
        bulk_download.run_one(("build", asked.id), now())

    def _remanded(self):
        document = self._document(SignatureMode.receiver_only, Status.receiver_receipt)
        documents.remand(document, document.holder, now(), reason="納期の記載をご確認ください。")
        db.session.commit()

    def _corrected(self):
        """Remanded and sent again: the recipient sees what changed."""
        document = self._document(SignatureMode.receiver_only, Status.receiver_receipt, amount_yen=8_553_600)
        documents.remand(document, document.holder, now(), reason="内訳書を添付し、登録した契約金額を契約文書に合わせてください。")
        db.session.commit()
        title = f"{document.title}（修正版）"
        actors.correct(document, self._upload("order-acknowledgement-corrected"), title=title, amount_yen=PAPERS[document.mode][3])

    def _single_id(self):
        """A company with one single 利用者ID: 受取担当者 and 署名者 in one (R13)."""
        plan = self._plan()
        plan.recipient = plan.receiver_signer = self.people["髙﨑 一郎"]
        plan.receiver_approvers, plan.receiver_viewers = [], []
        self._document(SignatureMode.both_sides, Status.receiver_receipt, plan)
        self._document(SignatureMode.receiver_only, Status.receiver_signature, plan)

    def _shared_fee(self):
        """Both companies on 片方課金プラン: the fee warning of R60."""
        who = self.people
        plan = Plan(registrar=who["青木 健一"], recipient=who["平井 誠"], signer=who["青葉 一郎"])
        in_five_days = japan_date(now()) + dt.timedelta(days=5)  # ダッシュボード tells of it
        self._document(SignatureMode.sender_only, Status.receiver_receipt, plan, deadline=in_five_days)

    def _received(self):
        """An 注文請書 that waits for 株式会社あおば建設, which chooses its 案件 at 受取 (R97)."""
        who, paper = self.people, PAPERS[SignatureMode.receiver_only]
        plan = Plan(registrar=who["横山 沙織"], recipient=who["大野 由紀"], signer=who["緑川 花子"])
        self._document(SignatureMode.sender_only, Status.receiver_receipt, plan, paper)

    def _three_companies(self):
        """3社以上契約 midway: two companies have signed, the third has not received it yet (I7)."""
        who, plan = self.people, self._plan()
        plan.approvers = plan.receiver_approvers = []
        plan.further = [Receiver(recipient=who["津田 文子"], signer=who["寺島 淳"])]
        document = self._document(SignatureMode.both_sides, Status.receiver_signature, plan, PAPER_OF_THREE)
        actors.step(document, plan)
    def _paper(self, document):
        """The receiver asks for the order on paper (L19)."""
        papers.request(document, self.people["水野 直樹"], now(), note="本社総務部あてにお送りください。")
        db.session.commit()

    def _without_consent(self):
        """A contract for construction work whose receiver has been asked for consent (L14)."""
        who = self.people
        plan = Plan(registrar=who["青木 健一"], recipient=who["平井 誠"], signer=who["青葉 一郎"])
        draft = self._document(SignatureMode.both_sides, Status.draft, plan)
        consents.request(draft, draft.registrar, now())
        db.session.commit()

    def _service_applications(self):
        """An invitation nobody has followed yet, and a 利用申請 that waits for the operator, with a duplicate (I9)."""
        inviter = self.people["青木 健一"]
        service.invite(inviter, "うぐいす造園株式会社", "宇田 拓也", "uda@uguisu.example")
        evidence = (CONTRACTS / "safety-cover-letter.pdf").read_bytes()
        for one in (inviter, self.people["平井 誠"]):  # of two companies that know nothing of one another
            service.apply(one, evidence)
        db.session.commit()

    def _refused_mail(self):
        """A mail that the mail server refused for good: an operator may send it again."""
        last = select(OutboxMessage.id).where(OutboxMessage.letter == Letter.progress).order_by(OutboxMessage.id.desc())
        message = outbox.claim(db.session.scalar(last.limit(1)), now())
        outbox.give_up(message, "メールサーバーが受け付けませんでした（550）。")

    def _for_bulk_signing(self):
        """みどり設備工業 has 一括署名, and its signer several documents waiting (R99)."""
        self.people["緑川 花子"].company.has_bulk_signing = True
        plan = self._plan()
        plan.approvers = plan.receiver_approvers = []
        for amount in (1_320_000, 2_178_000):
            self._document(SignatureMode.receiver_only, Status.receiver_signature, plan, amount_yen=amount)


def is_planted():
    return db.session.scalar(select(Company.id).limit(1)) is not None


def found_portal():
    """The PKI; the caller has upgraded the schema."""
    with writing():
        strongroom.found(now())
        logbook.begin(now())
        db.session.commit()
        seals.found(now())
        db.session.commit()
