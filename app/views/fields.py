"""Form fields that read what people in Japan type."""

import datetime as dt
import re
import unicodedata

from wtforms import DateField, Field, IntegerField, SelectMultipleField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, NumberInput, TextInput

from app.errors import Refused
from app.services import companies

MOST_YEN = 10**15
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2999, 12, 31)


def trimmed(typed):
    """A filter for text fields: no blanks around what was typed, and "" where nothing was sent."""
    return (typed or "").replace("\r\n", "\n").strip()


def one_line(typed):
    """A filter for fields of one line: line breaks and other control characters become blanks (S14)."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in typed or "").strip()


class NameRule:
    """A validator: what a name may be, and that one is there unless it may be empty."""

    def __init__(self, *, may_be_empty=False):
        self.may_be_empty = may_be_empty
        self.field_flags = {} if may_be_empty else {"required": True}

    def __call__(self, _form, field):
        try:
            field.data = companies.check_name(field.data, field.label.text, may_be_empty=self.may_be_empty)
        except Refused as refusal:
            raise ValidationError(refusal.sentence)


class MailAddressRule:
    """A validator: exactly one mail address."""

    field_flags = {"required": True}

    def __call__(self, _form, field):
        if not field.data:
            raise ValidationError(f"{field.label.text}を入力してください。")
        try:
            companies.check_mail_address(field.data)
        except Refused as refusal:
            raise ValidationError(refusal.sentence)


def is_near(_form, field):
    """A validator: a day that has a beginning and an end in every time zone."""
    if field.data and not FIRST_DAY <= field.data <= LAST_DAY:
        raise ValidationError("日付は2000年以降で入力してください。")


class NotBefore:
    """A validator for the end of a range: it is not before the beginning."""

    def __init__(self, first, sentence):
        self.first, self.sentence = first, sentence

    def __call__(self, form, field):
        first = form[self.first].data
        if first is not None and field.data is not None and field.data < first:
            raise ValidationError(self.sentence)


class DayField(DateField):
    """A calendar day, from the browser's picker or typed as 2026/04/01."""

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators, format=["%Y-%m-%d", "%Y/%m/%d"], **kwargs)

    def process_formdata(self, valuelist):
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError:
            raise ValueError("日付は「2026/04/01」の形式で入力してください。")


class ChecksField(SelectMultipleField):
    """Any number of choices, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class YenField(IntegerField):
    """Whole yen of 0 or more; full-width digits, commas, ￥ and 円 are read past."""

    widget = TextInput()

    def _value(self):
        return self.raw_data[0] if self.raw_data else ("" if self.data is None else f"{self.data:,}")

    def process_formdata(self, valuelist):
        typed = unicodedata.normalize("NFKC", valuelist[0]).strip() if valuelist else ""
        typed = typed.removeprefix("¥").removesuffix("円").replace(",", "").strip()
        self.data = None
        if not typed:
            return
        if not (typed.isascii() and typed.isdigit() and int(typed) < MOST_YEN):
            raise ValueError("金額は0以上の整数（円）で入力してください。")
        self.data = int(typed)


class MeasureField(Field):
    """A number of a few digits, such as a length in millimetres; full-width digits are read.

    :param digits: how many after the point are kept; the value is a float, or an int where there are none
    """

    def __init__(self, label=None, digits=0, **kwargs):
        super().__init__(label, **kwargs)
        self.digits = digits
        self.widget = NumberInput(step="1" if digits == 0 else f"0.{'0' * (digits - 1)}1", min=0)

    def _value(self):
        if self.raw_data:
            return self.raw_data[0]
        return "" if self.data is None else f"{self.data:.{self.digits}f}"

    def process_formdata(self, valuelist):
        typed = unicodedata.normalize("NFKC", valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not re.fullmatch(r"[0-9]{1,5}" + (r"(\.[0-9]*)?" if self.digits else ""), typed, re.ASCII):
            raise ValueError(f"{self.label.text}は、0以上の数字で入力してください。")
        self.data = round(float(typed), self.digits) if self.digits else int(typed)
