"""［回覧ルート雛形］: the company's, by a 管理用ID, and each person's own."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from app import queries
from app.clock import now
from app.errors import NotFound, OutOfTurn
from app.services import route_templates, routes
from app.services.route_templates import Wish
from app.views.answers import acting_person, codes, done, submitted
from app.views.fields import one_line
from app.views.route_filling import FIELDS, WithRoute


class RouteTemplateForm(WithRoute, FlaskForm):
    name = StringField("雛形の名前", [InputRequired("雛形の名前を入力してください。"), Length(max=64)], filters=[one_line])
    approvers = StringField("承認者", description=f"承認する順に指定します（{routes.MOST_APPROVERS}名まで）。")
    signer = StringField("署名者", description="自社が署名しない契約文書では、雛形の署名者は入力されません。")
    viewers = StringField("参照者", description=f"閲覧のみができる方を指定します（{routes.MOST_VIEWERS}名まで）。")
    is_shared = BooleanField("自社の全員が使う")
    is_registration_default = BooleanField(
        "契約文書登録の既定にする", description="新しい契約文書登録の画面に、この雛形の回覧先があらかじめ入力されます（変更できます）。"
    )
    is_receipt_default = BooleanField(
        "契約文書受取の既定にする", description="契約文書受取の画面に、この雛形の回覧先があらかじめ入力されます（変更できます）。"
    )

    def wish(self):
        return Wish(
            name=self.name.data, approvers=codes(self.approvers.data), signer=codes(self.signer.data),
            viewers=codes(self.viewers.data), is_shared=self.is_shared.data,
            is_registration_default=self.is_registration_default.data, is_receipt_default=self.is_receipt_default.data,
        )  # fmt: skip

    @classmethod
    def filled_from(cls, template):
        """The form as the template is kept; who was deleted since is left out."""

        people = {
            name: [person for person in template.people(role) if person.is_selectable] for role, name in FIELDS.items()
        }
        codes_of = {name: " ".join(person.user_code for person in named) for name, named in people.items()}
        form = cls(obj=template, is_shared=template.owner_id is None, **codes_of)
        form.route_names = {name: "、".join(person.full_name for person in named) for name, named in people.items()}
        return form


class RouteTemplateView(BaseView):
    route_base = "/route-templates"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("keep")
    def index(self):
        templates = queries.route_templates_of(g.user)
        return self.render_template(
            "route_templates/index.html", title="回覧ルート雛形", templates=templates,
            changeable={template.id for template in templates if route_templates.may_change(template, g.user)},
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("keep")
    def new(self):
        return self._edit(RouteTemplateForm(), None)

    @expose("/<int:template_id>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("keep")
    def edit(self, template_id):
        template = self._own(template_id)
        is_sent = request.method == "POST"
        return self._edit(RouteTemplateForm() if is_sent else RouteTemplateForm.filled_from(template), template)

    def _edit(self, form, template):
        template_id = template.id if template else None
        reply, status = submitted(form, lambda: self._save(form, template), but=(NotFound, OutOfTurn))
        if reply is not None:
            return reply
        if template_id is not None and status != 200:
            template = self._own(template_id)
        gone = [step.user for step in template.steps if not step.user.is_selectable] if template else []
        page = self.render_template(
            "route_templates/form.html", title="回覧ルート雛形の変更" if template else "回覧ルート雛形の登録",
            form=form, gone=gone, version=request.form.get("version") or (template and template.version),
        )  # fmt: skip
        return page, status

    def _save(self, form, template):
        version = request.form.get("version")
        saved = route_templates.save(acting_person(), now(), form.wish(), template, version=version)
        return done(f"雛形「{saved.name}」を保存しました。", url_for("RouteTemplateView.index"))

    @expose("/<int:template_id>/delete", methods=["POST"])
    @has_access
    @permission_name("keep")
    def delete(self, template_id):
        template = self._own(template_id)
        name = template.name
        route_templates.delete(template, acting_person(), now(), version=request.form.get("version"))
        return done(f"雛形「{name}」を削除しました。", url_for("RouteTemplateView.index"))

    def _own(self, template_id):
        template = queries.route_template_of(g.user, template_id)
        if not route_templates.may_change(template, g.user):
            raise NotFound
        return template
