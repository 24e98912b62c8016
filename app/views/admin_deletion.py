"""利用者削除 and 担当者変更: what a person still has to do goes to a colleague (T17, B5)."""

import hashlib

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app import queries
from app.clock import now
from app.errors import OutOfTurn, PortalError, Refused
from app.labels import ROLE
from app.services import people, personal_data, reassignment, routes
from app.views.answers import acting_person, done, own_document, refuse, submitted

NEW_PERSON = "新しい担当者"


class DeletionForm(FlaskForm):
    replacement = StringField(NEW_PERSON, [Length(max=16)], description="引き継ぐ方の利用者IDを［参照］から選択してください。")


class ReassignmentForm(FlaskForm):
    replaced = SelectField("現在の担当者", [InputRequired("現在の担当者を選択してください。")], coerce=int)
    replacement = StringField(
        NEW_PERSON, [InputRequired("新しい担当者の利用者IDを入力してください。"), Length(max=16)],
        description="引き継ぐ方の利用者IDを［参照］から選択してください。",
    )  # fmt: skip


class AdminDeletionView(BaseView):
    route_base = "/admin"

    @expose("/users/<int:user_id>/delete", methods=["GET", "POST"])
    @has_access
    @permission_name("delete")
    def delete(self, user_id):
        """利用者削除, and 担当者変更 of the open documents on the same screen."""
        person = queries.person_of(g.user.company_id, user_id)
        if person.deleted_at is not None:
            raise OutOfTurn("この利用者IDはすでに削除されています。")
        form, status = DeletionForm(), 200
        if form.is_submitted():
            if request.form.get("version") != _version(person, queries.documents_held_by(person)):
                raise OutOfTurn("画面を開いた後に、担当する契約文書の状態が変わりました。画面を開き直して、内容をご確認ください。")
            try:
                return self._delete(form, person)
            except OutOfTurn:
                raise
            except PortalError as refusal:
                status = refuse(form, refusal)
        person = queries.person_of(g.user.company_id, user_id)
        held = queries.documents_held_by(person)
        page = self.render_template(
            "admin_deletion/delete.html", title="利用者削除", form=form, person=person, held=held,
            visible=queries.visible_of(g.user, held), version=_version(person, held),
            is_self=person.id == g.user.id,
        )  # fmt: skip
        return page, status

    @expose("/users/<int:user_id>/erase", methods=["POST"])
    @has_access
    @permission_name("delete")
    def erase(self, user_id):
        """個人データの消去 of a deleted person (L23)."""
        person = queries.person_of(g.user.company_id, user_id)
        personal_data.erase(person, acting_person(), now())
        return done("個人データを消去しました。", url_for("AdminUsersView.show", user_id=user_id))

    def _delete(self, form, person):
        code = (form.replacement.data or "").strip()
        replacement = _colleague(code) if code else None
        people.delete(person, acting_person(), now(), replacement=replacement)
        return done(f"「{person.full_name}」様の利用者IDを削除しました。", url_for("AdminUsersView.index"))

    @expose("/documents/<int:document_id>/reassign", methods=["GET", "POST"])
    @has_access
    @permission_name("reassign")
    def reassign(self, document_id):
        """担当者変更 of one document."""
        document = own_document(document_id)
        form = ReassignmentForm()
        people = _choices(form, document)
        reply, status = submitted(form, lambda: self._reassign(form, document, people), but=OutOfTurn)
        if reply is not None:
            return reply
        if status != 200:
            document = own_document(document_id)
        page = self.render_template("admin_deletion/reassign.html", title="担当者変更", form=form, document=document)
        return page, status

    def _reassign(self, form, document, people):
        replaced, replacement = people[form.replaced.data], _colleague(form.replacement.data)
        reassignment.reassign(document, acting_person(), replaced, replacement, now())
        return done(
            f"担当者を「{replaced.full_name}」様から「{replacement.full_name}」様に変更しました。",
            url_for("DocumentView.show", document_id=document.id),
        )


def _choices(form, document):
    """The own company's people with something left to do, by id; :class:`OutOfTurn` where there is nobody."""
    steps = routes.unfinished(document.party_of(g.user.company_id))
    if not steps:
        raise OutOfTurn("担当者を変更できる処理は残っていません。契約文書の最新の状態をご確認ください。")
    people = {step.user_id: step.user for step in steps}
    if not form.is_submitted() and document.holder_id in people:
        form.replaced.data = document.holder_id
    form.replaced.choices = [
        SelectChoice(
            person.id, f"{'・'.join(ROLE[s.role] for s in steps if s.user is person)}：{person.shown_name}（{person.user_code}）"
        )
        for person in people.values()
    ]
    return people


def _colleague(code):
    code = queries.as_code(code)
    person = queries.people_by_code(g.user.company_id, [code]).get(code)
    if person is None:
        raise Refused("新しい担当者の利用者IDは、自社の有効な利用者IDではありません。［参照］から選択し直してください。")
    return person


def _version(person, held):
    """What the page was drawn from: an answer to an older one is refused."""
    state = [person.session_epoch, *((document.id, document.version) for document in held)]
    return hashlib.sha256(repr(state).encode()).hexdigest()[:32]
