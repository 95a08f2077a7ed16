"""The shape of the project: imports go one way, SQL models are single selects, names agree."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections import Counter
from enum import StrEnum
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
from sqlglot import exp, parse

from duizhang.declared import terms
from duizhang.declared.legs import LEGS
from duizhang.home import published
from duizhang.layout import SQL
from duizhang.reconcile import MART_MODELS, load_causes

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "duizhang": {"dagster", "assets", "pipelines"},
    "assets": {"pipelines"},
}
MODELS = sorted(path for path in SQL.rglob("*.sql") if path.parent.name != "macros")
DOORS = sorted(p for p in (ROOT / "duizhang").rglob("__init__.py") if "opened_by_need" in p.read_text(encoding="utf-8"))


@cache
def tree_of(path: Path) -> ast.Module:
    """The parsed module, for every test that walks it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_imports_go_one_way(package: str) -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): sorted(imported(path) & FORBIDDEN[package])
        for path in (ROOT / package).rglob("*.py")
        if imported(path) & FORBIDDEN[package]
    }
    assert wrong == {}


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """docs/architecture.py, which makes the pictures."""
    found = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_pictures_of_the_architecture_are_those_of_the_code(page: ModuleType) -> None:
    assert page.written() == page.pictures(), "python docs/architecture.py writes them anew"


def test_no_room_stands_in_a_circle(page: ModuleType) -> None:
    for rooms in (page.rooms(), page.rooms(3, "duizhang.ingest.")):
        assert list(TopologicalSorter(rooms).static_order())


def test_a_room_of_ingest_is_entered_by_its_door(page: ModuleType) -> None:
    inside = page.rooms(3, "duizhang.ingest.")
    assert len(inside) == 9
    doors = tuple(f"duizhang.ingest.{room}." for room in inside)
    past = {
        (module, used) for module, names in page.modules().items() for used in names
        if used.startswith(doors) and not module.startswith(used.rsplit(".", 1)[0])
    }
    assert past == set()


@pytest.mark.parametrize("door", DOORS, ids=lambda p: p.parent.name)
def test_a_door_that_opens_by_need_gives_all_that_it_names(door: Path) -> None:
    room = importlib.import_module(".".join(door.parent.relative_to(ROOT).parts))
    given = {name: getattr(room, name) for name in room.__all__}
    assert not [name for name, value in given.items() if isinstance(value, ModuleType)]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        room.nonsense  # noqa: B018


def test_no_two_modules_have_one_name() -> None:
    # a command is named like what it does, and a room may be as well
    names = [p.stem for top in ("duizhang", "assets", "pipelines") for p in (ROOT / top).rglob("*.py") if p.parent.name != "cli"]
    twice = {name for name in names if names.count(name) > 1} - {"__init__", "__main__"}
    assert twice == set()


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "misc"}
    code = [p for top in ("duizhang", "assets", "pipelines", "tests") for p in (ROOT / top).rglob("*")]
    assert [p for p in code if p.stem in drawers] == []


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.relative_to(SQL).as_posix())
def test_a_model_is_one_select_with_a_header(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- "), "the header says grain and meaning"
    assert len(duckdb.extract_statements(text)) == 1
    code = re.sub(r"--.*|'[^']*'", "", text)
    assert code == code.lower(), "lower case"
    assert "select * from final" in code or "\nselect" in code
    assert "{{" not in code and "!=" not in code


def test_every_mart_is_a_published_table() -> None:
    assert set(MART_MODELS) <= set(published.TABLES)


def test_every_cause_has_both_labels_and_an_action() -> None:
    for cause in load_causes().values():
        assert cause.zh and cause.en and cause.who and cause.action and cause.action_zh


def test_no_two_files_of_tests_have_one_name() -> None:
    # without a package around them, pytest leaves out the second one
    names = [p.name for p in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_a_leg_is_its_claims_and_a_line_of_the_register() -> None:
    assert {path.stem for path in (SQL / "claims").glob("*.sql")} == set(LEGS)


def test_the_areas_of_the_mutation_benchmark_name_files_and_tests_that_are_there() -> None:
    from benchmarks.mutation import AREAS

    named = [name for area in AREAS.values() for name in (*area.files, *area.tests)]
    assert [name for name in named if not list(ROOT.glob(name))] == []


def statements(path: Path) -> list[tuple[int, str]]:
    """The strings of a module that are SQL, what is put into them as a name; line and text."""
    found = []
    tree = tree_of(path)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        if re.match(r"\s*(with|select|insert|update|delete|create)\s", text):
            found.append((node.lineno, text))
    return found


def test_what_is_computed_is_computed_in_a_file_of_sql() -> None:
    """Fails if the engine adds, multiplies or counts in SQL inside Python; matters because the linter reads files: there it proves that
    amounts have room and that nothing is left to chance. Python puts relations in place and moves rows between them."""
    # these turn rules from YAML into SQL, which the linter reads (duizhang/lint)
    written = {"causes.py", "parts.py"}
    computing = (exp.Binary, exp.AggFunc, exp.Window)
    allowed = (exp.Predicate, exp.Connector, exp.Dot)
    wrong = []
    for path in sorted((ROOT / "duizhang" / "reconcile").glob("*.py")):
        for line, text in statements(path) if path.name not in written else ():
            for tree in parse(text, dialect="duckdb"):
                found = [n.sql("duckdb") for n in (tree.walk() if tree else ()) if isinstance(n, computing) and not isinstance(n, allowed)]
                wrong += [(path.name, line, sql) for sql in found]
    assert wrong == []


def words_in(node: ast.expr) -> set[str]:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return set[str]().union(*(words_in(part) for part in node.elts))
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def name_of(node: ast.expr) -> str:
    """What an attribute or an entry is called."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return "".join(words_in(node.slice)) if isinstance(node, ast.Subscript) else ""


def test_states_and_kinds_are_asked_for_by_name() -> None:
    """Fails if a status, a state, a side or a kind of event is compared with a word; matters because a misspelt word, or one that is
    no more, is never equal and nobody sees it. `duizhang/declared/terms.py` has them all."""
    closed = {word.value for enum in vars(terms).values() if isinstance(enum, type) and issubclass(enum, StrEnum) for word in enum}
    # what an auditor runs without duizhang, and words of others: of a bank's file, of a page
    free = {"duizhang/close/audit/auditor.py"}
    wrong = [
        (path.relative_to(ROOT).as_posix(), node.lineno)
        for path in sorted((ROOT / "duizhang").rglob("*.py")) if path.relative_to(ROOT).as_posix() not in free
        for node in ast.walk(tree_of(path)) if isinstance(node, ast.Compare)
        if {name_of(part) for part in (node.left, *node.comparators)} & {"status", "state", "side", "kind", "decision"}
        and set[str]().union(*(words_in(part) for part in (node.left, *node.comparators))) & closed
    ]
    assert wrong == []


# asked for by a name that is put together; what an auditor's own tools ask of a log
_ASKED_FOR_ELSEWHERE = {
    "read_bai2", "read_camt", "read_mt940", "read_ofx", "consistency_proof", "continues", "run_range", "SparkBackend",
    "DuckDBConnectionSource",
}


def test_nothing_stands_in_a_module_that_only_tests_or_nobody_asks_for() -> None:
    """Fails for a function or class at the top of a module that no other line of the product names."""
    files = [path for top in ("duizhang", "assets", "pipelines") for path in sorted((ROOT / top).rglob("*.py"))]
    doors = r"(?ms)^\s*from \S+ import (?:\([^)]*\)|[^\n]*)|__all__ = \[.*?\]"
    exports = r"(?s)__all__ = \[.*?\]"
    texts = [re.sub(doors if path.name == "__init__.py" else exports, "", path.read_text(encoding="utf-8")) for path in files]
    others = [path.read_text(encoding="utf-8") for path in (ROOT / "duizhang").rglob("*") if path.suffix in (".yaml", ".j2")]
    times = Counter(re.findall(r"\w+", "\n".join([*texts, *others])))
    idle = {
        f"{path.relative_to(ROOT).as_posix()}: {node.name}" for path in files for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list and times[node.name] < 2
        and node.name not in _ASKED_FOR_ELSEWHERE
    }
    assert idle == set()
