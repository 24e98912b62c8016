"""The rules the code keeps: which way imports point, who compares a status, who reads the environment."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# lowest floor first; a module may import its own floor and those below
FLOORS = (
    ("config",),
    ("app.workflow", "app.errors", "app.clock", "app.extensions", "app.plans", "app.construction_law"),
    ("app.models", "app.tables", "app.signing", "app.schema"),
    ("app.labels",),
    ("app.queries", "app.letters"),
    ("app.services",),
    ("app.security",),
    ("app.views", "app.jobs"),
    ("app", "demo"),
    ("run",),
)
SOURCES = sorted(
    path for path in [*ROOT.glob("app/**/*.py"), *ROOT.glob("demo/*.py"), ROOT / "run.py", ROOT / "config.py"]
)


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module):
    """The height of the longest name that covers `module`; None for what is not ours."""
    covering = [
        (len(name), height)
        for height, floor in enumerate(FLOORS)
        for name in floor
        if module == name or module.startswith(f"{name}.")
    ]
    return max(covering)[1] if covering else None


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                place = ROOT / Path(*whole.split("."))
                is_module = place.is_dir() or place.with_suffix(".py").exists()
                yield (whole if is_module else node.module), node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_point_downwards(path):
    own = floor_of(module_of(path))
    assert own is not None
    upwards = [
        f"line {line}: {name}"
        for name, line in imports_of(path)
        if (height := floor_of(name)) is not None and height > own
    ]
    assert upwards == []


def test_the_signing_knows_no_table_and_the_tables_no_signing():
    for path in ROOT.glob("app/signing/**/*.py"):
        assert not [
            name for name, _ in imports_of(path) if name.startswith(("app.models", "app.tables", "app.schema", "flask"))
        ], path
    for path in (ROOT / "app/models.py", *ROOT.glob("app/tables/*.py")):
        assert not [name for name, _ in imports_of(path) if name.startswith("app.signing")], path


def test_everybody_takes_the_tables_from_the_one_list_of_them():
    tables = ROOT / "app/tables"
    for path in SOURCES:
        if path.parent != tables and path != ROOT / "app/models.py":
            assert not [name for name, _ in imports_of(path) if name.startswith("app.tables")], path


def test_services_know_no_request_and_no_session_cookie():
    for path in ROOT.glob("app/services/*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        taken = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and node.module in ("flask", "flask_login", "app.views", "app.security")
            for alias in node.names
        }
        assert taken <= {"current_app"}, path


@pytest.mark.parametrize("path", sorted(ROOT.glob("app/views/*.py")), ids=lambda path: path.stem)
def test_views_ask_no_question_of_the_database_themselves(path):
    if path.stem.startswith("operator") or path.stem == "health":  # master data, and whether the database answers at all
        return
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bselect\(|session\.(get|scalars?|execute|query)\(", text)


def test_one_place_says_under_which_name_a_file_is_kept():
    writers = {path.stem for path in SOURCES if re.search(r"Content-Disposition.?:", path.read_text(encoding="utf-8"))}
    assert writers == {"file_answer"}


COMPARISONS = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)


def comparisons_of_status(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare) and any(isinstance(op, COMPARISONS) for op in node.ops):
            for side in (node.left, *node.comparators):
                if (
                    isinstance(side, ast.Attribute)
                    and side.attr == "status"
                    and ast.unparse(side.value) != "OutOfTurn"
                ):
                    yield node.lineno  # OutOfTurn.status is HTTP's


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("app/views/*.py"), *ROOT.glob("app/jobs/*.py")]), ids=lambda path: path.stem
)
def test_no_view_and_no_job_compares_a_status(path):
    assert list(comparisons_of_status(path)) == []


def test_only_take_writes_a_documents_status():
    writers = set()
    for path in ROOT.glob("app/**/*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    targets = node.targets if isinstance(node, ast.Assign) else []
                    writers |= {
                        (path.stem, function.name)
                        for target in targets
                        if isinstance(target, ast.Attribute) and target.attr == "status"
                        and isinstance(target.value, ast.Name) and target.value.id == "document"
                    }  # fmt: skip
    assert writers == {("steps", "take")}


def test_a_file_leaves_the_store_only_by_a_recorded_disposal_and_is_never_written_over():
    erasers, writers = set(), set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if re.search(r"store(?:\(\))?\.erase\(|obstore\.(?:delete|rename|copy)", text):
            erasers.add(module_of(path))
        writers |= {(module_of(path), call) for call in re.findall(r"obstore\.put\([^)]*\)", text)}
    erasers.discard("app.signing.parcels")  # the ZIP files of 一括ダウンロード, in a folder of their own
    assert erasers == {"app.signing.store", "app.services.disposal"}
    assert writers == {("app.signing.store", 'obstore.put(self._objects, path, pdf, mode="create")')}


def test_only_the_settings_read_the_environment():
    readers = {
        module_of(path)
        for path in SOURCES
        if re.search(r"os\.environ|getenv", path.read_text(encoding="utf-8"))
    }
    assert readers - {"run", "demo.portal"} == {"config"}


def test_nobody_takes_the_time_but_the_clock():
    for path in ROOT.glob("app/**/*.py"):
        if path.stem != "clock":
            assert not re.search(
                r"\bdatetime\.(now|utcnow|today)\(|\bdate\.today\(", path.read_text(encoding="utf-8")
            ), path


@pytest.fixture(scope="module")
def tracked():
    """Every file of the repository that is text."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)  # noqa: S607
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = {}
    for name in listed.stdout.splitlines():
        try:
            found[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
    return found


def test_no_file_names_a_registry_or_a_place_on_one_machine(tracked):
    marks = (r"--index-url|--extra-index-url|--trusted-host|registry=http", r"https?://[^\s\"']*(?:artifactory|nexus|pypi-mirror)",
             r"(?<![\w.])/(?:home|Users|root)/\w", r"(?<![\w.])/work/")  # fmt: skip
    here = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{name}: {hit.group()}"
        for name, text in tracked.items()
        if name != here and not name.startswith("app/static/vendor/")
        for mark in marks
        if (hit := re.search(mark, text))
    ]
    assert found == []


def test_every_setting_is_explained_in_the_readme():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not there")
    source = (ROOT / "config.py").read_text(encoding="utf-8")
    names = set(re.findall(r'self\.(?:text|number|secret)\(\s*"([A-Z_0-9]+)"', source)) - {"_FILE"}
    assert len(names) > 20
    text = readme.read_text(encoding="utf-8")
    assert sorted(name for name in names if f"PORTAL_{name}" not in text) == []


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("templates/**/*.html")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_templates_hold_no_script_and_no_foreign_address(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son(?:click|change|submit|load|error)\s*=", text)
    assert not re.search(r"\|\s*safe\b", text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("templates/**/*.html")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_every_form_that_posts_carries_the_token(path):
    text = path.read_text(encoding="utf-8")
    forms = re.findall(r"<form\b.*?</form>", text, re.S)
    for form in forms:
        if re.search(r'method="post"', form):
            assert "csrf" in form, path
