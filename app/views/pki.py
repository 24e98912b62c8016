"""/pki/: the authorities' certificates, their revocation lists and OCSP, for whoever verifies without us."""

import datetime as dt

from cryptography.hazmat.primitives.serialization import Encoding
from flask import Blueprint, Response, request

from app.clock import now
from app.errors import NotFound
from app.extensions import csrf
from app.services import strongroom as rooms
from app.services.strongroom import strongroom
from app.signing import revocation

blueprint = Blueprint("pki", __name__, url_prefix="/pki")

CRL_VALID = dt.timedelta(days=7)
MAX_OCSP_REQUEST_BYTES = 10_000


@blueprint.get("/<name>.cer")
def certificate(name):
    """One authority's certificate, DER."""
    return Response(
        _authority(name).certificate.public_bytes(Encoding.DER), mimetype="application/pkix-cert"
    )


@blueprint.get("/root.pem")
def root_pem():
    return Response(
        strongroom().authorities.root.certificate.public_bytes(Encoding.PEM), mimetype="application/x-pem-file"
    )


@blueprint.get("/<name>.crl")
def revocation_list(name):
    """One authority's list of what it revoked, DER."""
    moment = now()
    revoked = rooms.revoked_certificates() if name == "signers-ca" else []
    made = revocation.crl(_authority(name), revoked, moment, number=int(moment.timestamp()), valid_for=CRL_VALID)
    return Response(made, mimetype="application/pkix-crl")


@blueprint.post("/ocsp")
@csrf.exempt  # asked by verifying software; reads only
def ocsp():
    """The state of one certificate (RFC 6960)."""
    own = strongroom().authorities
    answer = revocation.answer_ocsp(
        request.get_data(cache=False)[:MAX_OCSP_REQUEST_BYTES],
        [own.signers_ca, *(one.ca for one in strongroom().tsa_generations)], rooms.certificate_state, now(), dt.timedelta(days=1),
    )  # fmt: skip
    return Response(answer, mimetype="application/ocsp-response")


def _authority(name):
    own = strongroom().authorities
    time_stamping = {f"tsa-ca-{one.number}": one.ca for one in strongroom().tsa_generations}
    found = ({"root": own.root, "signers-ca": own.signers_ca} | time_stamping).get(name)
    if found is None:
        raise NotFound
    return found
