"""A record that a newer file moves to another day is on that day alone, whatever is built with what; rows that fit no table cost their file."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.errors import SpecError
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import Setting, build_canonical, load_spec, load_specs
from duizhang.ingest.inbox import collect
from duizhang.ingest.landing import extract
from duizhang.plan.inputs import derive

DAYS = [dt.date(2026, 3, 1), dt.date(2026, 3, 2), dt.date(2026, 3, 3)]
HEAD = "order_id,line_id,shop,sku,quantity,unit_price,amount,currency,status,ordered_at,paid_at\n"


def line(order: str, paid: str = "") -> str:
    return f"{order},1,a,CUP,1,10.00,10.00,CNY,{'paid' if paid else 'unpaid'},2026-03-01 23:00:00,{paid}\n"


EXPORTS = {  # O1 is paid after midnight; O2 is said to be paid on the third, then the export is corrected
    "d1.csv": line("O1") + line("O2") + line("O3", "2026-03-01 23:05:00"),
    "d2.csv": line("O1", "2026-03-02 00:05:00") + line("O2", "2026-03-03 09:00:00"),
    "d3.csv": line("O2", "2026-03-02 09:00:00"),
}
MOVED = {1: ["O3"], 2: ["O1", "O2"], 3: []}


def home(folder: Path) -> tuple[Store, State, dict[str, list[dt.date]]]:
    """A home that has taken in the exports, and the days that each of them touches."""
    (folder / "inbox").mkdir(parents=True)
    (folder / "books.yaml").write_text("entity: e\nstart: 2026-03-01\nshops: {a: {platform: own}}\n")
    for number, (name, rows) in enumerate(EXPORTS.items(), 1):
        (folder / "inbox" / name).write_text(HEAD + rows)
        os.utime(folder / "inbox" / name, (number, number))
    store, state = Store(folder / "home"), State(folder / "home")
    found = collect(load_books(folder / "books.yaml"), store, state)
    return store, state, {r.path: r.touched() for r in found}


@pytest.mark.parametrize("ranges", [
    [[day] for day in reversed(DAYS)],
    *(pytest.param(parts, marks=pytest.mark.slow) for parts in ([DAYS], [[day] for day in DAYS], [DAYS[:2], DAYS[2:]])),
])
def test_a_moved_record_is_on_one_day(tmp_path: Path, ranges: list[list[dt.date]]) -> None:
    store, state, touched = home(tmp_path)
    assert touched == {"d1.csv": DAYS[:1], "d2.csv": DAYS, "d3.csv": DAYS}
    books = load_books(tmp_path / "books.yaml")
    for periods in ranges:
        build_canonical(books, store, state, periods)
    found = {day.day: sorted(store.read("orders", day)["order_id"].to_pylist()) for day in DAYS}
    assert found == MOVED
    # so a day that is without it from now on is computed again
    assert "file:d2.csv" in derive(books, store, state, DAYS)[DAYS[0]].parts


def test_what_held_before_the_books_began_holds_from_their_first_day(tmp_path: Path) -> None:
    """Fails if a list of costs, codes or rates that is dated before `start` is in no day, so that nobody's cost or weight is known; of
    several days before it the last one counts, and a row of the first day itself before all of them."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\nshops: {a: {platform: own}}\n")
    (tmp_path / "inbox" / "costs.csv").write_text(
        "sku,cost,currency,as_of\nA,3.00,CNY,2026-02-01\nA,2.00,CNY,2026-01-01\nB,5.00,CNY,2026-01-01\nB,6.00,CNY,2026-03-01\nA,4.00,CNY,2026-03-02\n")
    (tmp_path / "inbox" / "rates.csv").write_text("base,quote,rate,as_of\nUSD,CNY,7.1,2025-12-31\nUSD,CNY,7.0,2025-12-01\n")
    store, state, books = Store(tmp_path / "home"), State(tmp_path / "home"), load_books(tmp_path / "books.yaml")
    assert {r.path: r.touched() for r in collect(books, store, state)} == {"costs.csv": DAYS[:2], "rates.csv": DAYS[:1]}
    build_canonical(books, store, state, DAYS)
    assert [[(r["sku"], int(r["cost"])) for r in store.read("skus", day).to_pylist()] for day in DAYS] == [[("A", 3), ("B", 6)], [("A", 4)], []]
    assert [str(r["rate"]) for r in store.read("fx_rates", DAYS[0]).to_pylist()] == ["7.10000000"]


def test_many_rows_are_written_by_the_database_as_few_are_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, state, _ = home(tmp_path)
    books, written = load_books(tmp_path / "books.yaml"), []
    for many in (1 << 30, -1):
        monkeypatch.setattr("duizhang.ingest.canonical.MANY", many)
        monkeypatch.setattr("duizhang.ingest.canonical.MANY_A_DAY", many)
        counted = build_canonical(books, store, state, DAYS)
        written.append((counted, {(table, day): store.digest(table, day) for table in counted for day in DAYS}))
    assert written[0] == written[1] and written[0][0]["orders"] == 3


def test_no_newer_file_takes_the_place_of_records_that_it_does_not_repeat(tmp_path: Path) -> None:
    """Two exports of Shopify: the payments of the first are there beside those of the second, of which one is repeated."""
    head = "Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Available On,Amount,Fee,Net,Checkout,Payout ID,Currency\n"
    (tmp_path / "inbox" / "a").mkdir(parents=True)
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\ntime_zone: UTC\nshops: {a: {platform: own, provider: shopify}}\n")
    rows = [f"2026-03-0{day} 10:00:00 +0000,charge,#{n},visa,x,paid,,,5.00,1.00,4.00,c{n},,USD\n" for day, n in ((1, 1), (1, 2), (2, 3))]
    for number, part in enumerate((rows[:2], rows[1:]), 1):
        (tmp_path / "inbox" / "a" / f"{number}.csv").write_text(head + "".join(part))
        os.utime(tmp_path / "inbox" / "a" / f"{number}.csv", (number, number))
    store, state, books = Store(tmp_path / "home"), State(tmp_path / "home"), load_books(tmp_path / "books.yaml")
    collect(books, store, state)
    build_canonical(books, store, state, DAYS[:2])
    assert [sorted(store.read("payments", day)["order_id"].to_pylist()) for day in DAYS[:2]] == [["#1", "#2"], ["#3"]]


def test_every_table_of_a_source_whose_files_overlap_has_records_to_tell_apart() -> None:
    for name, spec in load_specs().items():
        for table in spec.tables:
            if spec.overlap == "latest" and "period" not in spec.grain:
                assert any(column.endswith(("_id", "sku")) for column in spec.grain_of(table.table)), (name, table.table)


SPEC = """
name: own_products
title: x
recognise: {header: [id, day, a, b]}
fields:
  id: {column: id, type: id}
  occurred_at: {column: day, type: time}
  a: {column: a, type: money}
  b: {column: b, type: money}
tables:
  - {table: payments, columns: {transaction_id: id, amount: 'EXPRESSION'}}
"""


@pytest.mark.parametrize(("expression", "a", "b", "fits"), [
    ("a * b", "1000000000000000", "25000", True), ("a * b", "99999999999999", "99999999999999", False),
    ("a + b", "1000000000000000", "1000000000000000", True), ("id::decimal(28, 4)", "1", "1", False),
    ("a * 100", "1000000000000000", "1", True), ("try_cast(id as decimal(28, 4))", "1", "1", True),
])
def test_a_row_that_fits_no_table_is_quarantined_and_the_others_are_read(tmp_path: Path, expression: str, a: str, b: str, *, fits: bool) -> None:
    (tmp_path / "own.yaml").write_text(SPEC.replace("EXPRESSION", expression))
    (tmp_path / "x.csv").write_text(f"id,day,a,b\n7,2026-03-01,1,1\nT1,2026-03-01,{a},{b}\n8,2026-03-02,1,1\n")
    specs = {"own_products": load_spec(tmp_path / "own.yaml")}
    [found] = extract(tmp_path / "x.csv", specs, Setting(), file="x", into=tmp_path / "out")
    assert (found.rows_read, found.rows_parsed, found.rows_quarantined) == ((3, 3, 0) if fits else (3, 2, 1))
    assert found.summary("payments")[0] == found.rows_parsed
    if not fits:
        [cell] = found.quarantine().to_pylist()
        assert (cell["line"], cell["value"]) == (3, f"a {a}, b {b}") and "does not fit its table" in cell["reason"]


@pytest.mark.parametrize(("kind", "cell", "fits"), [
    ("money", "1000000000000000.1234", True), ("money", "1,000,000,000,000,000.12", True), ("money", "99999999999999999999", False),
    ("rate", "0.00004", True), ("rate", "25000", True), ("rate", "0.000000001", False), ("money", "0.00004", False),
])
def test_amounts_of_ten_to_the_fifteen_and_rates_are_read_and_what_has_no_room_is_quarantined(
    tmp_path: Path, kind: str, cell: str, *, fits: bool
) -> None:
    (tmp_path / "own.yaml").write_text(SPEC.replace("EXPRESSION", "a").replace("a: {column: a, type: money}", f"a: {{column: a, type: {kind}}}"))
    (tmp_path / "x.csv").write_text(f'id,day,a,b\n7,2026-03-01,1,1\nT1,2026-03-01,"{cell}",1\n')
    [found] = extract(tmp_path / "x.csv", {"own_products": load_spec(tmp_path / "own.yaml")}, Setting(), file="x", into=tmp_path / "out")
    assert (found.rows_parsed, found.rows_quarantined) == ((2, 0) if fits else (1, 1))
    if not fits:
        [wrong] = found.quarantine().to_pylist()
        assert (wrong["line"], wrong["column_name"], wrong["value"]) == (3, "a", cell)


def test_an_expression_that_is_no_sql_names_its_specification(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(SPEC.replace("EXPRESSION", "a + nothing"))
    (tmp_path / "x.csv").write_text("id,day,a,b\nT1,2026-03-01,1,1\n")
    with pytest.raises(SpecError, match="own_products"):
        extract(tmp_path / "x.csv", {"own_products": load_spec(tmp_path / "own.yaml")}, Setting(), file="x", into=tmp_path / "out")


def test_few_shipped_specifications_have_to_be_tried_row_by_row() -> None:
    from duizhang.ingest.landing.landed import Hazard

    # of the lists of orders because a price a piece is that of the line by its pieces
    divided = {"amazon_new_orders", "amazon_orders", "tiktok_orders"}
    assert {spec.name for spec in load_specs().values() if Hazard(spec).always} <= {"bank_mt940", "bank_mt942", "platform_settlement", *divided}


def test_a_line_that_a_newer_export_of_its_order_lacks_counts_on_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\nshops: {a: {platform: own}}\n")
    first, paid = line("O1") + line("O1").replace("O1,1", "O1,2") + line("O2"), "2026-03-02 09:00:00"
    for number, text in enumerate((first, line("O1", paid) + line("O2")), 1):
        (tmp_path / "inbox" / f"d{number}.csv").write_text(HEAD + text)
        os.utime(tmp_path / "inbox" / f"d{number}.csv", (number, number))
    store, state = Store(tmp_path / "home"), State(tmp_path / "home")
    collect(load_books(tmp_path / "books.yaml"), store, state)
    for day in DAYS[:2]:
        build_canonical(load_books(tmp_path / "books.yaml"), store, state, [day])
    found = [[(r["order_id"], r["line_id"]) for r in store.read("orders", day).to_pylist()] for day in DAYS[:2]]
    assert found == [[("O1", "2"), ("O2", "1")], [("O1", "1")]]
    [old] = [row for row in store.read("source_files", DAYS[0]).to_pylist() if row["file"] == "d1.csv"]
    assert old["status"] == "read" and "1 lines of orders of 2026-03-01 are not in the newer file d2.csv" in old["problem"]
