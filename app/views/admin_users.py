"""管理者業務▼ 利用者情報照会 and what follows from it: the people of the own company, by a 管理用ID."""

import json
import uuid

from flask import g, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, Form, HiddenField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app import queries
from app.clock import now
from app.errors import AlreadyEnrolled, PersonChanged, Refused
from app.extensions import db
from app.labels import USER, USER_STATE
from app.models import UserState
from app.services import credentials, people, personal_data, roster, second_factor
from app.services.companies import BLANKS
from app.services.people import Particulars
from app.views.answers import acting_person, done, page_number, submitted
from app.views.fields import MailAddressRule, NameRule
from app.views.file_answer import file_answer


def _without_blanks(typed):
    return (typed or "").strip(BLANKS)


def _new_token():
    return str(uuid.uuid4())


class SearchForm(Form):
    """Sent by GET, so that a result can be bookmarked."""

    code = StringField("利用者ID", [Length(max=16)])
    name = StringField("氏名", [Length(max=255)], description="氏名またはカナの一部を入力してください。")
    state = SelectField(
        "状態", choices=[SelectChoice("", "有効・ロック"), *(SelectChoice(state.value, USER_STATE[state]) for state in UserState)],
    )  # fmt: skip


class UserForm(FlaskForm):
    full_name = StringField(USER["full_name"], [NameRule()])
    kana = StringField(USER["kana"], [NameRule(may_be_empty=True)])
    department = StringField(USER["department"], [NameRule(may_be_empty=True)])
    title = StringField(USER["title"], [NameRule(may_be_empty=True)])
    mail_address = StringField(USER["mail_address"], [MailAddressRule()], filters=[_without_blanks])
    is_admin = BooleanField(USER["is_admin"], description="管理者業務（利用者の登録・変更など）を行う方に付けます。署名権限は、電子証明書の紐付けによって付きます。")
    token = HiddenField(default=_new_token, validators=[Length(max=36)])

    def particulars(self):
        return Particulars(
            full_name=self.full_name.data, kana=self.kana.data, department=self.department.data,
            title=self.title.data, mail_address=self.mail_address.data, is_admin=self.is_admin.data,
        )  # fmt: skip


class FileForm(FlaskForm):
    file = FileField("CSVファイル", [FileRequired("CSVファイルを選択してください。")])


class ListForm(FlaskForm):
    """The checked lines, on their way from the preview to ［確定］, where they are checked again."""

    rows = HiddenField(validators=[InputRequired()])
    token = HiddenField(default=_new_token, validators=[InputRequired(), Length(max=36)])


class AdminUsersView(BaseView):
    route_base = "/admin/users"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        """利用者情報照会: everybody of the own company, with what they may do."""
        form = SearchForm(request.args)
        page = page_number()
        wanted = form.state.data
        found = queries.people_of(
            g.user.company_id, code=form.code.data or "", name=form.name.data or "",
            condition=people.in_state(UserState(wanted), now()) if wanted in set(UserState) else None, page=page,
        )  # fmt: skip
        asked = {name: values for name, values in request.args.lists() if name != "page"}
        return self.render_template(
            "admin_users/index.html", title="利用者情報照会", form=form, found=found,
            states={person.id: people.state(person, now()) for person in found.rows},
            signers=queries.signer_ids([person.id for person in found.rows], now()),
            url_of_page=lambda number: url_for("AdminUsersView.index", page=number, **asked),
        )  # fmt: skip

    @expose("/<int:user_id>")
    @has_access
    @permission_name("show")
    def show(self, user_id):
        person = self._person(user_id)
        return self.render_template(
            "admin_users/show.html", title="利用者情報", person=person, state=people.state(person, now()),
            locks=people.locks(person, now()), is_signer=bool(queries.signer_ids([person.id], now())),
            is_erased=personal_data.is_erased(person),
            links=sorted(person.activations, key=lambda link: link.certificate.number), moment=now(),
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def new(self):
        """利用者登録."""
        form = UserForm()
        reply, status = submitted(form, lambda: self._register(form), but=AlreadyEnrolled)
        if reply is not None:
            return reply
        return self.render_template("admin_users/form.html", title="利用者登録", form=form, person=None), status

    def _register(self, form):
        token = form.token.data or None
        people.refuse_second(token)
        db.session.commit()  # nothing is held while the password is hashed
        (initial,) = credentials.new_initial_passwords(1)
        person = people.register(
            g.user.company, form.particulars(), acting_person(), now(), token=token, initial=initial
        )
        return done(
            f"{person} を登録しました。利用者IDと初回ログインパスワードを、2通のメールでお送りします。",
            url_for("AdminUsersView.show", user_id=person.id),
        )

    @expose("/<int:user_id>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("change")
    def edit(self, user_id):
        """利用者情報変更."""
        person = self._person(user_id)
        is_sent = request.method == "POST"
        form = UserForm() if is_sent else UserForm(obj=person, is_admin=person.is_company_admin)
        reply, status = submitted(form, lambda: self._change(form, person), but=PersonChanged)
        if reply is not None:
            return reply
        version = request.form.get("version") or people.version_of(person)
        page = self.render_template(
            "admin_users/form.html", title="利用者情報変更", form=form, person=person, version=version
        )
        return page, status

    def _change(self, form, person):
        version = request.form.get("version", "")
        people.change(person, form.particulars(), acting_person(), now(), version=version)
        return done("利用者情報を変更しました。", url_for("AdminUsersView.show", user_id=person.id))

    @expose("/<int:user_id>/password", methods=["POST"])
    @has_access
    @permission_name("reset_password")
    def reset_password(self, user_id):
        """パスワード初期化."""
        person = self._person(user_id)
        people.reset_password(person, acting_person(), now(), epoch=request.form.get("epoch", -1, type=int))
        return done(
            f"{person} のパスワードを初期化しました。新しい初回ログインパスワードを、本人にメールでお送りします。",
            url_for("AdminUsersView.show", user_id=user_id),
        )

    @expose("/<int:user_id>/unlock", methods=["POST"])
    @has_access
    @permission_name("unlock")
    def unlock(self, user_id):
        """ロック解除."""
        person = self._person(user_id)
        people.unlock(person, acting_person(), now())
        return done(
            f"{person} のロックを解除し、本人にメールでお知らせします。",
            url_for("AdminUsersView.show", user_id=user_id),
        )

    @expose("/<int:user_id>/second_factor", methods=["POST"])
    @has_access
    @permission_name("unlock")
    def switch_off_second_factor(self, user_id):
        """二段階認証を解除, for whoever has lost the telephone and the recovery codes."""
        person = self._person(user_id)
        if person.id == g.user.id:
            return redirect(url_for("SecondFactorView.index"))  # where the own one asks for password and code
        second_factor.switch_off(person, now(), acting_person())
        return done(
            f"{person} の二段階認証を解除し、本人にメールでお知らせします。",
            url_for("AdminUsersView.show", user_id=user_id),
        )

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def import_file(self):
        """利用者一括登録: choose a CSV file; all its lines are shown before anything is registered."""
        form = FileForm()
        reply, status = submitted(form, lambda: self._read(form))
        if reply is not None:
            return reply
        page = self.render_template(
            "admin_users/import.html", title="利用者一括登録", form=form, columns=roster.HEADER, most=roster.MOST_LINES
        )
        return page, status

    def _read(self, form):
        lines = roster.read(form.file.data.read(roster.MOST_BYTES + 1), g.user.company_id)
        return self._preview(lines, ListForm(formdata=None))

    @expose("/import/template.csv")
    @has_access
    @permission_name("register")
    def import_template(self):
        return file_answer(roster.template(), "text/csv", plain="users.csv")

    @expose("/import/registration", methods=["POST"])
    @has_access
    @permission_name("register")
    def import_registration(self):
        """［確定］ of the preview: everybody in one transaction."""
        form = ListForm()
        if not form.validate():
            raise Refused("登録する内容を確認できませんでした。CSVファイルを、もう一度選択してください。")
        people.refuse_second(form.token.data)
        lines = roster.check(_rows_of(form.rows.data), g.user.company_id)
        if any(line.faults for line in lines):
            return self._preview(lines, form)
        db.session.commit()  # nothing is held while the passwords are hashed
        initials = credentials.new_initial_passwords(len(lines))
        roster.enrol_all(g.user.company, lines, acting_person(), now(), token=form.token.data, initials=initials)
        return done(
            f"{len(lines)}名の利用者を登録しました。利用者IDと初回ログインパスワードを、それぞれ2通のメールでお送りします。",
            url_for("AdminUsersView.index"),
        )

    def _preview(self, lines, form):
        form.rows.data = json.dumps([[line.number, line.cells] for line in lines], ensure_ascii=False)
        bad = [line for line in lines if line.faults]
        page = self.render_template(
            "admin_users/import_confirmation.html", title="利用者一括登録確認", form=form, lines=lines, bad=bad,
            columns=roster.HEADER,
        )  # fmt: skip
        return page, 422 if bad else 200

    def _person(self, user_id):
        return queries.person_of(g.user.company_id, user_id)


def _rows_of(typed):
    """The lines a preview sent on; :class:`Refused` for anything else."""
    try:
        rows = [(int(number), [str(cell) for cell in cells]) for number, cells in json.loads(typed)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Refused("登録する内容を確認できませんでした。CSVファイルを、もう一度選択してください。")
    return rows
