"""A 利用申請 by the verbs its people would have used: invited, filled in, handed in; the caller commits."""

import re
import uuid

from app.clock import now
from app.extensions import db
from app.models import Letter, OutboxMessage
from app.services import applications, invitations, outbox, service_filing

PDF = b"%PDF-1.7\n%%EOF\n"
NUMBER = "9000000000000"  # given to nobody; its check digit is right


def wanted(**company):
    """A whole form: an administrator who signs, one more who does, one who does not."""
    return {
        "company": {
            "name": "有限会社こだま工務店", "kana": "ユウゲンガイシャコダマコウムテン", "corporate_number": NUMBER,
            "address": "東京都架空区木霊町1番1号", "phone": "03-0000-0303", **company,
        },
        "admin": _person("児玉 正", "kodama@kodama.example", "代表取締役", True),
        "people": [
            _person("小林 薫", "kobayashi@kodama.example", "営業部長", True),
            _person("近藤 愛", "kondo@kodama.example", "", False),
        ],
        "certificate": {"department": "", "title": "代表取締役", "pin_mail_address": "pin@kodama.example"},
    }  # fmt: skip


def _person(full_name, mail_address, title, signs):
    return {"full_name": full_name, "kana": "カナ", "department": "", "title": title, "mail_address": mail_address, "signs": signs}


def invite(inviter, moment=None, address="kodama@kodama.example", name="有限会社こだま工務店"):
    return invitations.invite(
        inviter, moment or now(), partner_name=name, contact_name="児玉 正", mail_address=address
    )


def token_mailed(*letters):
    """The token in the newest mail of these kinds that still waits."""
    db.session.flush()
    found = db.select(OutboxMessage).where(OutboxMessage.letter.in_(letters or (Letter.service_invitation,)))
    return outbox.secret_of(db.session.scalars(found.order_by(OutboxMessage.id.desc())).first())


def hand_in(inviter, moment=None, given=None, **invitation):
    """From the invitation to 受付; the 申請."""
    moment = moment or now()
    invited = invite(inviter, moment, **invitation)
    token = token_mailed()
    application = service_filing.keep(
        invited, moment, wanted=given or wanted(), version=None,
        evidence=applications.take_in("印鑑証明書.pdf", PDF),
    )  # fmt: skip
    db.session.flush()
    service_filing.hand_in(application, moment, link=token)
    db.session.flush()
    return application


def typed(given=None, **more):
    """What a browser sends of :func:`wanted`; rows of people are lists."""
    given = given or wanted()
    fields = dict(given["company"])
    fields |= {f"admin_{name}": value for name, value in given["admin"].items() if name != "signs"}
    fields |= {"admin_signs": "y"} if given["admin"]["signs"] else {}
    for name in ("full_name", "kana", "department", "title", "mail_address"):
        fields[f"person_{name}"] = [one[name] for one in given["people"]]
    fields["person_signs"] = ["1" if one["signs"] else "" for one in given["people"]]
    fields |= {
        name if name == "pin_mail_address" else f"certificate_{name}": value
        for name, value in given["certificate"].items()
    }
    return fields | {"form_token": str(uuid.uuid4())} | more


def version_on(page):
    return re.search(r'name="version"[^>]*value="([0-9]*)"', page).group(1)


def without_nonces(page):
    """A page without what is new in each answer."""
    return re.sub(r'nonce="[^"]*"|value="[^"]*"', "", page)
