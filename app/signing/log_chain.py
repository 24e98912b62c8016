"""The hash chains of the 監査ログ: how an entry is hashed, and how chains, heads and time stamps are checked.

Needs the standard library and `cryptography` alone, and with `plain_tokens.py` beside it checks an export where
no portal is set up: ``python log_chain.py EXPORT --root root.pem`` (docs/verification.md).

An entry's hash covers the hash before it and everything in the entry except what 個人データの消去 may have to
erase.  Of that it covers commitments: SHA-256 over a random salt and the value.  Erased are value and salt,
the commitment stays, and so does every hash after it.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass

try:
    from app.signing import plain_tokens
except ImportError:  # the two files alone
    import plain_tokens

FORMAT = "contract-portal-log-1"
GENESIS = "0" * 64  # what the first entry of a chain follows
HASHED = (
    "chain", "sequence", "at", "kind", "actor_id", "user_id", "document_id", "details", "source", "source_id",
    "source_sha256", "source_commitment", "ip_commitment", "previous",
)  # fmt: skip
DELETED = "document.deleted"  # its details name the rows that went with a deleted draft
ANCHORED = "log.anchored"  # its details name a time stamp over the heads, and the token's hash
ERASED = "account.personal_data_erased"

WORDS = {
    "changed": "記録の内容が変更されています（書き換え、並べ替え、または差し込み）",
    "unlinked": "直前の記録とつながっていません（書き換え、または差し込み）",
    "missing": "記録がありません（削除、または末尾の切り取り）",
    "extra": "余分な記録があります（差し込み）",
    "head": "最新の位置の控えと記録が一致しません",
    "ip_changed": "IPアドレスが変更されています",
    "ip_erased": "消去の記録がないのに、IPアドレスが消されています",
    "row_missing": "対応する行がありません（削除）",
    "row_changed": "対応する行が変更されています（書き換え）",
    "row_erased": "消去の記録がないのに、対応する行の個人データが消されています",
    "row_extra": "監査ログに記録のない行があります（差し込み）",
    "anchored_missing": "タイムスタンプを付与した記録がありません（末尾の切り取り）",
    "anchored_changed": "タイムスタンプを付与した時と、記録の内容が異なります",
    "anchor_missing": "タイムスタンプがないか、差し替えられています",
    "token": "タイムスタンプを検証できません",
}


@dataclass(frozen=True)
class Finding:
    """One trace of tampering, and where.

    :param chain: number of the company; 0 for what belongs to none
    :param sequence: of the entry, or the first of several; 0 where it is about no entry
    :param what: a key of :data:`WORDS`
    :param detail: which row, time stamp or range
    """

    chain: int
    sequence: int
    what: str
    detail: str = ""

    def as_dict(self):
        return asdict(self) | {"sentence": WORDS[self.what]}


def canonical(value) -> bytes:
    """JSON in the one form that is hashed: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sha256_of(value) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def commitment(salt: str, value) -> str:
    """What stands in an entry for a value that may have to be erased.

    :param salt: 16 random bytes, in hexadecimal: without it nobody can guess the value by trying
    """
    return hashlib.sha256(bytes.fromhex(salt) + canonical(value)).hexdigest()


def entry_hash(entry) -> str:
    return sha256_of({name: entry[name] for name in HASHED})


def anchor_digest(heads) -> bytes:
    """What a time stamp is made over.

    :param heads: [chain, sequence, hash] of each chain's head, in any order
    """
    return hashlib.sha256(canonical({"format": FORMAT, "heads": sorted(list(head) for head in heads)})).digest()


# -- checking -----------------------------------------------------------------


class ChainCheck:
    """The check of one chain, entry by entry, so that no chain must fit into memory.

    :param head: its row {"sequence", "sha256"}, or None
    :param anchored: [(anchor, sequence, hash)] of this chain's heads under time stamps
    :param erased: ids of the people whose 個人データの消去 is on record, in any chain
    :param after: sequence and hash of the entry before the first one given
    :param hashes_only: the entries have no more than what is hashed, and only some of them their row
    """

    def __init__(self, chain, head, anchored=(), erased=frozenset(), after=(0, GENESIS), hashes_only=False):
        self.chain, self.head, self.erased, self.hashes_only = chain, head, erased, hashes_only
        self.sequence, self.sha256 = after
        self.first = self.sequence + 1
        self.anchored = {}
        for anchor, sequence, sha256 in anchored:
            if sequence >= self.first:
                self.anchored.setdefault(sequence, []).append((anchor, sha256))
        self.findings = []
        self._of_rows = []  # findings about rows, until it is known which of them went with a deleted draft
        self._deleted = {}  # (table, id) -> sequence of the entry that says so
        self._tokens = []  # (sequence, anchor, hash of its token)

    def check(self, entries: Iterable[dict], tokens=None):
        """All findings.

        :param entries: in order; `row` of each is {"facts", "erasable", "ip_address"} of the row it covers, or None
        :param tokens: hash of each anchor's token by the anchor's id; None: not looked at
        """
        for entry in entries:
            self._follow(entry)
            if not self.hashes_only:
                self._look_at_ip(entry)
            if entry["source"] and not (self.hashes_only and "row" not in entry):
                self._look_at_row(entry)
            self._look_at_anchor(entry)
        self._end()
        for sequence, anchor, sha256 in self._tokens if tokens is not None else ():
            if tokens.get(anchor) != sha256:
                self._find(sequence, "anchor_missing", f"タイムスタンプ{anchor}")
        return sorted(self.findings, key=lambda finding: finding.sequence)

    def _find(self, sequence, what, detail=""):
        self.findings.append(Finding(self.chain, sequence, what, detail))

    def _follow(self, entry):
        sequence = entry["sequence"]
        if sequence <= self.sequence:
            self._find(sequence, "extra")
            return
        if sequence > self.sequence + 1:
            self._find(self.sequence + 1, "missing", _range(self.sequence + 1, sequence - 1))
        elif entry["previous"] != self.sha256:
            self._find(sequence, "unlinked")
        if entry_hash(entry) != entry["sha256"]:
            self._find(sequence, "changed")
        self.sequence, self.sha256 = sequence, entry["sha256"]
        if entry["kind"] == DELETED:
            self._deleted |= {(table, row_id): sequence for table, row_id in entry["details"]["rows"]}
        if entry["kind"] == ANCHORED:
            self._tokens.append((sequence, entry["details"]["anchor"], entry["details"]["token_sha256"]))

    def _look_at_ip(self, entry):
        if entry["ip_salt"]:
            if not _opens(entry["ip_commitment"], entry["ip_salt"], entry["ip_address"]):
                self._find(entry["sequence"], "ip_changed")
        elif entry["ip_address"]:
            self._find(entry["sequence"], "ip_changed")
        elif entry["ip_commitment"]:
            whose = entry["actor_id"] if entry["actor_id"] is not None else entry["user_id"]
            if whose not in self.erased:
                self._find(entry["sequence"], "ip_erased")

    def _look_at_row(self, entry):
        row, what = entry["row"], None
        if row is None:
            what = "row_missing"
        elif sha256_of(row["facts"]) != entry["source_sha256"]:
            what = "row_changed"
        elif self.hashes_only:
            pass
        elif row["ip_address"] is not None and row["ip_address"] != entry["ip_address"]:
            what = "row_changed"
        elif entry["source_salt"]:
            if not _opens(entry["source_commitment"], entry["source_salt"], row["erasable"]):
                what = "row_changed"
        elif any(row["erasable"].values()):
            what = "row_changed"
        elif entry["source_commitment"] and entry["user_id"] not in self.erased:
            what = "row_erased"
        if what:
            self._of_rows.append((entry["sequence"], what, entry["source"], entry["source_id"]))

    def _look_at_anchor(self, entry):
        for anchor, sha256 in self.anchored.pop(entry["sequence"], ()):
            if sha256 != entry["sha256"]:
                self._find(entry["sequence"], "anchored_changed", f"タイムスタンプ{anchor}")

    def _end(self):
        for sequence, what, table, row_id in self._of_rows:
            if sequence > self._deleted.get((table, row_id), 0):
                self._find(sequence, what, f"{table} {row_id}")
        for sequence, anchors in self.anchored.items():
            self._find(sequence, "anchored_missing", f"タイムスタンプ{anchors[0][0]}")
        last, head = self.sequence, self.head or {"sequence": 0, "sha256": GENESIS}
        if head["sequence"] > last:
            self._find(last + 1, "missing", _range(last + 1, head["sequence"]))
        elif head["sequence"] < last:
            self._find(head["sequence"] + 1, "extra", _range(head["sequence"] + 1, last))
        elif head["sha256"] != self.sha256:
            self._find(last, "head")


def _range(first, last):
    return f"{first}～{last}" if last > first else str(first)


def _opens(expected, salt, value):
    try:
        return commitment(salt, value) == expected
    except ValueError:
        return False


def check_token(anchor, roots):
    """The finding about one time stamp, or None.

    :param anchor: {"id", "token" (DER), "heads"}
    :param roots: certificates that its authority must lead to
    """
    try:
        plain_tokens.check(anchor["token"], anchor_digest(anchor["heads"]), roots)
    except plain_tokens.TokenInvalid as invalid:
        return Finding(0, 0, "token", f"タイムスタンプ{anchor['id']}：{invalid}")
    return None


# -- an export ----------------------------------------------------------------


def check_export(lines, roots):
    """What an export shows.

    :param lines: of the file that `run.py verify-log --export` writes: a header, time stamps, heads, then the
        entries chain by chain; or of a company's own 監査ログ.jsonl, whose time stamps the portal keeps
    :returns: findings and the number of entries
    :raises ValueError: not such a file, or cut off
    """
    lines = iter(lines)
    header = json.loads(next(lines, "null"))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("this is no export of an audit log")
    own, anchors, heads, findings, count = header.get("hashes_of"), {}, {}, [], 0
    entries, stamped = {}, []
    is_whole = False
    for line in lines:
        row = json.loads(line)
        match row.pop("type"):
            case "anchor":
                anchors[row["id"]] = row | {"token": base64.b64decode(row["token"])}
            case "anchored":
                stamped.append((row["id"], row["sequence"], row["sha256"]))
            case "head":
                heads[row["chain"]] = row
            case "entry":
                entries.setdefault(row["chain"], []).append(row)
                count += 1
            case "row_extra":
                findings.append(Finding(row["chain"], 0, "row_extra", row["row"]))
            case "end":
                is_whole = row["entries"] == count
    if not is_whole:
        raise ValueError("the file is cut off")
    if own is not None:
        check = ChainCheck(own, heads.get(own), stamped, hashes_only=True)
        return check.check(entries.get(own, ())), count
    erased = {row["user_id"] for of_chain in entries.values() for row in of_chain if row["kind"] == ERASED}
    tokens = {anchor["id"]: hashlib.sha256(anchor["token"]).hexdigest() for anchor in anchors.values()}
    for chain in sorted({*heads, *entries, *(head[0] for anchor in anchors.values() for head in anchor["heads"])}):
        anchored = [(a["id"], head[1], head[2]) for a in anchors.values() for head in a["heads"] if head[0] == chain]
        findings += ChainCheck(chain, heads.get(chain), anchored, erased).check(entries.get(chain, ()), tokens)
    findings += filter(None, (check_token(anchor, roots) for anchor in anchors.values()))
    return findings, count


def scope_of(lines):
    """What the check of an export stands on, for people: its time stamps, or that it has none.

    Who writes such a file decides what is in it: without time stamps all of it may have been made anew.
    """
    lines = iter(lines)
    header, count = json.loads(next(lines)), sum(json.loads(line).get("type") == "anchor" for line in lines)
    if "hashes_of" in header:
        return "企業の監査ログのファイルです。タイムスタンプが含まれないため、全体が作り直されていないことは、このファイルだけでは確認できません。"
    if not count:
        return "タイムスタンプが1つも含まれていません。全体が作り直されていないことは、このファイルからは確認できません。"
    return f"タイムスタンプ{count}件を検証しました。"


def main(arguments=None):
    """Check an export: exit 0 nothing found, 1 traces of tampering, 2 it cannot be checked."""
    from cryptography.x509 import load_pem_x509_certificates

    parser = argparse.ArgumentParser(description="Check an exported audit log.")
    parser.add_argument("export")
    parser.add_argument("--root", required=True, help="root certificates of the time-stamp authorities, PEM")
    given = parser.parse_args(arguments)
    try:
        with open(given.root, "rb") as file:
            roots = load_pem_x509_certificates(file.read())
        with open(given.export, encoding="utf-8") as file:
            findings, count = check_export(file, roots)
            file.seek(0)
            scope = scope_of(file)
    except Exception as error:  # the file is anybody's
        print(f"検証できません：{error}", file=sys.stderr)
        return 2
    print(in_words(findings, count), scope, sep="\n")
    return 1 if findings else 0


def in_words(findings, count):
    """The result for people, one line a finding."""
    if not findings:
        return f"{count}件の記録を検証しました。改ざんは検出されていません。"
    lines = [f"{count}件の記録を検証し、{len(findings)}件の不一致を検出しました。"]
    for found in findings:
        where = f"企業{found.chain}" if found.chain else "企業に属さない記録"
        position = f"　{found.sequence}番" if found.sequence else ""
        lines.append(f"・{where}{position}　{WORDS[found.what]}{f'：{found.detail}' if found.detail else ''}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
