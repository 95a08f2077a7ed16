"""What others write into their files is text in everything that leaves: no cell runs, no page has a script, no terminal obeys."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner

from duizhang.books import load_books
from duizhang.cli import cli
from duizhang.close.layouts import LAYOUTS
from duizhang.declared.schema import CLAIM
from duizhang.gate import first_look, run_gate, validation
from duizhang.gate.suites import Expectation, Outcome, Suite
from duizhang.home.published import TABLES
from duizhang.publish import publish
from duizhang.reconcile import STATE_TABLES
from tests.publish.conftest import _FAKES
from tests.review.conftest import Server

DAY = dt.date(2026, 3, 8)
# each would do something somewhere: in a spreadsheet, a page, a terminal, a query, a path, a YAML file, a template
POISONS = (
    "=HYPERLINK(\"http://x.example\",\"a\")", "+1+cmd|' /C calc'!A1", "-2+3", "@SUM(1+1)", "\t=1+1", "\r=1+1", "\n=1+1", "  =1+1", "＝1+1",
    "\u200b=1+1", "\ufeff@x", "\u202e=1+1", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>",
    "javascript:alert(1)", "</style><script>x()</script>", "]]><x>", "&lt;script&gt;", "{{7*7}}{% raw %}${7*7}",
    "\x1b[2J\x1b]0;x\x07", "\x9b31m", "\u202egnp.exe", "\u2066a\u2069", "a\u0000b", "' or 1=1 --", "\"; drop table variances; --",
    "../../../etc/passwd", "C:\\con", "a: [b, *c", "x\n- y: z\n# w", "1e999", "NaN", "0001-01-01", "9" * 60, "x" * 3_000,
)
# columns whose words are ours
OURS = {"leg", "cause", "currency", "cause_confidence", "state", "side", "table_name", "expectation", "cost_currency", "origin", "kind",
        "measure", "stage", "missing", "digest", "sha256", "source"}
SHOPS = ("s", "t")


def poisoned(name: str, number: int, column: pa.Field) -> Any:
    """The value of a column in the row of one poison; ids are told apart by the number behind them."""
    poison = POISONS[number]
    kind = column.type
    if pa.types.is_date(kind):
        return DAY
    if pa.types.is_timestamp(kind):
        return dt.datetime(2026, 3, 8)  # noqa: DTZ001 - UTC, as in every table
    if pa.types.is_decimal(kind):
        small = {"debit": 5, "credit": 0, "confidence": 0, "match_rate": 0, "right_amount": 0, "left_quantity": 0, "right_quantity": 0}
        return Decimal(small.get(column.name, number + 1))
    if pa.types.is_integer(kind):
        return number
    if pa.types.is_boolean(kind):
        return True
    if column.name in ("evidence", "was_open", "cleared_by"):
        claim = {"claimed": str(DAY), "side": "left", "amount": "1", "line": 7}
        return json.dumps([{**claim, "kind": poison, "source": poison, "file": poison}])
    if column.name == "candidates":
        return json.dumps([{"cause": "missing_right", "tells": poison}])
    if column.name in OURS:
        return {"leg": "order_payment", "cause": "missing_right", "currency": "CNY", "cost_currency": "CNY", "cause_confidence": "likely",
                "kind": "product", "measure": "sold_below_cost", "stage": "bank", "missing": "right", "origin": "decision", "side": "left",
                "sha256": f"{number:064x}"}.get(column.name, f"{column.name}{number}")
    if column.name == "status":
        return "open" if name != "source_files" else "refused"
    if column.name == "shop":
        return "s"
    if column.name == "entity":
        return "acme"
    if column.name == "entry":
        return f"J{number + 1:06d}"
    if pa.types.is_string(kind):
        return f"{poison}{number}" if column.name in ("key", "order_id", "event", "customer", "sku", "file") else poison
    return None


class Blind(validation.Validation):
    """A gate that lets everything pass: what it would hold must be harmless as well."""

    def check(self, select: str, suite: Suite, expectations: Sequence[Expectation] | None = None) -> list[Outcome]:
        return [Outcome(success=True) for _ in (suite.expectations if expectations is None else expectations)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published day, every text of which would like to be more."""
    root = tmp_path_factory.mktemp("hostile")
    fake = _FAKES.Fake(root / "home")
    fake.fill([DAY])
    for name, columns in TABLES.items():
        rows = [{c.name: poisoned(name, number, c) for c in columns} for number in range(len(POISONS))]
        if name == "journal_proposals":
            rows += [{**row, "currency": "EUR", "entry": f"J{number:06d}"} for number, row in enumerate(rows, 500)]
            rows += [{**row, "line_no": 100 + row["line_no"], "debit": Decimal(0), "credit": Decimal(5)} for row in rows]
        if name == "source_files":
            rows = [{**row, "rows_read": 1, "rows_parsed": 1, "rows_quarantined": 0, "rows_ignored": 0} for row in rows]
        if name not in ("quality_results", "recon_summary"):
            fake.put(name, DAY, *rows)
    for name, columns in (("order_payment", CLAIM), ("open_claims", STATE_TABLES["open_claims"])):
        claims = [{c.name: poisoned(name, number, c) for c in columns} for number in range(len(POISONS))]
        fake.store.write(name, DAY, pa.Table.from_pylist(claims, schema=columns))
    total = Decimal(sum(range(1, len(POISONS) + 1)))
    fake.put("recon_summary", DAY, {"leg": "order_payment", "left_amount": total, "closing": total})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "Validation", Blind)
        patch.setattr(first_look, "seen", lambda *_: {})
        run_gate(fake.store, fake.state, [DAY])
    books = {
        "entity": "acme", "start": DAY, "shops": {shop: {"platform": "taobao", "provider": "alipay"} for shop in SHOPS},
        "counterparties": {"alipay": {"name": POISONS[12], "address": POISONS[0]}},
    }
    (root / "books.yaml").write_text(yaml.safe_dump(books), encoding="utf-8")
    [outcome] = publish(load_books(root / "books.yaml"), fake.store, fake.state, fake.home, [DAY], rules_digest="r")
    assert outcome.state == "published", outcome
    return Path(fake.home)


def said(*arguments: object) -> str:
    """What a command prints; it ends as it does for anybody."""
    result = CliRunner().invoke(cli, [str(a) for a in arguments], standalone_mode=False)
    assert result.exception is None, (arguments, result.exception)
    return result.output


def written(home: Path, folder: Path) -> None:
    """Every file that goes to others, by every command that writes one."""
    books, day = home.parent / "books.yaml", ("--period", DAY)
    between = ("--from", DAY, "--to", DAY)
    for language, form in (("zh", "html"), ("en", "xlsx")):
        said("report", "--home", home, *day, "--lang", language, "--format", form, "--annex", "--out", folder / f"report.{form}")
    said("exceptions", "export", "--home", home, *day, "--out", folder / "exceptions.xlsx")
    for suffix in ("xlsx", "csv", "txt"):
        said("dispute", "alipay", "--books", books, "--home", home, *day, "--out", folder / f"dispute.{suffix}")
    for suffix in ("xlsx", "csv"):
        said("statement", "--shop", "s", "--home", home, *between, "--out", folder / f"statement.{suffix}")
    for layout in LAYOUTS:
        said("journal", "export", "--books", books, "--home", home, *between, "--layout", layout, "--out", folder / f"{layout}.csv",
             "--currency", "EUR" if layout == "fec" else "CNY")
    for name in TABLES:
        (folder / f"sql-{name}.csv").write_text(said("sql", f'select * from "{name}"', "--home", home, "--format", "csv"), newline="")
    for side, amount in (("left", 1), ("right", 2)):
        with (home.parent / f"{side}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "amount"])
            writer.writerows([text.replace("\0", ""), amount] for text in POISONS if len(text) < 1000)
    for suffix in ("csv", "xlsx"):
        said("compare", home.parent / "left.csv", home.parent / "right.csv", "--key", "id", "--left-amount", "amount",
             "--right-amount", "amount", "--out", folder / f"compare.{suffix}")


@pytest.fixture(scope="module")
def out(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    written(home, folder)
    return folder


def runs(text: str) -> bool:
    """Whether a spreadsheet may take a text of a cell for a formula: blanks and what is not seen before it do not help."""
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Zs", "Zl", "Zp"))
    return seen[:1] in tuple("=+-@＝＋－＠") and re.fullmatch(r"-?[\d.,]+", text) is None


def cells_of(path: Path) -> Iterator[tuple[str, str]]:
    """(kind, text) of every cell of a file."""
    if path.suffix == ".xlsx":
        for sheet in openpyxl.load_workbook(path).worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.hyperlink is None or not cell.hyperlink.target, (path.name, sheet.title, cell.coordinate)
                    yield cell.data_type, "" if cell.value is None else str(cell.value)
        with zipfile.ZipFile(path) as packed:
            assert [n for n in packed.namelist() if "externalLink" in n or "vba" in n.lower()] == []
        return
    encoding = "cp1252" if path.name == "datev.csv" else "utf-8-sig"
    text = path.read_bytes().decode(encoding)
    delimiter = {"datev.csv": ";", "fec.csv": "|"}.get(path.name, ",")
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield from (("s", cell) for cell in row)


def test_no_cell_of_any_file_runs(out: Path) -> None:
    found = sorted(p for p in out.iterdir() if p.suffix in (".csv", ".xlsx"))
    assert len(found) > 20
    # a cell of a workbook says itself that it is a text
    wrong = [
        (path.name, kind, text[:60]) for path in found for kind, text in cells_of(path)
        if kind == "f" or (path.suffix == ".csv" and runs(text))
    ]
    assert wrong == []


LINKS = ("href", "src", "action", "formaction", "xlink:href", "data", "poster")


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[object] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(str(dict(attrs).get("src")))
        for name, value in attrs:
            if name.startswith("on") or (
                name in LINKS and str(value).strip().casefold().startswith(("javascript:", "data:text", "vbscript:"))
            ):
                self.wrong.append((tag, name, value))
        if tag in ("iframe", "object", "embed", "base") or (tag == "img" and dict(attrs).get("src") == "x"):
            self.wrong.append((tag, attrs))


def test_no_page_of_the_report_has_a_script(out: Path) -> None:
    for path in out.glob("*.html"):
        found = Tags(path.read_text(encoding="utf-8"))
        assert (found.wrong, found.scripts) == ([], []), path.name


@pytest.mark.slow
def test_no_page_of_the_review_has_a_script_of_others(home: Path) -> None:
    server = Server(home, "Li Na")
    try:
        server.enter()
        seen, waiting = set(), ["/"]
        while waiting and len(seen) < 36:
            path = waiting.pop(0)
            if path in seen:
                continue
            seen.add(path)
            code, text, headers = server.ask(path)
            assert code < 500, (path, text[:300])
            if "html" not in headers.get("content-type", ""):
                continue
            found = Tags(text)
            assert found.wrong == [] and all(s.startswith("/static/") for s in found.scripts), (path, found.wrong, found.scripts)
            assert "default-src" in headers["content-security-policy"]
            links = re.findall(r'(?:href|hx-get|action)="(/[^"#]*)"', text)
            waiting += [re.sub("&amp;", "&", link) for link in links if not link.startswith("/static") and "sign-out" not in link]
    finally:
        server.stop()
    assert len(seen) > 20


def obeyed(text: str) -> list[str]:
    """Characters that a terminal would take for commands, or that turn the direction of the text."""
    return sorted({c for c in text if (unicodedata.category(c) == "Cc" and c not in "\t\n") or unicodedata.bidirectional(c) in TURNS})


TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_no_terminal_obeys_what_is_printed(home: Path) -> None:
    between, key = ("--home", home), f"{POISONS[20]}20"
    select = ("sql", "select * from variances", *between)
    printed = {
        "status": said("status", *between), "status as JSON": said("status", *between, "--json"), "explain": said("explain", key, *between),
        "sql": said(*select), "sql as JSON": said(*select, "--format", "json"), "metrics": said("metrics", *between),
    }
    assert {name: obeyed(text) for name, text in printed.items() if obeyed(text)} == {}
    texts = {row["proposal"] for row in json.loads(printed["sql as JSON"])}
    assert set(POISONS) <= texts, "JSON says what is there"
