"""Taobao and Tmall exports: order, line (old and new columns) and refund, in their true layouts."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

_ORDER_2016 = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,"
    "订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,"
    "物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,"
    "定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易"
)
ORDER_2016 = _ORDER_2016.split(",")
_ORDER_2020 = (
    "订单编号,买家会员名,买家支付宝账号,支付单号,支付详情,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,"
    "买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,"
    "物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,"
    "特权订金订单id,是否上传合同照片,是否上传小票,是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,"
    "是否是O2O交易,新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,新零售发货门店id,退款金额,预约门店,确认收货时间,"
    "打款商家金额,含应开票给个人的个人红包,是否信用购,体验期结束时间,前N有礼,配送类型,主订单编号"
)
ORDER_2020 = _ORDER_2020.split(",")
_LINE_OLD = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
LINE_OLD = _LINE_OLD.split(",")
_LINE_NEW = (
    "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,支付单号,买家应付货款,"
    "买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间 "
)
LINE_NEW = _LINE_NEW.split(",")
_REFUND = (
    "订单编号,退款编号,支付宝交易号,订单付款时间,商品id,商家编码,宝贝标题,退款申请时间,退款完结时间,退款状态,退款总额,"
    "退给买家金额,退给平台金额,售后类型,货物状态,买家退款原因"
)
REFUND = _REFUND.split(",")
ORDERS = [
    {"订单编号": '="1930679858170647"', "买家会员名": "小明", "买家应付货款": "40.00", "买家应付邮费": "6.00", "总金额": "46.00",
     "买家实际支付金额": "46.00", "订单状态": "卖家已发货，等待买家确认", "联系手机": "'18600000000", "订单创建时间": "2016/5/23 22:02",
     "订单付款时间 ": "2016/5/23 22:04", "打款商家金额": "12.30元"},
    {"订单编号": "'1930679858170648", "买家会员名": "小红", "买家应付货款": "9.90", "买家应付邮费": "0.00", "总金额": "9.90",
     "买家实际支付金额": "0.00", "订单状态": "等待买家付款", "订单创建时间": "2016-05-24 08:00:01", "订单付款时间 ": ""},
]
LINES = [
    {"子订单编号": '="3301"', "主订单编号": '="3300"', "标题": "杯,大", "价格": "25.00", "购买数量": "2", "订单状态": "交易成功", "商家编码": "CUP-1",
     "买家应付货款": "46.00", "买家实际支付金额": "43.00", "订单创建时间": "2026-03-01 10:00:00", "订单付款时间 ": "2026-03-02 00:00:05"},
    {"子订单编号": '="3302"', "主订单编号": '="3300"', "标题": "盖", "价格": "5.00", "购买数量": "1", "订单状态": "等待买家付款", "商家编码": "LID",
     "买家应付货款": "5.00", "买家实际支付金额": "0.00", "订单创建时间": "2026-03-01 10:00:00", "订单付款时间 ": ""},
]
OLD = [{"订单编号": '="1930679858170647"', "标题": "杯", "价格": "20.00", "购买数量": "2", "商品属性": "颜色：白", "订单状态": "交易成功",
        "商家编码": "CUP-1"}]
REFUNDS = [
    {"订单编号": '="3300"', "退款编号": '="88001"', "商家编码": "CUP-1", "宝贝标题": "杯", "退款申请时间": "2026-03-03 09:00:00",
     "退款完结时间": "2026-03-04 09:00:00", "退款状态": "退款成功", "退款总额": "23.00", "退给买家金额": "21.50", "退给平台金额": "1.50"},
    {"订单编号": '="3300"', "退款编号": '="88002"', "商家编码": "LID", "宝贝标题": "盖", "退款申请时间": "2026-03-03 09:00:00",
     "退款完结时间": "", "退款状态": "退款关闭", "退款总额": "5.00", "退给买家金额": "5.00", "退给平台金额": "0.00"},
]


def gbk(header: list[str], rows: list[dict[str, str]]) -> bytes:
    def cell(text: str) -> str:
        return f'"{text}"' if "," in text else text

    return "".join(",".join(cell(row.get(name, "")) for name in header) + "\r\n" for row in [dict(zip(header, header, strict=True)), *rows]).encode("gb18030")


def workbook(header: list[str], rows: list[dict[str, str]]) -> bytes:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([dict(zip(header, header, strict=True)), *rows]):
            for column, name in enumerate(header):
                sheet.write_string(number, column, row.get(name, ""))
    return packed.getvalue()


SAMPLES: dict[str, bytes] = {
    "taobao_orders_2016": gbk(ORDER_2016, ORDERS), "taobao_orders_2020": gbk(ORDER_2020, ORDERS),
    "taobao_order_lines": gbk(LINE_NEW, LINES), "taobao_order_lines_old": gbk(LINE_OLD, OLD), "taobao_refunds": gbk(REFUND, REFUNDS),
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.csv"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.csv", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("body", [SAMPLES["taobao_orders_2016"], SAMPLES["taobao_orders_2020"], workbook(ORDER_2016, ORDERS)])
def test_orders_of_both_layouts_and_a_workbook_under_a_csv_name(tmp_path: Path, body: bytes) -> None:
    assert (len(ORDER_2016), len(ORDER_2020)) == (41, 61)
    found = read(tmp_path, body)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("taobao_orders", 2, 1, 1)
    [row] = found.table("orders").to_pylist()
    assert (row["order_id"], row["line_id"], row["amount"], row["status"]) == ("1930679858170647", "freight", Decimal(6), "shipped")
    assert row["paid_at"].isoformat() == "2016-05-23T14:04:00" and row["period"].isoformat() == "2016-05-23"
    assert "小明" not in str(row)


def test_lines_with_what_the_platform_bears(tmp_path: Path) -> None:
    assert (len(LINE_OLD), len(LINE_NEW)) == (10, 18)
    found = read(tmp_path, SAMPLES["taobao_order_lines"])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("taobao_order_lines", 2, 2)
    paid, unpaid = found.table("orders").to_pylist()
    assert (paid["line_id"], paid["order_id"], paid["product"]) == ("3301", "3300", "杯,大")
    assert [paid[n] for n in ("quantity", "amount", "shop_discount", "platform_discount")] == [Decimal(n) for n in (2, 46, 4, 3)]
    assert paid["period"].isoformat() == "2026-03-02"
    assert (unpaid["status"], unpaid["paid_at"], unpaid["period"].isoformat()) == ("unpaid", None, "2026-03-01")


def test_the_old_line_export_has_neither_amount_nor_day(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["taobao_order_lines_old"])
    assert (found.spec.name, found.rows_parsed) == ("taobao_order_lines", 1)
    [row] = found.table("orders").to_pylist()
    assert (row["order_id"], row["sku"], row["amount"], row["period"]) == ("1930679858170647", "CUP-1", Decimal(40), None)


def test_only_refunds_that_succeeded_count(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["taobao_refunds"])
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("taobao_refunds", 2, 1, 1)
    [row] = found.table("refunds").to_pylist()
    assert (row["refund_id"], row["order_id"], row["amount"], row["period"].isoformat()) == ("88001", "3300", Decimal(23), "2026-03-04")


def test_an_order_number_that_a_spreadsheet_spoilt_is_quarantined(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["taobao_refunds"].replace(b'="88001"', b"8.8001E+17"))
    assert (found.rows_parsed, found.rows_quarantined) == (0, 1)
    assert "export again" in found.quarantine().to_pylist()[0]["reason"]
