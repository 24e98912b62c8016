"""［一括署名］, ［一括承認］ and ［一括受取確認］: the documents that wait, what was chosen, and how it went (R99, I13)."""

import uuid

from flask import g, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.errors import OptionMissing, PortalError, Refused
from app.extensions import db
from app.labels import ACTION
from app.models import ItemState
from app.services import bulk_operations, cases
from app.services.bulk_operations import MOST, Pick, Wish
from app.services.certificates import NOT_ACTIVATED
from app.services.documents import FEE_DIALOG
from app.services.routes import read
from app.views import case_field, route_filling
from app.views.answers import acting_person, codes, refuse
from app.views.bulk_form import BulkForm, BulkSignatureForm
from app.views.signature import certificate_choices
from app.workflow import Action, Role, Side


class BulkView(BaseView):
    route_base = "/bulk"

    @expose("/<string:action>", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def form(self, action):
        """The documents that wait, with what is said once for all; POST comes back here from ［戻る］ and ［雛形から選ぶ］."""
        action, form = bulk_operations.action_named(action), BulkForm()
        try:
            bulk_operations.check_action(action, g.user)
        except OptionMissing as refusal:
            if request.method == "POST":
                raise
            return self._explained(action, refusal.sentence)
        templates = _templates(action)
        if request.method == "GET" and action is Action.confirm_receipt:
            route_filling.begin(form, Side.receiver, templates)
        elif route_filling.is_asked():
            route_filling.fill(form, Side.receiver)
        return self._form_page(action, form, templates=templates)

    @expose("/<string:action>/confirmation", methods=["POST"])
    @has_access
    @permission_name("answer")
    def confirmation(self, action):
        """What will be done; for 一括署名 with 証明書 and 署名用パスワード. Nothing is written yet."""
        action, form = bulk_operations.action_named(action), BulkSignatureForm(formdata=None)
        bulk_operations.check_action(action, g.user)
        first = BulkForm()
        form.take_over(first)
        try:
            first.check()
            wish = _wish(action, first)
            chosen = bulk_operations.check(g.user, wish)
        except PortalError as refusal:
            return self._form_page(action, first, refuse(first, refusal))
        return self._confirmation_page(wish, chosen, form, str(uuid.uuid4()))

    @expose("/<string:action>/operations", methods=["POST"])
    @has_access
    @permission_name("answer")
    def make(self, action):
        """［確定］: from here on a job does it, whether this browser stays open or not."""
        action, form = bulk_operations.action_named(action), BulkSignatureForm()
        token = request.form.get("token", "")
        bulk_operations.check_action(action, g.user)
        try:
            form.check(also=("certificate", "signing_password") if action is Action.sign else ())
            wish = _wish(action, form)
            operation = bulk_operations.request(
                acting_person(), now(), wish, token=_known(token), typed=form.signing_password.data or "",
                activation_id=int(form.certificate.data) if action is Action.sign else None,
            )  # fmt: skip
        except PortalError as refusal:
            return self._refused(action, form, token, refusal)
        db.session.commit()
        return redirect(url_for("BulkView.show", operation_id=operation.id))

    @expose("/operations/<int:operation_id>")
    @has_access
    @permission_name("list")
    def show(self, operation_id):
        """How far the operation is, and how it went with each document; the person's own only."""
        operation = queries.operation_of(g.user, operation_id)
        word = f"一括{ACTION[operation.action]}"
        seen = queries.visible_of(g.user, [item.document for item in operation.items])
        again = [item.document_id for item in operation.items if item.state is ItemState.failed and item.document_id in seen]
        return self.render_template(
            "bulk/show.html", title=f"{word}の状況", operation=operation, word=word, seen=seen, again=again
        )

    # -- the pages -------------------------------------------------------------------

    def _refused(self, action, form, token, refusal):
        """The confirmation again where its documents are still as they were; else the list, with what was typed."""
        status = refuse(form, refusal)
        try:
            wish = _wish(action, form)
            chosen = bulk_operations.check(g.user, wish)
        except PortalError:
            db.session.rollback()
            return self._form_page(action, form, status)
        return self._confirmation_page(wish, chosen, form, token, status)

    def _explained(self, action, sentence):
        word = f"一括{ACTION[action]}"
        return self.render_template("bulk/option.html", title=word, sentence=sentence, by_code=g.user.company.signs_by_code)

    def _form_page(self, action, form, status=200, templates=None):
        word, chosen = f"一括{ACTION[action]}", _ids("document")
        offer = bulk_operations.offered(g.user, action, chosen)
        documents = offer.documents
        is_chosen = chosen or request.method == "POST"  # from マイリスト without a choice: all of them
        templates = _templates(action) if templates is None else templates
        page = self.render_template(
            "bulk/form.html", title=word, word=word, action=action, form=form, documents=documents, most=MOST,
            further=offer.further, chosen=chosen if is_chosen else {one.id for one in documents},
            missing=offer.missing, seen={one.id for one in documents if _as_shown(one) in _ticked()}, templates=templates,
            fees=bulk_operations.fees_shown(documents, g.user), today=japan_date(now()),
            signs=any(document.mode.is_signed_by(Side.receiver) for document in documents),
            cases=case_field.offered(Side.receiver) if action is Action.confirm_receipt else None,
        )  # fmt: skip
        return page, status

    def _confirmation_page(self, wish, chosen, form, token, status=200):
        word, signers = f"一括{ACTION[wish.action]}", wish.people.get(Role.signer, [])
        signed = [one.mode.is_signed_by(Side.receiver) for one in chosen]
        links = queries.activations_of(g.user, now()) if wish.action is Action.sign else []
        form.certificate.choices = certificate_choices(links)
        page = self.render_template(
            "bulk/confirmation.html", title=f"{word}の内容確認", word=word, wish=wish, documents=chosen, form=form, token=token,
            shared=bulk_operations.sharing_fees(chosen, g.user), fees=bulk_operations.fees_shown(chosen, g.user),
            fee_dialog=FEE_DIALOG, links=links, signs=any(signed), all_sign=all(signed),
            not_activated=NOT_ACTIVATED if links and not any(link.activated_at for link in links) else None,
            without_certificate=queries.without_certificate(signers, now()) if signers else [],
            offers_case=wish.action is Action.confirm_receipt and cases.may_choose(g.user.company, Side.receiver),
        )  # fmt: skip
        return page, status


# -- what was typed ------------------------------------------------------------------


def _templates(action):
    return queries.route_templates_of(g.user) if action is Action.confirm_receipt else []


def _wish(action, form):
    people, case = {}, None
    if action is Action.confirm_receipt:
        case = cases.named_for_many(g.user.company, Side.receiver, form.case_number.data)
        people = read(
            g.user.company_id, approvers=codes(form.approvers.data), signer=codes(form.signer.data),
            viewers=codes(form.viewers.data),
        )  # fmt: skip
    return Wish(
        action, _picks(), _seen(), comment=form.comment.data or "", people=people, case=case,
        fee_acknowledged=request.form.get("fee_ack") == "true",
    )  # fmt: skip


def _picks():
    """The chosen documents, each as the page showed it: ``12:4:`` and the SHA-256 of its file."""
    picks = []
    for entry in dict.fromkeys(request.form.getlist("document")):
        document_id, version, sha256 = [*entry.split(":"), "", ""][:3]
        if not (queries.is_id(document_id) and queries.is_id(version)):
            raise Refused("対象の契約文書を確認できませんでした。画面を開き直して、もう一度選択してください。")
        picks.append(Pick(int(document_id), int(version), sha256))
    if len({pick.document_id for pick in picks}) != len(picks):
        raise Refused("同じ契約文書が重複して選択されています。画面を開き直して、もう一度選択してください。")
    return picks


def _as_shown(document):
    """A document as the page names it; what was ticked before it changed is not ticked for what it is now."""
    return f"{document.id}:{document.version}:{document.pdf_sha256}"


def _ticked():
    return set(request.form.getlist("seen"))


def _seen():
    """Ids of the chosen documents that are ticked just as they were shown."""
    return {int(entry.partition(":")[0]) for entry in request.form.getlist("document") if entry in _ticked()}


def _ids(name):
    """Ids of documents in the address or the form, whatever else stands behind them."""
    typed = (entry.partition(":")[0] for entry in request.values.getlist(name))
    return {int(one) for one in typed if queries.is_id(one)}


def _known(token):
    """The token of a form of ours.

    :raises Refused: none of ours ever looked like this
    """
    try:
        return str(uuid.UUID(token))
    except ValueError:
        raise Refused("送信された内容を確認できませんでした。画面を開き直して、もう一度操作してください。")
