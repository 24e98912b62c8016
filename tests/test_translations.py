"""Everything that Flask-AppBuilder can say is said in Japanese."""

import io
import re
from pathlib import Path

import flask_appbuilder
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

FAB = Path(flask_appbuilder.__file__).parent
OURS = Path(__file__).parents[1] / "app" / "translations" / "ja" / "LC_MESSAGES" / "messages.po"
SOURCES = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module")
def catalogue():
    """Our own catalogue as :mod:`gettext` reads it, with nothing to fall back on."""
    compiled = io.BytesIO()
    with OURS.open("rb") as file:
        write_mo(compiled, read_po(file, locale="ja"))
    compiled.seek(0)
    return Translations(compiled)


def fab_source_messages():
    found = extract_from_dir(str(FAB), SOURCES, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found}


def fab_catalogue_messages():
    text = (FAB / "translations/ja_JP/LC_MESSAGES/messages.po").read_text(encoding="utf-8")
    text = re.sub(r'"(POT-Creation|PO-Revision)-Date:.*\n', "", text)  # written in a way Babel cannot read
    return {message.id for message in read_po(io.BytesIO(text.encode())) if message.id}


def japanese(text):
    return re.search(r"[぀-ヿ一-鿿]", text) is not None


@pytest.mark.parametrize("messages_of", [fab_source_messages, fab_catalogue_messages])
def test_every_message_of_flask_appbuilder_has_a_japanese_text(catalogue, messages_of):
    messages = messages_of() - {"OpenID"}  # a name
    assert len(messages) > 130
    assert sorted(m for m in messages if not japanese(catalogue.gettext(m))) == []


@pytest.mark.parametrize("message", [
    "Add", "Edit", "Delete", "Show", "Detail", "Select Value", "Groups", "Not a valid choice",
    "Are you sure you want to delete this item?",
])
def test_what_flask_appbuilder_leaves_in_english_is_translated(catalogue, message):
    assert japanese(catalogue.gettext(message))


def test_the_login_name_is_called_by_the_word_of_the_manual(catalogue):
    assert catalogue.gettext("Username") == catalogue.gettext("User Name") == "利用者ID"


def test_placeholders_survive_the_translation(catalogue):
    def placeholders(text):
        return sorted(re.findall(r"%\(\w+\)[sd]|%s|\{\w+\}", text))

    with OURS.open("rb") as file:
        messages = [message for message in read_po(file, locale="ja") if message.id]
    for message in messages:
        source = message.id if isinstance(message.id, str) else message.id[0]
        text = message.string if isinstance(message.string, str) else message.string[0]
        assert placeholders(text) == placeholders(source)


def test_no_message_is_left_empty_or_fuzzy():
    with OURS.open("rb") as file:
        messages = [message for message in read_po(file, locale="ja") if message.id]
    assert [message.id for message in messages if not message.string or message.fuzzy] == []
