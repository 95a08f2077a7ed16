"""A source, a leg, a cause and an expectation are added in a copy of the tree as the pages in docs/ say, and are there at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # in a copy of the whole tree, by a process of its own
ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^`([^`\n]+)`([^\n]*):\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# one process looks at all four: what costs is its start
_LOOK = """
import datetime as dt, json, sys, tempfile
from decimal import Decimal
from pathlib import Path
import pyarrow as pa
from assets.partitions import daily
from assets.workspace import over
from click.testing import CliRunner
from duizhang.declared import schema
from duizhang.books import Books
from duizhang.cli.inspect import command as inspect
from duizhang.cli.source import page
from duizhang.gate import load_suites
from duizhang.gate.checking import parameters
from duizhang.gate.validation import Validation
from duizhang.reconcile import Session, reconcile
from duizhang.speech.labels import Labels
from duizhang.home.store import Store, connect
from pipelines.definitions import build_defs
from tests.reconcile.test_engine import FIRST, fill, order, row

where = Path(sys.argv[1])
said = {}
done = CliRunner().invoke(inspect, ["bank.csv", "--json"], standalone_mode=False)
said["inspect"] = json.loads(done.stdout or repr(done.exception))
said["page"] = CliRunner().invoke(page, standalone_mode=False).stdout

books = where / "books.yaml"
books.write_text(json.dumps({"entity": "demo", "start": "2026-03-01", "shops": {"tb": {"platform": "taobao", "provider": "alipay"}},
                             "expected": [{"source": "harbour_statement"}]}))
defs = build_defs(resources=over(str(books), str(where / "home")), partitions=daily("2026-03-01", "Asia/Shanghai"))
graph = defs.resolve_asset_graph()
said["graph"] = {k.to_user_string(): sorted(p.to_user_string() for p in graph.get(k).parent_keys) for k in graph.get_all_asset_keys()}
said["checks"] = sorted(f"{k.asset_key.to_user_string()}/{k.name}" for k in graph.asset_check_keys)
said["name"] = [Labels(language).leg("refund_payment") for language in ("zh", "en")]

def refund(origin, number, amount):
    return row("refunds", period=FIRST, origin=origin, provider="alipay", refund_id=number, transaction_id="", order_id=number, sku="",
               kind="", amount=Decimal(amount), fee=Decimal(0), customer="")

refunds = [refund("books", "1", 5), refund("provider", "1", 5), refund("books", "2", 7), refund("provider", "3", 2000000)]
orders = [order(FIRST, "books", "TEST-1", "9"), order(FIRST, "books", "8", "9"), order(FIRST, "platform", "7", "9")]
made, store = Books.model_validate({**json.loads(books.read_text()), "root": where}), Store(where / "home")
fill(store, [FIRST], {"orders": orders, "refunds": refunds})
with Session(made, store, [FIRST]) as session:
    reconcile(session)
said["items"] = [[r["leg"], r["key"], r["cause"], str(r["difference"])] for r in store.read("variances", FIRST).to_pylist()]
[summary] = [r for r in store.read("recon_summary", FIRST).to_pylist() if r["leg"] == "refund_payment"]
said["matched"] = [summary["matched_keys"], summary["open_keys"]]
suite = load_suites()["refunds"]
with connect() as con:
    rows = [{**r, "transaction_id": "T" + r["refund_id"]} for r in refunds]
    con.register("rows_of_it", pa.Table.from_pylist(rows, schema=schema.TABLES["refunds"]))
    checked = Validation(con, parameters())
    found = checked.check("select * from rows_of_it", suite)
    said["broken"] = [[e.name, o.unexpected] for e, o in zip(suite.expectations, found) if not o.success]
    checked.close()
print(json.dumps(said, default=str))
"""


def _blocks(page: str) -> list[tuple[str, str, str]]:
    """(file, where in it, text) of every block of a page."""
    return _BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the project says of itself in a copy to which the examples of all four pages are added."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("assets", "duizhang", "expectations", "pipelines", "sql", "tests"):
        # with what Python compiled of it, which is as good there
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("samples"))
    added = [block for page in ("adding-a-source", "adding-a-leg", "adding-a-cause", "adding-an-expectation") for block in _blocks(page)]
    assert len(added) == 6
    for path, where, text in added:
        file = copy / path
        before = re.search(r"before `(\w+)`", where)
        if before:
            old = file.read_text(encoding="utf-8")
            place = f"- name: {before[1]}\n"
            assert old.count(place) == 1
            file.write_text(old.replace(place, text + place), encoding="utf-8")
        elif where:
            file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
        else:
            assert not file.exists()
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    (copy / "own").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, "own"], cwd=copy, env={**os.environ, "PYTHONPATH": str(copy), "PYTHONSAFEPATH": "1"},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_source_is_one_file_and_seen_in_inspect_docs_and_graph(seen: dict[str, Any]) -> None:
    told = seen["inspect"]
    assert (told["source"], told["rows_parsed"], told["rows_quarantined"]) == ("harbour_statement", 2, 0)
    assert [total["ok"] for total in told["control_totals"]] == [True]
    assert told["tables"]["bank_entries"]["amount_by_currency"] == {"CNY": "1195.5000"}
    assert "| Harbour Bank, statement of an account | `harbour_statement` |" in seen["page"]
    assert "harbour_statement" in seen["graph"]["bank_entries"]


def test_a_leg_is_one_sql_file_and_one_line_of_the_register(seen: dict[str, Any]) -> None:
    assert seen["graph"]["refund_payment"] == ["refunds"]
    assert "refund_payment" in seen["graph"]["movements"] and "refund_payment" in seen["graph"]["legs_not_run"]
    assert seen["name"] == ["退款 ↔ 退款付款", "Refunds and their payment"]
    assert seen["matched"] == [1, 2]


def test_a_cause_is_one_entry(seen: dict[str, Any]) -> None:
    causes = {key.split("/")[1]: cause for leg, key, cause, _ in seen["items"] if leg == "order_platform"}
    assert (causes["TEST-1"], causes["8"]) == ("trial_order", "timing")


def test_an_expectation_is_one_entry_and_a_check(seen: dict[str, Any]) -> None:
    assert "refunds/no_refund_is_a_slip_of_the_hand" in seen["checks"]
    assert seen["broken"] == [["no_refund_is_a_slip_of_the_hand", 1]]
