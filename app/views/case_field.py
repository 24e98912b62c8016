"""「案件」 in the forms of ［契約文書登録］ and ［契約文書受取］: typed or picked by its 案件番号 (R96, R97)."""

from flask import g
from wtforms import StringField
from wtforms.validators import Length

from app import queries
from app.services import cases
from app.views.fields import one_line


class WithCase:
    """For forms in which the own 案件 of a document is chosen; the page leaves it out where there is no option."""

    case_number = StringField(
        "案件", [Length(max=64)], filters=[one_line],
        description="案件管理に登録した案件番号を入力してください（任意）。案件番号や案件名の一部を入力すると、候補が表示されます。自社内のみで閲覧できます。",
    )  # fmt: skip


def offered(side):
    """What the field suggests; None where the company may not choose a 案件 there."""
    company = g.user.company
    return queries.cases_offered(company.id) if cases.may_choose(company, side) else None
