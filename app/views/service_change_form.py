"""The fields of プラン変更, オプション申請 and 解約, for the company's pages and the operator's alike."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.labels import OPTION, PLAN, SERVICE_KIND
from app.models import CompanyOption, ServiceKind
from app.plans import PlanKind
from app.services import service_changes
from app.services.service_changes import OPTION_KINDS, Wish
from app.views.fields import DayField, is_near, trimmed


class ChangeForm(FlaskForm):
    """What every 申請 has: its token, its day, and a note."""

    form_token = HiddenField(validators=[InputRequired(), Length(max=36)])
    wanted_on = DayField(
        "適用希望日", [InputRequired("適用希望日を入力してください。"), is_near],
        description="この日の0時（日本時間）から適用されます。審査の結果により、適用日が変わることがあります。",
    )  # fmt: skip
    note = TextAreaField("連絡事項", [Length(max=service_changes.MOST_NOTE)], filters=[trimmed], description="運営者にお伝えになりたいことがある場合に入力してください。")

    def wish(self, kind, option=None):
        return Wish(kind, self.wanted_on.data, self.wanted_plan, option, self.note.data)

    wanted_plan = None


class PlanForm(ChangeForm):
    """プラン変更."""

    plan = RadioField(
        "変更後のプラン", [InputRequired("変更後のプランを選択してください。")],
        choices=[SelectChoice(kind.value, PLAN[kind]) for kind in PlanKind],
    )  # fmt: skip

    @property
    def wanted_plan(self):
        return PlanKind(self.plan.data)


class TerminationForm(ChangeForm):
    """解約: whoever applies says that the consequences are understood."""

    is_understood = BooleanField("上記の内容を確認し、解約を申請します", [InputRequired("内容をご確認のうえ、チェックを入れてください。")])


def changes_offered():
    """Every change as the choices of one field: its value names kind and object."""
    plan_change, termination = ServiceKind.plan_change, ServiceKind.termination
    return [
        *(SelectChoice(f"{plan_change.value}.{plan.value}", f"{SERVICE_KIND[plan_change]}：{PLAN[plan]}") for plan in PlanKind),
        *(
            SelectChoice(f"{kind.value}.{option.value}", f"{SERVICE_KIND[kind]}：{OPTION[option]}")
            for option in CompanyOption for kind in OPTION_KINDS
        ),
        SelectChoice(f"{termination.value}.", SERVICE_KIND[termination]),
    ]  # fmt: skip


class PaperForm(ChangeForm):
    """What an operator keys in from paper: one field says what changes."""

    change = SelectField("変更の内容", [InputRequired("変更の内容を選択してください。")], choices=[SelectChoice("", "選択してください"), *changes_offered()])

    def paper_wish(self):
        kind, _, of = self.change.data.partition(".")
        kind = ServiceKind(kind)
        return Wish(
            kind, self.wanted_on.data, PlanKind(of) if kind is ServiceKind.plan_change else None,
            CompanyOption(of) if kind in OPTION_KINDS else None, self.note.data,
        )  # fmt: skip
