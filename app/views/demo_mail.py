"""The demo's post: every mail that was sent, so that nobody needs a mail account to try the portal.

Registered in the demo only.  It shows passwords and PINs of everybody, which is what it is for.
"""

import email
import re
from email import policy
from email.utils import parsedate_to_datetime
from pathlib import Path

from flask import current_app, request
from flask_appbuilder.baseviews import BaseView, expose
from markupsafe import Markup, escape

from app import queries
from app.errors import NotFound
from app.labels import jst

MOST_SHOWN = 50
DOCUMENT = re.compile(r"\bD\d{8}\b")
LINK = re.compile(r"https?://[^\s）]+")


class DemoMailView(BaseView):
    route_base = "/demo/mail"
    default_view = "index"

    @expose("/")
    def index(self):
        """All mails, newest first, or those to one address or 利用者ID's address."""
        wanted = request.args.get("to", "")
        everything, people = _mails(), queries.names_by_address()
        mails = [mail for mail in reversed(everything) if wanted in mail["to"]]
        return self.render_template(
            "demo_mail/index.html", title="デモのメール", mails=mails[:MOST_SHOWN], total=len(mails), wanted=wanted,
            people=people | {mail["to"]: mail["to"] for mail in everything if mail["to"] not in people},  # who is invited has no 利用者ID
        )  # fmt: skip

    @expose("/<int:number>")
    def show(self, number):
        mail = next((mail for mail in _mails() if mail["number"] == number), None)
        if mail is None:
            raise NotFound
        return self.render_template("demo_mail/show.html", title=mail["subject"], mail=mail)


def _mails():
    folder = Path(current_app.config["DEMO_MAIL_FOLDER"])
    return [_read(path) for path in sorted(folder.glob("*.eml"))]


def _read(path):
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",)).get_content()
    return {
        "number": int(path.stem),
        "to": message["To"],
        "subject": message["Subject"],
        "date": jst(parsedate_to_datetime(message["Date"])),
        "document": next(iter(DOCUMENT.findall(body)), ""),
        "body": _with_links(body),
    }


def _with_links(body):
    """The text with its addresses as links."""
    pieces, end = [], 0
    for match in LINK.finditer(body):
        pieces += [escape(body[end : match.start()]), Markup('<a href="{0}">{0}</a>').format(match.group())]
        end = match.end()
    return Markup("").join([*pieces, escape(body[end:])])
