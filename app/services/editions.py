"""Rounds of a document side by side: what was sent each time, and what changed between two of them (T11)."""

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from functools import lru_cache

from app import queries
from app.errors import StorageFailed
from app.extensions import db
from app.labels import day, label, mode_of, term, yen
from app.models import SentEdition
from app.services import pictures
from app.services.strongroom import strongroom
from app.signing.intake import page_rows

PAGES_AT_ONCE = 50  # looked through by one run of the limited program
MOST_ALIGNED_PAGES = 200  # of either file; longer ones are compared page by page, as they are counted
RECEIVERS, DISCLOSURE = "受領側企業", "取適法第4条"  # facts that are asked for again
BAND_GAP_ROWS = 8  # changed rows that lie nearer together are one band


def keep(document, now):
    """Keep what is being sent; the caller has counted its round."""
    db.session.add(
        SentEdition(
            document=document, revision=document.revision, facts=facts_of(document), sent_at=now,
            unsigned_sha256=document.unsigned_sha256, page_count=document.page_count,
        )
    )  # fmt: skip


def facts_of(document):
    """The facts that sender and receivers see alike, as [name, text], in the order of 契約文書情報."""
    return [
        ["契約件名", document.title],
        ["文書種別", label(document.kind)],
        ["署名区分", mode_of(document)],
        [RECEIVERS, "、".join(str(party.company) for party in document.receivers)],
        ["契約締結年月日", day(document.conclusion_date)],
        ["契約金額(税込)", yen(document.amount_yen)],
        ["契約期間", term(document)],
        ["自動更新", "あり" if document.renews_itself else "なし"],
        ["署名期限", day(document.deadline)],
        ["取引先管理番号", document.partner_number],
        ["発信者からのメッセージ", document.message],
        *([["建設業法第19条", "建設工事の請負契約に該当"]] if document.is_construction else []),
        *([[DISCLOSURE, "明示に該当（フリーランス法を含む）"]] if document.is_disclosure else []),
        *([["添付・補足書類", "、".join(map(_attached, document.attachments))]] if document.attachments else []),
        ["契約文書(PDF)のファイル名", document.file_name],
    ]


def was_disclosure(edition):
    """Whether the round was a 明示 by 取適法第4条."""
    return DISCLOSURE in dict(edition.facts)


def receivers_in(edition):
    """(name, 企業ID) of the companies that the round was sent to, in their order."""
    return re.findall(r"(.+?)（(C\d+)）(?:、|$)", dict(edition.facts)[RECEIVERS])


def _attached(row):
    """An attachment with the beginning of its hash: another file often comes under the same name."""
    return f"{row.file_name}（ハッシュ値：{row.sha256[:8]}…）"


# -- what changed ---------------------------------------------------------------


@dataclass(frozen=True)
class FactChange:
    """One fact before and after."""

    name: str
    old: str
    new: str

    @property
    def is_changed(self):
        return self.old != self.new


@dataclass(frozen=True)
class Sent:
    """A :class:`SentEdition` as plain values: its pages are compared outside any transaction."""

    sent_at: datetime
    unsigned_sha256: str
    page_count: int


@dataclass(frozen=True)
class Changes:
    """What lies between two rounds."""

    old: Sent
    new: Sent
    facts: tuple[FactChange, ...]

    @property
    def changed_facts(self):
        return [fact for fact in self.facts if fact.is_changed]

    @property
    def has_new_file(self):
        return self.old.unsigned_sha256 != self.new.unsigned_sha256


def latest_changes(user, document):
    """From the round before to this one, of those that the person's company was shown; None where it knows only one."""
    if document.revision < 2:
        return None
    known = queries.editions_of(user, document)
    return between(*known[-2:]) if len(known) > 1 else None


def between(old, new):
    """The facts of two rounds side by side, in the order of the later one."""
    before, after = dict(old.facts), dict(new.facts)
    names = [*after, *(name for name in before if name not in after)]
    facts = (FactChange(name, before.get(name, ""), after.get(name, "")) for name in names)
    plain = (Sent(edition.sent_at, edition.unsigned_sha256, edition.page_count) for edition in (old, new))
    return Changes(*plain, tuple(facts))


# -- pages ------------------------------------------------------------------------


@dataclass(frozen=True)
class PagePair:
    """Pages of the two files that belong side by side, counted from 1; None where one has no such page."""

    old: int | None
    new: int | None
    state: str  # a key of app.labels.PAIR_STATE


def page_pairs(changes):
    """All pages of both files, side by side.

    A page that was put in or taken out moves the others along, unless the files are too long for that.  Slow, as
    :func:`compared` is: outside any transaction.
    """
    if not changes.has_new_file:
        return [PagePair(number, number, "same") for number in range(1, changes.new.page_count + 1)]
    if max(changes.old.page_count, changes.new.page_count) > MOST_ALIGNED_PAGES:
        return _by_position(changes)
    old, new = (_all_rows(edition) for edition in (changes.old, changes.new))
    if old is None or new is None:
        return _by_position(changes)
    pairs = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for at in range(max(b - a, d - c)):
            one = a + at + 1 if a + at < b else None
            two = c + at + 1 if c + at < d else None
            pairs.append(PagePair(one, two, _state(one, two, kind == "equal")))
    return pairs


def _by_position(changes):
    """Page by page as they are counted; :func:`compared` says later what is the same."""
    most = max(changes.old.page_count, changes.new.page_count)
    pairs = (
        (at if at <= changes.old.page_count else None, at if at <= changes.new.page_count else None)
        for at in range(1, most + 1)
    )
    return [PagePair(old, new, "unknown" if old and new else _state(old, new, False)) for old, new in pairs]


def _state(old, new, is_same):
    if old is None or new is None:
        return "added" if old is None else "removed"
    return "same" if is_same else "changed"


@dataclass(frozen=True)
class ComparedPair:
    """A pair with the bands of the page in which something differs, in thousandths of its height: (from, height)."""

    pair: PagePair
    bands: tuple[tuple[int, int], ...] = ()


def compared(changes, pairs):
    """The pairs that a page is about to show, each looked at closely."""
    return [_look_at(changes, pair) for pair in pairs]


def _look_at(changes, pair):
    if pair.state not in ("changed", "unknown"):
        return ComparedPair(pair)
    rows = [_rows_of(edition, number) for edition, number in ((changes.old, pair.old), (changes.new, pair.new))]
    if None in rows:
        return ComparedPair(PagePair(pair.old, pair.new, "unknown"))
    if rows[0] == rows[1]:
        return ComparedPair(PagePair(pair.old, pair.new, "same"))
    return ComparedPair(PagePair(pair.old, pair.new, "changed"), _bands(*rows))


def _bands(old, new):
    """Where two pictures of a page differ; none where the sheets differ in size."""
    if len(old) != len(new) or old[:4] != new[:4]:
        return ()
    rows = len(old) // 4 - 1
    differing = [at for at in range(rows) if old[4 * at + 4 : 4 * at + 8] != new[4 * at + 4 : 4 * at + 8]]
    bands = []
    for at in differing:
        if bands and at - bands[-1][1] <= BAND_GAP_ROWS:
            bands[-1][1] = at
        else:
            bands.append([at, at])
    edges = ((max(0, first - 5), min(rows, last + 6)) for first, last in bands)
    return tuple((first * 1000 // rows, max(1, (last - first) * 1000 // rows)) for first, last in edges)


def _all_rows(edition):
    """The rows of every page; None where the file is too laborious to look through."""
    try:
        chunks = [_chunk(edition.unsigned_sha256, first) for first in range(0, edition.page_count, PAGES_AT_ONCE)]
    except StorageFailed:
        return None
    return [rows for chunk in chunks for rows in chunk]


def _rows_of(edition, number):
    first = (number - 1) // PAGES_AT_ONCE * PAGES_AT_ONCE
    try:
        return _chunk(edition.unsigned_sha256, first)[number - 1 - first]
    except StorageFailed:
        return None


@lru_cache(maxsize=32)
def _chunk(sha256, first):
    """Kept for the next view: a file named by its SHA-256 never changes."""
    with pictures.drawing():
        return page_rows(strongroom().store.get(sha256), first, PAGES_AT_ONCE)
