"""［署名位置設定］: where the stamp of each company will stand, while the document is with its registrar (I5)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import Form

from app.clock import now
from app.errors import OutOfTurn, PortalError
from app.extensions import db
from app.labels import field_label
from app.services import positions
from app.services.positions import Place
from app.signing.fields import LEAST_HEIGHT, LEAST_WIDTH
from app.views.answers import done, own_pdf
from app.views.fields import MeasureField


class PlaceForm(Form):
    """The place of one company's stamp; its names begin with that of the field, as in `sender-page`."""

    page = MeasureField("ページ")
    left = MeasureField("左端からの距離", digits=1)
    bottom = MeasureField("下端からの距離", digits=1)
    width = MeasureField("幅", digits=1)
    height = MeasureField("高さ", digits=1)

    @classmethod
    def of(cls, name, place):
        """The form of a field at its place; filled in from the request where that is a form."""
        left, bottom, width, height = place.in_mm()
        return cls(request.form or None, prefix=name, data={
            "page": place.page + 1, "left": left, "bottom": bottom, "width": width, "height": height,
        })  # fmt: skip

    def place(self):
        return Place.from_mm(
            self.page.data - 1, self.left.data, self.bottom.data, self.width.data, self.height.data
        )


class PositionsView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/positions", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def edit(self, document_id):
        document = own_pdf(document_id)
        positions.check_may_place(document, g.user)
        forms = _forms(document)
        if request.method == "GET":
            return self._page(document, forms)
        if not all([form.validate() for form in forms.values()]):
            return self._page(document, forms, "署名位置に誤りがあります。赤字の項目をご確認ください。", 422)
        try:
            positions.place(document, g.user, now(), {name: form.place() for name, form in forms.items()})
        except OutOfTurn:
            raise
        except PortalError as refusal:
            db.session.rollback()
            return self._page(own_pdf(document_id), forms, refusal.sentence, refusal.status)
        return done("署名位置を保存しました。", _confirmation(document_id))

    @expose("/<int:document_id>/positions/default", methods=["POST"])
    @has_access
    @permission_name("register")
    def place_by_default(self, document_id):
        """［既定の位置に戻す］."""
        document = own_pdf(document_id)
        positions.place_by_default(document, g.user, now())
        return done("署名位置を既定の位置に戻しました。", url_for("PositionsView.edit", document_id=document_id))

    def _page(self, document, forms, refusal=None, status=200):
        boxes = [
            {"name": party.field_name, "label": field_label(party), "company": party.company.name,
             "form": forms[party.field_name]}
            for party in positions.signing_parties(document)
        ]  # fmt: skip
        page = self.render_template(
            "positions/form.html", title="署名位置設定", document=document, boxes=boxes, refusal=refusal,
            shown=positions.shown(document), sizes=positions.sizes_of(document), least=(LEAST_WIDTH, LEAST_HEIGHT),
        )  # fmt: skip
        return page, status


def _forms(document):
    return {name: PlaceForm.of(name, place) for name, place in positions.places_of(document).items()}


def _confirmation(document_id):
    return url_for("RegistrationView.confirmation", document_id=document_id)
