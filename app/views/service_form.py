"""The form of a 利用申請: for the 利用申請サイト, and for the operator who keys it in from paper (I9)."""

import re
import uuid
from dataclasses import dataclass, field, fields
from itertools import zip_longest

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, Field, HiddenField, StringField
from wtforms.utils import unset_value
from wtforms.validators import Length, ValidationError

from app.errors import Refused
from app.labels import COMPANY_FACT, USER
from app.services import companies, service_filing
from app.services.service_filing import CERTIFICATE, MOST_PEOPLE, PERSON
from app.views.fields import MailAddressRule, NameRule, one_line

_REMOVE = re.compile(r"remove-([0-9]{1,2})")
SIGNS = "電子証明書で契約文書に署名する方に付けます。"


@dataclass
class Row:
    """What was typed for one further 利用者."""

    full_name: str = ""
    kana: str = ""
    department: str = ""
    title: str = ""
    mail_address: str = ""
    signs: bool = False
    errors: dict = field(default_factory=dict)  # sentences by input

    def check(self):
        self.errors = {}
        for name in PERSON:
            try:
                if name == "mail_address":
                    if not self.mail_address:
                        raise Refused("メールアドレスを入力してください。")
                    companies.check_mail_address(self.mail_address)
                else:
                    companies.check_name(getattr(self, name), USER[name], may_be_empty=name != "full_name")
            except Refused as refusal:
                self.errors[name] = [refusal.sentence]
        return not self.errors

    def given(self):
        return {name: getattr(self, name) for name in (*PERSON, "signs")}


class PeopleField(Field):
    """The rows; all inputs of a kind have one name, so that the order on the page is the order sent."""

    INPUTS = tuple(one.name for one in fields(Row) if one.name != "errors")

    def process(self, formdata, data=unset_value, extra_filters=None):
        self.process_errors = []
        self.object_data = data
        self.data = [] if data in (unset_value, None) else list(data)
        if formdata:
            typed = zip_longest(*(formdata.getlist(f"person_{name}") for name in self.INPUTS), fillvalue="")
            rows = [Row(*map(one_line, values[:-1]), bool(values[-1])) for values in typed]
            self.data = rows[: MOST_PEOPLE + 1]

    def validate(self, form, extra_validators=()):
        are_good = [row.check() for row in self.data]
        self.errors = [] if all(are_good) else ["利用者の情報をご確認ください。"]
        return not self.errors

    def blank(self):
        return Row()

    def rearrange(self, how):
        """Do what one of the buttons says, for browsers without JavaScript: ``add``, ``remove-2``."""
        asked = _REMOVE.fullmatch(how)
        if how == "add" and len(self.data) < MOST_PEOPLE:
            self.data.append(Row())
        elif asked and 1 <= int(asked[1]) <= len(self.data):
            del self.data[int(asked[1]) - 1]


def _is_phone(_form, phone):
    try:
        service_filing.check_phone(phone.data)
    except Refused as refusal:
        raise ValidationError(refusal.sentence)


_is_phone.field_flags = {"required": True}


def _is_corporate_number(_form, number):
    try:
        if number.data:
            companies.check_corporate_number(number.data)
    except Refused as refusal:
        raise ValidationError(refusal.sentence)


class ServiceForm(FlaskForm):
    """Its fields of the company are named by the columns of Company, the others by their section."""

    name = StringField(COMPANY_FACT["name"], [NameRule()], filters=[one_line])
    kana = StringField(COMPANY_FACT["kana"], [NameRule()], filters=[one_line])
    corporate_number = StringField(
        COMPANY_FACT["corporate_number"], [_is_corporate_number], filters=[service_filing.half_width],
        description="13桁の数字です。個人事業主の方など、お持ちでない場合は空欄にしてください。",
    )  # fmt: skip
    address = StringField(COMPANY_FACT["address"], [NameRule()], filters=[one_line])
    phone = StringField(COMPANY_FACT["phone"], [_is_phone], filters=[service_filing.half_width])
    admin_full_name = StringField("管理者の氏名", [NameRule()], filters=[one_line])
    admin_kana = StringField("管理者のカナ", [NameRule(may_be_empty=True)], filters=[one_line])
    admin_department = StringField("管理者の部署", [NameRule(may_be_empty=True)], filters=[one_line])
    admin_title = StringField("管理者の役職", [NameRule(may_be_empty=True)], filters=[one_line])
    admin_mail_address = StringField("管理者のメールアドレス", [MailAddressRule()], filters=[one_line])
    admin_signs = BooleanField("管理者に署名権限を付ける", description=SIGNS)
    people = PeopleField("利用者")
    certificate_department = StringField("部署名（電子証明書）", [NameRule(may_be_empty=True)], filters=[one_line])
    certificate_title = StringField("役職名（電子証明書）", [NameRule(may_be_empty=True)], filters=[one_line])
    pin_mail_address = StringField(
        "PIN送付先メールアドレス", [MailAddressRule()], filters=[one_line],
        description="電子証明書を有効にするPINをお送りします。署名者の方が受け取れるアドレスを入力してください。",
    )  # fmt: skip
    evidence = FileField("印鑑証明書(PDF)", description="申請する企業の印鑑証明書です。本人確認のため、運営者のみが確認します。")
    version = HiddenField()
    form_token = HiddenField(default=lambda: str(uuid.uuid4()), validators=[Length(max=36)])

    def wanted(self):
        """What was typed, in the shape of :mod:`app.services.service_filing`."""
        return {
            "company": {name: self[name].data or "" for name in COMPANY_FACT},
            "admin": {name: self[f"admin_{name}"].data or "" for name in PERSON} | {"signs": self.admin_signs.data},
            "people": [row.given() for row in self.people.data],
            "certificate": {name: self[_certificate_field(name)].data or "" for name in CERTIFICATE},
        }

    @classmethod
    def drawn(cls, wanted, **more):
        """The form filled with what was kept."""
        company, admin, certificate = (wanted.get(name, {}) for name in ("company", "admin", "certificate"))
        data = {name: company.get(name, "") for name in COMPANY_FACT}
        data |= {f"admin_{name}": admin.get(name, "") for name in PERSON} | {"admin_signs": admin.get("signs", False)}
        data |= {_certificate_field(name): certificate.get(name, "") for name in CERTIFICATE}
        data["people"] = [Row(**one) for one in wanted.get("people", [])]
        return cls(formdata=None, data=data | more)

    def redraw(self, application):
        """Show the form again as one of the 申請 as it is now."""
        self.version.data = str(application.version) if application is not None else ""
        self.version.raw_data = None

    @property
    def drawn_version(self):
        """The version of the 申請 the page was drawn from; None where there was none yet."""
        typed = self.version.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def _certificate_field(name):
    return name if name == "pin_mail_address" else f"certificate_{name}"
