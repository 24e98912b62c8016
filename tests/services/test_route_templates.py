"""回覧ルート雛形: whose they are, what they put into a form, and what they leave out."""

import pytest

from app import queries
from app.clock import now
from app.errors import NotFound, OutOfTurn, Refused
from app.extensions import db
from app.models import AccountEvent, RouteTemplate
from app.services import people, personal_data, route_templates
from app.services.route_templates import Wish
from app.workflow import Role, Side, SignatureMode


@pytest.fixture
def keep(person):
    """`keep("admin", approvers=("approver",), is_shared=True)`: people by their names in the tests."""

    def save(who, name="標準", template=None, version=None, **wish):
        for field in ("approvers", "signer", "viewers"):
            wish[field] = tuple(person(one).user_code for one in wish.get(field, ()))
        kept = route_templates.save(person(who), now(), Wish(name=name, **wish), template, version=version)
        db.session.commit()
        return kept

    return save


def named(template):
    return {role: [one.full_name for one in template.people(role)] for role in route_templates.ROLES}


@pytest.mark.requirement("I8", "R53")
def test_the_order_of_the_approvers_is_kept_and_a_change_takes_the_places_over(keep):
    made = keep("admin", approvers=("second_approver", "approver"), signer=("signer",), viewers=("viewer",), is_shared=True)
    assert named(made) == {
        Role.approver: ["承認 二郎", "承認 一郎"], Role.signer: ["署名 三郎"], Role.viewer: ["参照 四郎"]
    }  # fmt: skip
    changed = keep("admin", "新しい名前", made, made.version, approvers=("approver",), is_shared=True)
    assert changed is made and named(made)[Role.approver] == ["承認 一郎"] and made.name == "新しい名前"
    with pytest.raises(OutOfTurn):
        keep("admin", "古い画面", made, made.version - 1, approvers=("approver",), is_shared=True)


@pytest.mark.requirement("I18", "S7")
def test_each_sees_the_companys_and_the_own_and_changes_only_what_is_theirs(keep, person):
    shared, own = keep("admin", approvers=("approver",), is_shared=True), keep("colleague", approvers=("viewer",))
    assert queries.route_templates_of(person("colleague")) == [shared, own]
    assert queries.route_templates_of(person("registrar")) == queries.route_templates_of(person("admin")) == [shared]
    assert queries.route_templates_of(person("recipient")) == queries.route_templates_of(person("stranger")) == []
    for who, template in (("registrar", own), ("stranger", shared), ("recipient", own)):
        with pytest.raises(NotFound):
            queries.route_template_of(person(who), template.id)
    for who, template in (("colleague", shared), ("admin", own)):
        with pytest.raises(NotFound):
            keep(who, "奪う", template, template.version, approvers=("viewer",))
        with pytest.raises(NotFound):
            route_templates.delete(template, person(who), now(), version=template.version)
    assert [event.note for event in db.session.query(AccountEvent)] == ["標準（保存）"]  # the own ones are nobody's affair
    route_templates.delete(own, person("colleague"), now(), version=own.version)
    db.session.commit()
    assert db.session.query(RouteTemplate).all() == [shared]


@pytest.mark.requirement("R53", "I8")
@pytest.mark.parametrize("wish, sentence", [
    ({}, "1名以上"),
    ({"approvers": ("recipient",)}, "自社の有効な利用者IDではありません"),
    ({"signer": ("signer", "approver")}, "1名だけ"),
    ({"approvers": ("approver",), "is_shared": True}, "管理者です"),
    ({"approvers": ("approver",), "is_receipt_default": True}, "全員が使う雛形だけ"),
    ({"approvers": ("approver",), "name": "  "}, "入力してください"),
    ({"approvers": ("approver",), "name": "あ" * 65}, "64文字以内"),
    ({"approvers": ("approver",), "name": "自分用"}, "すでにあります"),
])  # fmt: skip
def test_what_is_no_template(keep, wish, sentence):
    keep("colleague", "自分用", approvers=("approver",))
    with pytest.raises(Refused, match=sentence):
        keep("colleague", **wish)
    db.session.rollback()
    assert db.session.query(RouteTemplate).count() == 1


@pytest.mark.requirement("I8")
def test_one_is_the_default_of_each_side_and_the_last_one_chosen_is_it(keep, person):
    company_id = person("admin").company_id
    first = keep("admin", "一", approvers=("approver",), is_shared=True, is_registration_default=True, is_receipt_default=True)
    second = keep("admin", "二", approvers=("approver",), is_shared=True, is_registration_default=True)
    assert queries.default_route_template(company_id, Side.sender) is second
    assert queries.default_route_template(company_id, Side.receiver) is first
    keep("admin", "一", first, first.version, approvers=("approver",))  # the administrator's own from now on
    assert queries.default_route_template(company_id, Side.receiver) is None and first.owner_id
    assert queries.default_route_template(person("recipient").company_id, Side.sender) is None


@pytest.mark.requirement("I8", "R52", "R53")
def test_who_cannot_be_named_is_left_out_with_a_word(keep, person):
    made = keep("admin", approvers=("approver", "second_approver"), signer=("signer",), is_shared=True)
    people.delete(person("approver"), person("admin"), now())
    db.session.commit()
    found = route_templates.suggest_by(made, Side.sender, SignatureMode.receiver_only)
    assert found.people == {Role.approver: [person("second_approver")], Role.signer: [], Role.viewer: []}
    assert found.words == ["「承認 一郎」様は、利用できなくなったため除きました。", "この契約文書に自社は署名しないため、署名者を除きました。"]
    assert route_templates.suggest_by(made, Side.sender).people[Role.signer] == [person("signer")]  # not chosen yet


@pytest.mark.requirement("L23")
def test_the_own_templates_are_in_the_own_data_and_go_with_them(keep, person):
    own = keep("colleague", "自分用", approvers=("approver",))
    shared = keep("admin", approvers=("colleague", "approver"), is_shared=True)
    assert personal_data.export(person("colleague"), now())["回覧ルート雛形"] == [own.name]
    people.delete(person("colleague"), person("admin"), now())
    personal_data.erase(person("colleague"), person("admin"), now())
    db.session.commit()
    db.session.expire_all()
    assert db.session.query(RouteTemplate).all() == [shared]
    assert named(shared)[Role.approver] == ["承認 一郎"]
