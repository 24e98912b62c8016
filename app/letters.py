"""From an outbox row to a mail: subject and body from templates/mail, nothing decided here."""

from flask import current_app, render_template
from flask_mail import Message

from app.labels import DELIVERY_METHOD, MODE, STATUS
from app.models import DeliveryMethod
from app.workflow import SignatureMode, Status


def compose(message, secret=None):
    """The mail of one outbox row.

    :param secret: the opened password or PIN of the row, for the letters that carry one
    """
    config = current_app.config
    facts = dict(message.facts)
    if "mode" in facts:
        facts["mode"] = SignatureMode(facts["mode"])
        facts.setdefault("mode_label", MODE[facts["mode"]])
    if "new_status" in facts:
        facts.setdefault("status_label", STATUS[Status(facts["new_status"])])
    if "method" in facts:
        facts["method_label"] = DELIVERY_METHOD[DeliveryMethod(facts["method"])]
    facts |= {
        "service_name": config["SERVICE_NAME"],
        "operator_name": config["OPERATOR_NAME"],
        "help_address": config["HELP_ADDRESS"],
        "guides": [
            (name, config[setting])
            for name, setting in (("操作マニュアル", "MANUAL_URL"), ("利用規約", "TERMS_URL"), ("料金表", "FEES_URL"))
            if config[setting]
        ],
        "base_url": config["BASE_URL"],
        "url": f"{config['BASE_URL']}/documents/{message.document_id}" if message.document_id else None,
        "secret": secret,
    }
    subject = render_template(f"mail/{message.letter.value}.subject.txt", **facts)
    mail = Message(
        subject=" ".join(f"【{config['SERVICE_NAME']}サービス】 {subject}".split()),
        recipients=[message.to_address],
        body=render_template(f"mail/{message.letter.value}.body.txt", **facts),
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    mail.msgId = f"<{message.message_id}>"
    return mail

