"""［変更内容の確認］: two rounds of a document side by side, facts and pages (T11)."""

from flask import Response, g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.errors import NotFound
from app.extensions import db
from app.labels import PAIR_STATE
from app.services import editions, pictures
from app.views.answers import own_pdf

PAIRS_AT_ONCE = 4  # pages side by side: two pictures each


class EditionView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/changes")
    @has_access
    @permission_name("show")
    def show(self, document_id):
        document = own_pdf(document_id)
        known = queries.editions_of(g.user, document)
        first, second = _asked(len(known))
        changes = editions.between(known[first - 1], known[second - 1])
        document_number, sent_at = document.number, [edition.sent_at for edition in known]
        db.session.rollback()  # nothing is held while pages are compared
        pairs = editions.page_pairs(changes)
        pages = -(-len(pairs) // PAIRS_AT_ONCE)
        page = max(1, min(request.args.get("page", 1, type=int), pages))
        start = (page - 1) * PAIRS_AT_ONCE

        def url_of_page(number):
            return url_for(".show", document_id=document_id, **{"from": first, "to": second, "page": number})

        return self.render_template(
            "editions/show.html", title="変更内容の確認", document_id=document_id, document_number=document_number,
            sent_at=sent_at, first=first, second=second, changes=changes, pairs=pairs, page=page, pages=pages,
            pairs_at_once=PAIRS_AT_ONCE, words=PAIR_STATE, start=start, url_of_page=url_of_page,
            shown=editions.compared(changes, pairs[start : start + PAIRS_AT_ONCE]),
        )  # fmt: skip

    @expose("/<int:document_id>/editions/<int:edition>/pages/<int:number>.png")
    @has_access
    @permission_name("show")
    def page_picture(self, document_id, edition, number):
        """One page of an earlier or the present round; both are counted from 1."""
        shown = queries.edition_of(g.user, own_pdf(document_id), edition)
        if not 1 <= number <= shown.page_count:
            raise NotFound
        sha256 = shown.unsigned_sha256
        db.session.commit()  # nothing is held while the page is drawn
        return Response(pictures.page_picture(sha256, number - 1), mimetype="image/png")


def _asked(known):
    """Which two of the rounds that the company knows are asked for; the last two where none are named."""
    first, second = request.args.get("from", known - 1, type=int), request.args.get("to", known, type=int)
    if not 1 <= first < second <= known:
        raise NotFound
    return first, second
