"""Bills in a page under the name of a workbook, and in lists of records in JSON: read as the tables that they are, or refused."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from duizhang.privacy.cutting import How, cut

PAGE = (
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>x</title></head><body><p>Statement of account 1234567'
    "<table border=1><tr><th>Date</th><th>Description</th><th>Amount</th><th>Balance</th></tr>\n<tr><td>05/03/2026<td>支付 &amp; B<td>-12.50<td>987.50</tr>"
    "<tr><td>16/03/2026</td><td>B</td><td>1&nbsp;100.00</td><td>2&nbsp;087.50</td></tr></table></body></html>")
RECORDS = ({"date": "2026-03-05", "description": "A", "amount": "-12.50", "currency": "EUR"},
           {"date": "2026-03-16", "description": "B", "amount": "1100.00", "currency": "EUR"})


def read(folder: Path, body: bytes, setting: Setting | None = None) -> Extraction:
    (folder / "any.xls").write_bytes(body)
    [found] = extract(folder / "any.xls", load_specs(), setting or Setting(zone="UTC"), file="any", into=folder / "out")
    return found


@pytest.mark.parametrize("body", [
    PAGE.encode(), PAGE.replace("utf-8", "gb2312").encode("gbk"), PAGE.replace("utf-8", "x").encode("gbk"), PAGE.encode("utf-16"),
    # within a table that lays the page out; without ends; a day over two rows; a form beside it
    PAGE.replace("<table border=1>", "<table><tr><td>Menu</td><td>From 1</td><td><table>").replace("</table></body>", "</table></td></tr></table></body>").encode(),
    PAGE.replace("</td>", "").replace("</tr>", "").replace("<html>", "").encode(),
    PAGE.replace("</table>", "<tr><td colspan=4>Page 1 of 1</td></tr></table><table><tr><td>Search<td><input></table>").encode(),
], ids=["utf-8", "gbk", "gbk without a word", "utf-16", "laid out", "no ends", "more"])
def test_a_page_under_the_name_of_a_workbook_is_read(tmp_path: Path, body: bytes) -> None:
    found = read(tmp_path, body)
    assert (found.summary("bank_entries")[1], sorted(map(str, found.days))) == ({"CNY": Decimal("1087.5")}, ["2026-03-05", "2026-03-16"])
    assert [t.ok for t in found.totals] == [True] * len(found.totals)


def test_cells_of_several_rows_and_numbers_that_have_no_room_stand_where_they_should(tmp_path: Path) -> None:
    rows = ('<tr><td rowspan="2">05/03/2026<td>A<td>-12.50<td x:num="6222021234567890123">6.22E+18</tr><tr><td>B<td>100.00<td>2</tr>'
            "<tr><td>16/03/2026<td>C<td>5.00<td>3</tr>")
    found = read(tmp_path, f"<table><tr><th>Date<th>Description<th>Amount<th>Reference</tr>{rows}</table>".encode())
    assert [(row["column_name"], row["reason"]) for row in found.quarantine().to_pylist()] == [("Booking date", "is empty; expected a value")]
    assert found.table("bank_entries")["entry_id"].to_pylist()[0].startswith("6222021234567890123")


@pytest.mark.parametrize("written", ["Jürg Müller", "J&uuml;rg M&uuml;ller", "J&#252;rg M&#252;ller", "J&#xFC;rg M&#xFC;ller"])
def test_a_person_is_cut_out_of_a_page_however_their_letters_are_written(written: str) -> None:
    found = cut(f"<td>{written}</td>".encode(), {"Jürg Müller": b"x7"}, How.EVERYWHERE)
    assert (found.body, found.cells) == (b"<td>x7</td>", 1)


def test_digits_that_are_raised_are_none_of_the_number_before_them(tmp_path: Path) -> None:
    """Fails if `12<sup>50</sup>` is 1250."""
    found = read(tmp_path, PAGE.replace("-12.50", "-12<sup>50</sup>").replace("1&nbsp;100.00", "1100<small>00</small>").encode())
    assert {cell["value"] for cell in found.quarantine().to_pylist()} >= {"-12^50", "1100^00"} and found.rows_parsed == 0


@pytest.mark.parametrize(("page", "reason"), [
    (PAGE[:-80], "the page ends within a table"), (PAGE.replace("</html>", ""), "the page ends within a table"),
    (PAGE.replace("<tr><td>16", '<tr style="display: none"><td>16'), "rows that it does not show"),
    ("<!doctype html><html><body><form><table><tr><td>User<td><input></table></form></body></html>", "HTML, a web page"),
])
def test_a_page_that_is_no_bill_or_not_whole_is_refused(tmp_path: Path, page: str, reason: str) -> None:
    with pytest.raises(RefusedFile, match=reason):
        read(tmp_path, page.encode())


def amounts_bare(text: str) -> str:
    return text.replace('"-12.50"', "-12.50").replace('"1100.00"', "1100.00")


@pytest.mark.parametrize("text", [
    json.dumps(RECORDS), amounts_bare(json.dumps(RECORDS, indent=2)), "\n".join(map(json.dumps, RECORDS)),
    amounts_bare(json.dumps({"account": "1", "closing balance": "1,087.50", "transactions": RECORDS})),
])
def test_flat_records_in_json_are_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text.encode()).summary("bank_entries")[1] == {"EUR": Decimal("1087.5")}


@pytest.mark.parametrize(("text", "reason"), [
    (json.dumps(RECORDS).replace('"-12.50"', "-1250").replace('"1100.00"', "110000"), "or so many cents, as all are whole numbers"),
    (json.dumps(RECORDS)[:-20], "broken or ends early"), (json.dumps(RECORDS).replace('"description"', '"amount"'), "broken"),
    (json.dumps([{**RECORDS[0], "amount": {"value": "1"}}]), "JSON, of a form that no specification has"),
    (json.dumps({"has_more": True, "data": RECORDS}), "one page of several"), (json.dumps({"next": "https://x", "data": RECORDS}), "one page of several"),
    (json.dumps({"booked": RECORDS, "pending": RECORDS}), "JSON, of a form that no specification has"),
])
def test_json_that_can_be_meant_in_two_ways_or_is_not_whole_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(RefusedFile, match=reason):
        read(tmp_path, text.encode())


@pytest.mark.parametrize(("fault", "reason"), [
    (RuntimeError("Already borrowed"), "by a fault of duizhang: RuntimeError"), (KeyError("x"), "by a fault of duizhang: KeyError"),
    (OSError("bad block"), "^reading it fails: OSError"), (ValueError("no number"), "^reading it fails: ValueError")])
def test_a_fault_of_our_own_is_not_told_as_one_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, reason: str) -> None:
    def fails(*_: object) -> None:
        raise fault

    monkeypatch.setattr(sys.modules[extract.__module__], "recognise", fails)
    with pytest.raises(RefusedFile, match=reason):
        read(tmp_path, b"Date,Description,Amount\n")


@pytest.mark.parametrize(("currency", "of_books"), [("CLP", True), ("CLP", False), ("EUR", True)])
def test_the_currency_of_the_books_tells_thousands_where_it_has_no_cents(tmp_path: Path, currency: str, of_books: bool) -> None:  # noqa: FBT001
    text, setting = "Fecha;Descripción;Cargo;Abono\n05/03/2026;A;$12.500;\n16/03/2026;B;;$100.000\n", Setting(currency=currency, is_of_books=of_books)
    if currency == "CLP" and of_books:
        assert read(tmp_path, text.encode(), setting).summary("bank_entries")[1] == {"CLP": Decimal(87500)}
    else:
        with pytest.raises(RefusedFile, match="amounts can be read in two ways"):
            read(tmp_path, text.encode(), setting)
