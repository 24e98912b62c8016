"""［企業情報照会］, 変更申請, and the company's own switches (I1, I3)."""

import unicodedata

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import Length, Regexp

from app import queries
from app.clock import now
from app.errors import OutOfTurn
from app.labels import COMPANY_FACT, COMPANY_OPTION
from app.services import companies
from app.views.answers import acting_person, done, submitted
from app.views.fields import NameRule


def _half_width(typed):
    """A filter for numbers: full-width digits and hyphens as half-width ones, without blanks."""
    return "".join(unicodedata.normalize("NFKC", typed or "").replace("−", "-").split())


class ChangeForm(FlaskForm):
    name = StringField(
        COMPANY_FACT["name"], [NameRule()],
        description="企業名が変わっても、発行済みの電子証明書の名義は変わりません。",
    )  # fmt: skip
    kana = StringField(COMPANY_FACT["kana"], [NameRule(may_be_empty=True)])
    corporate_number = StringField(
        COMPANY_FACT["corporate_number"], [Length(max=64)], filters=[_half_width],
        description="13桁の数字です。お持ちでない場合は空欄にしてください。",
    )  # fmt: skip
    address = StringField(COMPANY_FACT["address"], [NameRule(may_be_empty=True)])
    phone = StringField(
        COMPANY_FACT["phone"], filters=[_half_width],
        validators=[Length(max=32), Regexp(r"[0-9+()-]*\Z", message="電話番号は数字とハイフンで入力してください。")],
    )  # fmt: skip

    def wanted(self):
        return {name: self[name].data for name in COMPANY_FACT}


class OptionsForm(FlaskForm):
    requires_second_factor = BooleanField(
        COMPANY_OPTION["requires_second_factor"],
        description="自社の全員が、ログインのときに認証アプリの6桁のコードも入力します。まだ設定していない方は、次のログインで設定画面に進みます。",
    )  # fmt: skip
    signs_by_code = BooleanField(
        COMPANY_OPTION["signs_by_code"],
        description="署名のたびに、その契約文書だけに10分間使える署名用コードをメールで受け取ります。毎日の署名用パスワードは使いません。",
    )  # fmt: skip
    returns_inside = BooleanField(
        COMPANY_OPTION["returns_inside"],
        description="自社が受領側のとき、承認者と署名者が、契約文書を自社の受取担当者に差し戻せます。取引先には知らされません。",
    )  # fmt: skip


class AdminCompanyView(BaseView):
    route_base = "/admin/company"
    default_view = "show"

    @expose("/")
    @has_access
    @permission_name("show")
    def show(self):
        """企業情報照会."""
        company = g.user.company
        return self.render_template(
            "admin_company/show.html", title="企業情報照会", company=company, options=OptionsForm(obj=company), version=_drawn(company),
            change=queries.open_change_of(company.id), fact_names=COMPANY_FACT,
        )  # fmt: skip

    @expose("/change", methods=["GET", "POST"])
    @has_access
    @permission_name("change")
    def change(self):
        """企業情報変更申請."""
        company = g.user.company
        form = ChangeForm(obj=None if request.method == "POST" else company)
        reply, status = submitted(form, lambda: _apply(form, company))
        if reply is not None:
            return reply
        page = self.render_template(
            "admin_company/change.html", title="企業情報変更申請", form=form, fact_names=COMPANY_FACT,
            change=queries.open_change_of(g.user.company_id),
        )  # fmt: skip
        return page, status

    @expose("/options", methods=["POST"])
    @has_access
    @permission_name("change")
    def options(self):
        form = OptionsForm()
        if request.form.get("version") != _drawn(g.user.company):
            raise OutOfTurn
        is_changed = companies.set_options(
            g.user.company, acting_person(), now(),
            **{name: form[name].data for name in COMPANY_OPTION},
        )  # fmt: skip
        message = "ご利用の設定を変更しました。" if is_changed else "ご利用の設定に変更はありませんでした。"
        return done(message, url_for("AdminCompanyView.show"))


def _apply(form, company):
    companies.apply_for_change(company, acting_person(), form.wanted(), now())
    return done("企業情報の変更を申請しました。審査結果はメールでお知らせいたします。", url_for("AdminCompanyView.show"))


def _drawn(company):
    """The switches as a page shows them; an answer to an older page is refused (Q4)."""
    return "".join(f"{getattr(company, name):d}" for name in COMPANY_OPTION)
