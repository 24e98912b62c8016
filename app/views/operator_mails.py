"""運営者業務▼ 送信メール: what was sent and what was not, and ［再送する］ for what failed."""

from flask import flash, redirect, request, url_for
from flask_appbuilder.actions import action

from app.clock import now
from app.extensions import db
from app.labels import LETTER
from app.models import OutboxMessage
from app.security import safe_next
from app.services import resending
from app.views.answers import acting_person
from app.views.operator_rows import READ_ONLY, SHOWN_IF_ANY, SHOWN_TIMES, OperatorView, Rows


def _outlook(message_id):
    """What the page of a mail says about sending it again; None where it did not fail."""
    message = db.session.get(OutboxMessage, int(message_id))
    found = resending.outlook(message, now())
    return found and {"found": found, "person": message.user_id and url_for("UserModelView.show", pk=message.user_id)}


class OutboxModelView(OperatorView):
    """One mail, one row, with its state; never its secret."""

    route_base = "/operator/mails"
    datamodel = Rows(OutboxMessage)
    base_permissions = READ_ONLY
    include_route_methods = {"list", "show", "action", "action_post"}
    list_title, show_title = "送信メール", "送信メール"
    show_template = "operator/mail.html"
    extra_args = {"outlook_of": _outlook}
    label_columns = {
        "letter": "種類", "to_address": "宛先", "created_at": "作成日時", "sent_at": "送信日時", "attempts": "試行回数",
        "failure": "送信できない理由", "due_at": "次の送信予定", "message_id": "Message-ID", "user": "宛先の利用者",
    }  # fmt: skip
    formatters_columns = SHOWN_TIMES | SHOWN_IF_ANY | {"letter": LETTER.get}
    list_columns = ["created_at", "letter", "to_address", "sent_at", "attempts", "failure"]
    show_columns = ["letter", "to_address", "user", "created_at", "due_at", "sent_at", "attempts", "failure", "message_id"]
    search_columns = ["to_address"]
    base_order = ("id", "desc")

    def offers(self, name, row):
        found = resending.outlook(row, now())
        return found is not None and not found.hindrance

    @action("resend", "再送する", "送信できなかったメールを、もう一度送信します。よろしいですか。", "fa-paper-plane")
    def resend(self, chosen):
        """One mail from its page, or those ticked in the list."""
        if chosen == []:
            flash("再送するメールが選択されていません。", "warning")
        messages = chosen if isinstance(chosen, list) else [chosen]
        count, kept_back = resending.resend_all(messages, acting_person(), now())
        db.session.commit()
        if count:
            flash(f"{count}件のメールを再送します。結果は、しばらくしてからこの画面を開き直してご確認ください。", "success")
        for sentence, number in kept_back.items():
            flash(f"{number}件は再送しませんでした。{sentence}", "danger")
        if isinstance(chosen, list):  # back to the list as it was narrowed and sorted
            return redirect(safe_next(request.referrer or url_for(f"{self.endpoint}.list")))
        return self.back()
