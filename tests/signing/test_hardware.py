"""Keys in a PKCS#11 token: made there, never out of there, and as good as any other for signing."""

import multiprocessing
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import HardwareFailed
from app.signing.keys import (
    REFERENCE,
    KeyKind,
    KeyRefused,
    key_to_der,
    load_key,
    new_key,
    sign_sha256,
    signature_bytes,
)
from app.signing.verify import verify
from tests.independent import independently_valid
from tests.signing.conftest import Portal


@pytest.fixture
def token(softhsm):
    return softhsm.open()


@pytest.fixture
def pkcs11(softhsm):
    import pkcs11

    return pkcs11


def verifies(key, signature, message=b"message"):
    public_key = key.public_key()
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, message, ec.ECDSA(SHA256()))
    else:
        public_key.verify(signature, message, padding.PKCS1v15(), SHA256())
    return True


@pytest.mark.requirement("S16", "L2")
@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_is_made_in_the_token_and_cannot_leave_it(token, pkcs11, kind):
    key = new_key(kind, token)
    signature = sign_sha256(key, b"message")
    assert verifies(key, signature) and len(signature) <= signature_bytes(key)
    assert (key.key_size, key.public_key().key_size) == ((3072, 3072) if kind is KeyKind.rsa_3072 else (256, 256))
    with pytest.raises(TypeError):
        key.private_numbers()
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key_to_der(key) == REFERENCE + spki  # what is sealed holds nothing that is secret

    attribute = pkcs11.Attribute
    (kept,) = token._use(lambda session: list(session.get_objects({attribute.ID: key.key_id})))
    assert kept.object_class is pkcs11.ObjectClass.PRIVATE_KEY
    flags = [attribute.TOKEN, attribute.SENSITIVE, attribute.ALWAYS_SENSITIVE, attribute.NEVER_EXTRACTABLE, attribute.LOCAL]
    assert [kept[flag] for flag in flags] == [True] * len(flags)
    assert not any(kept[flag] for flag in (attribute.EXTRACTABLE, attribute.DECRYPT, attribute.UNWRAP, attribute.DERIVE))
    with pytest.raises(pkcs11.AttributeSensitive):
        _ = kept[attribute.PRIVATE_EXPONENT if kind is KeyKind.rsa_3072 else attribute.VALUE]


@pytest.mark.requirement("S16")
def test_a_reference_opens_the_key_where_the_token_is_and_nowhere_else(token):
    key = new_key(KeyKind.p_256, token)
    again = load_key(key_to_der(key), token)
    assert again.public_key() == key.public_key() and verifies(key, sign_sha256(again, b"message"))
    with pytest.raises(HardwareFailed):
        load_key(key_to_der(key))
    with pytest.raises(KeyRefused):
        load_key(REFERENCE + b"no public key", token)
    sealed_before = new_key(KeyKind.p_256)  # from before the token was set up
    assert load_key(key_to_der(sealed_before), token).private_numbers() == sealed_before.private_numbers()


@pytest.mark.requirement("S16", "I16")
def test_a_destroyed_key_signs_nothing_any_more(token):
    key, other = new_key(KeyKind.p_256, token), new_key(KeyKind.p_256, token)
    sign_sha256(key, b"message")
    assert token.destroy(key.key_id) is True and token.destroy(key.key_id) is False
    with pytest.raises(HardwareFailed) as refusal:
        sign_sha256(key, b"message")
    assert refusal.value.status == 503
    assert verifies(other, sign_sha256(other, b"message"))


def test_what_the_portal_does_not_need_a_key_does_not_do(token):
    rsa_key, ec_key = new_key(KeyKind.rsa_3072, token), new_key(KeyKind.p_256, token)
    asked = [
        lambda: rsa_key.sign(b"m", padding.PSS(padding.MGF1(SHA256()), 32), SHA256()),
        lambda: rsa_key.decrypt(b"m", padding.PKCS1v15()),
        lambda: ec_key.exchange(ec.ECDH(), ec_key.public_key()),
        lambda: ec_key.private_bytes(Encoding.DER, None, None),
    ]
    for ask in asked:
        with pytest.raises(TypeError):
            ask()


@pytest.mark.requirement("S16", "L2", "I14")
@pytest.mark.parametrize("kind", KeyKind)
def test_signed_stamped_and_archived_in_hardware_is_valid_for_others_too(token, contract, kind):
    portal = Portal(kind, token=token)
    signer = portal.signer()
    signed = portal.desk.sign(contract, key=signer.key, certificate=signer.certificate, field="sender")
    archived = portal.desk.archive(signed)
    verdict = verify(archived, portal.roots)
    assert verdict.exit_code == 0 and len(verdict.signatures) == len(verdict.time_stamps) == 1
    independently_valid(archived, portal.root.public_bytes(Encoding.PEM))


# a search that was cut off complains once more while it is thrown away
cut_off = pytest.mark.filterwarnings("ignore:Exception ignored in.*OperationContext")


@cut_off
@pytest.mark.requirement("Q5")
def test_a_lost_session_is_opened_anew(token, pkcs11, softhsm):
    key = new_key(KeyKind.p_256, token)
    token._session.close()
    assert verifies(key, sign_sha256(key, b"message"))
    pkcs11.lib(softhsm.settings["PKCS11_MODULE"]).finalize()
    assert verifies(key, sign_sha256(key, b"message"))


@cut_off
@pytest.mark.requirement("Q5")
def test_while_the_token_is_away_it_is_said_and_afterwards_all_goes_on(token, softhsm):
    key = new_key(KeyKind.p_256, token)
    away = softhsm.folder.with_name("away")
    shutil.move(softhsm.folder, away)
    softhsm.folder.mkdir()
    try:
        token._reopen_module()
        with pytest.raises(HardwareFailed) as refusal:
            sign_sha256(key, b"message")
        with pytest.raises(HardwareFailed):
            token.check()
    finally:
        softhsm.folder.rmdir()
        shutil.move(away, softhsm.folder)
    assert refusal.value.status == 503 and "HSM" in refusal.value.sentence
    assert verifies(key, sign_sha256(key, b"message"))
    token.check()


@pytest.mark.requirement("S16")
def test_a_wrong_pin_is_tried_once_so_that_no_token_locks_itself(softhsm, pkcs11, monkeypatch, caplog):
    pkcs11.lib(softhsm.settings["PKCS11_MODULE"]).finalize()  # nobody else of this process is logged in
    token, tries = softhsm.open(PKCS11_PIN="not-the-pin"), []
    log_in = token._log_in
    monkeypatch.setattr(token, "_log_in", lambda of: tries.append(token._pin_was_refused) or log_in(of))
    for _ in range(3):
        with pytest.raises(HardwareFailed):
            token.check()
    assert tries.count(False) == 1
    assert "not-the-pin" not in caplog.text


def test_a_token_or_module_that_is_not_there_is_refused(softhsm, tmp_path):
    for other in ({"PKCS11_TOKEN": "another"}, {"PKCS11_MODULE": str(tmp_path / "none.so")}):
        with pytest.raises(HardwareFailed):
            softhsm.open(**other).check()


@pytest.mark.requirement("Q4")
def test_threads_take_turns(token):
    keys = [new_key(KeyKind.p_256, token) for _ in range(2)]

    def work(number):
        key = keys[number % 2]
        return verifies(key, sign_sha256(key, b"message"))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(80), timeout=60))


def _sign_in_a_child(token, reference, pipe):
    key = load_key(reference, token)
    pipe.send([sign_sha256(key, b"message") for _ in range(20)])


@pytest.mark.requirement("Q4")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_children_and_their_parent_sign_at_the_same_time(token):
    key = new_key(KeyKind.p_256, token)
    sign_sha256(key, b"message")
    fork, children = multiprocessing.get_context("fork"), []
    for _ in range(2):
        ours, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=_sign_in_a_child, args=(token, key_to_der(key), theirs))
        child.start()
        children.append((child, ours))
    own = [sign_sha256(key, b"message") for _ in range(20)]
    for child, ours in children:
        assert ours.poll(60)
        own += ours.recv()
        child.join(60)
        assert child.exitcode == 0
    assert len(own) == 60 and all(verifies(key, signature) for signature in own)
    assert verifies(key, sign_sha256(key, b"message"))  # what the children opened and left closed nothing here
