"""Judging any PDF that somebody hands in: signed by whom, when, unchanged or not, provable until when.

Strict on purpose: the last signature must cover the whole file, and after each one only signing may have
gone on. pyHanko's and other readers' default verdicts let through a few known attacks that these rules
stop.  What cannot be judged is said to be so, never called altered.

Source: ETSI EN 319 102-1 (validation); quality goals S1 and S2
"""

import datetime as dt
import functools
import hashlib
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from asn1crypto import cms
from cryptography import x509
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate, AdESPassed, AdESStatus
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.validation.generic_cms import extract_signer_info
from pyhanko.sign.validation.status import SignatureCoverageLevel

from app import clock
from app.signing import evidence, judgement, layers, revisions
from app.signing.verdict import Finding, Outcome, SignatureVerdict, TimeStampVerdict, Verdict

log = logging.getLogger(__name__)

MOST_REVISIONS = 500  # ten companies and their time stamps of a hundred years make some fifty; each is compared with all


_ALTERED = "署名またはタイムスタンプの付与後に、ファイルの内容が変更されています。"
_ALTERED_FILE = (
    "このファイルは、電子署名またはタイムスタンプが付与された後に変更されています。"
    "内容を信頼せず、保管されている原本をご確認ください。"
)
_UNSIGNED = "このファイルには電子署名がありません。"
_UNREADABLE = (
    "このファイルは検証できません。PDFとして読み取れないか、検証に対応していない形式です。"
    "ファイルが正しく保存されているかご確認ください。"
)
_TOO_COMPLEX = (
    "このファイルは検証できません。構造が複雑すぎるか大きすぎるため、時間内に確認を終えられませんでした。"
    "内容が変更されているという意味ではありません。"
)
_INCOMPLETE = (
    "必要な電子署名がそろっていません。署名が途中までのファイルか、一部の署名が取り除かれたファイルです。"
)
_UNTRUSTED = (
    "ファイルに変更は見つかりませんでしたが、署名者の証明書またはタイムスタンプの信頼性を確認できないため、"
    "検証できません。"
)
_UNTIMED_FILE = (
    "ファイルに変更は見つかりませんでしたが、タイムスタンプのない電子署名があり、"
    "証明書が有効な間に署名されたことを確認できないため、検証できません。"
)
_BROKEN = (
    "電子署名またはタイムスタンプのデータが壊れているか、後から別の電子署名が加えられています。このファイルの内容を信頼せず、"
    "保管されている原本をご確認ください。"
)
_GOOD = "すべての電子署名は有効です。署名後の変更はありません。"
_GOOD_ARCHIVED = "すべての電子署名と長期保管のタイムスタンプは有効です。署名後の変更はありません。"
_GOOD_STAMPED = (
    "このファイルに電子署名はありませんが、タイムスタンプは有効です。{at}以降、内容は変更されていません。"
)


def too_complex(sha256: str) -> Verdict:
    """The verdict on a file whose examination had to be stopped."""
    return Verdict(Outcome.unjudged, _TOO_COMPLEX, sha256, Finding.too_complex)


def verify(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    outside: evidence.OutsideRoots = evidence.NOBODY,
    expected: Collection[str] = (),
    ends: layers.AlgorithmEnds = layers.FOR_EVER,
    stamp_roots: Sequence[x509.Certificate] = (),
) -> Verdict:
    """Judge `pdf` by the strict rules, trusting `roots` only and fetching nothing.

    :param outside: the roots of certificates that companies brought from outside authorities
    :param expected: signature fields that must be signed, where it is known who had to sign
    :param stamp_roots: trusted for time stamps, not for signers: their authorities issue certificates to anybody
    :param ends: kinds of key that prove nothing after a day, unless a time stamp of another kind came before

    Never raises: whatever a stranger's file does to the parsers ends as :attr:`Outcome.unjudged`, or as
    :attr:`Outcome.invalid` where the bytes themselves show that they were changed.
    """
    sha256 = hashlib.sha256(pdf).hexdigest()
    if pdf.count(b"startxref") > MOST_REVISIONS:
        return too_complex(sha256)
    try:
        return _judge(pdf, _Trust(roots, outside, ends, stamp_roots), expected, sha256)
    except Exception as failure:  # a stranger's bytes: parsers raise nearly anything
        log.info("not judged: %r", failure)
    try:
        damage = _visible_damage(pdf)
    except Exception as failure:
        log.info("damage not looked for: %r", failure)
        damage = None
    if damage:
        finding = Finding.broken if damage == _BROKEN else Finding.altered
        return Verdict(Outcome.invalid, damage, sha256, finding)
    return Verdict(Outcome.unjudged, _UNREADABLE, sha256)


def after_revocation(verdict: Verdict, revoked: Mapping[str, dt.datetime]) -> Verdict:
    """The verdict, corrected by what the issuer knows and a file may keep silent about.

    :param revoked: 管理番号 of certificates under the own root, and since when each is revoked
    """
    told = [
        replace(one, trusted=False, level=None, sentence=_REVOKED)
        if one.trusted and one.signed_at and one.certificate_no in revoked and revoked[one.certificate_no] <= one.signed_at
        else one
        for one in verdict.signatures
    ]
    if told == verdict.signatures:
        return verdict
    return replace(
        verdict, outcome=Outcome.invalid, finding=Finding.revoked, sentence=_REVOKED, signatures=told, level=None,
        provable_until=None,
    )  # fmt: skip


@dataclass(frozen=True)
class _Trust:
    """Whom and what to trust, as :func:`verify` was told."""

    roots: Sequence[x509.Certificate]
    outside: evidence.OutsideRoots
    ends: layers.AlgorithmEnds
    stamp_roots: Sequence[x509.Certificate]


def _judge(pdf, trust, expected, sha256):
    reader, roots = evidence.read(pdf), trust.roots
    embedded = reader.embedded_signatures
    containers = _containers(pdf)
    if not embedded:
        if containers:  # there was one, and a later revision took it out of the form
            return Verdict(Outcome.invalid, _ALTERED_FILE, sha256, Finding.altered)
        return Verdict(Outcome.invalid, _UNSIGNED, sha256, Finding.unsigned)
    known = {tuple(int(number) for number in one.byte_range) for one in embedded}
    if evidence.has_strange_certificates(reader, roots) or revisions.has_lost_evidence(reader, roots):
        return Verdict(Outcome.invalid, _BROKEN, sha256, Finding.broken)
    complete = (
        evidence.covers_whole_file(embedded[-1], pdf)
        and containers <= known
        and revisions.are_plain(reader, pdf)
        and not revisions.has_new_faces(reader, roots)
    )

    peeled = _peel(reader, trust)
    signatures = [_judge_signature(one, pdf, reader, peeled, trust) for one in reader.embedded_regular_signatures]
    time_stamps = [_judge_time_stamp(one, pdf, peeled) for one in reader.embedded_timestamp_signatures]
    if not complete:  # what was added at the end came after each of them
        signatures = [_followed(one) for one in signatures]
        time_stamps = [replace(one, intact=False, trusted=False, sentence=_ALTERED) for one in time_stamps]
    parts = [*signatures, *time_stamps]
    levels = [one.level for one in signatures]
    level = min(levels, key=_LEVELS.index) if levels and None not in levels else None
    report = {
        "sha256": sha256,
        "level": level,
        "signatures": signatures,
        "time_stamps": time_stamps,
    }
    if not complete or not all(part.intact for part in parts):
        return Verdict(Outcome.invalid, _ALTERED_FILE, finding=Finding.altered, **report)
    if not all(part.trusted for part in parts):
        if any(part.sentence == _REVOKED for part in parts):
            return Verdict(Outcome.invalid, _REVOKED, finding=Finding.revoked, **report)
        if all(part.trusted or part.sentence == _UNTIMED for part in parts):
            return Verdict(Outcome.unjudged, _UNTIMED_FILE, finding=Finding.untimed, **report)
        return Verdict(Outcome.unjudged, _UNTRUSTED, finding=Finding.untrusted, **report)
    if not set(expected) <= {one.field for one in signatures}:
        return Verdict(Outcome.invalid, _INCOMPLETE, finding=Finding.incomplete, **report)
    report |= {"provable_until": _provable_until(reader, time_stamps), "finding": Finding.intact}
    if not signatures:
        return Verdict(Outcome.valid, _GOOD_STAMPED.format(at=_shown(time_stamps[0].at)), **report)
    return Verdict(Outcome.valid, _GOOD_ARCHIVED if time_stamps else _GOOD, **report)


def _followed(part):
    return replace(part, intact=False, trusted=False, untimed=False, level=None, signed_at=None, sentence=_ALTERED)


_LEVELS = ("B-T", "B-LT", "B-LTA")
_UNTIMED = (
    "署名後の変更は見つかりませんでしたが、この署名は検証できません。"
    "タイムスタンプが付いていないため、証明書が有効な間に署名されたことを確認できません。"
)
_EXPIRED = "証明書の有効期間が過ぎており、署名がその期間内に行われたことを確認できません。"
_REVOKED = "署名の時点で、署名者の証明書は失効していました。この署名は有効ではありません。"


def _peel(reader, trust):
    """The document time stamps, judged; None where there are none, or they do not hold."""
    try:
        peeled = layers.peel(reader, trust.roots, clock.now(), trust.ends, trust.stamp_roots)
    except layers.NotProven as failure:
        log.info("time stamps not trusted: %s", failure)
        return None
    return peeled if peeled.proofs else None


def _judge_signature(signature, pdf, reader, peeled, trust):
    judge = functools.partial(
        judgement.judge_signature, signature, trust.roots, trust.outside, peeled, ends=trust.ends,
        stamp_roots=trust.stamp_roots,
    )  # fmt: skip
    result = judge()
    intact = _is_intact(signature, result.api_status) and evidence.is_consistent(signature, pdf)
    has_revocation = True
    if intact and result.ades_subindic.status is AdESStatus.INDETERMINATE:
        # perhaps only the evidence about revocation is missing: then the signature is B-T, and says so
        retried = judge(with_revocation=False)
        if retried.ades_subindic is AdESPassed.OK and not evidence.knowledge(reader).known_ocsps:
            result, has_revocation = retried, False
        elif retried.ades_subindic is AdESIndeterminate.SIG_CONSTRAINTS_FAILURE:
            result = retried  # known signer, and no time stamp
    trusted = intact and result.ades_subindic is AdESPassed.OK and evidence.is_strong(signature)
    token = evidence.signature_time_stamp(signature)
    at = evidence.time_of(token) if intact and token is not None else None
    level = None
    if trusted:
        archived = any(
            s.signed_revision > signature.signed_revision for s in reader.embedded_timestamp_signatures
        )
        level = "B-T" if not has_revocation else "B-LTA" if archived else "B-LT"
    certificate = signature.signer_cert
    subject = certificate.subject.native
    return SignatureVerdict(
        field=signature.field_name,
        company=_text(subject.get("organization_name")),
        certificate_no=_text(subject.get("serial_number")),
        subject=certificate.subject.human_friendly,
        signed_at=at,
        intact=intact,
        trusted=trusted,
        level=level,
        sentence=_sentence(intact, trusted, at, result.ades_subindic, evidence.is_strong(signature)),
        department=_text(subject.get("organizational_unit_name")),
        title=_text(subject.get("title")),
        issuer=_text(certificate.issuer.native.get("common_name")) or certificate.issuer.human_friendly,
        untimed=intact and not trusted and _is_untimed(at, result.ades_subindic),
    )


def _judge_time_stamp(signature, pdf, peeled):
    evidence.look_at(signature)
    info = signature.signed_data["encap_content_info"]["content"].parsed
    imprint = info["message_imprint"]["hashed_message"].native
    intact = (
        imprint == signature.compute_digest()
        and signature.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
        and not isinstance(signature.diff_result, SuspiciousModification)
        and evidence.is_consistent(signature, pdf)
    )
    trusted = intact and peeled is not None and evidence.is_strong(signature)
    at = evidence.time_of(signature.signed_data)
    certificate = signature.signer_cert
    if not intact:
        sentence = _ALTERED
    elif not trusted:
        sentence = "タイムスタンプの信頼性を確認できません。"
    else:
        sentence = f"{_shown(at)}のタイムスタンプは有効です。それ以降の変更はありません。"
    return TimeStampVerdict(
        field=signature.field_name,
        authority=_text(certificate.subject.native.get("common_name")) or certificate.subject.human_friendly,
        at=at,
        intact=intact,
        trusted=trusted,
        provable_until=clock.japan_date(certificate.not_valid_after),
        sentence=sentence,
    )


def _is_intact(signature, status):
    return (
        status is not None
        and status.intact
        and status.valid
        and signature.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
        and not isinstance(signature.diff_result, SuspiciousModification)
        and status.docmdp_ok is not False
    )


def _sentence(intact, trusted, at, indication, strong):
    if not intact:
        return _ALTERED
    if not strong:
        return "安全でない暗号方式が使われているため、この署名は検証できません。"
    if trusted:
        return f"{_shown(at)}の署名は有効です。署名後の変更はありません。"
    if indication is AdESFailure.REVOKED:
        return _REVOKED
    if _is_untimed(at, indication):
        return _UNTIMED
    reasons = {
        "NO_CERTIFICATE_CHAIN_FOUND": "署名者の証明書は、信頼する認証局から発行されたものではありません。",
        "NO_POE": _EXPIRED,
        "OUT_OF_BOUNDS_NO_POE": _EXPIRED,
        "OUT_OF_BOUNDS_NOT_REVOKED": "証明書の有効期間外に署名された可能性があります。",
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": "暗号方式の利用期限が過ぎており、それより前に署名されたことを確認できません。",
        "REVOKED_NO_POE": "証明書は失効しており、署名が失効前に行われたことを確認できません。",
        "TRY_LATER": "署名の時点で証明書が失効していなかったことを確認できません。",
    }
    reason = reasons.get(indication.standard_name, "署名者の証明書の信頼性を確認できません。")
    return f"署名後の変更は見つかりませんでしたが、この署名は検証できません。{reason}"


def _is_untimed(at, indication):
    return at is None and indication is AdESIndeterminate.SIG_CONSTRAINTS_FAILURE


def _provable_until(reader, time_stamps):
    if time_stamps:
        return time_stamps[-1].provable_until
    ends = []
    for signature in reader.embedded_regular_signatures:
        token = evidence.signature_time_stamp(signature)
        certificate = signature.signer_cert if token is None else evidence.signer_certificate(token)
        ends.append(certificate.not_valid_after)
    return clock.japan_date(min(ends))


def _byte_ranges(pdf):
    """Every /ByteRange written out in the file, whether or not a form field still leads to it."""
    found = re.findall(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]", pdf)
    return {tuple(int(number) for number in numbers) for numbers in found}


def _containers(pdf):
    """Those whose bytes left out look like a signature; a text may speak of byte ranges, too."""
    return {one for one in _byte_ranges(pdf) if one[0] == 0 and pdf[one[1] : one[1] + 1] == b"<"}


def _visible_damage(pdf):
    """The sentence for a file that cannot be read, where its bytes alone show a change; else None."""
    byte_ranges = sorted(_byte_ranges(pdf), key=lambda numbers: numbers[2] + numbers[3])
    if not byte_ranges:
        return None
    if byte_ranges[-1][2] + byte_ranges[-1][3] != len(pdf):
        return _ALTERED_FILE
    broken = None
    for first, length, second, rest in byte_ranges:
        if first != 0 or not length < second <= second + rest <= len(pdf):
            return _ALTERED_FILE
        if not evidence.is_plain_container(pdf[length:second]):
            broken = _BROKEN
            continue
        signed = _signed_digest(bytes.fromhex(pdf[length + 1 : second - 1].decode()))
        if signed is not None:
            try:
                digest = hashlib.new(signed[0], pdf[:length])
            except ValueError:  # no algorithm of this name
                broken = _BROKEN
                continue
            digest.update(pdf[second : second + rest])
            if digest.digest() != signed[1]:
                return _ALTERED_FILE
    return broken


def _signed_digest(contents):
    """Algorithm and value of the digest that a CMS structure says the file has, or None."""
    try:
        signed_data = cms.ContentInfo.load(contents)["content"]
        content = signed_data["encap_content_info"]
        if content["content_type"].native == "tst_info":
            imprint = content["content"].parsed["message_imprint"]
            return imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        info = extract_signer_info(signed_data)
        types = {attribute["type"].native: attribute["values"][0] for attribute in info["signed_attrs"]}
        return info["digest_algorithm"]["algorithm"].native, types["message_digest"].native
    except Exception as failure:  # a stranger's bytes: parsers raise nearly anything
        log.info("signature not decodable: %r", failure)
        return None


def _shown(moment):
    return moment.astimezone(clock.JAPAN).strftime("%Y年%m月%d日 %H時%M分%S秒（日本時間）")


def _text(value):
    """A name in a certificate, without the characters that are not seen and turn what is."""
    if isinstance(value, list):
        value = "、".join(value)
    return value and "".join(character for character in value if character.isprintable())
