"""再送 of letters that failed for good: which are due again, to whom, and which are not and why."""

import datetime as dt

import pytest

from app.clock import now
from app.errors import Refused
from app.extensions import db
from app.labels import LETTER
from app.models import AccountAction, AccountEvent, Letter, LogEntry, OutboxMessage
from app.services import credentials, outbox, people, resending
from app.services.people import Particulars
from app.workflow import SignatureMode, Status

UNSIGNED = SignatureMode.no_signature
DAY = dt.timedelta(days=1)


def failed(letter, user, document=None, when=None, **facts):
    """A letter that the mail server refused for good."""
    message = outbox.owe(letter, user, when or now(), document=document, **facts)
    db.session.commit()
    outbox.claim(message.id, now())
    outbox.give_up(message, "メールサーバーが受け付けませんでした（550）。")
    return message


def failed_request(make_document):
    document = make_document(Status.receiver_receipt, mode=UNSIGNED)
    message = db.session.query(OutboxMessage).filter_by(letter=Letter.receipt_request).one()
    outbox.claim(message.id, now())
    outbox.give_up(message, "550")
    return document, message


@pytest.mark.requirement("Q5", "I21", "S15")
def test_a_failed_letter_is_due_again_with_its_message_id_and_on_the_record(make_document, person):
    _, message = failed_request(make_document)
    moment, message_id, operator = now(), message.message_id, person("operator")
    assert resending.outlook(message, moment) == resending.Outlook("recipient@receiver.example", False, None)
    resending.resend(message, operator, moment)
    db.session.commit()
    assert (message.due_at, message.failure, message.message_id) == (moment, "", message_id)
    assert message.attempts == 1 and message.id in outbox.due(moment)
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.mail_resent).one()
    assert (noted.user, noted.actor, noted.note) == (person("recipient"), operator, "受取確認依頼")
    assert noted.company == person("recipient").company
    entry = db.session.query(LogEntry).filter_by(source="account_event", source_id=noted.id).one()
    assert entry.kind == "account.mail_resent" and entry.actor_id == operator.id

    assert outbox.claim(message.id, moment) is message  # the job has it in hand, and has failed to send it for now
    outbox.postpone(message, "送信できませんでした。")
    for _ in range(2):
        with pytest.raises(Refused, match="送信を待っているメール"):
            resending.resend(message, operator, moment)
    outbox.mark_sent(message, moment)
    with pytest.raises(Refused, match="送信済み"):
        resending.resend(message, operator, moment)
    assert resending.outlook(message, moment) is None
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.mail_resent).count() == 1


@pytest.mark.requirement("Q5", "R106")
def test_it_goes_to_the_address_as_put_right_as_a_letter_of_its_own(make_document, person):
    _, message = failed_request(make_document)
    user, operator, earlier = person("recipient"), person("operator"), message.message_id
    right = Particulars(full_name=user.full_name, mail_address="right@receiver.example")
    people.change(user, right, operator, now(), version=people.version_of(user))
    db.session.commit()
    told = db.session.query(OutboxMessage).filter_by(letter=Letter.mail_address_changed).one()
    outbox.claim(told.id, now())
    outbox.give_up(told, "550")

    assert resending.outlook(message, now()) == resending.Outlook("right@receiver.example", True, None)
    assert resending.resend_all([told, message, message], operator, now()) == (2, {})
    db.session.commit()
    assert message.to_address == "right@receiver.example" and message.message_id != earlier
    assert message.message_id.partition("@")[2] == earlier.partition("@")[2]
    assert told.to_address == "recipient@receiver.example"  # what it says is for whoever reads the earlier one
    notes = [event.note for event in db.session.query(AccountEvent).filter_by(action=AccountAction.mail_resent)]
    assert sorted(notes) == ["メールアドレス変更", "受取確認依頼（変更後のメールアドレスに送信）"]
    assert not any("@" in note for note in notes)


@pytest.mark.requirement("Q5", "S15")
@pytest.mark.parametrize("letter, word", [
    (Letter.initial_password, "パスワードを初期化"), (Letter.password_forgotten, "パスワードをお忘れの方"),
    (Letter.certificate_pin, "PIN再発行の申請"), (Letter.signing_password, "署名用パスワード再発行"),
    (Letter.signing_password_reissued, "署名用パスワード再発行"), (Letter.signing_code, "署名用コードを送信"),
    (Letter.service_invitation, "取引先への利用申請案内"), (Letter.service_returned, "取引先への利用申請案内"),
])  # fmt: skip
def test_no_secret_is_sent_late_and_the_refusal_says_what_to_do_instead(person, letter, word):
    ends = None if letter is Letter.certificate_pin else now() + DAY
    message = failed(letter, person("signer"), secret="Geheim-1", expires_at=ends)
    assert message.sealed_secret is None
    with pytest.raises(Refused, match=word) as refusal:
        resending.resend(message, person("operator"), now())
    assert "保存していません" in refusal.value.sentence
    db.session.commit()
    assert message.due_at is None and message.failure
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.mail_resent).count() == 0


def test_every_letter_with_a_secret_has_its_way_out(app):
    """The templates know which letters show one."""
    folder = app.jinja_env.loader
    with_secret = {
        letter for letter in Letter if "{{ secret }}" in folder.get_source(app.jinja_env, f"mail/{letter.value}.body.txt")[0]
    }
    assert with_secret == set(resending.INSTEAD) and with_secret <= set(LETTER)


@pytest.mark.requirement("Q5", "T12", "T13", "L23")
def test_what_is_over_is_not_sent_again_and_the_rest_of_the_chosen_is(make_document, person):
    document, over = failed_request(make_document)
    gone, operator = person("viewer"), person("operator")
    to_deleted = failed(Letter.progress, gone, document)
    gone.deleted_at, gone.active = now(), False
    of_deleted = failed(Letter.remanded, person("registrar"), number="D1", title="削除済み")
    counted = failed(Letter.deadline, person("recipient"), document, now() - DAY, days_left=3)
    counted_today = failed(Letter.deadline, person("recipient"), document, days_left=3)
    on_paper = failed(Letter.service_received, None, to_address="new@company.example", person="新 一", company="新会社")
    document.holder = person("receiver_colleague")  # 担当者変更
    db.session.commit()

    count, kept_back = resending.resend_all(
        [over, to_deleted, of_deleted, counted, counted_today, on_paper], operator, now()
    )
    db.session.commit()
    assert count == 2 and counted_today.due_at and on_paper.due_at and on_paper.to_address == "new@company.example"
    assert [row.due_at for row in (over, to_deleted, of_deleted, counted)] == [None] * 4
    for word in ("担当者が変わっています", "利用者は削除されている", "契約文書は削除されている", "残りの日数が変わっている"):
        assert sum(count for sentence, count in kept_back.items() if word in sentence) == 1, word
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.mail_resent).count() == 2


@pytest.mark.requirement("Q5")
def test_an_erased_letter_stays_erased(person):
    credentials.give_initial_password(person("viewer"), now())
    db.session.commit()
    message = db.session.query(OutboxMessage).one()
    message.to_address, message.facts, message.due_at = "", {}, None
    person("viewer").deleted_at, person("viewer").active = now(), False
    db.session.commit()
    with pytest.raises(Refused, match="削除されている"):
        resending.resend(message, person("operator"), now())
