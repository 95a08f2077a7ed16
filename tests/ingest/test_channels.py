"""The channels of tests/ingest/channels/*.yaml: a sample each, and what is true of it.

An entry is named after its specification (`name+word` for a second sample of it). body: the sample as text (encoding: utf-8
unless it says otherwise), or sheets: name -> text of cells between tabs, written into a workbook. rows: [read, parsed,
quarantined, ignored]. sums: table -> what (kind and currency of a settlement, else currency) -> sum of the amounts. days: the
business days. due: what of the orders is to be received. never: what is personal and must stand in no table. unknown: [old, new] makes of a type or state one that
nobody knows: its row waits in quarantine under its name, and no amount of it is counted.
"""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from duizhang.books import Books, Shop
from duizhang.errors import SpecError
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from duizhang.ingest.specification import load_spec
from duizhang.yaml_reading import load_yaml

CHANNELS: dict[str, dict[str, Any]] = {
    name: entry
    for path in sorted((Path(__file__).parent / "channels").glob("*.yaml"))
    for name, entry in load_yaml(path.read_text(encoding="utf-8")).items()
}


def written(entry: dict[str, Any]) -> bytes:
    """The bytes of a sample."""
    if "sheets" not in entry:
        return str(entry["body"]).encode(entry.get("encoding", "utf-8"))
    book, packed = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for title, text in entry["sheets"].items():
        sheet = book.create_sheet(title)
        for line in text.splitlines():
            sheet.append([cell or None for cell in line.split("\t")])
    book.save(packed)
    return packed.getvalue()


SAMPLES = {f"{name}.csv": written(entry) for name, entry in CHANNELS.items() if "sheets" not in entry}


def read(folder: Path, body: bytes) -> list[Extraction]:
    path = folder / "any.bin"
    path.write_bytes(body)
    return extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="any", into=folder / "out")


def sums(rows: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Decimal]]:
    answer: dict[str, dict[str, Decimal]] = {}
    for table, listed in rows.items():
        for row in listed:
            if row.get("amount") is not None:
                what = " ".join(row[name] for name in ("kind", "currency") if row.get(name) and (name != "kind" or table == "settlements"))
                amount = row["amount"]
            else:
                what, amount = "quantity", row["quantity"]
            by = answer.setdefault(table, {})
            by[what] = by.get(what, Decimal(0)) + amount
    return answer


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_a_channel_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    entry = CHANNELS[name]
    found = read(tmp_path, written(entry))
    assert {one.spec.name for one in found} == set(entry.get("sources", [name.partition("+")[0]]))
    counts = [sum(c) for c in zip(*((o.rows_read, o.rows_parsed, o.rows_quarantined, o.rows_ignored) for o in found), strict=True)]
    assert counts == entry["rows"], [row for one in found for row in one.quarantine().to_pylist()]
    expected = {table: {what: Decimal(str(amount)) for what, amount in by.items()} for table, by in entry["sums"].items()}
    tables: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        for table in one.tables:
            tables[table] = tables.get(table, []) + one.table(table).to_pylist()
    assert sums(tables) == expected
    assert [(t.name, t.stated, t.computed) for one in found for t in one.totals if not t.ok] == []
    assert [note for one in found for note in one.notes if "columns of money" in note] == [], "no column of money that its specification does not know"
    if "days" in entry:
        assert sorted({str(day) for one in found for day in one.days}) == [str(day) for day in entry["days"]]
    if "due" in entry:
        assert sum(r["amount"] for r in tables["orders"] if r["paid_at"] or r["status"] in ("paid", "shipped", "completed")) == Decimal(str(entry["due"]))
    rows = str([*tables.values()])
    assert not [word for word in entry.get("never", []) if word in rows]
    assert all(word in rows for word in entry.get("holds", []))


@pytest.mark.parametrize("name", sorted(name for name, entry in CHANNELS.items() if "unknown" in entry))
def test_a_type_that_nobody_knows_is_held_by_its_name(tmp_path: Path, name: str) -> None:
    entry = CHANNELS[name]
    old, new = entry["unknown"]
    body = written(entry)
    assert old.encode(entry.get("encoding", "utf-8")) in body
    found = read(tmp_path, body.replace(*(text.encode(entry.get("encoding", "utf-8")) for text in (old, new)), 1))
    cells = [cell for one in found for cell in one.quarantine().to_pylist()]
    assert [cell for cell in cells if cell["value"] and cell["value"].strip() in new] != [], cells
    assert sum(one.rows_quarantined for one in found) == entry["rows"][2] + 1


@pytest.mark.parametrize("name", sorted(name for name in CHANNELS if (spec := load_specs()[name.partition("+")[0]]).balance and "unbalanced" in CHANNELS[name]))
def test_a_balance_that_does_not_chain_is_shown(tmp_path: Path, name: str) -> None:
    """Fails if an amount can change without the running balance of its file telling: the balance is the bank's own control total."""
    old, new = CHANNELS[name]["unbalanced"]
    encoding = CHANNELS[name].get("encoding", "utf-8")
    body = written(CHANNELS[name])
    assert old.encode(encoding) in body
    found = read(tmp_path, body.replace(old.encode(encoding), new.encode(encoding), 1))
    assert [t.name for one in found for t in one.totals if not t.ok] != []


def test_every_specification_says_how_sure_its_layout_is() -> None:
    """Fails if a shipped specification does not say where its layout was taken from: nobody could tell a sketch from a real file."""
    assert [spec.name for spec in load_specs().values() if spec.layout_from == "unknown"] == []


def test_every_refund_that_is_read_has_an_id() -> None:
    """Fails if a specification gives a refund no id: the gate would hold every day that has one."""
    assert [spec.name for spec in load_specs().values() for part in spec.tables if part.table == "refunds" and not part.columns.get("refund_id")] == []


def test_an_order_systems_export_may_call_a_shop_by_its_name(tmp_path: Path) -> None:
    """Fails if rows of an export of all shops are those of no shop because it calls them as people do, or not in the money of their shop."""
    books = Books(root=tmp_path, entity="acme", start=dt.date(2026, 3, 1), shops={
        "dy-01": Shop(platform="douyin", name="抖音店", currency="MYR"), "tb-01": Shop(platform="taobao", name="两家"), "tb-02": Shop(platform="taobao", name="两家")})
    (tmp_path / "any.bin").write_bytes(written(CHANNELS["wangdiantong_orders"]).replace("JY2,抖音店".encode(), "JY2,两家".encode()))
    [found] = extract(tmp_path / "any.bin", load_specs(), Setting.of(books, ""), file="any", into=tmp_path / "out")
    assert {(row["order_id"], row["shop"], row["currency"]) for row in found.table("orders").to_pylist()} == {
        ("69001", "dy-01", "MYR"), ("69002", "两家", "CNY")}


@pytest.mark.parametrize(("channel", "table", "currency"), [
    ("lazada_statement", "settlements", "MYR"), ("wildberries_summary", "payouts", "KZT"),
])
def test_an_amount_that_names_no_currency_is_in_that_of_its_shop(tmp_path: Path, channel: str, table: str, currency: str) -> None:
    """Fails if ringgits of a shop in Malaysia are read as the currency of the books, or a seller's tenge as roubles."""
    books = Books(root=tmp_path, entity="acme", start=dt.date(2026, 3, 1), shops={"my": Shop(platform="lazada", currency=currency)})
    (tmp_path / "any.bin").write_bytes(written(CHANNELS[channel]).replace("руб.".encode(), b""))
    [found] = extract(tmp_path / "any.bin", load_specs(), Setting.of(books, "my"), file="any", into=tmp_path / "out")
    assert set(found.table(table)["currency"].to_pylist()) == {currency}


@pytest.mark.parametrize(("said", "told"), [
    ({"like": "paypal_dutsch"}, "like 'paypal_dutsch', which no shipped specification is"),
    ({"like": "paypal_dutch", "fields": {"class": {"words": ["paypal_tipes"]}}}, "no list of words 'paypal_tipes'; known: couriers"),
    ({"like": "paypal_dutch", "fields": {"line": {"column": "Naam"}}}, "line already names where a row stands"),
])
def test_what_a_specification_takes_from_elsewhere_is_there(tmp_path: Path, said: dict[str, Any], told: str) -> None:
    """Fails if a list or a specification that is not there is taken for an empty one."""
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"name": "own_bill", "title": "own", **said}), encoding="utf-8")
    with pytest.raises(SpecError, match=told):
        load_spec(tmp_path / "own.yaml")


def test_a_dialect_has_names_of_its_own_and_everything_else_of_what_it_is_like() -> None:
    """Fails if a language's file is recognised by another language's columns."""
    polish, dutch = load_specs()["paypal_polish"], load_specs()["paypal_dutch"]
    assert (polish.tables, polish.totals, polish.balance) == (dutch.tables, dutch.totals, dutch.balance)
    names = {name for column in polish.fields.values() for name in (column.column, *column.also, *column.join)}
    assert names & {name for column in dutch.fields.values() for name in (column.column, *column.also, *column.join)} == {"Netto", "Saldo", "Status"}
