"""PDD account details and orders, in their true layouts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

ORDER = (
    "商品,订单号,订单状态,商品总价(元),邮费(元),店铺优惠折扣(元),平台优惠折扣(元),多多支付立减金额(元),用户实付金额(元),商家实收金额(元),"
    "商品数量(件),支付时间,发货时间,确认收货时间,商品id,商品规格,样式ID,商家编码-规格维度,商家编码-商品维度,商家备注,售后状态,快递单号,快递公司,支付ID"
)
SAMPLES: dict[str, bytes] = {
    "pdd_fund": (
        "拼多多店铺账务明细查询\r\n\r\n起始时间：2026-06-30 00:00:00 终止时间：2026-06-30 23:59:59\r\n"
        "----------交易记录明细列表---------\r\n"
        "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述\r\n"
        "260620-1\t,2026-06-30 23:30:43,61.80,0,交易收入,-,0010002|交易收入-订单收入\r\n"
        "260620-1\t,2026-06-30 23:30:43,0,-0.37,技术服务费,-,0030002|技术服务费-基础技术服务费\r\n"
        "260620-2\t,2026-06-30 23:31:00,0,-27.50,交易退款,-,0020002|交易退款-订单退款\r\n"
        "260620-2\t,2026-06-30 23:31:00,0.00,0.00,技术服务费,基础技术服务费返还,0030002|技术服务费-基础技术服务费\r\n"
        "260620-3\t,2026-06-30 23:40:00,0,-8.14,其他支出,-,0140028|其他支出-合作费追回\r\n"
        "260620-3\t,2026-06-30 23:40:00,0,-8.14,其他支出,-,0140028|其他支出-合作费追回\r\n"
        "\t,2026-06-30 23:50:00,0,-17.00,转账,-,0050001|转账-转入广告账户\r\n"
        "\t,2026-06-30 23:55:00,0,-10.00,提现,-,0040001|提现-店铺提现\r\n"
        "----------交易记录明细列表结束---------\r\n"
        "#支出合计：6笔，共-71.15元\r\n#收入合计：2笔，共61.80元\r\n#导出时间：[2026年07月01日 09:00:00]\r\n"
    ).encode("gb18030"),
    "pdd_orders": "\r\n".join([
        ORDER,
        "杯,260620-1\t,已收货,60.00,5.00,3.20,2.00,0.50,59.30,61.80,1,2026-06-20 10:00:00,2026-06-21 10:00:00,,754\t,白,91,CUP-1,CUP,,无售后,SF1\t,顺丰,P1",
        "杯,260620-2\t,已发货，退款成功,30.00,0,2.50,0,0,27.50,27.50,1,2026-06-20 11:00:00,2026-06-21 10:00:00,,754\t,白,91,CUP-1,CUP,,退款成功,SF2\t,顺丰,P2",
        "杯,260620-9\t,待发货,30.00,0,0,0,0,30.00,30.00,2,2026-06-20 12:00:00,,,754\t,白,91,CUP-1,CUP,,无售后,,,P9", "",
    ]).encode("utf-8-sig"),
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.csv"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.csv", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_account_details_tie_with_a_zero_amount_among_them(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["pdd_fund"])
    assert (found.spec.name, found.encoding, found.rows_read, found.rows_parsed) == ("pdd_fund", "gb18030", 8, 8)
    assert [(t.name, t.stated, t.ok) for t in found.totals] == [("收支笔数", "8", True), ("支出金额", "-71.15", True), ("收入金额", "61.80", True)]
    rows = found.table("settlements").to_pylist()
    assert [r["kind"] for r in rows] == ["sale", "commission", "refund", "commission", "adjustment", "adjustment", "transfer", "payout"]
    assert sum(r["amount"] for r in rows) == Decimal("-9.35") and rows[0]["order_id"] == "260620-1"
    assert rows[4]["entry_id"] == rows[5]["entry_id"]
    assert [(r["order_id"], r["amount"]) for r in found.table("refunds").to_pylist()] == [("260620-2", Decimal("27.5"))]
    assert [r["amount"] for r in found.table("payouts").to_pylist()] == [Decimal(10)]
    assert [day.isoformat() for day in found.coverage or ()] == ["2026-06-30", "2026-06-30"]


def test_a_month_includes_its_last_day(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["pdd_fund"].replace(b"2026-06-30 00:00:00", b"2026-06-01 00:00:00", 1))
    assert [day.isoformat() for day in found.coverage or ()] == ["2026-06-01", "2026-06-30"]


def test_a_cent_or_a_line_too_few_shows(tmp_path: Path) -> None:
    cent = read(tmp_path, SAMPLES["pdd_fund"].replace(b"-27.50", b"-27.51"))
    assert [t.ok for t in cent.totals] == [True, False, True]
    lines = SAMPLES["pdd_fund"].split(b"\r\n")
    short = read(tmp_path, b"\r\n".join(lines[:5] + lines[6:]))
    assert [t.ok for t in short.totals] == [False, True, False]


def test_orders_give_lines_freight_and_payments(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["pdd_orders"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("pdd_orders", 3, 3)
    rows = found.table("orders").to_pylist()
    assert {(r["order_id"], r["line_id"], r["amount"], r["status"]) for r in rows} == {
        ("260620-1", "CUP-1", Decimal("56.8"), "completed"), ("260620-1", "freight", Decimal(5), "completed"),
        ("260620-2", "CUP-1", Decimal("27.5"), "closed"), ("260620-9", "CUP-1", Decimal(30), "paid")}
    assert rows[0]["platform_discount"] == Decimal("2.5") and rows[0]["shop_discount"] == Decimal("3.2")
    assert [(r["order_id"], r["amount"]) for r in found.table("payments").to_pylist()] == [
        ("260620-1", Decimal("61.8")), ("260620-2", Decimal("27.5")), ("260620-9", Decimal(30))]
