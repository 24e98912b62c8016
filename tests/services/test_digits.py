"""Digits by mail, as people type them."""

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.models import Letter
from app.services import certificates, digits
from demo import actors
from tests.conftest import PASSWORD


@pytest.mark.parametrize("typed, read", [
    ("012345", "012345"),
    ("０１２３４５", "012345"),
    (" 012\u3000345\u00a0\r\n", "012345"),
    ("０12３45", "012345"),
    ("O12345", "O12345"),
    ("012-345", "012-345"),
])  # fmt: skip
def test_full_width_digits_are_the_same_and_blanks_do_not_count(typed, read):
    assert digits.typed(typed) == read


@pytest.mark.requirement("R37")
def test_a_pin_in_full_width_with_blanks_between_opens_the_certificate(person):
    user = person("viewer")
    certificates.issue(user.company, [user], user, now())
    db.session.commit()
    pin = actors.secret_mailed(user, Letter.certificate_pin)
    (link,) = queries.activations_of(user, now())
    typed = "　".join(chr(ord(digit) + 0xFEE0) for digit in pin)
    assert certificates.activate(user, link, typed, PASSWORD, now()).activated_at is not None
