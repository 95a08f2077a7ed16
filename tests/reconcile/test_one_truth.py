"""What is told of an order and of its buyer is one truth, whichever of them is asked for, and says how much is not shown."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from duizhang.cli.explain import command as explain
from duizhang.home import published
from duizhang.home.store import connect, days, quoted
from duizhang.layout import SQL
from duizhang.report.figures import evidence_lines
from duizhang.report.order_life import items_of
from duizhang.speech.labels import Labels, load_labels
from duizhang.standing.verdict import not_run, not_run_lines, told_of, verdicts
from tests.reconcile.test_engine import FIRST, order, payment
from tests.reconcile.test_sides import run


@pytest.mark.slow
def test_an_order_and_its_buyer_are_told_alike(tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=1))
    orders = [order(periods[0], "books", "100001", "50"), order(periods[1], "books", "100002", "30")]
    store = run(tmp_path, periods, {"orders": orders, "payments": [payment(periods[0], "100009", "1")]})
    with connect() as con:
        con.execute(f"attach {quoted(tmp_path / 'published.duckdb')} as p")
        for name in ("variances", "recon_summary", "legs_not_run"):
            store.view(con, name, periods, published.TABLES[name])
            con.execute(f'create table p."{name}" as select * from "{name}"')
    buyer = {(i["leg"], i["key"], i["difference"], i["is_open"]) for i in items_of(tmp_path, "c")}
    assert buyer == {("customer", "c", Decimal(50), True), ("customer", "c", Decimal(30), True)}  # one overdue, one not
    for number, amount in (("100001", 50), ("100002", 30)):
        told = {(i["leg"], i["key"], i["difference"], i["is_open"]) for i in items_of(tmp_path, number)}
        assert told == {*buyer, ("order_payment", f"tb/{number}", Decimal(amount), True)}
    # which order a part of the buyer's account is of, that of another order asked for
    life = CliRunner().invoke(explain, ["100002", "--home", str(tmp_path)]).output
    assert "    tb/100001 50.00" in life and "    tb/100002 30.00" in life
    rows = store.read("variances", periods[1]).to_pylist()
    assert {r["order_id"] for r in rows if r["leg"] == "customer" and r["key"] == "c"} == {""}


@pytest.mark.slow
def test_evidence_names_its_day_and_says_how_much_is_not_shown(tmp_path: Path) -> None:
    lines = [order(FIRST, "books", "1", str(n + 1), line=str(n)) for n in range(20)]
    store = run(tmp_path, [FIRST], {"orders": lines, "payments": [payment(FIRST, "2", "1")]})
    evidence = next(r["evidence"] for r in store.read("variances", FIRST).to_pylist() if r["key"] == "tb/1")
    entries = json.loads(evidence)
    assert len(entries) == 8 and {e["claimed"] for e in entries} == {str(FIRST)} and {e["claims"] for e in entries} == {20}
    told = evidence_lines(evidence, Labels("en"), 8)
    assert "12" in told[-1] and told[0].startswith(str(FIRST)) and len(told) == 9
    assert "16" in evidence_lines(evidence, Labels("en"), 4)[-1]


def test_a_leg_of_which_nothing_agrees_for_one_entity_names_it_and_a_day_without_any_leg_is_told() -> None:
    # of `quiet` an old difference is open, on a day without records: that says nothing of the day
    with connect() as con:
        con.execute(f"create table recon_summary as select date '{FIRST}' as period, 'fee' as leg, * from "
                    "(values ('home', 9, 1, 20), ('abroad', 0, 1, 1), ('quiet', 0, 1, 0)) "
                    "as t(entity, matched_keys, open_keys, left_rows), "
                    "(select 1 as right_rows)")
        con.execute(f"create table variances as select date '{FIRST}' as period, 'fee' as leg, 'missing_left' as cause, entity, "
                    "9 as age_days from recon_summary")
        found = verdicts(con)
    verdict = found[FIRST]
    assert verdict.named() == ["fee (abroad)"] and verdict.text == "0% of Fees ↔ rate cards (abroad)" and verdict.differs
    assert told_of(found, [FIRST, FIRST + dt.timedelta(days=1)]) == [
        "nothing agrees in Fees ↔ rate cards (abroad) on 1 day: a match rate of 0%",
        "nothing was reconciled on 1 day: no leg has both its sides"]


def test_what_people_decided_is_told_as_that_in_evidence() -> None:
    claim = {"claimed": str(FIRST), "side": "left", "amount": "-0.5000", "file": "", "line": None}
    evidence = json.dumps([
        {**claim, "kind": "write_off", "source": "corrections", "line": 24}, {**claim, "kind": "subledger", "source": "journal_proposals"}])
    assert evidence_lines(evidence, Labels("en"), 2) == [
        f"{FIRST} ours write-off -0.50 decision C000024",
        f"{FIRST} ours sub-ledger -0.50 entries that follow from decisions, until the ledger has them"]
    assert evidence_lines(evidence, Labels("zh"), 1)[0] == f"{FIRST} 我方 核销 -0.50 处理 C000024"
    claims = "".join(path.read_text(encoding="utf-8") for path in (SQL / "claims").glob("*.sql"))
    kinds = set(re.findall(r"'([a-z_]+)' as kind", claims))
    assert kinds and kinds - load_labels()["kinds"].keys() == set(), "each has its word in both languages"


def test_a_side_that_came_later_was_not_there_yet_and_not_never() -> None:
    """Fails if a first report says that refunds were never supplied of which the files are there since the second day."""
    row = {"shop": "tb", "channel": "", "first_day": FIRST, "last_day": FIRST, "claims": 3}
    missing = [{**row, "leg": "refunds", "missing": "left", "wanted": "refunds"},
               {**row, "leg": "order_shipment", "missing": "right", "wanted": "shipments"}]
    assert not_run_lines(missing, until=FIRST + dt.timedelta(days=1)) == [
        f"own refunds of tb were not there yet ({FIRST}): 3 of the provider's stand for them, held against nothing",
        f"Orders ↔ shipments of tb was not run ({FIRST}): its right side was not there yet (shipments)"]
    assert all("never supplied" in line for line in not_run_lines(missing, until=FIRST))


@pytest.mark.slow
def test_a_day_of_which_nothing_agrees_does_not_look_green(tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=2))
    orders = [order(periods[0], "books", "1", "50"), order(periods[2], "books", "3", "50")]
    paid = [payment(periods[0], "2", "30"), payment(periods[2], "3", "50")]
    store = run(tmp_path, periods, {"orders": orders, "payments": paid})
    with connect() as con:
        for name in ("variances", "recon_summary", "legs_not_run"):
            store.view(con, name, periods, published.TABLES[name])
        found, lines = verdicts(con), not_run_lines(not_run(con))
    assert found[periods[0]].is_good and not found[periods[0]].nothing_agrees  # what is not due yet says nothing
    assert not found[periods[1]].is_good and found[periods[1]].text.startswith("0% of ")
    assert "order_payment" in found[periods[1]].nothing_agrees
    assert "order_payment" not in found[periods[2]].nothing_agrees
    told = [line for line in lines if line.startswith("Orders ↔ shipments")]
    assert told == [f"Orders ↔ shipments of tb was not run ({periods[0]} to {periods[2]}): its right side was never supplied (shipments)"]
