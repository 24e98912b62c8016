"""［雛形から選ぶ］ in the forms that name 自社回覧先, and what new ones of them begin with."""

from flask import g, request

from app import queries
from app.services import route_templates
from app.workflow import Role

FIELDS = {Role.approver: "approvers", Role.signer: "signer", Role.viewer: "viewers"}


class WithRoute:
    """For forms with 承認者, 署名者 and 参照者: what was filled in, in words."""

    route_words = ()
    route_names = {}  # noqa: RUF012  replaced, never changed


def is_asked():
    return "fill_route" in request.form


def fill(form, side, mode=None):
    """Put the people of the chosen template into the form, in place of whoever stood there."""
    typed = request.form.get("route_template", "")
    template_id = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None
    if template_id is None:
        form.route_words = ["雛形を選択してから、［雛形から選ぶ］を押してください。"]
        return
    template = queries.route_template_of(g.user, template_id)
    _put(form, route_templates.suggest_by(template, side, mode), f"雛形「{template.name}」の回覧先を入力しました。")


def begin(form, side, templates, mode=None, party=None):
    """A new form begins with the route laid before 社内差戻, or with the company's 既定.

    :param templates: those that the person may use
    """
    earlier = route_templates.suggest_for(party, side, mode) if party is not None else None
    if earlier is not None:
        _put(form, earlier, "前回の受取確認で設定した回覧先が入力されています。必要に応じて変更してください。")
        return
    template = next((template for template in templates if template.is_default(side)), None)
    if template is not None:
        suggestion = route_templates.suggest_by(template, side, mode)
        _put(form, suggestion, f"既定の雛形「{template.name}」の回覧先が入力されています。必要に応じて変更してください。")


def _put(form, suggestion, word):
    for role, name in FIELDS.items():
        if name in form:
            form[name].data = " ".join(person.user_code for person in suggestion.people[role])
    form.route_names = {
        FIELDS[role]: "、".join(person.full_name for person in people) for role, people in suggestion.people.items()
    }
    form.route_words = [word, *suggestion.words]
