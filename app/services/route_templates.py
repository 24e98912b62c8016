"""回覧ルート雛形: kept by a company's administrators for everybody, and by each person for the own use.

A template only fills in a form; who is on it is checked again like anybody typed.
"""

from dataclasses import dataclass, field

from app import queries
from app.errors import NotFound, OutOfTurn, Refused
from app.extensions import db
from app.models import AccountAction, RouteTemplate, RouteTemplateStep
from app.services import companies, journal, routes
from app.workflow import Role, Side

MOST_TEMPLATES = 50  # of the company, and of each person
ROLES = (Role.approver, Role.signer, Role.viewer)


@dataclass(frozen=True)
class Wish:
    """A template as typed: people by 利用者ID."""

    name: str
    approvers: tuple[str, ...] = ()
    signer: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    is_shared: bool = False  # the whole company's
    is_registration_default: bool = False
    is_receipt_default: bool = False


@dataclass(frozen=True)
class Suggestion:
    """What a template puts into a form, and a word on whom it leaves out."""

    people: dict[Role, list]
    words: list[str] = field(default_factory=list)


def may_change(template, actor):
    """The own ones, and as an administrator those of the company."""
    return template.owner_id == actor.id if template.owner_id else actor.is_company_admin


def save(actor, now, wish, template=None, *, version=None):
    """Keep a new template, or change one.

    :param version: the version of the template that the form was drawn from
    :raises NotFound: not the person's to change
    :raises Refused: the name or the people do not do
    """
    companies.hold(actor.company_id)
    if template is not None:
        _check(template, actor, version)
    if wish.is_shared and not actor.is_company_admin:
        raise Refused("自社の全員が使う雛形を登録できるのは、管理者です。")
    if (wish.is_registration_default or wish.is_receipt_default) and not wish.is_shared:
        raise Refused("既定にできるのは、自社の全員が使う雛形だけです。")
    people = routes.read(actor.company_id, approvers=wish.approvers, signer=wish.signer, viewers=wish.viewers)
    if not any(people.values()):
        raise Refused("承認者、署名者、参照者のうち、1名以上を指定してください。")
    owner_id = None if wish.is_shared else actor.id
    name = _name(wish.name, actor.company_id, owner_id, template)
    if template is None:
        template = RouteTemplate(company_id=actor.company_id)
        db.session.add(template)
    template.name, template.owner_id, template.changed_at = name, owner_id, now
    _set_defaults(template, wish)
    _lay(template, people)
    _note(template, actor, now, "保存")
    return template


def delete(template, actor, now, *, version):
    """A template goes; documents registered with it stay as they are."""
    _check(template, actor, version)
    _note(template, actor, now, "削除")
    db.session.delete(template)


def suggest(people, side, mode=None):
    """The people of a template for one form, without whom it cannot name.

    :param people: role -> people in order
    :param mode: the 署名区分; None while it is not chosen
    """
    kept, words = {}, []
    for role in ROLES:
        kept[role] = [person for person in people[role] if person.is_selectable]
        words += [
            f"「{person.full_name}」様は、利用できなくなったため除きました。" for person in people[role] if not person.is_selectable
        ]
    if kept[Role.signer] and mode is not None and not mode.is_signed_by(side):
        kept[Role.signer] = []
        words.append("この契約文書に自社は署名しないため、署名者を除きました。")
    return Suggestion(kept, words)


def suggest_by(template, side, mode=None):
    return suggest({role: template.people(role) for role in ROLES}, side, mode)


def suggest_for(party, side, mode):
    """The route that a company has laid before, for the form in which it is set anew; None where there is none."""
    people = {role: party.people(role) for role in ROLES}
    return suggest(people, side, mode) if any(people.values()) else None


def _check(template, actor, version):
    if not may_change(template, actor):
        raise NotFound
    if str(template.version) != str(version):
        raise OutOfTurn("この雛形は、画面を開いた後に変更されています。最新の内容をご確認ください。")


def _name(typed, company_id, owner_id, template):
    name = companies.check_name(typed, "雛形の名前")
    if len(name) > RouteTemplate.name.type.length:
        raise Refused(f"雛形の名前は{RouteTemplate.name.type.length}文字以内で入力してください。")
    if any(other is not template for other in queries.route_templates_named(company_id, owner_id, name)):
        raise Refused(f"「{name}」という名前の雛形は、すでにあります。別の名前を付けてください。")
    if template is None and queries.count_route_templates(company_id, owner_id) >= MOST_TEMPLATES:
        raise Refused(f"雛形は{MOST_TEMPLATES}件まで登録できます。使わない雛形を削除してください。")
    return name


def _set_defaults(template, wish):
    """One template at most is what 登録, and one what 受取 begins with."""
    for attribute, side in (("is_registration_default", Side.sender), ("is_receipt_default", Side.receiver)):
        if getattr(wish, attribute):
            with db.session.no_autoflush:
                earlier = queries.default_route_template(template.company_id, side)
            if earlier is not None and earlier is not template:
                setattr(earlier, attribute, False)
                db.session.flush()  # before the other takes its place
        setattr(template, attribute, getattr(wish, attribute))


def _lay(template, people):
    if template.steps:
        template.steps.clear()
        db.session.flush()  # a position is free only when its row is gone
    named = [(role, person) for role in ROLES for person in people[role]]
    template.steps = [
        RouteTemplateStep(role=role, user=person, position=position)
        for position, (role, person) in enumerate(named, start=1)
    ]


def _note(template, actor, now, what):
    if template.owner_id is None:
        journal.note(AccountAction.route_template_changed, now, actor=actor, note=f"{template.name}（{what}）")
