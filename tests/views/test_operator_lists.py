"""The operator's lists of Flask-AppBuilder: what an address may ask of them."""

import pytest


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("asked", ["page_CompanyModelView=x", "page_Other=-1", "psize_CompanyModelView=" + 5000 * "9"])
def test_a_page_that_is_no_number_is_not_found(client_of, asked):
    client = client_of("operator")
    assert client.get("/operator/companies/list/?page_CompanyModelView=0&psize_CompanyModelView=50").status_code == 200
    reply = client.get(f"/operator/companies/list/?{asked}")
    assert reply.status_code == 404 and "ページが見つかりません" in reply.text
