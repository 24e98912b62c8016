"""管理者業務▼ 電子証明書の取り込み: certificates of outside authorities and their revocation lists (L4)."""

from flask import g, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired, MultipleFileField
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from app import queries
from app.clock import now
from app.errors import NotFound, Refused
from app.services import certificate_import, certificates, credentials
from app.services.certificate_import import MOST_FILE_KB, MOST_LISTS_MB
from app.views.answers import acting_person, codes, done, submitted
from app.views.fields import one_line


class ImportForm(FlaskForm):
    file = FileField("証明書ファイル", [FileRequired("証明書ファイル（.p12または.pfx）を選択してください。")])
    file_password = PasswordField(
        "証明書ファイルのパスワード", [InputRequired("証明書ファイルのパスワードを入力してください。"), Length(max=255)],
        description="認証局から証明書ファイルとともに受け取ったパスワードを入力してください。",
    )  # fmt: skip
    lists = MultipleFileField("失効リスト（CRL）")
    users = StringField(
        "署名用ID", [DataRequired("署名用IDとする利用者IDを1つ以上指定してください。")], filters=[one_line],
        description="この電子証明書で署名する方の利用者IDを指定します。",
    )  # fmt: skip
    pin_mail_address = StringField(
        "PIN送付先メールアドレス", [DataRequired("PIN送付先メールアドレスを入力してください。"), Length(max=320)],
        filters=[one_line], description="取り込みが完了すると、件名「PIN のお知らせ」のメールをこのアドレスにお送りします。",
    )  # fmt: skip
    password = PasswordField(
        "ログインパスワード", [InputRequired("ログインパスワードを入力してください。"), Length(max=255)],
        description="ログインする時のパスワードを入力してください。（初めてのパスワードは、件名「初回ログインパスワード のお知らせ」のメールでお送りしたものです。）",
    )  # fmt: skip


class ListsForm(FlaskForm):
    lists = MultipleFileField("失効リスト（CRL）")


class AdminCertificateImportView(BaseView):
    route_base = "/admin/certificates"
    default_view = "take_in"

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def take_in(self):
        """［電子証明書の取り込み］."""
        form = ImportForm()
        if not form.is_submitted():
            form.pin_mail_address.data = g.user.mail_address
        reply, status = submitted(form, lambda: self._take_in(form))
        if reply is not None:
            return reply
        page = self.render_template(
            "admin_certificates/import.html", title="電子証明書の取り込み", form=form, most_kb=MOST_FILE_KB, most_mb=MOST_LISTS_MB
        )
        return page, status

    def _take_in(self, form):
        file, lists = form.file.data.read(MOST_FILE_KB * 1024 + 1), _uploaded(form.lists)
        if not credentials.is_own_password(acting_person(), form.password.data, now()):
            raise Refused("ログインパスワードが正しくありません。ログイン時のパスワードを入力してください。")
        imported = certificate_import.read(file, form.file_password.data, lists)  # slow, and in no transaction
        user = acting_person()
        people = certificates.people_named(user.company, codes(form.users.data))
        certificate = certificate_import.take_in(imported, people, form.pin_mail_address.data, now(), user)
        return done(
            f"電子証明書 {certificate.number} として取り込み、PINをメールでお送りしました。", url_for("AdminCertificatesView.index")
        )

    @expose("/<int:certificate_id>/revocation_lists", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def revocation_lists(self, certificate_id):
        """［失効リスト］: which lists of its authorities are at hand, and newer ones in their place."""
        certificate, form = _imported(certificate_id), ListsForm()
        reply, status = submitted(form, lambda: self._renew(certificate, _uploaded(form.lists)))
        if reply is not None:
            return reply
        if status != 200:
            certificate = _imported(certificate_id)
        page = self.render_template(
            "admin_certificates/revocation_lists.html", title="失効リスト", certificate=certificate, form=form,
            usable=certificate.is_usable(now()), authorities=certificate_import.authorities_of(certificate, now()),
            most_mb=MOST_LISTS_MB,
        )  # fmt: skip
        return page, status

    def _renew(self, certificate, lists):
        number, target = certificate.number, url_for("AdminCertificatesView.show", certificate_id=certificate.id)
        if certificate_import.renew_lists(certificate, lists, now(), acting_person()):
            return done(f"電子証明書 {number} の失効リストを登録しました。", target)
        return done(f"失効リストに電子証明書 {number} が掲載されているため、当サービスでも失効しました。", target)


def _uploaded(field):
    """The files of a field; no more of them than just over what is allowed, so that the excess is told."""
    room, found = MOST_LISTS_MB * 1024 * 1024 + 1, []
    for given in field.data or ():
        if given:
            found.append(given.read(room))
            room -= len(found[-1])
    return found


def _imported(certificate_id):
    certificate = queries.certificate_of(g.user, certificate_id)
    if not certificate.is_imported:
        raise NotFound
    return certificate
