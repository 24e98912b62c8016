"""［長期保管延長］ of one or many archived documents, by a 管理用ID (R98, I15)."""

import datetime as dt
from urllib.parse import urlsplit

from flask import flash, g, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now
from app.errors import Refused
from app.models import CompanyOption
from app.services import fee_table, renewal
from app.views.answers import acting_person, done

MOST_AT_ONCE = 100
NONE_CHOSEN = "延長する契約文書を選択してください。"


class ArchiveExtensionView(BaseView):
    route_base = "/archive/extension"

    @expose("/confirmation", methods=["POST"])
    @has_access
    @permission_name("extend")
    def confirmation(self):
        """［長期保管延長確認］: what will be extended until when; changes nothing."""
        if not request.form.getlist("document"):
            flash(NONE_CHOSEN, "warning")
            return redirect(_came_from([]))
        chosen = _chosen()
        for document, drawn_until in chosen:
            renewal.check(document, acting_person(), now(), drawn_until)
        documents = [(document, renewal.next_until(document)) for document, _ in chosen]
        return self.render_template(
            "archive_extension/confirmation.html", title="長期保管延長確認", documents=documents,
            back=_came_from([document for document, _ in chosen]),
            price=fee_table.price_of_option(CompanyOption.archive_extension, g.user.company, now()),
        )  # fmt: skip

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("extend")
    def order(self):
        chosen = sorted(_chosen(), key=lambda one: one[0].id)  # in one order, whoever else extends the same ones
        for document, drawn_until in chosen:
            renewal.order(document, acting_person(), now(), drawn_until)
        return done(
            f"長期保管延長を受け付けました（{len(chosen)}件）。通常、数分以内に保管満了日が更新されます。",
            url_for("ArchiveListView.index"),
        )


def _came_from(documents):
    """Where ［長期保管延長］ was pressed: the list with its search, or the page of the one document."""
    asked, home = urlsplit(request.referrer or ""), url_for("ArchiveListView.index")
    if len(documents) == 1 and asked.path == url_for("DocumentView.show", document_id=documents[0].id):
        return asked.path
    return f"{home}?{asked.query}" if asked.path == home and asked.query else home


def _chosen():
    """The chosen documents, each with the 保管満了日 that the page showed: ``12:2036-11-26``."""
    typed = list(dict.fromkeys(request.form.getlist("document")))
    if not typed:
        raise Refused(NONE_CHOSEN)
    if len(typed) > MOST_AT_ONCE:
        raise Refused(f"一度に延長できるのは{MOST_AT_ONCE}件までです。")
    drawn = {}
    for entry in typed:
        number, _, day = entry.partition(":")
        if not queries.is_id(number):
            raise Refused(NONE_CHOSEN)
        try:
            drawn[int(number)] = dt.date.fromisoformat(day)
        except ValueError:
            raise Refused(NONE_CHOSEN)
    return [(document, drawn[document.id]) for document in queries.documents_named(g.user, list(drawn))]
