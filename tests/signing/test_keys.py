import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256

from app.errors import PortalError
from app.signing.keys import (
    KeyKind,
    KeyRefused,
    Keyring,
    key_to_der,
    load_key,
    new_key,
    open_with_pin,
    seal_with_pin,
    sign_sha256,
    signature_bytes,
)

CHEAP = (10, 8, 1)
ROW = b"company 1|user 2|JC-00000001"


@pytest.fixture
def keyring():
    return Keyring({1: os.urandom(32)})


def test_a_sealed_value_opens_in_its_own_row_only(keyring):
    sealed = keyring.seal(b"secret", ROW)
    assert keyring.open(sealed, ROW) == b"secret"
    with pytest.raises(KeyRefused):
        keyring.open(sealed, b"company 1|user 3|JC-00000001")


def test_the_same_value_is_never_sealed_alike(keyring):
    assert keyring.seal(b"secret", ROW) != keyring.seal(b"secret", ROW)


@pytest.mark.parametrize("place", [0, 1, 4, 5, 16, 17, -1])
def test_a_changed_byte_anywhere_is_refused(keyring, place):
    sealed = bytearray(keyring.seal(b"secret", ROW))
    sealed[place] ^= 1
    with pytest.raises(KeyRefused):
        keyring.open(bytes(sealed), ROW)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"not sealed at all", bytes(40)])
def test_what_was_never_sealed_is_refused(keyring, sealed):
    with pytest.raises(KeyRefused):
        keyring.open(sealed, ROW)


def test_another_portal_cannot_open(keyring):
    with pytest.raises(KeyRefused):
        Keyring({1: os.urandom(32)}).open(keyring.seal(b"secret", ROW), ROW)


@pytest.mark.requirement("L2", "I16")
def test_the_key_encryption_key_can_be_replaced_without_pins():
    old, new = os.urandom(32), os.urandom(32)
    sealed = seal_with_pin(Keyring({1: old}), b"private key", "123456789012", ROW, cost=CHEAP)
    both = Keyring({1: old, 2: new})
    assert not both.is_current(sealed)
    rewrapped = both.rewrap(sealed, ROW)
    assert both.is_current(rewrapped)
    only_new = Keyring({2: new})
    assert open_with_pin(only_new, rewrapped, "123456789012", ROW) == b"private key"
    with pytest.raises(KeyRefused):
        only_new.open(sealed, ROW)


@pytest.mark.requirement("L2", "I16", "R21")
def test_a_key_under_a_pin_needs_the_pin_the_row_and_the_keyring(keyring):
    sealed = seal_with_pin(keyring, b"private key", "123456789012", ROW, cost=CHEAP)
    assert open_with_pin(keyring, sealed, "123456789012", ROW) == b"private key"
    with pytest.raises(KeyRefused):
        open_with_pin(keyring, sealed, "123456789013", ROW)
    with pytest.raises(KeyRefused):
        open_with_pin(keyring, sealed, "123456789012", b"another row")
    with pytest.raises(KeyRefused):
        open_with_pin(Keyring({1: os.urandom(32)}), sealed, "123456789012", ROW)
    assert b"private key" not in keyring.open(sealed, ROW)


def test_a_value_without_pin_does_not_pass_for_one_with_pin(keyring):
    with pytest.raises(KeyRefused):
        open_with_pin(keyring, keyring.seal(b"private key", ROW), "", ROW)


def test_the_usual_scrypt_cost_opens_again(keyring):
    sealed = seal_with_pin(keyring, b"private key", "123456789012", ROW)
    assert open_with_pin(keyring, sealed, "123456789012", ROW) == b"private key"


def test_a_refusal_does_not_say_why(keyring):
    with pytest.raises(KeyRefused) as refusal:
        keyring.open(b"", ROW)
    assert isinstance(refusal.value, PortalError)
    assert refusal.value.__cause__ is None


@pytest.mark.requirement("R73", "R22")
def test_a_signing_password_is_recognised_by_its_mac_across_key_rotation():
    old = os.urandom(32)
    mac = Keyring({1: old}).mac(b"030430", b"user 7")
    rotated = Keyring({1: old, 2: os.urandom(32)})
    assert rotated.mac_matches(mac, b"030430", b"user 7")
    assert not rotated.mac_matches(mac, b"030431", b"user 7")
    assert not rotated.mac_matches(mac, b"030430", b"user 8")
    assert not Keyring({2: os.urandom(32)}).mac_matches(mac, b"030430", b"user 7")
    assert not rotated.mac_matches(b"", b"030430", b"user 7")


@pytest.mark.parametrize("keks", [{}, {0: bytes(32)}, {1: bytes(31)}])
def test_a_keyring_without_proper_keys_is_refused(keks):
    with pytest.raises(ValueError):
        Keyring(keks)


@pytest.mark.parametrize("kind", list(KeyKind))
def test_keys_survive_storage_and_sign(kind):
    key = load_key(key_to_der(new_key(kind)))
    signature = sign_sha256(key, b"message")
    assert len(signature) <= signature_bytes(key)
    if kind is KeyKind.rsa_3072:
        assert key.key_size == 3072
        key.public_key().verify(signature, b"message", padding.PKCS1v15(), SHA256())
    else:
        key.public_key().verify(signature, b"message", ec.ECDSA(SHA256()))


def test_what_is_no_key_is_refused():
    with pytest.raises(KeyRefused):
        load_key(b"no key")
