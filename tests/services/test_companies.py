"""Companies and their people: names, addresses, the last administrator, and each form once."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

import run
from app import queries
from app.clock import now
from app.errors import AlreadyEnrolled, Refused
from app.extensions import db, writing
from app.models import AccountAction, AccountEvent, Letter, OutboxMessage, PortalUser
from app.services import companies, people
from app.services.people import Particulars

NAMES = {
    "rare kanji": "髙﨑 濵",
    "unit signs": "㈱山田㍿",
    "half-width kana": "ﾔﾏﾀﾞ ﾀﾛｳ",
    "emoji": "山田😀太郎",
    "beyond the basic plane": "𠮷野 家",
    "decomposed": unicodedata.normalize("NFD", "パブロ・ガルシア"),
    "variant selector": "葛\U000e0100城",
    "markup": "<b>山田</b>'\"&",
    "255 characters": "あ" * 255,
}
REFUSED = {
    "": "入力してください",
    " \u3000 ": "入力してください",
    "山田\n太郎": "改行",
    "山田\r": "改行",
    "山田\t太郎": "改行",
    "山田\u2028太郎": "改行",
    "山田\u0085太郎": "改行",
    "山田\x1b太郎": "改行",
    "山田\u202e太郎": "目に見えない文字",
    "山田\u2066太郎": "目に見えない文字",
    "\u200f山田": "目に見えない文字",
    "山田\u200b": "目に見えない文字",
    "山田\u200d太郎": "目に見えない文字",
    "\ufeff山田": "目に見えない文字",
    "山\u00ad田": "目に見えない文字",
    "\u3164": "目に見えない文字",
    "山\u034f田": "目に見えない文字",
    "山\u180b田": "目に見えない文字",
    "\u0301": "文字として表示されるもの",
    "\ufe0f": "文字として表示されるもの",
    "山\ufffd田": "表示できない文字",
    "山\ue000田": "表示できない文字",
    "あ" * 256: "255文字以内",
}


@pytest.mark.requirement("I2", "S14")
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_kept_as_typed(person, name):
    made = people.register(person("admin").company, Particulars(name, "a@b.example"), person("admin"), now())
    db.session.commit()
    db.session.refresh(made)
    assert made.full_name == name


@pytest.mark.requirement("I2", "S14")
@pytest.mark.parametrize("name", REFUSED)
def test_a_name_nobody_can_read_is_refused_with_the_reason(name):
    with pytest.raises(Refused) as refusal:
        companies.check_name(name, "氏名")
    assert REFUSED[name] in refusal.value.sentence and refusal.value.sentence.startswith("氏名")


@pytest.mark.requirement("I2")
def test_only_what_may_be_empty_is_empty():
    assert companies.check_name("\u3000", "部署", may_be_empty=True) == ""
    assert companies.check_name(" 総務部\u3000", "部署") == "総務部"


@pytest.mark.requirement("R106", "S14")
@pytest.mark.parametrize("address", ["a@b.example", "taro.yamada+x@sub.b-c.example", "x..y.@docomo.example"])
def test_a_mail_address_is_taken(address):
    companies.check_mail_address(address)


@pytest.mark.requirement("R106", "S14")
@pytest.mark.parametrize("address", [
    "", "a", "@b.example", "a@", "a@b", "a@b.example\nBcc: x@y.example", "a@b.example\r", "a b@c.example", "ａ@b.example",
    "a@b.example,x@y.example", "a@x@y.example", "山田 <a@b.example>", "a@日本.example", "a@b.example;", f"{'a' * 320}@b.example",
])  # fmt: skip
def test_what_is_not_exactly_one_address_is_refused(address):
    with pytest.raises(Refused, match="メールアドレスの形式"):
        companies.check_mail_address(address)


@pytest.mark.requirement("I2", "I3", "R8")
def test_the_last_administrator_keeps_the_authority_until_there_is_another(person):
    admin, other = person("admin"), person("colleague")
    with pytest.raises(Refused, match="管理者がいなくなる"):
        companies.keep_an_administrator(admin)
    companies.keep_an_administrator(other)  # who is none may go
    given = Particulars(other.full_name, other.mail_address, is_admin=True)
    people.change(other, given, admin, now(), version=people.version_of(other))
    db.session.flush()
    companies.keep_an_administrator(admin)
    other.deleted_at = now()
    db.session.flush()
    with pytest.raises(Refused):
        companies.keep_an_administrator(admin)


@pytest.mark.requirement("I2", "I3")
def test_two_administrators_who_demote_each_other_at_once_leave_one(application, app, person):
    first, second = person("admin"), person("colleague")
    people.change(second, Particulars(second.full_name, second.mail_address, is_admin=True), first, now(), version=people.version_of(second))
    db.session.commit()
    pairs = [(first.id, second.id), (second.id, first.id)]
    company_id = first.company_id
    db.session.remove()

    def demote(pair):
        with application.app_context(), writing():
            victim, actor = (db.session.get(PortalUser, user_id) for user_id in pair)  # both are administrators still
            try:
                people.change(victim, Particulars(victim.full_name, victim.mail_address), actor, now(), version=people.version_of(victim))
                db.session.commit()
                return "done"
            except Refused:
                db.session.rollback()
                return "refused"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, pairs)) == ["done", "refused"]
    admins = [one for one in queries.people_of(company_id, page_size=100).rows if one.is_company_admin]
    assert len(admins) == 1


@pytest.mark.requirement("R26", "R27")
def test_one_form_makes_one_person_however_often_it_arrives_at_once(application, app, person):
    admin_id, before = person("admin").id, db.session.query(PortalUser).count()
    db.session.remove()

    def register(_):
        with application.app_context(), writing():
            admin = db.session.get(PortalUser, admin_id)
            try:
                people.register(admin.company, Particulars("新人", "n@b.example"), admin, now(), token="one-form")
                db.session.commit()
                return "done"
            except AlreadyEnrolled:
                db.session.rollback()
                return "refused"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(register, range(3))) == ["done", "refused", "refused"]
    assert db.session.query(PortalUser).count() == before + 1
    assert db.session.query(OutboxMessage).count() == 2


@pytest.mark.requirement("I2", "I3")
def test_nothing_is_done_to_those_who_are_deleted(person):
    gone, admin = person("colleague"), person("admin")
    gone.deleted_at, gone.login_failures, gone.signing_failures = now(), 5, 5
    db.session.commit()
    for verb in (
        lambda: people.change(gone, Particulars("別名", "x@y.example"), admin, now(), version=people.version_of(gone)),
        lambda: people.reset_password(gone, admin, now()),
        lambda: people.unlock(gone, admin, now()),
    ):
        with pytest.raises(Refused, match="削除済み"):
            verb()
    assert db.session.query(OutboxMessage).count() == 0


@pytest.mark.requirement("I3", "I17")
def test_an_unlock_gives_back_every_try_and_is_told(person, post_letters):
    signer, admin = person("signer"), person("admin")
    (link,) = signer.activations
    link.pin_failures = signer.signing_failures = signer.login_failures = 5
    signer.locked_until = now().replace(year=now().year + 1)
    db.session.commit()
    people.unlock(signer, admin, now())
    db.session.commit()
    assert (link.pin_failures, signer.signing_failures, signer.login_failures) == (0, 0, 0)
    assert signer.locked_until is None and people.locks(signer, now()) == []
    (mail,) = post_letters()
    assert mail.recipients == ["signer@sender.example"] and signer.user_code in mail.body
    assert "ログイン、証明書有効性確認（PIN）、署名（署名用パスワード）" in mail.body
    event = db.session.query(AccountEvent).one()
    assert (event.action, event.user_id, event.actor_id) == (AccountAction.unlocked, signer.id, admin.id)
    with pytest.raises(Refused, match="ロックされていません"):
        people.unlock(signer, admin, now())


@pytest.mark.requirement("I3", "R17")
def test_a_reset_sends_one_new_first_password(person):
    user, admin = person("colleague"), person("admin")
    people.reset_password(user, admin, now())
    assert user.must_change_password and user.initial_password_until > now()
    assert db.session.query(OutboxMessage).one().letter is Letter.initial_password
    assert db.session.query(AccountEvent).one().action is AccountAction.password_reset


def test_the_command_issues_an_operator_or_says_why_not(app, monkeypatch):
    monkeypatch.setattr("app.create_app", lambda: app)
    before = db.session.query(PortalUser).count()
    db.session.commit()
    refused = CliRunner().invoke(run.cli, ["create-operator", "山田 太郎", "operator@portal"])
    assert refused.exit_code == 1 and "メールアドレスの形式が正しくありません" in refused.output
    assert db.session.query(PortalUser).count() == before
    db.session.commit()
    made = CliRunner().invoke(run.cli, ["create-operator", "山田 太郎", "operator@new.example"])
    issued = db.session.query(PortalUser).filter_by(mail_address="operator@new.example").one()
    assert made.exit_code == 0 and made.output == f"{issued.user_code}\n"
