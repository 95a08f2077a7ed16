"""Entries leave in the layouts of ledgers, and what a reader of the same layout finds in the file is what was booked."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from duizhang.books import Books
from duizhang.cli import cli
from duizhang.close.layouts import LAYOUTS, Posting, write_postings
from duizhang.errors import UserError
from duizhang.gate import run_gate
from duizhang.ingest import Setting, extract, load_specs
from duizhang.publish import publish
from tests.close.conftest import FIRST
from tests.publish.conftest import _FAKES

DAY = dt.date(2026, 3, 2)
LINES = [("J000001", "1122", "-12.30"), ("J000001", "6711.01", "12.30"), ("J000002", "6001.02", "609.67"), ("J000002", "6001.03", "-600"),
         ("J000002", "1221.99", "-9.67")]


def posted(currency: str = "EUR") -> list[Posting]:
    """Two entries, one of them of three lines; a summary that a spreadsheet would run."""
    said = f"=1+1; \"x\"; {'verloren' if currency == 'EUR' else '丢件'}"
    return [
        Posting(DAY, entry, number, account, "name", said, Decimal(amount), currency, "acme")
        for number, (entry, account, amount) in enumerate(LINES, 1)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_reader_of_the_same_layout_finds_what_was_booked(layout: str, tmp_path: Path) -> None:
    out = tmp_path / f"{layout}.csv"
    write_postings(posted("EUR" if layout in ("datev", "fec") else "CNY"), layout, out)
    (read,) = extract(out, load_specs(), Setting(shop="company", zone="Asia/Shanghai"), file="any.csv", into=tmp_path / "out")
    assert read.spec.name == {"datev": "datev_bookings", "csv": "books_journal"}.get(layout, f"{layout}_journal")
    assert read.rows_quarantined == 0 and all(total.ok for total in read.totals)
    rows = read.table("journal_lines").to_pylist()
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row["account"]] = found.get(row["account"], Decimal(0)) + row["amount"]
        assert row["period"] == DAY and row["debit"] >= 0 and row["credit"] >= 0
    assert found == {account: Decimal(amount) for _, account, amount in LINES}
    assert len({row["voucher"] for row in rows}) == 2


def test_what_a_layout_cannot_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown layout 'sap'"):
        write_postings(posted(), "sap", tmp_path / "x.csv")
    with pytest.raises(UserError, match="is in EUR, and J000001 is in CNY"):
        write_postings(posted("CNY"), "fec", tmp_path / "x.csv")
    write_postings(posted("CNY"), "csv", tmp_path / "x.csv")
    assert "'=1+1" in (tmp_path / "x.csv").read_text(encoding="utf-8-sig")


@pytest.mark.slow
def test_entries_of_others_than_the_file_is_about_are_told(tmp_path: Path) -> None:
    fake = _FAKES.Fake(tmp_path / "home")
    fake.fill([FIRST])
    fake.put("journal_proposals", FIRST, *(
        {"entry": entry, "line_no": n, "entity": entity, "account": "1122", "currency": currency, "debit": debit, "credit": 5 - debit}
        for entry, entity, currency in (("J000001", "acme", "CNY"), ("J000002", "acme", "USD"), ("J000003", "abroad", "USD"))
        for n, debit in enumerate((5, 0), 1)))
    run_gate(fake.store, fake.state, [FIRST])
    publish(Books(root=fake.home, entity="acme", start=FIRST), fake.store, fake.state, fake.home, [FIRST], rules_digest="r")
    (tmp_path / "books.yaml").write_text("{entity: acme, start: 2026-03-01}")
    said = CliRunner().invoke(cli, ["journal", "export", "--books", str(tmp_path / "books.yaml"), "--home", str(fake.home),
                                    "--from", "2026-03-01", "--to", "2026-03-01",
                                    "--layout", "csv", "--out", str(tmp_path / "x.csv"), "--lang", "en"])
    first, *beside = said.output.splitlines()
    assert first.endswith("J000001 to J000001")
    assert beside == [f"not in it: 1 of {entity} in USD (--entity {entity} --currency USD)" for entity in ("abroad", "acme")]
