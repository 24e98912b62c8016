"""利用申請 of the demo's first day, by the verbs its people would have used."""


from app.clock import now
from app.extensions import db
from app.models import Letter, OutboxMessage
from app.services import applications, invitations, outbox, service_filing

APPLICATION = {
    "company": {
        "name": "株式会社かわせみ塗装", "kana": "カブシキガイシャカワセミトソウ", "corporate_number": "9000000000000",
        "address": "千葉県架空市翡翠町7番7号", "phone": "043-000-0007",
    },
    "admin": {
        "full_name": "川瀬 明", "kana": "カワセ アキラ", "department": "", "title": "代表取締役",
        "mail_address": "kawase@kawasemi.example", "signs": True,
    },
    "people": [{
        "full_name": "木下 春香", "kana": "キノシタ ハルカ", "department": "総務部", "title": "",
        "mail_address": "kinoshita@kawasemi.example", "signs": False,
    }],
    "certificate": {"department": "", "title": "代表取締役", "pin_mail_address": "kawase@kawasemi.example"},
}  # fmt: skip


def invite(inviter, partner_name, contact_name, mail_address):
    return invitations.invite(
        inviter, now(), partner_name=partner_name, contact_name=contact_name, mail_address=mail_address
    )


def apply(inviter, evidence):
    """A partner's 利用申請, handed in; its state is 受付."""
    given = APPLICATION
    invitation = invite(inviter, given["company"]["name"], given["admin"]["full_name"], given["admin"]["mail_address"])
    db.session.flush()
    letter = db.session.scalars(
        db.select(OutboxMessage)
        .where(OutboxMessage.letter == Letter.service_invitation)
        .order_by(OutboxMessage.id.desc())
    ).first()
    application = service_filing.keep(
        invitation, now(), wanted=given, version=None,
        evidence=applications.take_in("印鑑証明書.pdf", evidence),
    )  # fmt: skip
    db.session.flush()
    service_filing.hand_in(application, now(), link=outbox.secret_of(letter))
    return application
