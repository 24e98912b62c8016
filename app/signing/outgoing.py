"""Calls to the few outside hosts that the operator named (S13): bounded in time and size, no redirect followed."""

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Mapping


class NoAnswer(Exception):
    """The host did not answer, not in time, or not with what may be used."""


def split(url: str) -> urllib.parse.SplitResult:
    """The parts of an address that may be called.

    :raises ValueError: not ``https://`` or ``http://``, or without a host
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http or https address is needed")
    return parts


def name_of(parts: urllib.parse.SplitResult) -> str:
    """Host and port, without the password that an address may hold."""
    return parts.hostname + (f":{parts.port}" if parts.port else "")


def call(
    parts: urllib.parse.SplitResult,
    seconds: float,
    most_bytes: int,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """What a host answers to a GET, or to a POST of `body`; ``user:password@`` becomes Basic authentication.

    :raises NoAnswer: anything but a whole answer with status 200
    """
    deadline = time.monotonic() + seconds
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    sent = {"User-Agent": "contract-portal", "Connection": "close"} | dict(headers or {})
    if parts.username is not None:
        login = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        sent["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _hung_up_at(deadline, parts, seconds) as sock:
            connection.sock = sock
            connection.request("GET" if body is None else "POST", path, body=body, headers=sent)
            answer = connection.getresponse()
            if answer.status != 200:  # a redirect too: only the configured host is called
                raise NoAnswer(f"HTTP status {answer.status}")
            received = bytearray()
            while piece := answer.read1(65536):
                received += piece
                if len(received) > most_bytes:
                    raise NoAnswer("answer too large")
        if time.monotonic() >= deadline:  # what was cut off may look whole
            raise NoAnswer("answers too slowly")
        if answer.length:  # read1 does not complain of an answer that was cut off
            raise NoAnswer("answer cut off")
        return bytes(received)
    except (OSError, http.client.HTTPException) as failure:
        raise NoAnswer(f"no answer: {failure!r}") from failure
    finally:
        connection.close()


@contextlib.contextmanager
def _hung_up_at(deadline, parts, seconds):
    """A connection that ends at the deadline, whatever is being waited for: a host may send its header byte by byte."""
    is_tls = parts.scheme == "https"
    sock = socket.create_connection((parts.hostname, parts.port or (443 if is_tls else 80)), timeout=seconds)
    with sock, sock.dup() as end:  # of the same connection, whoever has wrapped the other one
        alarm = threading.Timer(deadline - time.monotonic(), _hang_up, [end])
        alarm.daemon = True
        alarm.start()
        try:
            with ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname) if is_tls else sock as used:
                yield used
        finally:
            alarm.cancel()
            alarm.join()


def _hang_up(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
