"""What the README and every `--help` tell people to type works, in that order, with the files that they are told to have."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import duckdb
import pytest
import sqlalchemy as sa

from duizhang.books import load_books
from duizhang.cli import COMMANDS, cli
from duizhang.cli.examples import EXAMPLES
from duizhang.home import state
from duizhang.home.connection import open_engine
from tests.office import FIRST, LAST, an_event, furnished, ready, the_day_again
from tests.pipelines.test_end_to_end import duizhang, once
from tests.test_commands import commands
from tests.thoroughness import THOROUGH
from tests.unchecked import trust

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def typed(section: str) -> list[list[str]]:
    """The commands in the code blocks of a section, without their comments."""
    text = README.split(f"## {section}", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.strip().removeprefix(".venv/bin/") for kind, block in blocks if not kind for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("duizhang ")]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the examples of every command were typed, one after the other; a copy that a test may go on in."""
    made = once(tmp_path_factory, "office", type_examples)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("office") / "office", symlinks=True))


def type_examples(folder: Path) -> None:
    """Type the example of every command in a new folder."""
    folder.mkdir()
    furnished(folder)
    answers: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        trust(patch)
        patch.chdir(folder)
        for name in EXAMPLES:
            words = ready(name, folder, duizhang)
            assert words[: len(name.split())] == name.split()
            words += ["--json"] * answers_as_json(name)
            if name in ("serve", "mcp", *DEAR):  # they would go on; tests/review and test_mcp start them
                continue
            if name == "accept":  # there is no failed check here
                with pytest.raises(AssertionError, match="UserError"):
                    duizhang(*words)
                continue
            answers[name] = duizhang(*words)
    (folder / ANSWERS).write_text(json.dumps(answers), encoding="utf-8")


# computed again from the raw files: in the long target; what they answer is looked at in tests/pipelines and tests/what_if
DEAR = () if THOROUGH else ("replay", "what-if")
# what each example answered
ANSWERS = "answers.json"
# those that answer with a document or a page, or in a form of their own: rows of a query, metrics
WITHOUT_JSON = {"serve", "mcp", "metrics", "sql", "source page", "source schema"}
# whose JSON has had a form of its own from the start
OWN_JSON = {"inspect", "compare", "score"}


def answers_as_json(name: str) -> bool:
    return any("--json" in option.opts for option in commands(cli)[name].params)


def test_the_example_of_every_command_works(office: Path) -> None:
    assert set(EXAMPLES) == set(commands(cli)) and {name.split()[0] for name in EXAMPLES} == set(COMMANDS)
    assert (office / "exceptions.xlsx").is_file() and (office / "mybank.yaml").is_file()


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - WITHOUT_JSON - set(DEAR)))
def test_every_command_that_answers_answers_as_json(office: Path, name: str) -> None:
    assert answers_as_json(name)
    if name == "accept":  # there is no failed check here
        return
    said = json.loads((office / ANSWERS).read_text(encoding="utf-8"))[name]
    found = json.loads(said[said.index("{\n") if "{\n" in said else said.index("{") :])  # behind progress
    assert isinstance(found, dict) and (name in OWN_JSON or (next(iter(found)) == "command" and found["command"] == name)), name


def test_open_now_counts_an_item_once(office: Path) -> None:
    with duckdb.connect(str(office / "home" / "published.duckdb"), read_only=True) as con:
        now = con.execute(
            "select leg, entity, currency, sum(difference) from open_now group by all having sum(difference) <> 0 order by all"
        ).fetchall()
        closing = con.execute(
            "select leg, entity, currency, closing from recon_summary where period = date '2026-03-02' and closing <> 0 order by all"
        ).fetchall()
        assert now == closing and now


_LOADED = """
import json, sys
from duizhang import cli
cli._leave = lambda code: told.append(code)
told, loaded = [], []
for words in json.loads(sys.argv[1]):
    sys.argv = ["duizhang", *words]
    cli.main()
    loaded.append([told.pop(), [name for name in HEAVY if name in sys.modules]])
print("ANSWER" + json.dumps(loaded))
"""
HEAVY = (
    "dagster", "great_expectations", "pandas", "polars", "openpyxl", "mt940", "msoffcrypto", "pyzipper", "xlrd", "ijson",
    "python_calamine", "sqlglot", "statsmodels", "duizhang.ingest.landing", "duizhang.reconcile.engine",
)
READING = ("polars", "duizhang.ingest.landing")
ENGINE = ("duizhang.reconcile.engine", "duizhang.ingest.specification", "duizhang.ingest.opening.container")
BOOKS = ("duizhang.books.books_file", "duizhang.books.books_entries")
# in one process, one after the other: what one of them loads, those behind it have as well. approve has to know what a run would
# compute again, which only the books tell
LIGHT = {
    **dict.fromkeys(("verify", "statement", "exceptions export"), (*HEAVY, *ENGINE, *BOOKS)),
    **dict.fromkeys(("source list", "sql", "status", "explain", "report", "dispute", "approve", "reopen", "diff"), HEAVY),
}
# these look at files
LOOKING = dict.fromkeys(("inspect", "plan"), tuple(name for name in HEAVY if name not in READING))


def loaded(office: Path, names: Iterable[str]) -> dict[str, tuple[int, list[str]]]:
    """Of examples that one process types, one after the other: the exit code, and what of all that is heavy is loaded behind it."""
    asked = [shlex.split(EXAMPLES[name].replace("ORDER", "TB-1")) for name in names]
    watched = repr((*HEAVY, *ENGINE, *BOOKS))
    done = subprocess.run([sys.executable, "-c", _LOADED.replace("HEAVY", watched), json.dumps(asked)], capture_output=True, text=True,
                          cwd=office, check=True)
    return dict(zip(names, json.loads(done.stdout.rpartition("ANSWER")[2]), strict=True))


@pytest.mark.slow
def test_a_small_answer_loads_only_what_it_uses(office: Path) -> None:
    assert {*loaded(office, ["close"])["close"][1]} & {*ENGINE} == set()  # it has to know what a run would compute again
    answer = loaded(office, LIGHT) | loaded(office, LOOKING)
    assert {name: heavy for name, (_, there) in answer.items() if (heavy := {*(LIGHT | LOOKING)[name]} & {*there})} == {}
    assert {name for name, (code, _) in answer.items() if code == 0} >= {
        "status", "report", "exceptions export", "statement", "verify", "inspect"}


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_the_readme_leads_from_own_files_to_results(office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands over the bills of a shop, and its books.yaml; only days, names and files are put in."""
    (books, *_) = re.findall(r"^ *```yaml\n(.*?)^ *```", README, flags=re.DOTALL | re.MULTILINE)
    indent = len(books) - len(books.lstrip())
    monkeypatch.chdir(tmp_path)
    Path("books.yaml").write_text("".join(line[indent:] for line in books.splitlines(keepends=True)), encoding="utf-8")
    assert load_books(Path("books.yaml")).shops["my-shop"].provider == "alipay"
    for bill in sorted((office / "raw" / "inbox" / "tb-01").rglob("2088*.zip")):
        Path("bills").mkdir(exist_ok=True)
        shutil.copy(bill, Path("bills") / f"{bill.parent.name} {bill.name}")
    Path("orders.csv").write_text("order_id,price,freight\na,1,2\n", encoding="utf-8")
    Path("bill.csv").write_text("order_id,paid\na,3\n", encoding="utf-8")
    Path("sources").mkdir()
    put_in = {"2026-03-31": LAST, "FILE": str(office / "left.csv"), "bill.xlsx": "bill.csv"}
    said = ""
    for words in typed("Your own files"):
        words = [put_in.get(word, word) for word in words]
        if words[0] == "inspect" and "--spec" in words:  # it says that the proposal is not yet complete
            assert cli.get_command(click.Context(cli), "inspect")
            continue
        said += duizhang(*words)
    assert load_books(Path("bills/books.yaml")).shops["alipay"].provider == "alipay"
    assert "2 days" in said and "reconciled" in said


@pytest.mark.slow  # the examples above are these commands, too, in this order
@pytest.mark.usefixtures("unchecked")
def test_the_readme_leads_from_a_difference_to_the_close(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {words[0] for words in typed("From difference to close")} <= {name.split()[0] for name in EXAMPLES}
    monkeypatch.chdir(office)
    duizhang("run", "--quiet", "--books", "raw/books.yaml", "--home", "home", "--from", FIRST, "--to", LAST)
    put_in = {"2026-03-07": LAST, "NAME": "Li Na", "FILE": "exceptions.xlsx", "books.yaml": "raw/books.yaml"}
    for words in typed("From difference to close"):
        words = [put_in.get(word, word) for word in words]
        if words[:2] == ["exceptions", "import"]:
            words[2] = f"home/exceptions-{LAST}.xlsx"
        if words[:2] == ["exceptions", "undo"]:
            duizhang("exceptions", "decide", an_event(office), "--home", "home", "--period", LAST, "--decision", "correct",
                     "--reason", "lost", "--by", "Zhao")
            words[2], words[words.index("--by") + 1] = "C000002", "Zhao"
        if words[:2] == ["source", "correct"]:
            words = shlex.split(EXAMPLES["source correct"])
        if words[:2] == ["journal", "export"]:
            the_day_again(office, duizhang)
        if words[0] == "close":  # Li Na has decided something of the day
            words = ["Sun" if word == "Li Na" else word for word in words]
        if words[0] == "approve":
            words[words.index("--period") + 1 : words.index("--period") + 2] = [FIRST, "--to", LAST]
        duizhang(*words)
        if words[0] == "approve":
            duizhang(*["checker" if w == "maker" else "Wang Wei" if w == "Li Na" else w for w in words])


@pytest.mark.slow
def test_a_command_that_only_tells_writes_nothing_into_the_state(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it works on a home that cannot be written to, such as a copy for the auditor."""
    def refusing(home: Path, url: str, *, read_only: bool) -> sa.Engine:
        assert read_only, "opened for writing"
        return open_engine(home, url, read_only=read_only)

    monkeypatch.setattr(state, "open_engine", refusing)
    monkeypatch.chdir(office)
    told = {
        "status": "", "exceptions list": "--period 2026-03-02", "exceptions list --decided": "--period 2026-03-02", "source rejected": "",
        "statement": "--shop tb-01 --from 2026-03-01 --to 2026-03-02 --out told.csv", "checkpoint": "", "verify": "", "metrics": "",
        "export audit": "--from 2026-03-01 --to 2026-03-01 --out told", "dispute": "--books raw/books.yaml --period 2026-03-02",
        "diff": "2026-03-02", "sql": "'select 1'", "report": "--out told.html",
    }
    for name, more in told.items():
        assert duizhang(*name.split(), *shlex.split(more), "--home", "home")
