"""「受信者の情報」 of ［契約文書登録］: one row for each receiving company, in the order of their turns (I7)."""

import re
from dataclasses import dataclass, field
from itertools import zip_longest

from wtforms import Field
from wtforms.utils import unset_value

from app.queries import as_code
from app.services.recipients import MOST_RECEIVERS

_LONGEST_CODE = 16
_REARRANGE = re.compile(r"(remove|up|down)-([0-9]{1,2})")


@dataclass
class Row:
    """What was typed for one receiving company."""

    company_code: str = ""
    user_code: str = ""
    is_reassigned: bool = False  # the receiver has put a colleague in the place of who was named
    errors: dict = field(default_factory=dict)  # sentences by input

    def check(self):
        self.errors = {}
        for name, called in (("company_code", "企業ID"), ("user_code", "利用者ID")):
            typed = getattr(self, name)
            if not typed:
                self.errors[name] = [f"受信者の{called}を入力してください。"]
            elif len(typed) > _LONGEST_CODE:
                self.errors[name] = [f"{called}は{_LONGEST_CODE}文字以内で入力してください。"]
        return not self.errors


class RecipientsField(Field):
    """The rows; all inputs of a kind have one name, so that the order on the page is the order sent."""

    INPUTS = ("company_code", "user_code")

    def process(self, formdata, data=unset_value, extra_filters=None):
        self.process_errors = []
        self.object_data = data
        self.data = list(data) if data not in (unset_value, None) else [Row()]
        if formdata:
            typed = zip_longest(formdata.getlist("company_code"), formdata.getlist("user_code"), fillvalue="")
            rows = [Row(company_code.strip(), user_code.strip()) for company_code, user_code in typed]
            self.data = rows[: MOST_RECEIVERS + 1] or [Row()]

    def validate(self, form, extra_validators=()):
        are_good = [row.check() for row in self.data]
        self.errors = [] if all(are_good) else ["受信者の情報をご確認ください。"]
        return not self.errors

    def mark(self, kept):
        """Say again, beside what is typed now, whose 受取担当者 the receiver has changed since."""
        reassigned = {row.company_code for row in kept if row.is_reassigned}
        for row in self.data:
            row.is_reassigned = as_code(row.company_code) in reassigned

    def typed(self):
        """Pairs of 企業ID and 利用者ID."""
        return [(row.company_code, row.user_code) for row in self.data]

    def rearrange(self, how):
        """Do what one of the buttons says, for browsers without JavaScript: ``add``, ``remove-2``, ``up-2``, ``down-2``."""
        asked, rows = _REARRANGE.fullmatch(how), self.data
        if how == "add" and len(rows) < MOST_RECEIVERS:
            rows.append(Row())
        place = int(asked[2]) - 1 if asked else -1
        if not 0 <= place < len(rows):
            return
        if asked[1] == "remove" and len(rows) > 1:
            del rows[place]
        other = place + {"up": -1, "down": 1}.get(asked[1], 0)
        if 0 <= other < len(rows) and other != place:
            rows[place], rows[other] = rows[other], rows[place]
