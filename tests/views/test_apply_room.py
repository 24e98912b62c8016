"""The public application pages take no file without end (S4)."""

import io

import pytest

from app.extensions import db
from app.models import ServiceApplication
from app.services import service_filing
from tests import service_walk
from tests.service_walk import PDF, typed, version_on


@pytest.mark.requirement("S4", "I9")
def test_an_address_does_not_fill_the_store(browser, person, monkeypatch):
    monkeypatch.setattr(service_filing, "MOST_SAVES", 2)
    service_walk.invite(person("admin"))
    client, url = browser(), f"/apply/{service_walk.token_mailed()}"
    for number in range(6):
        given = typed(act="save", version=version_on(client.get(url).text), evidence=(io.BytesIO(PDF + b"%d" % number), "印鑑証明書.pdf"))
        reply = client.post(url, given)
        if reply.status_code != 302:
            break
    assert number in (2, 3) and reply.status_code == 422 and "保存の回数が上限に達した" in reply.text and "児玉 正" in reply.text
    kept = db.session.query(ServiceApplication).one().evidence_sha256
    without = typed(act="save", version=version_on(client.get(url).text))
    assert client.post(url, without).status_code == 302  # what is typed can still be saved
    db.session.expire_all()
    assert db.session.query(ServiceApplication).one().evidence_sha256 == kept
