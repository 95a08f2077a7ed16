"""The company's own files (CSV and workbook), warehouse stock, and the ledgers of Kingdee and Yonyou."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

_K3 = (
    "凭证日期,会计年度,会计期间,凭证字,凭证号,科目代码,科目名称,币别代码,币别名称,原币金额,借方,贷方,制单,审核,核准,出纳,经办,结算方式,结算号,凭证摘要,"
    "数量,数量单位,单价,参考信息,业务日期,往来业务编号,附件数,序号,系统模块,业务描述,汇率类型,汇率,分录序号,核算项目,过账,机制凭证,现金流量"
)
K3 = _K3.split(",")


def _k3(number: str, account: str, name: str, debit: str, credit: str) -> str:
    cells = {"凭证日期": "2026-03-31", "会计年度": "2026", "会计期间": "3", "凭证字": "记", "凭证号": "12", "科目代码": account, "科目名称": name,
             "币别代码": "RMB", "币别名称": "人民币", "原币金额": debit or credit, "借方": debit, "贷方": credit, "凭证摘要": "确认收入", "分录序号": number}
    return ",".join(cells.get(column, "") for column in K3)


SAMPLES: dict[str, bytes] = {
    "kis": "\r\n".join([
        "日期,凭证字,凭证号,摘要,科目编码,科目名称,借方,贷方", "2026-03-31,记,12,确认收入,1122,应收账款,113.00,", "2026-03-31,记,12,确认收入,6001,收入,,100.00",
        "2026-03-31,记,12,税,2221,应交税费,,13.00", "",
    ]).encode("utf-8-sig"),
    "kis_export": "\r\n".join([
        "日期,凭证字,凭证号,附件数,摘要,科目代码,科目名称,核算项目,借方金额,贷方金额", '2026/3/31,记,12,1,确认收入,1122,应收账款,客户甲,"1,113.00",0',
        '2026/3/31,记,12,1,确认收入,6001,收入,,0,"1,113.00"', '合计,,,,,,,,"1,113.00","1,113.00"', "",
    ]).encode("gb18030"),
    "k3": "\r\n".join([",".join(K3), _k3("0", "1122", "应收账款", "113.00", ""), _k3("1", "6001", "收入", "", "113.00"), ""]).encode("utf-8-sig"),
    "yonyou": "\r\n".join([
        "凭证日期,凭证号,附单据数,摘要,科目编码,辅助项,借方金额,贷方金额", "2026-03-31,记-0012,1,收款,1002,,50.00,", "2026-03-31,记-0012,1,收款,1122,客户甲,,50.00", "",
    ]).encode("utf-8-sig"),
    "daybook": "\r\n".join([
        "科目名称,日期,凭证字,凭证号,对方科目,摘要,借方金额,贷方金额", "银行存款,2026-03-31,记,12,应收账款,收款,50.00,", "应收账款,2026-03-31,记,12,银行存款,收款,,50.00", "",
    ]).encode("utf-8-sig"),
    "orders": (
        b"order_id,line_id,shop,sku,quantity,unit_price,amount,currency,status,ordered_at,paid_at,customer\n"
        b"0012,1,s2,CUP,2,10.00,19.00,CNY,paid,2026-03-01 10:00:00,2026-03-01 10:00:05,bob\n"
        b"0013,1,s2,CUP,1,10.00,10.00,CNY,unpaid,2026-03-01 10:00:00,,bob\n"
    ),
    "refunds": b"refund_id,shop,order_id,amount,currency,refunded_at\nR1,s2,0012,9.50,CNY,2026-03-02 10:00:00\n",
    "skus": "sku,product,category,cost,price,currency,weight,as_of\nCUP,杯,瓷,4.20,10.00,CNY,0.35,2026-03-01\n".encode(),
    "costs": b"sku,cost,currency,as_of\nCUP,4.20,CNY,2026-03-01\n",
    "stock": b"warehouse,sku,quantity,as_of\nWH-1,CUP,40,2026-03-01 23:59:00\n",
    "count": b"warehouse,sku,counted,counted_at\nWH-1,CUP,39,2026-03-01 23:30:00\n",
    "shop_stock": b"shop,sku,available,as_of\ns2,CUP,40,2026-03-01 23:59:00\n",
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def workbook(body: bytes) -> bytes:
    """The same table as a workbook, with numbers and dates as a spreadsheet holds them."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"in_memory": True}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for number, line in enumerate(body.decode().splitlines()):
            for column, text in enumerate(line.split(",")):
                if text[:3] == "202" and number:
                    sheet.write_datetime(number, column, dt.datetime.fromisoformat(text), day)
                elif text[:1].isdigit() and not text.startswith("00"):
                    sheet.write_number(number, column, float(text))
                else:
                    sheet.write_string(number, column, text)
    return packed.getvalue()


@pytest.mark.parametrize(("name", "source", "lines"), [
    ("kis", "kingdee_journal", [("记-12", "1122", "113"), ("记-12", "6001", "-100"), ("记-12", "2221", "-13")]),
    ("kis_export", "kingdee_journal", [("记-12", "1122", "1113"), ("记-12", "6001", "-1113")]),
    ("k3", "kingdee_k3", [("记-12", "1122", "113"), ("记-12", "6001", "-113")]),
    ("yonyou", "yonyou_journal", [("记-0012", "1002", "50"), ("记-0012", "1122", "-50")]),
    ("daybook", "yonyou_daybook", [("记-12", "银行存款", "50"), ("记-12", "应收账款", "-50")]),
])
def test_journals_balance_until_a_cent_or_a_line_is_lost(
    tmp_path: Path, name: str, source: str, lines: list[tuple[str, str, str]]
) -> None:
    assert len(K3) == 37
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_read, found.rows_parsed, [t.ok for t in found.totals]) == (source, len(lines), len(lines), [True] * (3 if name == "kis_export" else 1))
    rows = found.table("journal_lines").to_pylist()
    assert [(r["voucher"], r["account"], r["amount"]) for r in rows] == [(v, a, Decimal(n)) for v, a, n in lines]
    assert all(r["period"].isoformat() == "2026-03-31" and r["amount"] == r["debit"] - r["credit"] for r in rows)
    raw = SAMPLES[name].split(b"\r\n")
    assert not read(tmp_path, b"\r\n".join(raw[:1] + raw[2:])).totals[0].ok
    assert not read(tmp_path, b"\r\n".join([raw[0], raw[1].replace(b"3.00", b"3.01").replace(b"0.00", b"0.01"), *raw[2:]])).totals[0].ok


@pytest.mark.parametrize("as_workbook", [False, True])
@pytest.mark.parametrize(("name", "source", "table", "facts"), [
    ("orders", "books_orders", "orders", {"origin": "books", "shop": "s2", "order_id": "0012", "quantity": Decimal(2), "amount": Decimal(19)}),
    ("refunds", "books_refunds", "refunds", {"origin": "books", "shop": "s2", "order_id": "0012", "amount": Decimal("9.5")}),
    ("skus", "books_skus", "skus", {"sku": "CUP", "cost": Decimal("4.2"), "price": Decimal(10), "weight": Decimal("0.35")}),
    ("costs", "books_skus", "skus", {"sku": "CUP", "cost": Decimal("4.2"), "price": None, "product": ""}),
    ("stock", "wms_snapshot", "stock_snapshots", {"origin": "warehouse", "warehouse": "WH-1", "quantity": Decimal(40)}),
    ("count", "wms_count", "stock_counts", {"warehouse": "WH-1", "quantity": Decimal(39)}),
    ("shop_stock", "shop_stock", "stock_snapshots", {"origin": "platform", "shop": "s2", "quantity": Decimal(40)}),
])
def test_own_files_as_text_and_as_workbooks(
    tmp_path: Path, name: str, source: str, table: str, facts: dict[str, object], *, as_workbook: bool
) -> None:
    found = read(tmp_path, workbook(SAMPLES[name]) if as_workbook else SAMPLES[name])
    assert (found.spec.name, found.rows_parsed) == (source, found.rows_read), found.quarantine().to_pylist()
    row = found.table(table).to_pylist()[0]
    assert {key: row[key] for key in facts} == facts and "bob" not in str(row)
    assert row["period"].isoformat()[:7] == "2026-03"
