"""合意締結証明書: what it says to whom, its seal, and that nothing is certified that does not hold (I19)."""

import dataclasses
import datetime as dt
import io

import pikepdf
import pypdfium2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.clock import JAPAN, japan_date, now
from app.errors import PapersBusy, SigningFailed, StorageFailed
from app.extensions import db
from app.jobs import archive_transfer, seal_renewal
from app.models import Authority
from app.services import (
    conclusion_certificates,
    corrections,
    delegations,
    documents,
    print_copies,
    seals,
    strongroom,
    workbench,
)
from app.services.routes import Choice
from app.signing.authorities import SEAL_NO
from app.signing.verify import Outcome, verify
from app.workflow import SignatureMode, Status
from demo import actors
from tests.conftest import kept_file
from tests.independent import independently_valid


def words(pdf):
    """The text of all pages, without breaks and blanks: a long value may go on in the next line."""
    with pypdfium2.PdfDocument(pdf) as document:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)


def hex_of(serial):
    return conclusion_certificates._in_hex(int(serial))


@pytest.fixture
def concluded(make_document, make_plan):
    """Signed by both sides, after an approval on each, with comments and an attachment; a 参照者 looks on."""
    plan = make_plan(approvers=1, receiver_approvers=1, viewers=True)
    return make_document(
        Status.completion_wait, plan=plan, comment="社外秘のコメント", attached=[kept_file("内訳書.pdf")], title="青葉台新築工事"
    )


def certificate_for(document, company_id):
    wanted = conclusion_certificates.order(document, company_id)
    db.session.rollback()
    return conclusion_certificates.make(wanted)


@pytest.mark.requirement("I19", "L8", "L18")
def test_a_date_put_right_after_the_conclusion_is_certified_with_the_former_one(concluded):
    """The sender alone may put it right: the seal must not pass it off as what both sides concluded."""
    facts = corrections.Facts(concluded.conclusion_date, 5, "")
    corrections.correct(concluded, concluded.registrar, now(), facts, reason="金額の誤記")
    db.session.commit()
    assert "情報の訂正" not in words(certificate_for(concluded, concluded.sender.company_id))  # no amount is certified
    former, later = concluded.conclusion_date, concluded.conclusion_date + dt.timedelta(days=1)
    corrections.correct(concluded, concluded.registrar, now(), dataclasses.replace(facts, conclusion_date=later), reason="日付の誤記")
    db.session.commit()
    text = words(certificate_for(concluded, concluded.receivers[0].company_id))
    assert f"契約締結年月日：{former:%Y/%m/%d}→{later:%Y/%m/%d}（理由：日付の誤記）" in text and "金額の誤記" not in text


@pytest.mark.requirement("I19", "L12", "L13")
def test_it_says_who_concluded_what_when_and_with_which_certificate(app, concluded):
    concluded_at, sha256 = concluded.concluded_at, concluded.pdf_sha256
    pdf = certificate_for(concluded, concluded.sender.company_id)
    text = words(pdf)
    jst = concluded_at.astimezone(JAPAN)
    for expected in (
        "合意締結証明書", concluded.number, "青葉台新築工事", *(f"{p.company.name}（{p.company.code}）" for p in concluded.parties),
        jst.strftime("%Y/%m/%d%H:%M:%S"), sha256, "内訳書.pdf", concluded.attachments[0].sha256,
        f"{app.config['BASE_URL']}/verify/", "契約締結", "受取確認",
    ):  # fmt: skip
        assert expected in text, expected
    for signature in concluded.valid_signatures:
        assert "".join(signature.user.full_name.split()) in text
        assert signature.certificate.number in text
        assert hex_of(signature.certificate.serial) in text
    assert "認定を受けた認証業務によるものではありません" in text


@pytest.mark.requirement("I18", "I19", "R54")
def test_another_companys_inside_is_not_in_it(concluded):
    sides = {"sender": concluded.sender.company_id, "receiver": concluded.receivers[0].company_id}
    of_sender, of_receiver = (words(certificate_for(concluded, company)) for company in sides.values())
    own_only = {"登録花子": of_sender, "承認一郎": of_sender, "受取太郎": of_receiver, "承認七海": of_receiver}
    for name, own in own_only.items():
        assert name in own
        assert name not in (of_receiver if own is of_sender else of_sender)
    for text in (of_sender, of_receiver):
        assert text.count("承認") - text.count("承認一郎") - text.count("承認七海") == 1, "the own approval alone"
        assert "社外秘" not in text and "参照四郎" not in text and "参照十和" not in text
        assert "署名三郎" in text and "署名九美" in text  # as the stamps in the contract say


@pytest.mark.requirement("I19")
def test_a_deputy_is_named_to_the_own_company_alone(make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.sender_only)
    absent, deputy, today = person("recipient"), person("receiver_colleague"), japan_date(now())
    delegations.name_deputy(absent, deputy, today, today, absent, now())
    documents.confirm_receipt(document, deputy, now(), choice=Choice(), fee_acknowledged=True)
    db.session.commit()
    own = words(certificate_for(document, document.receivers[0].company_id))
    assert "同僚千代（受取太郎の代理）" in own
    other = words(certificate_for(document, document.sender.company_id))
    assert "代理" not in other and "同僚千代" not in other


@pytest.mark.requirement("I19", "L16")
def test_it_is_sealed_by_the_service_and_holds_before_any_reader(app, concluded):
    strong = strongroom.strongroom()
    pdf = certificate_for(concluded, concluded.sender.company_id)
    verdict = verify(pdf, strong.roots)
    assert verdict.outcome is Outcome.valid and verdict.level == "B-LT"
    (signature,) = verdict.signatures
    assert (signature.company, signature.certificate_no) == (app.config["OPERATOR_NAME"], SEAL_NO)
    place = pdf.index(b"/MediaBox") + 12
    assert verify(pdf[:place] + b"9" + pdf[place + 1 :], strong.roots).outcome is Outcome.invalid
    root = strong.authorities.root.certificate
    independently_valid(pdf, root.public_bytes(Encoding.PEM))


@pytest.mark.requirement("I19")
def test_it_embeds_its_letters_says_its_title_and_holds_nothing_that_acts(concluded):
    with pikepdf.open(io.BytesIO(certificate_for(concluded, concluded.sender.company_id))) as pdf:
        fonts = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/FontDescriptor"]
        assert fonts and all("/FontFile3" in font for font in fonts)
        assert pdf.open_metadata()["dc:title"] == "合意締結証明書"
        assert not {"/OpenAction", "/AA", "/Names"} & set(pdf.Root.keys())
        assert all([round(float(edge)) for edge in page.mediabox] == [0, 0, 595, 842] for page in pdf.pages)


@pytest.mark.requirement("I19")
def test_the_same_facts_give_the_same_words(concluded):
    company = concluded.sender.company_id
    first, second = (conclusion_certificates.order(concluded, company) for _ in range(2))
    assert first == second
    assert words(conclusion_certificates.make(first))[:500] == words(conclusion_certificates.make(second))[:500]


@pytest.mark.requirement("I19", "I14")
def test_once_archived_it_says_the_hash_of_both_files(make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    before = document.pdf_sha256
    assert archive_transfer.run_one(document.id, now())
    db.session.refresh(document)
    text = words(certificate_for(document, document.receivers[0].company_id))
    assert "文書回覧完了証明書" in text and "合意" not in text  # nobody signed
    assert before != document.pdf_sha256 and before in text and document.pdf_sha256 in text
    assert "長期保管への移行" in text


@pytest.mark.requirement("I19", "T10")
def test_of_several_rounds_it_tells_the_one_that_was_concluded(make_document, make_plan):
    plan = make_plan()
    document = make_document(Status.remanded, plan=plan)  # signed by the sender, and remanded by the receiver
    actors.walk(document, plan, Status.completion_wait)
    text = words(certificate_for(document, document.sender.company_id))
    assert text.count("発信登録花子") == 1 and "差戻" not in text and "日付をご確認" not in text
    assert text.count("証明書の管理番号") == 2
    assert [s.revision for s in document.signatures] == [1, 2, 2]


@pytest.mark.requirement("I19", "I7", "I18")
def test_of_three_companies_each_stands_in_it_with_its_signature(make_document, make_plan):
    plan = make_plan(third=True)
    document = make_document(Status.completion_wait, plan=plan)
    text = words(certificate_for(document, document.receivers[0].company_id))
    assert "双方署名（全社署名）" in text and text.count("証明書の管理番号") == 3
    assert all(f"{party.company.name}（{party.company.code}）" in text for party in document.parties)
    assert "受取確認受取太郎" in text and "登録花子" not in text
    assert text.count("他社次郎") == 1, "as the signer; that the same person received it is the other company's matter"


@pytest.mark.requirement("I19", "Q3")
def test_nothing_is_certified_without_the_contracts_file(concluded, monkeypatch):
    wanted = conclusion_certificates.order(concluded, concluded.sender.company_id)
    other = conclusion_certificates.Order(**(wanted.__dict__ | {"pdf_sha256": "0" * 64}))
    with pytest.raises(StorageFailed):
        conclusion_certificates.make(other)
    for place in range(workbench.PLACES):
        assert workbench._free.acquire(timeout=0), place
    monkeypatch.setattr(workbench, "WAIT_SECONDS", 0.01)
    for maker, job in ((conclusion_certificates, wanted), (print_copies, print_copies.order(concluded))):
        with pytest.raises(PapersBusy):
            maker.make(job)
    for _ in range(workbench.PLACES):
        workbench._free.release()


@pytest.mark.requirement("L22", "L11")
def test_the_copy_for_print_shows_the_stamps_and_names_the_file_it_copies(concluded):
    text = words(print_copies.make(print_copies.order(concluded)))
    for part in ("電子契約の写し（控え）", concluded.number, concluded.pdf_sha256, "署名三郎", "署名九美"):
        assert part in text


# -- the seal --------------------------------------------------------------------


def test_a_seal_is_followed_by_another_before_it_ends_and_is_still_answered_for(app):
    strong, moment = strongroom.strongroom(), now()
    assert seal_renewal.due(moment) == []
    late = moment + dt.timedelta(days=365 * 9 + 60)
    assert seal_renewal.due(late) == [1]
    assert seal_renewal.run_one(1, moment) and not seal_renewal.run_one(1, moment)
    former, newest = reversed(strong.seals())
    assert seals.newest().certificate == newest.certificate != former.certificate
    for seal in (former, newest):
        state = strongroom.certificate_state(strong.authorities.signers_ca.certificate, seal.certificate.serial_number)
        assert state is not None and state.revoked_at is None


def test_without_a_seal_there_is_no_certificate_and_the_release_step_makes_one(app):
    db.session.query(Authority).filter_by(name=strongroom.SEAL).delete()
    db.session.commit()
    assert seal_renewal.due(now()) == [0]
    with pytest.raises(SigningFailed, match="準備ができていません"):
        seals.newest()
    strongroom.strongroom()._seals.clear()
    seals.found(now())
    seals.found(now())
    db.session.commit()
    assert seals.generation() == 1 and seals.newest()
    strongroom.strongroom()._seals.clear()  # the next test has the seal of the snapshot
