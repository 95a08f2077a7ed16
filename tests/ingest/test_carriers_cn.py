"""Monthly bills of SF Express (workbook) and ZTO, in their true layouts."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

SF = ["序号", "日期", "运单号码", "寄件地区", "到件地区", "对方公司名称", "计费重量", "产品类型", "付款方式", "费用(元)", "折扣/促销", "应付金额", "经手人"]
SF_ROWS = [
    [1, "12-31", "SF1300000000001", "深圳", "北京", "", 1.5, "顺丰标快", "寄付月结", 23, "", 20.7, "甲"],
    [2, "12-31", "SF1300000000002", "深圳", "上海", "", 1, "顺丰标快", "寄付月结", 18, 0, 18, "甲"],
]


def workbook(rows: Sequence[Sequence[object]], *, title: str = "") -> bytes:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("账单明细")
        if title:
            sheet.merge_range(0, 0, 0, 5, title)
        for number, row in enumerate(rows, 1 if title else 0):
            sheet.write_row(number, 0, row)
    return packed.getvalue()


SAMPLES: dict[str, bytes] = {
    "sf": workbook([SF, *SF_ROWS, ["合计", "", "", "", "", "", 2.5, "", "", 41, "", 38.7]], title="顺丰速运月结账单 账单周期：2025年12月01日-2025年12月31日"),
    "zto": "\r\n".join([
        "扫描时间,运单号,目的地,目的地市,结算重量,运费", "2026-03-01 20:11:12,\t78900000000001,广东省,深圳市,0.8,3.20",
        "2026/3/2 20:11,78900000000002,新疆,乌鲁木齐,2.35,21.15", "合计,2,,,3.15,24.35", "",
    ]).encode("gb18030"),
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_sf_takes_the_year_from_the_title(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["sf"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("sf_bill", 2, 2)
    rows = found.table("freight_charges").to_pylist()
    assert [(r["tracking_number"], r["weight"], r["amount"], r["period"].isoformat()) for r in rows] == [
        ("SF1300000000001", Decimal("1.5"), Decimal("20.7"), "2025-12-31"), ("SF1300000000002", Decimal(1), Decimal(18), "2025-12-31")]
    assert rows[0]["carrier"] == "SF" and rows[0]["zone"] == "北京"


def test_sf_without_a_year_is_quarantined(tmp_path: Path) -> None:
    found = read(tmp_path, workbook([SF, *SF_ROWS], title="账单明细"))
    assert (found.rows_parsed, found.rows_quarantined) == (0, 2)
    assert found.quarantine().to_pylist()[0]["column_name"] == "日期"


def test_sf_with_days_as_dates(tmp_path: Path) -> None:
    rows = [[row[0], dt.date(2025, 12, 30), *row[2:]] for row in SF_ROWS]
    found = read(tmp_path, workbook([SF, *rows], title="月结账单 2025年12月"))
    assert {r["period"] for r in found.table("freight_charges").to_pylist()} == {dt.date(2025, 12, 30)}


def test_zto(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["zto"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("zto_bill", 2, 2)
    rows = found.table("freight_charges").to_pylist()
    assert [(r["carrier"], r["tracking_number"], r["zone"], r["weight"], r["amount"]) for r in rows] == [
        ("ZTO", "78900000000001", "广东省", Decimal("0.8"), Decimal("3.2")), ("ZTO", "78900000000002", "新疆", Decimal("2.35"), Decimal("21.15"))]
    broken = read(tmp_path, SAMPLES["zto"].replace(b"3.20", b"3.2O"))
    assert (broken.rows_parsed, broken.rows_quarantined) == (1, 1)


@pytest.mark.parametrize(("above", "number", "carrier"), [
    ("", "YT8800000000001", "YTO"), ("", "JT3000000000001", "JT"), ("", "JDX000000000001", "JD"), ("", "773000000000001", "STO"),
    ("", "4300000000001", "YUNDA"), ("", "78900000000001", "ZTO"), ("圆通速递对账单 2026年3月\n", "78900000000001", "YTO"), ("韵达快递\n", "123", "YUNDA")])
def test_a_branchs_bill_is_the_carriers_that_it_names_else_that_of_its_numbers(tmp_path: Path, above: str, number: str, carrier: str) -> None:
    """Fails if the bill of one express company is held against the rate card of another."""
    found = read(tmp_path, f"{above}扫描时间,运单号,目的地,结算重量,运费\n2026-03-01 20:11:12,{number},广东省,0.8,3.20\n".encode())
    assert [row["carrier"] for row in found.table("freight_charges").to_pylist()] == [carrier]
    assert all(total.ok for total in found.totals)


def test_a_parcel_of_no_known_carrier_holds_the_bill(tmp_path: Path) -> None:
    """Fails if a carrier is guessed."""
    found = read(tmp_path, "快递公司,扫描时间,运单号,目的地,结算重量,运费\n,2026-03-01,12345,广东省,0.8,3.20\n中通快递,2026-03-01,12346,广东省,0.8,3.20\n".encode())
    assert [row["carrier"] for row in found.table("freight_charges").to_pylist()] == ["", "ZTO"]
    assert [(total.computed, total.ok) for total in found.totals] == [("1", False)]
