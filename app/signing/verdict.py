"""What is said about a file: the verdict with its parts, and its form for machines."""

import datetime as dt
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum, auto


class Outcome(StrEnum):
    """The whole file's verdict."""

    valid = auto()
    invalid = auto()
    unjudged = auto()


class Finding(StrEnum):
    """Why: the one thing that decided about the file."""

    intact = auto()
    altered = auto()  # the bytes show a change after a signature or time stamp
    broken = auto()  # the signatures' own data were changed
    revoked = auto()  # the signer's certificate was revoked before the signature
    incomplete = auto()  # sound as far as it goes, but signatures that must be there are missing
    unsigned = auto()
    untrusted = auto()
    untimed = auto()  # a signature has no time stamp: nobody can say whether its certificate was good then
    unreadable = auto()
    too_complex = auto()  # the examination was stopped


EXIT_CODES = {Outcome.valid: 0, Outcome.invalid: 1, Outcome.unjudged: 2}


@dataclass(frozen=True)
class SignatureVerdict:
    """One electronic signature.

    :param company: the organisation in the certificate (企業名)
    :param certificate_no: its 管理番号, None in foreign certificates
    :param issuer: who vouches for the names in the certificate
    :param signed_at: the time-stamped moment; where there is no time stamp, None
    :param intact: the signed bytes are unchanged and only signing went on after them
    :param trusted: chain, validity and revocation hold at `signed_at`
    :param untimed: a trusted authority issued the certificate, and only the time is not proven
    """

    field: str
    company: str | None
    certificate_no: str | None
    subject: str
    signed_at: dt.datetime | None
    intact: bool
    trusted: bool
    level: str | None
    sentence: str
    department: str | None = None
    title: str | None = None
    issuer: str | None = None
    untimed: bool = False


@dataclass(frozen=True)
class TimeStampVerdict:
    """One document time stamp (長期保管)."""

    field: str
    authority: str
    at: dt.datetime
    intact: bool
    trusted: bool
    provable_until: dt.date
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """What is to be said about a file.

    :param level: the lowest level that every signature reaches: B-T, B-LT, B-LTA; None without
        signatures
    :param provable_until: the last day, in Japan, on which this file proves itself without a further time
        stamp
    :param sha256: of the whole file, hexadecimal
    """

    outcome: Outcome
    sentence: str
    sha256: str
    finding: Finding = Finding.unreadable
    level: str | None = None
    signatures: list[SignatureVerdict] = field(default_factory=list)
    time_stamps: list[TimeStampVerdict] = field(default_factory=list)
    provable_until: dt.date | None = None

    @property
    def is_valid(self) -> bool:
        return self.outcome is Outcome.valid

    @property
    def exit_code(self) -> int:
        """For the command line: 0 valid, 1 altered or invalid, 2 cannot be judged."""
        return EXIT_CODES[self.outcome]

    def as_dict(self) -> dict:
        """The verdict in types that JSON knows; times in ISO 8601."""
        return _plain(self)

    @classmethod
    def from_dict(cls, plain: dict) -> "Verdict":
        """The verdict that :meth:`as_dict` wrote."""
        return cls(
            **plain
            | {
                "outcome": Outcome(plain["outcome"]),
                "finding": Finding(plain["finding"]),
                "signatures": [
                    SignatureVerdict(**one | {"signed_at": _moment(one["signed_at"])}) for one in plain["signatures"]
                ],
                "time_stamps": [
                    TimeStampVerdict(
                        **one
                        | {"at": _moment(one["at"]), "provable_until": dt.date.fromisoformat(one["provable_until"])}
                    )
                    for one in plain["time_stamps"]
                ],
                "provable_until": plain["provable_until"] and dt.date.fromisoformat(plain["provable_until"]),
            }
        )


def _moment(text):
    return text and dt.datetime.fromisoformat(text)


def _plain(value):
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value
