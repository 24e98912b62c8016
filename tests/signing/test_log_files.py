"""Q13: a file that claims to be an export of the 監査ログ; whoever hands it in decides what is in it."""

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.signing import log_chain

HEADER = {"format": log_chain.FORMAT}
END = {"type": "end", "entries": 0}


@pytest.fixture
def check(tmp_path, portal, capsys):
    def run(*lines):
        export, root = tmp_path / "log.jsonl", tmp_path / "root.pem"
        export.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
        root.write_bytes(portal.root.public_bytes(Encoding.PEM))
        code = log_chain.main([str(export), "--root", str(root)])
        return code, "".join(capsys.readouterr())

    return run


@pytest.mark.requirement("Q13", "I19")
def test_a_file_without_time_stamps_says_that_nothing_vouches_for_the_whole(check):
    """One line in the head, or the time stamps left out, and their check is passed over: it may not look the same."""
    assert check(HEADER, END) == (0, "0件の記録を検証しました。改ざんは検出されていません。\n" + log_chain.scope_of(map(json.dumps, [HEADER, END])) + "\n")
    assert "タイムスタンプが1つも含まれていません" in check(HEADER, END)[1]
    assert "企業の監査ログのファイルです" in check(HEADER | {"hashes_of": 3}, END)[1]
    stamp = {"type": "anchor", "id": 1, "token": "", "heads": [], "at": dt.datetime(2026, 1, 1).isoformat()}
    code, said = check(HEADER, stamp, END)
    assert code == 1 and "タイムスタンプ1件を検証しました" in said and "タイムスタンプを検証できません" in said


@pytest.mark.requirement("Q13")
@pytest.mark.parametrize("line", ["[" * 200_000, "5", "[]", '{"type":"entry","chain":3}', '{"type":"anchor","id":1,"token":5}'])
def test_what_is_no_export_cannot_be_checked_and_is_no_tampering(check, line):
    code, said = check(HEADER, line + "\n", END)
    assert code == 2 and said.startswith("検証できません")
