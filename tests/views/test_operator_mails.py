"""送信メール: ［再送する］ on the page of a mail and for those ticked in the list."""

import pytest

from app.clock import now
from app.extensions import db
from app.models import Letter, OutboxMessage
from app.services import outbox
from app.workflow import SignatureMode, Status

BUTTON = 'id="btn-action-OutboxModelView.action-resend"'


@pytest.mark.requirement("Q5", "I21", "S7")
def test_failed_mails_are_sent_again_one_or_many_and_the_page_says_to_whom(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, SignatureMode.no_signature)
    request = db.session.query(OutboxMessage).filter_by(letter=Letter.receipt_request).one()
    pin = outbox.owe(Letter.certificate_pin, person("signer"), now(), secret="1234", certificate_no="X")
    progress = outbox.owe(Letter.progress, person("registrar"), now(), document=document, done="x", sender="a", receivers=["b"])
    db.session.commit()
    client, url = client_of("operator"), f"/operator/mails/show/{request.id}"
    page = client.get(url).text
    assert BUTTON not in page and "再送できま" not in page  # it waits
    for message in (request, pin, progress):
        outbox.claim(message.id, now())
        outbox.give_up(message, "550")

    page = client.get(url).text
    assert BUTTON in page and "このメールは再送できます" in page and "同じ宛先（recipient@receiver.example）" in page
    assert page.count('id="modal-confirm"') == page.count('id="modal-alert"') == 1
    assert f'href="/operator/users/show/{request.user_id}"' in page
    person("recipient").mail_address = "right@receiver.example"
    page = client.get(url).text
    assert "メールアドレスが変更されています。現在のメールアドレス（right@receiver.example）に送信します" in page
    page = client.get(f"/operator/mails/show/{pin.id}").text
    assert BUTTON not in page and "このメールは再送できません" in page and "PIN再発行の申請" in page

    for who in ("admin", "recipient", "anonymous"):
        client_of(who).post(f"/operator/mails/action/resend/{request.id}")
        client_of(who).post("/operator/mails/action_post", {"action": "resend", "rowid": str(request.id)})
    client.get(f"/operator/mails/action/resend/{request.id}")  # GET changes nothing
    client.post_without_token(f"/operator/mails/action/resend/{request.id}")
    db.session.refresh(request)
    assert request.due_at is None

    reply = client.post(f"/operator/mails/action/resend/{request.id}", follow_redirects=True)
    assert "1件のメールを再送します" in reply.text and reply.request.path == url
    assert request.due_at and request.to_address == "right@receiver.example"
    assert "送信を待っているメール" in client.post(f"/operator/mails/action/resend/{request.id}", follow_redirects=True).text

    listed = client.get("/operator/mails/list/?of=mails_failed").text
    assert listed.count('name="rowid"') == 2 and "再送する" in listed
    assert listed.count('id="modal-confirm"') == 1 and "対象の行にチェック" in listed
    reply = client.post(
        "/operator/mails/action_post", {"action": "resend", "rowid": [str(pin.id), str(progress.id)]},
        headers={"Referer": "http://localhost/operator/mails/list/?of=mails_failed"}, follow_redirects=True,
    )  # fmt: skip
    assert "1件のメールを再送します" in reply.text and "1件は再送しませんでした" in reply.text
    assert "だけを表示しています" in reply.text  # back in the list as it was
    assert progress.due_at and pin.due_at is None
    assert client.post("/operator/mails/action_post", {"action": "resend", "rowid": "999999"}).status_code == 404
    assert "再送するメールが選択されていません" in client.post("/operator/mails/action_post", {"action": "resend"}, follow_redirects=True).text
    assert "メールの再送" in client.get("/operator/history/list/").text
