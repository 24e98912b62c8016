"""料金表: the operator's own prices, each from a day on (I10)."""

import datetime as dt

from flask import flash, redirect, request, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.baseviews import expose
from flask_appbuilder.fieldwidgets import Select2Widget
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import SelectChoice, SelectField
from wtforms.validators import InputRequired, ValidationError

from app.clock import japan_date, now
from app.errors import Refused
from app.labels import FEE_ITEM, PLAN, SAMPLE, day
from app.models import Fee, FeeItem
from app.plans import PlanKind
from app.services import fee_table
from app.views.answers import acting_person
from app.views.fields import DayField, YenField, is_near
from app.views.operator_rows import OperatorView, Rows


def fits(form, day_field):
    """What the table refuses is said on the form, which keeps what was typed."""
    fee = _typed(form)
    if None in (fee.item, fee.plan, fee.yen, day_field.data):
        return  # a field of its own says so
    try:
        fee_table.check(fee, japan_date(now()))
    except Refused as refusal:
        raise ValidationError(refusal.sentence) from refusal


def _typed(form):
    """The price that a form holds, as a row that is in no session."""
    number = int(request.view_args.get("pk", 0))
    return Fee(id=number, item=form.item.data, plan=form.plan.data, yen=form.yen.data, effective_on=form.effective_on.data)


def _as_drawn(neighbour):
    """What a 確認 shows of another price: whether that is still so when it is confirmed."""
    return f"{neighbour.id}:{neighbour.effective_on}:{neighbour.yen}" if neighbour else "-"


class FeeModelView(OperatorView):
    route_base = "/operator/fees"
    datamodel = Rows(Fee)
    base_permissions = ["can_list", "can_show", "can_add", "can_edit"]
    include_route_methods = {"list", "show", "add", "edit", "action"}
    list_title, show_title, add_title, edit_title = "料金表", "料金", "料金の追加", "料金の変更"
    list_template = "operator_fees/list.html"
    extra_args = {"missing": lambda: fee_table.missing(japan_date(now()))}
    label_columns = {
        "item": "項目", "plan": "プラン", "effective_on": "適用開始日", "yen": "金額（税抜・円）", "is_sample": "区分",
    }  # fmt: skip
    list_columns = show_columns = ["item", "plan", "effective_on", "yen", "is_sample"]
    add_columns = edit_columns = ["item", "plan", "effective_on", "yen"]
    search_columns = ["effective_on"]
    base_order = ("effective_on", "desc")
    page_size = 50
    formatters_columns = {
        "item": FEE_ITEM.get, "plan": PLAN.get, "effective_on": day, "yen": "{:,}円".format,
        "is_sample": lambda sample: SAMPLE if sample else "－",
    }  # fmt: skip
    add_form_extra_fields = {
        "item": SelectField(
            "項目", coerce=FeeItem, choices=[SelectChoice(one.value, FEE_ITEM[one]) for one in FeeItem], widget=Select2Widget()
        ),
        "plan": SelectField(
            "プラン", coerce=PlanKind, choices=[SelectChoice(one.value, PLAN[one]) for one in PlanKind], widget=Select2Widget()
        ),
        "effective_on": DayField(
            "適用開始日", [InputRequired("適用開始日を入力してください。"), is_near, fits], render_kw={"class": "form-control"},
            description="この日の利用から適用します。本日以降の日付を指定してください。適用が始まった料金は、変更も削除もできません。［保存］を押すと、確認の画面に進みます。",
        ),
        "yen": YenField(
            "金額（税抜・円）", [InputRequired("金額を入力してください。")], render_kw={"class": "form-control"},
            description="消費税を含まない金額です。",
        ),
    }  # fmt: skip
    edit_form_extra_fields = add_form_extra_fields

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self):
        """The form, then from when the price counts and what it replaces, then ［確定］."""
        return self._unless_confirmed("add") or super().add()

    def _unless_confirmed(self, verb):
        """What is shown before anything is saved: 確認, or the form again after its ［戻る］; None where there is nothing."""
        if request.method == "GET":
            return None
        form, title = getattr(self, f"{verb}_form").refresh(request.form), getattr(self, f"{verb}_title")
        if "back" in request.form:
            widgets = getattr(self, f"_get_{verb}_widget")(form=form, exclude_cols=[])
            return self.render_template(getattr(self, f"{verb}_template"), title=title, widgets=widgets)
        if not form.validate():
            return None
        fee, today = _typed(form), japan_date(now())
        place = fee_table.place_of(fee, today)
        drawn = " ".join(map(str, (today, *map(_as_drawn, (place.replaced, place.following)))))
        if request.form.get("confirmed") == drawn:
            return None
        return self.render_template(
            "operator_fees/confirmation.html", title=f"{title}の確認", fee=fee, place=place, drawn=drawn,
            eve=fee.effective_on - dt.timedelta(days=1), today=today,
            ends_on=place.following.effective_on - dt.timedelta(days=1) if place.following else None,
        )  # fmt: skip

    def pre_add(self, fee):
        fee.is_sample = False
        fee_table.check(fee, japan_date(now()))
        fee_table.note(fee, acting_person(), now(), "追加")

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, pk):
        """The form and its 確認, for a price whose day has not come; else back to the list, with the reason."""
        try:
            fee_table.check_open(self.datamodel.get(pk), japan_date(now()))
        except Refused as refusal:
            flash(refusal.sentence, "danger")
            return redirect(url_for(".list"))
        return self._unless_confirmed("edit") or super().edit(pk)

    def pre_update(self, fee):
        fee_table.check_open(fee, japan_date(now()))
        fee_table.check(fee, japan_date(now()))
        fee.is_sample = False
        fee_table.note(fee, acting_person(), now(), "変更")

    @action("remove", "削除", "適用が始まっていない料金のみ削除できます。この料金を削除します。よろしいですか。", "fa-trash", multiple=False)
    def remove(self, fee):
        return self.carry_out(lambda: fee_table.remove(fee, acting_person(), now()), "料金を削除しました。")


def register(appbuilder):
    appbuilder.add_view(FeeModelView, "料金表", category="運営者業務")
