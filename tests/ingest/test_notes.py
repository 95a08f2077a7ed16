"""What a reader should know of a file although all its rows were read: columns of money, members and sheets that were left out."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest

from duizhang.books import Books, Shop
from duizhang.books.books_goods import SharedAccount
from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.inbox.reading_in import described
from duizhang.ingest.landing import extract
from tests.ingest.test_wechat import SAMPLES as WECHAT

BANK = "Date,Description,Amount,Balance{}\n2026-03-05,A,10.00,110.00{}\n2026-03-06,C,-20.00,90.00{}\n"


def read(folder: Path, body: bytes | str, name: str = "any.csv") -> list[Extraction]:
    (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode())
    return extract(folder / name, load_specs(), Setting(of_sources={"bank_generic": "CNY"}), file=name, into=folder / "out")


@pytest.mark.parametrize(("columns", "notes"), [
    ((",Levy", ",0", ",1.25"), ["columns of money that are not read: Levy (1.25 in 1 rows)"]),
    ((",Levy (EUR)", ",-1.25", ","), ["columns of money that are not read: Levy (-1.25 in 1 rows)"]),
    ((",Shop", ",12", ",13"), []), ((",Day", ",05.03.26", ",06.03.26"), []), ((",Latitude", ",1.25", ",0.50"), []), ((",Levy", ",0.00", ","), []),
])
def test_a_column_of_money_that_nobody_specified_is_told(tmp_path: Path, columns: tuple[str, str, str], notes: list[str]) -> None:
    [found] = read(tmp_path, BANK.format(*columns))
    assert found.notes == notes


def test_members_of_an_archive_that_are_left_out_are_named(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member, body in (("bill.csv", next(iter(WECHAT.values()))), ("说明.txt", b"x"), ("invoice.pdf", b"%PDF-1.4"), ("empty.csv", b"")):
            archive.writestr(member, body)
    [found] = read(tmp_path, packed.getvalue(), "bill.zip")
    assert found.notes == ["left out: 说明.txt, invoice.pdf, empty.csv"]


def test_a_sheet_of_another_kind_beside_the_bill_is_named_with_its_reason(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in BANK.format("", "", "").splitlines():
        book.active.append(line.split(","))
    for row in (("Refund no", "Money back"), ("R1", 5)):
        (book["Refunds"] if "Refunds" in book.sheetnames else book.create_sheet("Refunds")).append(row)
    packed = io.BytesIO()
    book.save(packed)
    [found] = read(tmp_path, packed.getvalue(), "book.xlsx")
    assert [note.partition(" (")[0] for note in found.notes] == ["left out: sheet Refunds"] and "Refund no, Money back" in found.notes[0]


def test_exports_that_overlap_joined_in_one_file_are_told(tmp_path: Path) -> None:
    text = BANK.format("", "", "")
    [found] = read(tmp_path, text + text.replace("2026-03-05,A,10.00,110.00\n", "") + "2026-03-07,D,1.00,91.00\n")
    assert ("rows that stand below two of its headers alike", "1") in [(t.name, t.computed) for t in found.totals if not t.ok]
    [found] = read(tmp_path, text + text.splitlines()[0] + "\n2026-03-07,D,1.00,91.00\n")
    assert [t for t in found.totals if not t.ok] == []


def test_an_amount_that_only_stands_in_a_column_that_is_not_read_holds(tmp_path: Path) -> None:
    [found] = read(tmp_path, "Date,Description,Amount,Levied\n2026-03-05,A,10.00,\n2026-03-06,C,,7.50\n2026-03-07,D,-1.00,2.50\n")
    assert found.notes == [
        "columns of money that are not read: Levied (10 in 2 rows)", "rows without an amount that is read are ignored: line 3"]
    assert [(t.name, t.computed) for t in found.totals if not t.ok] == [("rows whose amount stands in a column that is not read", "1")]


HEADER = ["Date", "Description", "Amount", "Balance", "Note", "Other"]
ROWS = [["2026-03-05", "A", "10.00", "110.00", "n", ""], ["2026-03-06", "C", "-20.00", "90.00", "n", ""], ["", "", "", "", "later", "x"]]


def packed(book: openpyxl.Workbook) -> bytes:
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def open_document(rows: list[list[str]], *, hidden: int = 0, repeated: int = 1) -> bytes:
    """An OpenDocument sheet; hidden: the row, from 1, that a filter hides; repeated: how often its last row is there."""
    def cells(row: list[str]) -> str:
        return "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row)

    tags = []
    for at, row in enumerate(rows, 1):
        said = ' table:visibility="filter"' * (at == hidden) + f' table:number-rows-repeated="{repeated}"' * (at == len(rows))
        tags.append(f"<table:table-row{said}>{cells(row)}</table:table-row>")
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="S">'
                         f'{"".join(tags)}</table:table></office:spreadsheet></office:body></office:document-content>')
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                         f'<m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>')
    return body.getvalue()


def test_rows_and_sheets_that_a_workbook_hides_are_read_and_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title in ("S", "Old"):
        sheet = book.create_sheet(title)
        for row in [HEADER, *ROWS[:2]]:
            sheet.append(row)
        sheet.row_dimensions[9].hidden = True  # an empty one is none
    book.remove(book["Sheet"])
    book["S"].row_dimensions[3].hidden = True
    book["Old"].sheet_state = "hidden"
    shown, old = read(tmp_path, packed(book), "book.xlsx")
    assert (shown.rows_parsed, old.rows_parsed) == (2, 2)
    assert shown.notes == ["the workbook hides rows that are read all the same: line 3"]
    assert old.notes == ["the workbook hides its sheet Old, which is read all the same"]


def test_an_open_document_is_a_workbook_and_tells_what_it_hides(tmp_path: Path) -> None:
    [found] = read(tmp_path, open_document([HEADER, *ROWS[:2]], hidden=2), "book.ods")
    assert (found.spec.name, found.rows_parsed, found.notes) == (
        "bank_generic", 2, ["the workbook hides rows that are read all the same: line 2"])
    with pytest.raises(RefusedFile, match="reaches to row"):
        read(tmp_path, open_document([HEADER, *ROWS[:2]], repeated=1_000_000_000), "far.ods")


def test_rows_that_count_for_nothing_are_told(tmp_path: Path) -> None:
    [found] = read(tmp_path, "Date,Description,Amount\n2026-03-04,first,\n2026-03-05,A,10.00\n2026-03-06,B,-1.00\n2026-03-07,C,\n2026-03-08,D,\n")
    assert (found.rows_ignored, found.ignored, found.notes) == (3, (2, 5, 6), ["rows without an amount that is read are ignored: lines 2, 5-6"])
    [found] = read(tmp_path, "Date,Description,Amount,Status\n2026-03-04,first,1.00,pending\n2026-03-05,A,-10.00,pending\n")
    assert found.notes == ["no row of it counts: 2 of kinds that move nothing"]


def test_a_row_of_a_sheet_that_is_filled_in_columns_alone_that_are_not_read_is_quarantined(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    [found] = read(tmp_path, packed(book), "book.xlsx")
    assert (found.rows_parsed, found.rows_quarantined + found.rows_ignored) == (2, 1)


def test_rows_that_an_old_workbook_hides_are_told(tmp_path: Path) -> None:
    body = bytearray((Path(__file__).parent / "data" / "ccb.xls").read_bytes())
    [found] = read(tmp_path, bytes(body), "shown.xls")
    line = found.table("bank_entries")["line"][0].as_py()
    at = bytes(body).find(struct.pack("<HHH", 0x208, 16, line - 1))  # the record of its row, whose options tell that it is hidden
    body[at + 4 + 12] |= 0x20
    [found] = read(tmp_path, bytes(body), "hidden.xls")
    assert at > 0 and found.notes == [f"the workbook hides rows that are read all the same: line {line}"]


@pytest.mark.parametrize(("shops", "warehouse", "shop", "told"), [
    (("s1", "s2"), "WH-9", "", ["WH-9"]), (("s1", "s2"), "WH-1", "", []), (("s1", "s2"), "WH-9", "s2", []), (("s1",), "WH-9", "", [])])
def test_parcels_that_name_no_shop_are_told_where_there_are_several(
    tmp_path: Path, shops: tuple[str, ...], warehouse: str, shop: str, told: list[str]
) -> None:
    """Fails if parcels that no order can meet are told nowhere, or those are that the only shop or a shared warehouse gives a shop."""
    shared = {"hall": SharedAccount(shops=("s1", "s2"), warehouse="WH-1")} if len(shops) > 1 else {}
    books = Books(root=tmp_path, entity="acme", start=dt.date(2026, 3, 1), shops={name: Shop(platform="taobao") for name in shops}, shared_accounts=shared)
    (tmp_path / "moves.csv").write_text(
        "move_id,warehouse,sku,kind,quantity,order_id,shop,moved_at\n" f"M1,{warehouse},CUP,sale_out,1,O1,{shop},2026-03-05 10:00:00\n")
    [found] = extract(tmp_path / "moves.csv", load_specs(), Setting.of(books, "", key=b"x"), file="moves.csv", into=tmp_path / "out")
    problem = str(described(found, "moves.csv")["problem"])
    assert [place for place in ("WH-9", "WH-1") if f"parcels in it name no shop (warehouse {place})" in problem] == told
    assert (problem == "") == (not told)
