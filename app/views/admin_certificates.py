"""管理者業務▼ 自社電子証明書照会: 紐付け更新, the applications, and 失効 (I3, I16)."""

import uuid

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from app import queries
from app.clock import now
from app.errors import OutOfTurn
from app.labels import APPLICATION_KIND
from app.models import ApplicationKind
from app.services import applications, certificate_import, certificates, credentials
from app.services.applications import MOST_EVIDENCE_MB, Evidence, Wish
from app.views.answers import acting_person, codes, done, submitted
from app.views.fields import NameRule, one_line


class PeopleForm(FlaskForm):
    users = StringField("署名用ID", description="この電子証明書で署名する方の利用者IDを指定します。", filters=[one_line])
    confirmed = HiddenField()
    drawn = HiddenField()  # who was linked when the confirmation was shown


class ApplicationForm(FlaskForm):
    token = HiddenField(default=lambda: str(uuid.uuid4()), validators=[InputRequired(), Length(max=36)])
    department = StringField("部署", [NameRule(may_be_empty=True)], description="電子証明書に記載されます。")
    title = StringField("役職", [NameRule(may_be_empty=True)], description="電子証明書に記載されます。")
    users = StringField(
        "署名用ID", [DataRequired("署名用IDとする利用者IDを1つ以上指定してください。")], filters=[one_line],
        description="この電子証明書で署名する方の利用者IDを指定します。",
    )  # fmt: skip
    pin_mail_address = StringField(
        "PIN送付先メールアドレス", [DataRequired("PIN送付先メールアドレスを入力してください。"), Length(max=320)],
        filters=[one_line], description="発行が完了すると、件名「PIN のお知らせ」のメールをこのアドレスにお送りします。",
    )  # fmt: skip
    evidence = FileField("印鑑証明書(PDF)")


class RevocationForm(FlaskForm):
    password = PasswordField(
        "パスワード", [InputRequired("パスワードを入力してください。"), Length(max=255)],
        description="ログインする時のパスワードを入力してください。（初めてのパスワードは、件名「初回ログインパスワード のお知らせ」のメールでお送りしたものです。）",
    )  # fmt: skip


class AdminCertificatesView(BaseView):
    route_base = "/admin/certificates"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        number = request.args.get("number", "")
        return self.render_template(
            "admin_certificates/index.html", title="自社電子証明書照会", number=number, moment=now(),
            certificates=queries.certificates_of(g.user, number), applications=queries.applications_of(g.user),
        )  # fmt: skip

    @expose("/<int:certificate_id>")
    @has_access
    @permission_name("list")
    def show(self, certificate_id):
        certificate, moment = _own(certificate_id), now()
        return self.render_template(
            "admin_certificates/show.html", title="電子証明書情報照会", certificate=certificate,
            validity=certificate.validity(moment),
            lists_lacking=certificate.is_imported and not certificate_import.is_ready(certificate, moment),
            why_no_renewal=applications.why_not(ApplicationKind.renewal, certificate, moment),
            why_no_pin=applications.why_not(ApplicationKind.pin_reissue, certificate, moment),
        )  # fmt: skip

    # -- 紐付け更新 ---------------------------------------------------------------

    @expose("/<int:certificate_id>/people", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def people(self, certificate_id):
        """［紐付け更新］ → ［確認］ → ［確定］."""
        certificate, form = _own(certificate_id), PeopleForm()
        if not form.is_submitted():
            form.users.data = _codes_of(certificate)
        reply, status = submitted(form, lambda: self._link(certificate, form), but=OutOfTurn)
        if reply is not None:
            return reply
        if status != 200:
            certificate = _own(certificate_id)
        page = self.render_template(
            "admin_certificates/people.html", title="電子証明書 紐付け更新", certificate=certificate, form=form
        )
        return page, status

    def _link(self, certificate, form):
        people = certificates.people_named(certificate.company, codes(form.users.data))
        if form.confirmed.data:
            drawn = codes(form.drawn.data)
            changed = certificates.link_people(certificate, people, now(), acting_person(), drawn=drawn)
            return done(
                f"電子証明書 {certificate.number} の紐付けを更新しました。" if changed else "紐付けに変更はありませんでした。",
                url_for("AdminCertificatesView.show", certificate_id=certificate.id),
            )
        before = certificate.people
        form.users.data = " ".join(person.user_code for person in people)
        form.drawn.data = _codes_of(certificate)
        return self.render_template(
            "admin_certificates/people_confirmation.html", title="電子証明書 紐付け更新の確認", certificate=certificate,
            form=form, people=people, added=[p for p in people if p not in before],
            removed=[p for p in before if p not in people],
        )  # fmt: skip

    # -- 申請 ---------------------------------------------------------------------

    @expose("/application", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def application(self):
        """［電子証明書追加発行申請］ (R21, R39)."""
        return self._apply(ApplicationKind.additional)

    @expose("/<int:certificate_id>/renewal", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def renewal(self, certificate_id):
        """［電子証明書更新申請］."""
        return self._apply(ApplicationKind.renewal, certificate_id)

    @expose("/<int:certificate_id>/pin_reissue", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def pin_reissue(self, certificate_id):
        """［PIN再発行申請］."""
        return self._apply(ApplicationKind.pin_reissue, certificate_id)

    def _apply(self, kind, certificate_id=None):
        replaced = _own(certificate_id) if certificate_id is not None else None
        form = ApplicationForm()
        if not form.is_submitted():
            _prefill(form, replaced)
        reply, status = submitted(form, lambda: self._hand_in(kind, form, replaced), but=OutOfTurn)
        if reply is not None:
            return reply
        if replaced is not None and status != 200:
            replaced = _own(certificate_id)
        page = self.render_template(
            "admin_certificates/application.html", title=f"電子証明書 {APPLICATION_KIND[kind]}申請", kind=kind, form=form,
            certificate=replaced, refused=applications.why_not(kind, replaced, now()) if replaced else "",
            most_mb=MOST_EVIDENCE_MB,
        )  # fmt: skip
        return page, status

    def _hand_in(self, kind, form, replaced):
        user, given = acting_person(), form.evidence.data
        people = certificates.people_named(user.company, codes(form.users.data))
        wish = Wish(people, form.pin_mail_address.data, form.department.data, form.title.data)
        evidence = applications.take_in(given.filename, given.read()) if given else Evidence()
        applications.apply(kind, user, now(), token=form.token.data, wish=wish, evidence=evidence, replaced=replaced)
        return done(
            f"電子証明書の{APPLICATION_KIND[kind]}を申請しました。審査の結果は、メールでお知らせします。",
            url_for("AdminCertificatesView.index"),
        )

    # -- 失効 ---------------------------------------------------------------------

    @expose("/<int:certificate_id>/revocation", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def revocation(self, certificate_id):
        """［電子証明書失効］: at once, after the log-in password."""
        certificate, form = _own(certificate_id), RevocationForm()
        reply, status = submitted(form, lambda: self._revoke(certificate_id, form))
        if reply is not None:
            return reply
        if status != 200:
            certificate = _own(certificate_id)
        page = self.render_template(
            "admin_certificates/revocation.html", title="電子証明書失効", certificate=certificate, form=form
        )
        return page, status

    def _revoke(self, certificate_id, form):
        moment = now()
        credentials.check_own_password(acting_person(), form.password.data, moment)
        certificate = _own(certificate_id)
        revoked = applications.revoke(certificate, moment, actor=acting_person())
        return done(
            f"電子証明書 {certificate.number} を失効しました。" if revoked
            else f"電子証明書 {certificate.number} は、すでに失効しています。",
            url_for("AdminCertificatesView.show", certificate_id=certificate_id),
        )  # fmt: skip


def _own(certificate_id):
    return queries.certificate_of(g.user, certificate_id)


def _codes_of(certificate):
    return " ".join(person.user_code for person in certificate.people if person.is_selectable)


def _prefill(form, replaced):
    """What the earlier certificate says; for an additional one, only where its PIN usually goes."""
    form.pin_mail_address.data = replaced.pin_mail_address if replaced else g.user.mail_address
    if replaced:
        form.users.data = _codes_of(replaced)
        form.department.data, form.title.data = certificates.department_and_title(replaced)

