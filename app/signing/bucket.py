"""What obstore cannot ask of an S3 bucket: object lock, retention of one object, and deletion with all its versions.

In a bucket with versions a plain DELETE only hides an object, locked or not, and a PUT hides it behind a newer one; what
lies under the lock stays.  So whatever is really to go is deleted version by version, which the lock refuses.

The requests are signed here (AWS Signature Version 4).  Endpoint, region, time, access key and session token are taken from
an address that obstore signed, so that there is one place that knows them; the secret comes from the settings.
"""

import base64
import datetime as dt
import hashlib
import hmac
import urllib.parse
import xml.etree.ElementTree as ET  # noqa: S405  the answers of the own storage; expat refuses entity bombs
from dataclasses import dataclass
from enum import StrEnum, auto

import obstore
import requests
from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.errors import StorageFailed

TIMEOUT_SECONDS = 30
_ANY_KEY = "x"  # to have the address of the bucket
_SAFE = "-_.~"
_NONE = frozenset({"NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "NotImplemented"})


class LockMode(StrEnum):
    """How firmly an object is held; the members' upper case is what S3 calls them."""

    governance = auto()  # who has a right of its own for that may lift it
    compliance = auto()  # nobody may, the owner of the account neither


@dataclass(frozen=True)
class Protection:
    """What a bucket does for its objects."""

    has_versions: bool
    has_lock: bool
    default_retention: str = ""  # as S3 says it, such as ``GOVERNANCE 365 days``; "" where there is none


@dataclass(frozen=True)
class Retention:
    mode: LockMode
    until: dt.datetime


class Bucket:
    """The bucket that a store of objects lies in.  Safe to share by threads and processes."""

    def __init__(self, objects: S3Store, secret: str):
        self._objects, self._secret = objects, secret

    def protection(self) -> Protection:
        """:raises StorageFailed: the storage does not answer, or these credentials may not ask"""
        lock = self._about_lock({"object-lock": ""})
        mode, days, years = (_text(lock, name) for name in ("Mode", "Days", "Years"))
        return Protection(
            has_versions=self.has_versions(),
            has_lock=_text(lock, "ObjectLockEnabled") == "Enabled",
            default_retention=f"{mode} {days} days" if days else f"{mode} {years} years" if years else "",
        )

    def has_versions(self) -> bool:
        """Whether a deleted object may leave versions behind; also where versioning is only suspended."""
        return _text(_xml(self._ask("GET", {"versioning": ""})), "Status") in ("Enabled", "Suspended")

    def retention_of(self, path: str) -> Retention | None:
        """How long the newest version under `path` is held; None where it is not.

        :raises StorageFailed: the storage does not answer, or nothing lies there
        """
        found = self._about_lock({"retention": ""}, path)
        mode, until = _text(found, "Mode"), _text(found, "RetainUntilDate")
        return Retention(LockMode(mode.lower()), dt.datetime.fromisoformat(until)) if until else None

    def _about_lock(self, query, path=None):
        """What S3 says of a lock; that there is none is an answer too."""
        reply = self._ask("GET", query, path, fine=(200, 404, 501))
        found = _xml(reply)
        if reply.status_code != 200 and _text(found, "Code") not in _NONE:
            raise StorageFailed from RuntimeError(reply.text[:500])
        return found

    def retain(self, path: str, retention: Retention) -> None:
        """Hold the newest version under `path`.

        :raises StorageFailed: refused, for instance since it is held longer already
        """
        until = retention.until.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = (
            '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Mode>{retention.mode.upper()}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
        )
        self._ask("PUT", {"retention": ""}, path, body.encode())

    def delete_versions(self, path: str) -> None:
        """Delete everything that lies, or ever lay, under `path`; nothing there is no error.

        :raises StorageFailed: a version is held, or the storage does not answer
        """
        while versions := self._versions(path):
            for version in versions:
                self._ask("DELETE", {"versionId": version}, path, fine=(200, 204))

    def _versions(self, path):
        """Ids of the versions and deletion markers under exactly this path."""
        key = self._key(path)
        found = _xml(self._ask("GET", {"versions": "", "prefix": key}))
        entries = [one for one in found if _name(one) in ("Version", "DeleteMarker")]
        return [_text(one, "VersionId") for one in entries if _text(one, "Key") == key]

    def _key(self, path):
        prefix = (self._objects.prefix or "").strip("/")
        return f"{prefix}/{path}" if prefix else path

    def _ask(self, method, query, path=None, body=b"", fine=(200,), headers=()):
        """One signed request, about an object or, without a path, about the bucket."""
        try:
            signed = obstore.sign(self._objects, "GET", path or _ANY_KEY, dt.timedelta(minutes=1))
            address, known = _split(signed)
            if path is None:
                address = address._replace(path=address.path.removesuffix(urllib.parse.quote(self._key(_ANY_KEY))).rstrip("/") or "/")
            address = address._replace(query=_canonical(query))
            sent = _headers(method, address, body, known, self._secret, dict(headers))
            reply = requests.request(  # an `auth` of its own keeps a .netrc away
                method, address.geturl(), data=body, headers=sent, timeout=TIMEOUT_SECONDS, auth=lambda request: request,
                allow_redirects=False,
            )  # fmt: skip
        except (BaseError, OSError) as failure:  # of requests, all are OSError
            raise StorageFailed from failure
        if reply.status_code not in fine:
            raise StorageFailed from RuntimeError(f"S3 answered {reply.status_code} to {method}: {reply.text[:500]}")
        return reply


def _split(signed):
    """The address of a signed one, and who signed it when."""
    address = urllib.parse.urlsplit(signed)
    given = dict(urllib.parse.parse_qsl(address.query))
    access_key, _, region, _, _ = given["X-Amz-Credential"].rsplit("/", 4)
    return address, (access_key, region, given["X-Amz-Date"], given.get("X-Amz-Security-Token"))


def _canonical(query):
    return "&".join(
        f"{urllib.parse.quote(name, safe=_SAFE)}={urllib.parse.quote(value, safe=_SAFE)}" for name, value in sorted(query.items())
    )


def _headers(method, address, body, known, secret, more):
    """Headers of a request, `more` among them, with the signature over all."""
    access_key, region, moment, token = known
    sha256 = hashlib.sha256(body).hexdigest()
    headers = {"host": address.netloc, "x-amz-content-sha256": sha256, "x-amz-date": moment} | more
    if body:
        headers["content-md5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    request = "\n".join([method, address.path, address.query, *lines, "", names, sha256])
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers | {"authorization": authorization}


def _xml(reply):
    try:
        return ET.fromstring(reply.content)  # noqa: S314
    except ET.ParseError as failure:
        raise StorageFailed from failure


def _name(element):
    return element.tag.rpartition("}")[2]


def _text(root, name):
    """What the first element of a name says, whatever its namespace; "" where there is none."""
    return next(((one.text or "").strip() for one in root.iter() if _name(one) == name), "")
