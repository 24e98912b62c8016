"""The transition table, against one written out by hand."""

import pytest

from app.workflow import (
    DELETABLE,
    HIDDEN_FROM_RECEIVERS,
    REMINDABLE,
    STEPS,
    Action,
    By,
    Status,
    actions_in,
    arrive,
    find_step,
)

NEXT = "next"
BY_HAND = {
    (Status.draft, Action.send): NEXT,
    (Status.remanded, Action.send): NEXT,
    (Status.sender_approval, Action.approve): NEXT,
    (Status.sender_approval, Action.remand): Status.remanded,
    (Status.sender_signature, Action.sign): NEXT,
    (Status.sender_signature, Action.remand): Status.remanded,
    (Status.receiver_receipt, Action.confirm_receipt): NEXT,
    (Status.receiver_receipt, Action.remand): Status.remanded,
    (Status.receiver_approval, Action.approve): NEXT,
    (Status.receiver_approval, Action.remand): Status.remanded,
    (Status.receiver_approval, Action.return_inside): Status.receiver_receipt,
    (Status.receiver_signature, Action.return_inside): Status.receiver_receipt,
    (Status.receiver_signature, Action.sign): NEXT,
    (Status.receiver_signature, Action.remand): Status.remanded,
    (Status.completion_wait, Action.archive): Status.archived,
    (Status.archived, Action.extend): Status.archived,
    (Status.completion_wait, Action.correct): Status.completion_wait,
    (Status.archived, Action.correct): Status.archived,
    (Status.archived, Action.renew): Status.archived,
    (Status.archived, Action.expire): Status.archive_expired,
    (Status.archive_expired, Action.dispose): Status.archive_expired,
    (Status.draft, Action.withdraw): Status.withdrawn,
    (Status.remanded, Action.withdraw): Status.withdrawn,
    (Status.sender_approval, Action.withdraw): Status.withdrawn,
    (Status.sender_signature, Action.withdraw): Status.withdrawn,
    (Status.receiver_receipt, Action.withdraw): Status.withdrawn,
    (Status.receiver_approval, Action.withdraw): Status.withdrawn,
    (Status.receiver_signature, Action.withdraw): Status.withdrawn,
}

BY = {
    Action.withdraw: By.owner, Action.correct: By.owner, Action.extend: By.administrator, Action.dispose: By.operator,
    Action.archive: By.job, Action.renew: By.job, Action.expire: By.job,
}  # fmt: skip


@pytest.mark.requirement("T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T12", "T14", "T15", "T16")
@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_every_status_and_action_is_as_written_by_hand(status, action):
    step, expected = find_step(action, status), BY_HAND.get((status, action))
    if expected is None:
        assert step is None
        return
    ahead = [Status.receiver_receipt, Status.receiver_signature]
    assert arrive(step, ahead) is (ahead[0] if expected is NEXT else expected)
    assert arrive(step, []) is (Status.completion_wait if expected is NEXT else expected)
    by = BY.get(action, By.holder)
    assert [action in actions_in(status, who) for who in By] == [who is by for who in By]


def test_no_step_stands_twice():
    assert len({(step.action, step.source) for step in STEPS}) == len(STEPS)


@pytest.mark.requirement("T13")
def test_only_what_was_never_sent_may_be_deleted():
    assert DELETABLE == {Status.draft}


@pytest.mark.requirement("T18")
def test_a_reminder_goes_to_somebody_who_was_asked():
    assert {status for status in Status if status.value.startswith(("sender_", "receiver_"))} == REMINDABLE


@pytest.mark.requirement("R50", "I18")
def test_receivers_see_nothing_before_their_turn_nor_after_a_remand():
    assert HIDDEN_FROM_RECEIVERS == {
        Status.draft, Status.sender_approval, Status.sender_signature, Status.remanded, Status.withdrawn
    }  # fmt: skip
