"""The Japanese words, and that none is missing."""

import pytest

from app import labels
from app.models import CompanyStatus, DocumentKind, Level, ListColumn
from app.plans import PlanKind
from app.workflow import OPEN, Action, Role, Side, SignatureMode, Status

ENUMS = (Status, Action, Role, Side, SignatureMode, DocumentKind, PlanKind, CompanyStatus, Level, ListColumn)


@pytest.mark.parametrize("of", ENUMS)
def test_every_member_has_a_word_of_its_own(of):
    words = [labels.label(member) for member in of]
    assert len(set(words)) == len(words) and all(words)


@pytest.mark.requirement("R40", "R76", "R91", "R92", "R105", "R87")
def test_statuses_are_called_as_in_the_manual():
    assert labels.STATUS[Status.receiver_receipt] == "受領側受取待ち"
    assert labels.STATUS[Status.receiver_signature] == "受領側署名待ち"
    assert labels.STATUS[Status.completion_wait] == "完了待ち"
    assert labels.MY_TURN[Status.receiver_receipt] == "受取待ち"
    assert labels.MY_TURN[Status.receiver_signature] == labels.MY_TURN[Status.sender_signature] == "署名待ち"
    assert set(labels.MY_TURN) == OPEN


@pytest.mark.requirement("R9", "R10", "R11")
def test_roles_are_called_as_in_the_manual():
    assert list(labels.ROLE.values()) == ["登録担当者", "受取担当者", "承認者", "署名者", "参照者"]


def test_an_amount_that_is_not_there_says_so_and_zero_is_an_amount():
    assert (labels.yen(None), labels.yen(0), labels.yen(1_848_000)) == ("金額なし", "0円", "1,848,000円")
