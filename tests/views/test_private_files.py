"""S18: what is private is kept by no browser, whichever way the answer was made."""

import pytest

from app.extensions import db
from tests import service_walk


@pytest.mark.requirement("S18")
def test_the_evidence_of_an_application_is_not_kept_by_the_browser(client_of, person):
    application = service_walk.hand_in(person("admin"))
    db.session.commit()
    reply = client_of("operator").get(f"/operator/service-applications/evidence/{application.id}")
    assert reply.status_code == 200 and reply.data == service_walk.PDF
    assert reply.headers["Cache-Control"] == "no-store" and reply.headers["X-Content-Type-Options"] == "nosniff"
