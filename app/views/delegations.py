"""［代理者の指定］: by each person for the own place, and by a 管理用ID for a colleague who is away."""

from flask import flash, g, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app import queries
from app.clock import japan_date, now
from app.errors import Refused
from app.services import delegations
from app.views.answers import acting_person, done, submitted
from app.views.fields import DayField, NotBefore, is_near


class DelegationForm(FlaskForm):
    deputy = StringField(
        "代理者", [InputRequired("代理者の利用者IDを入力してください。"), Length(max=16)],
        description="自社の利用者を［参照］から選択してください。署名も代理する場合は、署名権限が「あり」の方を選択してください。",
    )  # fmt: skip
    first_day = DayField("開始日", [InputRequired("開始日を入力してください。"), is_near])
    last_day = DayField(
        "終了日", [InputRequired("終了日を入力してください。"), is_near, NotBefore("first_day", "終了日には、開始日以降の日付を指定してください。")],
        description="開始日と終了日は、どちらも代理の期間に含まれます（日本時間）。",
    )  # fmt: skip


class DelegationView(BaseView):
    route_base = "/deputies"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("delegate")
    def index(self):
        return _page(self, acting_person(), url_for("DelegationView.index"))

    @expose("/<int:delegation_id>/end", methods=["POST"])
    @has_access
    @permission_name("delegate")
    def end(self, delegation_id):
        return _end(acting_person(), delegation_id, url_for("DelegationView.index"))


class AdminDelegationView(BaseView):
    route_base = "/admin/users"

    @expose("/<int:user_id>/deputies", methods=["GET", "POST"])
    @has_access
    @permission_name("delegate")
    def index(self, user_id):
        person = queries.person_of(g.user.company_id, user_id)
        return _page(self, person, url_for("AdminDelegationView.index", user_id=user_id))

    @expose("/<int:user_id>/deputies/<int:delegation_id>/end", methods=["POST"])
    @has_access
    @permission_name("delegate")
    def end(self, user_id, delegation_id):
        person = queries.person_of(g.user.company_id, user_id)
        return _end(person, delegation_id, url_for("AdminDelegationView.index", user_id=user_id))


def _page(view, person, url):
    form, user_id = DelegationForm(), person.id
    if not form.is_submitted():
        form.first_day.data = japan_date(now())
    reply, status = submitted(form, lambda: _name_deputy(form, person, url))
    if reply is not None:
        return reply
    if status != 200:
        person = queries.person_of(g.user.company_id, user_id)
    own, others = queries.delegations_of(person), queries.delegations_to(person)
    page = view.render_template(
        "delegations/index.html", title="代理者の指定", form=form, person=person, url=url, own=own, others=others,
        is_self=person.id == g.user.id, today=japan_date(now()),
        signers=queries.signer_ids([row.deputy_id for row in own], now()),
    )  # fmt: skip
    return page, status


def _name_deputy(form, person, url):
    code = queries.as_code(form.deputy.data)
    deputy = queries.people_by_code(g.user.company_id, [code]).get(code)
    if deputy is None:
        raise Refused("代理者には、自社の有効な利用者IDを指定してください。［参照］から選択し直してください。")
    delegations.name_deputy(person, deputy, form.first_day.data, form.last_day.data, acting_person(), now())
    if queries.without_certificate([deputy], now()):
        flash(
            f"「{deputy.full_name}」様には、利用できる電子証明書がありません。署名を除く、承認・受取確認・差戻だけを代理できます。",
            "warning",
        )
    return done(f"「{deputy.full_name}」様を代理者に指定し、メールでお知らせします。", url)


def _end(person, delegation_id, url):
    delegation = queries.delegation_of(person, delegation_id)
    deputy = delegation.deputy.full_name
    delegations.end(delegation, acting_person(), now())
    return done(f"「{deputy}」様による代理を終了しました。", url)
