"""JD settlement details (22 and 18 columns) and order details, in their true layouts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

BILL_22 = (
    "订单编号,父单号,订单状态,订单下单时间,订单完成时间,售后服务单号,售后退款时间,商品编号,商品名称,商品数量,扣点类型,佣金比例,费用名称,"
    "应结金额,币种,收支方向,结算状态,预计结算时间,账单生成时间,到账时间,商户订单号,资金动账备注"
)
BILL_18 = (
    "订单编号,父单号,订单状态,订单下单时间,订单完成时间,商品编号,商品名称,商品单价,商品数量,结算时间,商户订单号,资金动账备注,"
    "费用名称,费用分类,应结金额,结算单类型,结算单号,结算主体"
)
ORDERS = "订单号,商品ID,商品名称,订购数量,商家应收,订单状态,商家SKUID,下单时间,付款确认时间"


def _bill(order: str, fee: str, amount: str, side: str, service: str = "", state: str = "已结算") -> str:
    return (f"'{order},,完成,2026-03-01 14:41:34,2026-03-05 09:00:00,{service},,10001,杯,1,基础扣点,0.05,{fee},{amount},CNY,{side},{state},"
            f"2026-03-08 17:11:38,20260308,2026-03-09 12:08:53,'20260309000001,")


SAMPLES: dict[str, bytes] = {
    "jd_settlement_22": "\r\n".join([
        "结算明细" + "," * 21, BILL_22, _bill("3525001", "货款", "36.80", "收入"), _bill("3525001", "佣金", "-1.84", "支出"),
        _bill("3525001", "运费保险服务费", "-0.86", "支出"), _bill("3525002", "货款", "-13.80", "支出", "9001"),
        _bill("", "售后卖家赔付费", "-2.00", "支出"), _bill("3525003", "货款", "5.00", "收入", state="未结算"), "",
    ]).encode("gb18030"),
    "jd_settlement_18": "\r\n".join([
        BILL_18,
        "3525001,,已完成,2026-08-10 14:41:34,2026-08-12 09:00:00,-,杯,20.80,1,2026-08-30 12:20:57,20260830001,8月结算款,货款,收入,36.80,,J1,甲",
        "3525001,,已完成,2026-08-10 14:41:34,2026-08-12 09:00:00,-,杯,20.80,1,2026-08-30 12:20:57,20260830001,8月结算款,佣金,支出,-1.84,,J1,甲",
        "3525002,,已完成,2026-08-10 14:41:34,2026-08-12 09:00:00,-,杯,20.80,1,2026-08-30 12:20:57,20260830001,8月结算款,货款,支出,-6.00,,J1,甲",
        "",
    ]).encode(),
    "jd_orders": "\r\n".join([
        ORDERS, "3525001,10001,杯,1,36.80,完成,SKU1,2026-03-01 14:41:34,2026-03-01 14:42:00",
        "3525009,10001,杯,2,73.60,等待付款,SKU1,2026-03-01 15:00:00,", "",
    ]).encode("gb18030"),
}


def read(folder: Path, name: str) -> Extraction:
    path = folder / "any.csv"
    path.write_bytes(SAMPLES[name])
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.csv", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_settlement_of_22_columns_below_a_merged_title(tmp_path: Path) -> None:
    found = read(tmp_path, "jd_settlement_22")
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("jd_settlement", 6, 5, 1)
    rows = found.table("settlements").to_pylist()
    assert [(r["kind"], r["amount"]) for r in rows] == [
        ("sale", Decimal("36.8")), ("commission", Decimal("-1.84")), ("freight", Decimal("-0.86")), ("refund", Decimal("-13.8")),
        ("adjustment", Decimal(-2)),
    ]
    assert {r["payout_id"] for r in rows} == {"20260309000001"} and rows[0]["order_id"] == "3525001"
    assert rows[0]["period"].isoformat() == "2026-03-08"
    [refund] = found.table("refunds").to_pylist()
    assert (refund["refund_id"], refund["amount"]) == ("9001", Decimal("13.8"))


def test_settlement_of_18_columns(tmp_path: Path) -> None:
    found = read(tmp_path, "jd_settlement_18")
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("jd_settlement", 3, 3)
    rows = found.table("settlements").to_pylist()
    assert [(r["kind"], r["amount"], r["currency"]) for r in rows] == [
        ("sale", Decimal("36.8"), "CNY"), ("commission", Decimal("-1.84"), "CNY"), ("refund", Decimal(-6), "CNY")]
    assert rows[0]["occurred_at"].isoformat() == "2026-08-30T04:20:57" and rows[0]["payout_id"] == "20260830001"
    assert found.table("refunds").num_rows == 1


def test_a_paid_order_is_also_a_payment(tmp_path: Path) -> None:
    found = read(tmp_path, "jd_orders")
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("jd_orders", 2, 2)
    assert [(r["line_id"], r["amount"], r["status"]) for r in found.table("orders").to_pylist()] == [
        ("SKU1", Decimal("36.8"), "completed"), ("SKU1", Decimal("73.6"), "unpaid")]
    [payment] = found.table("payments").to_pylist()
    assert (payment["transaction_id"], payment["amount"]) == ("3525001", Decimal("36.8"))
