"""Decisions on a small business: once for an item, once for the same money, and never lost; and what `verify` sees of damage."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from duizhang.cli import cli
from duizhang.runs import running as engine
from duizhang.speech.labels import load_labels
from tests.pipelines.test_end_to_end import duizhang, made, query, raw
from tests.thoroughness import some

__all__ = ["made", "raw"]
pytestmark = pytest.mark.usefixtures("unchecked")

START, LAST = dt.date(2026, 3, 1), dt.date(2026, 3, 3)
ITEM = "select leg, key, cause, difference from variances where period = date '2026-03-03' and "


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def run(raw: Path, home: Path, start: dt.date) -> None:
    duizhang("run", "--quiet", "--books", raw / "books.yaml", "--home", home, "--from", start, "--to", LAST)


def export(home: Path) -> Path:
    book = home.parent / "exported.xlsx"
    duizhang("exceptions", "export", "--home", home, "--period", LAST, "--out", book)
    return book


def decide(home: Path, *decisions: tuple[Any, ...], by: str = "Li", exported: Path | None = None, **cells: Any) -> str:
    """Export, decide (leg, key, cause, decision), import; what was said. cells: other cells of the rows. exported: a workbook of before."""
    book = home.parent / "book.xlsx"
    workbook = openpyxl.load_workbook(exported or export(home))
    for row in (row for sheet in workbook.worksheets[1:] for row in sheet.iter_rows()):
        said = dict(zip([cell.value for cell in row[0].parent[1]], row, strict=True))
        for leg, key, cause, decision in decisions:
            if (said["leg"].value, said["key"].value, said["cause"].value) == (leg, key, cause):
                for name, value in {"decision": decision, "reason": "agreed", **cells}.items():
                    said[name].value = value
    workbook.save(book)
    result = CliRunner().invoke(cli, ["exceptions", "import", str(book), "--home", str(home), "--by", by], standalone_mode=False)
    return str(result.exception or result.output)


def item(home: Path, which: str) -> tuple[Any, ...]:
    return query(home, f"{ITEM} {which} order by abs(difference) desc, key limit 1")[0]


def booked(home: Path) -> dict[str, Decimal]:
    """By decision, what its entry debits."""
    found = query(home, "select entry, sum(debit), sum(credit) from journal_proposals group by entry order by entry")
    assert all(debit == credit for _, debit, credit in found)
    return {entry: debit for entry, debit, _ in found}


def test_one_event_is_decided_once_and_shown_in_each_leg(raw: Path, home: Path) -> None:
    order = item(home, "leg = 'order_payment' and cause = 'missing_right' and shop = 'tb-01'")
    # its customer, the shop's statement and the provider have the same fault; so has one of them alone
    buyer = item(home, f"leg = 'customer' and cause = 'missing_right' and difference = {order[3]}")
    revenue = item(home, "leg = 'finance' and cause = 'amount_entry' and key = 'tb-01/revenue'")
    sold = query(home, f"{ITEM} leg = 'order_payment' and cause = 'amount_entry' and shop = 'tb-01'")
    assert len(sold) > 1 and sum(i[3] for i in sold) == revenue[3]
    said = decide(home, (*order[:3], "write_off"), (*buyer[:3], "accept"))
    assert "nothing was imported" in said and "one event has one decision" in said, said
    # a line that several events make up is a decision about each of them, and clears them in every leg
    assert f"{1 + len(sold)} new decisions" in decide(home, (*order[:3], "write_off"), (*buyer[:3], "write_off"), (*revenue[:3], "correct"))
    for again in (order, buyer, revenue, sold[0]):
        said = decide(home, (*again[:3], "write_off" if again == revenue else "correct"), by="Zhao")
        assert "nothing was imported" in said and "run 2026-03-03 before it is decided again" in said and "Li decided" in said, said
    run(raw, home, LAST)

    left = query(home, f"select leg, key, cause, difference from variances where period = date '{LAST}'")
    for leg, key, cause, *_ in (order, buyer, revenue, *sold):
        assert [row for row in left if row[:3] == (leg, key, cause)] == []
    assert [row[2:] for row in left if row[1] == "tb-01/revenue"] == [("rounding", Decimal("0.01"))]
    orders = [key.partition("/")[2] for _, key, *_ in (order, *sold)]
    assert query(home, f"select leg, key, difference from variances where period = date '{LAST}' and leg <> 'order_shipment' "
                       f"and order_id in ({', '.join(map(repr, orders))}) and leg in ('order_platform', 'order_payment')") == []
    assert sum(booked(home).values()) == abs(order[3]) + sum(abs(i[3]) for i in sold)
    duizhang("verify", "--home", home)


@pytest.mark.slow
def test_a_decision_is_taken_back_before_the_next_run_and_after_it(raw: Path, home: Path) -> None:
    before = query(home, f"{ITEM} true order by all")
    order = item(home, "leg = 'order_payment' and cause = 'missing_right' and shop = 'tb-01'")
    assert "1 new" in decide(home, (*order[:3], "write_off"))
    duizhang("exceptions", "undo", "C000001", "--home", home, "--by", "Zhao", "--reason", "paid after all")
    with pytest.raises(AssertionError, match="Zhao took C000001 back before"):
        duizhang("exceptions", "undo", "1", "--home", home, "--by", "Li", "--reason", "again")
    assert "0 new" in decide(home, (*order[:3], "write_off"))
    run(raw, home, LAST)
    assert query(home, f"{ITEM} true order by all") == before

    (event,), = query(home, "select event from event_items where period = date '2026-03-03' and leg = 'order_payment' "
                            f"and key = '{order[1]}'")
    told = ("exceptions", "decide", event, "--home", home, "--period", LAST, "--reason", "lost", "--by", "Li", "--decision")
    duizhang(*told, "write_off")
    with pytest.raises(AssertionError, match="Li decided write_off on it"):
        duizhang(*told, "correct")
    assert "instead of C000002: write_off by Li" in duizhang(*told, "correct", "--replace")
    run(raw, home, LAST)
    assert query(home, f"{ITEM} key = '{order[1]}'") == []
    assert set(booked(home)) == {f"J00000{n}" for n in range(1, 6)}
    duizhang("exceptions", "undo", "C000003", "--home", home, "--by", "Zhao", "--reason", "found")
    run(raw, home, LAST)
    assert query(home, f"{ITEM} true order by all") == before
    net = query(home, "select account, sum(debit - credit) from journal_proposals group by account")
    assert {amount for _, amount in net} == {0}
    duizhang("verify", "--home", home)


@pytest.mark.slow  # each kind of decision by itself: test_choosing.py
def test_items_are_split_chased_adjusted_and_reclassified_in_the_workbook_and_by_command(raw: Path, home: Path) -> None:
    missing = item(home, "leg = 'order_payment' and cause = 'missing_right' and shop = 'tb-01'")
    typed = item(home, "leg = 'order_payment' and cause = 'amount_entry' and shop = 'tb-01'")
    part, money = Decimal("1.10"), missing[3]
    parts = f"{part} write_off: agreed with Wang; {money - part} chase Alipay"
    said = decide(home, (*missing[:3], "split"), to=parts)
    assert "2 new decisions" in said and "0 new" in decide(home, (*missing[:3], "split"), to=parts), said
    (event,), = query(home, f"select event from event_items where period = date '{LAST}' and leg = 'order_payment' and key = '{typed[1]}'")
    told = ("exceptions", "decide", event, "--home", home, "--period", LAST, "--reason", "a slip", "--by", "Li", "--decision")
    assert "adjust" in duizhang(*told, "adjust")
    assert "instead of C000003: adjust by Li" in duizhang(*told, "reclassify", "--to", "6603", "--replace")
    run(raw, home, LAST)

    [(left, status)] = query(home, "select difference, status from variances where period = date '2026-03-03' and leg = 'order_payment' "
                                   f"and key = '{missing[1]}'")
    assert (left, status) == (money - part, "chased") and query(home, f"{ITEM} leg = 'order_payment' and key = '{typed[1]}'") == []
    own = query(home, "select account, sum(debit - credit) from journal_proposals where account in ('6711.01', '6603') group by account")
    assert dict(own) == {"6711.01": part, "6603": typed[3]}
    out = home / "letter.csv"
    duizhang("dispute", "alipay", "--books", raw / "books.yaml", "--home", home, "--period", LAST, "--out", out)
    letter = out.read_text(encoding="utf-8-sig").splitlines()
    assert f",{money - part:.2f}," in next(row for row in letter if missing[1].partition("/")[2] in row)
    unnamed = "select count(*) from customer_balances where customer is null"
    assert query(home, unnamed) == [(0,)], "what is left of a customer's account is the customer's"
    undone = duizhang("exceptions", "undo", "C000001", "--home", home, "--by", "Zhao", "--reason", "paid after all")
    assert "C000001 is taken back" in undone and "C000002 is taken back" in undone
    run(raw, home, LAST)
    assert item(home, f"leg = 'order_payment' and key = '{missing[1]}'") == missing
    duizhang("verify", "--home", home)


@pytest.mark.slow
def test_a_workbook_that_was_edited_is_refused(raw: Path, home: Path) -> None:
    row, exported = item(home, "leg = 'order_payment' and cause = 'amount_entry'")[:3], export(home)
    for cells, decision, said in (
        ({"difference": 1}, "write_off", "difference was changed from"),
        ({"cause": "timing"}, "write_off", "cause was changed from"),
        ({"wait_until": "2026-03-03"}, "wait", "not after the day of the difference"),
        ({"wait_until": "2020-01-01"}, "wait", "so nobody would wait"),
        ({"wait_until": "soon"}, "wait", "wait_until 'soon' is no day"),
        ({"wait_until": "2026-04-01"}, "accept", "wait_until is given, but the decision is accept"),
        ({}, None, "reason without a decision"),
        ({"to": "6001.99"}, "reclassify", "'6001.99' is no cause, and no account of books.yaml or of the ledger's files"),
        ({"to": "alypay"}, "chase", "did you mean 'alipay'?"),
        ({"to": "1 write_off; 2 accept"}, "split", "the parts add up to 3, not to"),
        ({"to": "1"}, "accept", "to is '1', but the decision is accept"),
        ({"reason": " "}, "accept", "reason is empty"),
    ):
        found = decide(home, (*row, decision), exported=exported, **cells)
        assert said in found and "sheet 订单 ↔ 收款, row " in found and "nothing was imported" in found, found
    labels = load_labels()["workbook"]
    found = decide(home, (*(labels[f"c_{name}"]["zh"] for name in ("leg", "key", "cause")), "accept"), exported=exported)
    assert "sheet 订单 ↔ 收款, row 2" in found and "nothing was imported" in found, "what is typed over a heading is no decision"
    with pytest.raises(AssertionError, match="2026-07-01 was never computed"):
        duizhang("exceptions", "export", "--home", home, "--period", "2026-07-01", "--out", home / "x.xlsx")
    with pytest.raises(AssertionError, match="2026-07-01 was never computed"):
        duizhang("dispute", "alipay", "--books", raw / "books.yaml", "--home", home, "--period", "2026-07-01")


@pytest.mark.slow
def test_what_changes_while_a_run_is_under_way_is_not_lost(raw: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "raw"
    shutil.copytree(raw, mine)
    books, whole = mine / "books.yaml", engine.compute

    def meanwhile(*given: Any) -> Any:
        text = books.read_text(encoding="utf-8")
        books.write_text(text + "tolerances: {order_payment: 0.02}\n", encoding="utf-8")
        return whole(*given)

    monkeypatch.setattr(engine, "compute", meanwhile)
    assert "tolerances" not in books.read_text(encoding="utf-8")
    duizhang("run", "--quiet", "--force", "--books", books, "--home", home, "--from", LAST, "--to", LAST)
    told = json.loads(duizhang("plan", "--json", "--books", books, "--home", home))
    assert all(any("tolerances" in r["text"] for r in p["reasons"]) for p in told["periods"])
    assert LAST.isoformat() in [p["period"] for p in told["periods"]]


def _flip(path: Path, at: float = 0.5) -> None:
    body = bytearray(path.read_bytes())
    body[int(len(body) * at)] ^= 0x10
    path.chmod(0o644)
    path.write_bytes(bytes(body))


def _sql(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "state.db") as con:
        con.execute(statement)
    con.close()


def _largest(home: Path, pattern: str) -> Path:
    return max(home.glob(pattern), key=lambda path: path.stat().st_size)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an archived file is gone": (lambda h: _largest(h, "archive/*/*").unlink(), "is missing"),
    "landed rows were changed": (lambda h: _flip(_largest(h, "landed/*/*/**/rows.parquet")), "what was read of"),
    "an object was changed": (lambda h: _flip(_largest(h, "objects/*/*")), "was changed or is missing"),
    "a manifest is cut off": (lambda h: (m := next(h.glob("manifests/*/1.json"))).chmod(0o644) or m.write_text("{"), "manifest of"),
    "the state is gone": (lambda h: (h / "state.db").unlink(), "is missing"),
    "the state is cut off": (lambda h: (h / "state.db").write_bytes((h / "state.db").read_bytes()[:9000]), "state database"),
    "the state is empty": (lambda h: (h / "state.db").write_bytes(b""), "no state"),
    "an event was changed": (lambda h: _sql(h, "update events set actor = 'x' where seq = 2"), "event 2"),
    "the last events are gone": (lambda h: _sql(h, "delete from events where seq > 3"), "cut off"),
    "all events are gone": (lambda h: _sql(h, "delete from events"), "cut off"),
    "a version is gone": (lambda h: _sql(h, "delete from versions where period = '2026-03-02'"), "does not have it any more"),
    "a forged approval": (lambda h: _sql(h, "insert into approvals values ('2026-03-01', 'x', 'maker', 'y')"), "on no record"),
    "a forged close": (lambda h: _sql(h, "update period_states set state = 'closed'"), "not closed"),
    "the pointer is another's": (lambda h: (p := h / "published.duckdb").chmod(0o644) or p.write_bytes(b"DUCK"), "published.duckdb"),
    "the witness is gone": (lambda h: (h / "events.log").unlink(), "events.log was changed or is missing"),
}


@pytest.mark.parametrize("what", some(
    DAMAGES, "landed rows were changed", "a forged close", "the last events are gone"))
def test_every_kind_of_damage_is_seen(made: Path, tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(made, home)
    damage, said = DAMAGES[what]
    damage(home)
    told = json.loads(duizhang("verify", "--json", "--home", home, exit_code=2))
    assert any(said in problem for problem in told["problems"]), told
    if what in ("an object was changed", "a manifest is cut off"):
        duizhang("doctor", "--fix", "--home", home)  # from the working tables and the state database
        duizhang("verify", "--home", home)


@pytest.mark.slow
def test_a_rewritten_pointer_and_a_noted_head_are_held_against_the_log(home: Path) -> None:
    import duckdb

    head = json.loads(duizhang("verify", "--json", "--home", home))["head"]
    (home / "published.duckdb").chmod(0o644)
    with duckdb.connect(str(home / "published.duckdb")) as con:
        con.execute("create or replace view recon_summary as select 1 as period, 1 as version, 0 as closing")
        con.execute("update period_status set state = 'closed' where period = '2026-03-02'")
    told = duizhang("verify", "--home", home, exit_code=2)
    assert "its view recon_summary" in told and "state of 2026-03-02" in told
    assert "rewritten" not in duizhang("verify", "--home", home, "--head", head, exit_code=2)
    assert "rewritten" in duizhang("verify", "--home", home, "--head", "0" * 64, exit_code=2)
