"""Douyin's three ledgers and its orders, in their true layouts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

SAMPLES: dict[str, bytes] = {
    "douyin_settlement": (
        "\ufeff动账时间,动帐流水号,动账方向,动账金额,动账账户,动账场景,计费类型,子订单号,订单号,订单实付应结,运费实付,实际平台补贴,订单退款,平台服务费,佣金,"
        "招商服务费,站外推广费,备注\n"
        "2026-09-10 08:00:00,'S1,入账,48.50,聚合账户,货款结算入账,巨量千川,'6901,'6900,40,0,10,0,-1.50,0,0,0,订单结算\n"
        "2026-09-10 08:00:00,'S2,入账,21.00,聚合账户,货款结算入账,精选联盟,'6902,'6902,30,0,0,-5,-1.00,-2.00,-0.50,-0.50,订单结算\n"
        "2026-09-11 09:00:00,'S3,入账,-1.20,聚合账户,货款结算入账,小店自卖,'6903,'6903,0,0,0,0,-1.20,0,0,0,订单结算\n"
        "2026-09-12 10:00:00,'X1,出账,5.00,聚合账户,退换货运费险,,,,0,0,0,0,0,0,0,0,保费扣除\n"
        "2026-09-12 11:00:00,'X2,出账,-50.00,聚合账户,退款-结算后退款-退用户,,'6901,'6900,0,0,0,0,0,0,0,0,退款\n"
    ).encode(),
    "douyin_account": (
        "\ufeff动账流水号,关联订单号,关联子订单号,动账时间,账户方向,动账金额(元),动账场景,账户余额(元),备注\n"
        "S2,`6902,`6902,2026-09-10 08:00:00,收入,21.00,货款结算入账,179.00,商家货款入账\n"
        "S1,`6900,`6901,2026-09-10 08:00:00,收入,48.50,货款结算入账,158.00,商家货款入账\n"
        "X1,,,2026-09-12 10:00:00,支出,-5.00,退换货运费险,174.00,保费扣除\n"
        "W1,,,2026-09-12 20:00:00,支出,-100.00,提现,74.00,提现\n"
    ).encode(),
    "douyin_statement": (
        "\ufeff结算时间,订单号,子订单号,结算金额,结算账户,结算单类型,有结算前退款,下单时间,收入合计,支出合计,平台服务费,达人佣金\n"
        " , , ,收入+支出, , , , , , , , \n"
        "2026-07-01 05:59:20,'6900,'6901,97.02,聚合账户,已结算,否,2026-06-24 10:51:58,109.00,11.98,5.45,6.53\n"
        "2026-07-01 06:00:00,'6902,'6902,18.00,聚合账户,已结算,否,2026-06-24 10:51:58,20.00,-2.00,-1.50,0\n"
        "2026-07-20 18:34:00,'6900,'6901,-8,聚合账户,结算后退款-非原路退回,否,2026-06-24 10:51:58,0,8,0,0\n"
    ).encode(),
    "douyin_orders": (
        "\ufeff主订单编号,子订单编号,选购商品,商品规格,商品数量,商家编码,订单应付金额,运费,收件人,收件人手机号,详细地址,订单提交时间,商家备注,订单完成时间,"
        "订单状态,售后状态,取消原因,发货时间,平台实际承担优惠金额,商家实际承担优惠金额,达人实际承担优惠金额\n"
        '"\t6900","\t6901","\t杯,大","\t1个",1,"\tCUP-1",28.90,3.00,##密文,$$密文,##密文,2026-09-22 00:54:10,-,2026-09-24 13:18:29,已完成,退款成功,,'
        "2026-09-22 08:53:45,21.00,25.00,0.00\n"
        '"\t6902","\t6902;6903","\t杯","\t1个",2,"\tCUP-1",20.00,0.00,##密文,$$密文,##密文,2026-09-25 10:00:00,-,-,待发货,-,,-,5.00,0.00,8.00\n'
        '"\t6904","\t6904","\t盖","\t默认",1,"\tLID",9.00,0.00,##密文,$$密文,##密文,2026-09-25 10:00:00,-,-,已关闭,-,未付款,-,0.00,0.00,0.00\n'
    ).encode(),
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.csv"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.csv", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_every_movement_is_the_sum_of_its_rows(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["douyin_settlement"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("douyin_settlement", 5, 5)
    assert [t.ok for t in found.totals] == [True]
    rows = found.table("settlements").to_pylist()
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["entry_id"]] = sums.get(row["entry_id"], Decimal(0)) + row["amount"]
    assert sums == {"S1": Decimal("48.5"), "S2": Decimal(21), "S3": Decimal("-1.2"), "X1": Decimal(-5), "X2": Decimal(-50)}
    assert sorted((r["kind"], r["fee_type"], r["amount"]) for r in rows if r["entry_id"] == "S2") == [
        ("commission", "佣金", Decimal(-2)), ("commission", "平台服务费", Decimal(-1)), ("commission", "招商服务费", Decimal("-0.5")),
        ("commission", "站外推广费", Decimal("-0.5")), ("refund", "", Decimal(-5)), ("sale", "", Decimal(30))]
    assert {(r["transaction_id"], r["order_id"]) for r in rows if r["entry_id"] == "S1"} == {("6901", "6900")}
    assert [(r["refund_id"], r["amount"]) for r in found.table("refunds").to_pylist()] == [("S2", Decimal(5)), ("X2", Decimal(50))]


def test_a_part_that_does_not_add_up_shows_and_loses_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["douyin_settlement"].replace(b"48.50", b"48.51"))
    assert [(t.computed, t.ok) for t in found.totals] == [("0.01", False)]
    rows = [r for r in found.table("settlements").to_pylist() if r["entry_id"] == "S1"]
    assert sum(r["amount"] for r in rows) == Decimal("48.51") and ("other", Decimal("0.01")) in [(r["kind"], r["amount"]) for r in rows]


def test_the_account_ledger_counts_nothing_twice(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["douyin_account"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("douyin_account", 4, 4)
    rows = found.table("settlements").to_pylist()
    assert [(r["entry_id"], r["kind"], r["amount"]) for r in rows] == [
        ("S2", "transfer", Decimal(21)), ("S1", "transfer", Decimal("48.5")), ("X1", "transfer", Decimal(-5)), ("W1", "payout", Decimal(-100))]
    assert (rows[1]["transaction_id"], rows[1]["order_id"], rows[1]["balance"]) == ("6901", "6900", Decimal(158))
    assert [(r["payout_id"], r["amount"]) for r in found.table("payouts").to_pylist()] == [("W1", Decimal(100))]


def test_the_statement_with_expenses_of_either_sign(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["douyin_statement"])
    assert (found.spec.name, found.rows_read, found.rows_parsed, [t.ok for t in found.totals]) == ("douyin_statement", 3, 3, [True])
    rows = found.table("settlements").to_pylist()
    assert sorted((r["line"], r["kind"], r["amount"]) for r in rows) == [
        (3, "commission", Decimal("-6.53")), (3, "commission", Decimal("-5.45")), (3, "sale", Decimal(109)),
        (4, "commission", Decimal("-1.5")), (4, "other", Decimal("-0.5")), (4, "sale", Decimal(20)), (5, "refund", Decimal(-8))]
    assert [r["amount"] for r in found.table("refunds").to_pylist()] == [Decimal(8)]
    assert not read(tmp_path, SAMPLES["douyin_statement"].replace(b"97.02", b"97.03")).totals[0].ok


def test_orders_with_subsidies_freight_and_dashes(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["douyin_orders"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("douyin_orders", 3, 3)
    rows = found.table("orders").to_pylist()
    assert {(r["order_id"], r["line_id"], r["amount"], r["status"]) for r in rows} == {
        ("6900", "6901", Decimal("46.9"), "completed"), ("6900", "freight", Decimal(3), "completed"),
        ("6902", "6902;6903", Decimal(33), "paid"), ("6904", "6904", Decimal(9), "unpaid")}
    assert rows[0]["sku"] == "CUP-1" and rows[0]["platform_discount"] == Decimal(21) and "密文" not in str(rows)
    assert [(r["transaction_id"], r["amount"]) for r in found.table("payments").to_pylist()] == [
        ("6901", Decimal("49.9")), ("6902;6903", Decimal(33))]
