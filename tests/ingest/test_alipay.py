"""Alipay's merchant and personal bills in their true layouts: ids, signs, links and totals."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

TRADE_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,"
    "集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\n"
)


def bill(kind: str, body: str, trailer: str) -> bytes:
    return (
        f"#支付宝{kind}查询\n#账号：[20880000000001560156]\n"
        "#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]\n"
        f"#----{kind}列表----\n{body}{trailer}"
    ).encode("gb18030")


TRADE = bill(
    "业务明细",
    TRADE_HEADER
    + "2026030122001\t,T200P330278001\t,交易\t,杯,2026-03-01 10:00:00,2026-03-01 10:00:05,\t,\t,\t,\t,a***@example.com\t,"
    "35.80,35.80,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,-0.12,0.00,\n"
    "2026030122002\t,T50060NP9001\t,交易\t,碗,2026-03-01 10:30:00,2026-03-01 10:30:05,\t,\t,\t,\t,b***@example.com\t,"
    "12.00,11.00,0.00,0.00,0.00,1.00,0.00,,0.00\t,0.00,\t,-0.04,0.00,\n"
    "2026030122001\t,T200P330278001\t,退款\t,杯,2026-03-01 11:00:00,2026-03-01 11:00:05,\t,\t,\t,\t,a***@example.com\t,"
    "-5.80,-5.80,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,RB-1\t,0.03,0.00,\n",
    "#----业务明细列表结束----\n#交易合计：2笔，商家实收共46.80元，商家优惠共1.00元\n"
    "#退款合计：1笔，商家实收退款共-5.80元，商家优惠退款共0.00元\n#导出时间：[2026年03月02日 09:00:00]\n",
)
FUND = bill(
    "账务明细",
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\n"
    "1803\t,2026030199\t,\t,提现,2026-03-01 23:00:00,\t,0.00,-30.00,5.68,银行卡,提现\t,\n"
    "1802\t,2026030122001\t,T200P330278001\t,服务费,2026-03-01 10:00:05,\t,0.00,-0.12,35.68,,收费\t,\n"
    "1801\t,2026030122001\t,T200P330278001\t,杯,2026-03-01 10:00:05,a***@example.com\t,35.80,0.00,35.80,,交易付款\t,\n",
    "#----账务明细列表结束----\n#支出合计：2笔，共-30.12元\n#收入合计：1笔，共35.80元\n#导出时间：[2026年03月02日 09:00:00]\n",
)
TMALL_HEADER = "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额(+元),支出金额(-元),账户余额（元）,业务类型,备注,业务描述,业务基础订单号\n"
TMALL = bill(
    "账务明细",
    TMALL_HEADER
    # this export writes its expense without a sign, and hides orders in the remark
    + "1804\t,2026030101\t,CAE_1\t,,2026-03-01 12:00:00,\t,0.00,3.30,50.00,其它\t,代扣返点积分{tradeid:3302780011},0040001|佣金-天猫佣金（类目佣金）,3302780011\t\n"
    "1805\t,2026030102\t,\t,,2026-03-01 12:01:00,\t,0.00,1.20,48.80,其它\t,保险承保-订单号3302780012号,0090001|保险-运费险,\t\n"
    "1806\t,2026030103\t,T200P3302780013\t,杯,2026-03-01 12:02:00,\t,20.00,0.00,68.80,交易付款\t,,0010001|交易收款-交易收款,3302780013\t\n",
    "#----账务明细列表结束----,,,,,,,,,,,,\n#支出合计：2笔，共4.50元,,,,,,,,,,,,\n#收入合计：1笔，共20.00元,,,,,,,,,,,,\n#导出时间：[2026年03月02日 09:00:00],,,,,,,,,,,,\n",
)
EMPTY = bill(
    "账务明细", TMALL_HEADER,
    "#----账务明细列表结束----,,,,,,,,,,,,\n#支出合计：0笔，共0.00元,,,,,,,,,,,,\n#收入合计：0笔，共0.00元,,,,,,,,,,,,\n",
)
FUND_SUMMARY = bill("账务汇总", "类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\n合计,1,35.80,2,-30.12,5.68\n", "#----账务汇总列表结束----\n")
TRADE_SUMMARY = bill(
    "业务汇总",
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）\n"
    "合计\t,\t,2,1,42.00,41.00,0.00,1.00,0.00,-0.13,0.00,40.87\n", "#----业务汇总列表结束----\n",
)
NOTICE = (
    "------------------------------------------------------------------------------------\n导出信息：\n姓名：张*\n支付宝账户：a***@example.com\n"
    "起始时间：[2026-03-01 00:00:00]    终止时间：[2026-03-31 23:59:59]\n导出交易类型：[全部]\n导出时间：[2026-04-01 08:00:00]\n共3笔记录\n"
    "收入：1笔 88.00元\n支出：1笔 28.16元\n不计收支：1笔 500.00元\n\n特别提示：\n"
    + "".join(f"{n}.本明细仅供个人对账使用。\n" for n in range(1, 10))
    + "\n------------------------支付宝（中国）网络技术有限公司  电子客户回单------------------------\n"
)
PERSONAL = (
    NOTICE
    + "交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注,\n"
    "2026-03-03 09:00:00,商业服务  ,李*,l***@example.com,货款,收入,88.00,余额宝,交易成功,2026030300001\t,S-1\t,,\n"
    "2026-03-04 12:30:11,餐饮美食  ,面馆,m***@example.com,午餐,支出,28.16,花呗,交易成功,2026030400002\t,10000000001\t,,\n"
    "2026-03-05 08:00:00,投资理财  ,余额宝,/,转入,不计收支,500.00,余额,交易成功,2026030500003\t,\t,,\n"
).encode("gb18030")

SAMPLES = {
    "alipay_trade.csv": TRADE, "alipay_fund.12.csv": FUND, "alipay_fund.13.csv": TMALL, "alipay_fund.empty.csv": EMPTY,
    "alipay_summary.fund.csv": FUND_SUMMARY, "alipay_summary.trade.csv": TRADE_SUMMARY, "alipay_personal.csv": PERSONAL,
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    (found,) = extract(path, load_specs(), Setting(shop="s"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_layout_is_told_and_ties(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_quarantined) == (name.split(".")[0], 0)
    assert [t for t in found.totals if not t.ok] == []
    assert b"example.com" not in str([found.table(t).to_pylist() for t in found.tables]).encode()


def test_a_trade_bill_without_its_totals_is_read_and_that_is_said_and_one_of_which_some_are_lost_is_held(tmp_path: Path) -> None:
    rows, last = TRADE.split("#----业务明细列表结束".encode("gb18030"))
    found = read(tmp_path, rows)
    assert (found.rows_parsed, [t for t in found.totals if not t.ok]) == (3, [])
    assert found.notes == ["it states none of its totals, so that nothing tells whether it is whole: 交易笔数, 交易商家实收"]
    assert not all(t.ok for t in read(tmp_path, TRADE.replace("#交易合计".encode("gb18030"), b"#")).totals) and last


@pytest.mark.parametrize(("name", "old", "new"), [
    ("alipay_trade.csv", "35.80,35.80", "35.80,35.81"),
    ("alipay_trade.csv", "共-5.80元", "共-5.81元"),
    ("alipay_fund.12.csv", ",35.80,0.00", ",35.81,0.00"),
    ("alipay_fund.13.csv", ",0.00,3.30", ",0.00,3.31"),
    ("alipay_summary.fund.csv", "5.68", "5.69"),
    ("alipay_personal.csv", ",28.16,", ",28.17,"),
])
def test_a_cent_breaks_a_total(tmp_path: Path, name: str, old: str, new: str) -> None:
    body = SAMPLES[name].decode("gb18030")
    assert body.count(old) == 1
    assert not all(t.ok for t in read(tmp_path, body.replace(old, new).encode("gb18030")).totals)


@pytest.mark.parametrize(("name", "start"), [
    ("alipay_trade.csv", "2026030122002"), ("alipay_fund.12.csv", "1802"), ("alipay_personal.csv", "2026-03-04"),
])
def test_a_lost_line_breaks_a_total(tmp_path: Path, name: str, start: str) -> None:
    lines = SAMPLES[name].decode("gb18030").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) == len(lines) - 1
    assert not all(t.ok for t in read(tmp_path, "".join(kept).encode("gb18030")).totals)


def test_trade_signs_and_ids(tmp_path: Path) -> None:
    found = read(tmp_path, TRADE)
    paid = [(r["order_id"], r["amount"], r["fee"], r["line"]) for r in found.table("payments").to_pylist()]
    assert paid == [("330278001", Decimal("35.8"), Decimal("0.12"), 6), ("9001", Decimal(11), Decimal("0.04"), 7)]
    (back,) = found.table("refunds").to_pylist()
    assert (back["transaction_id"], back["refund_id"], back["amount"], back["fee"]) == (
        "2026030122001", "RB-1", Decimal("5.8"), Decimal("-0.03"))
    assert found.captures["account"] == "20880000000001560156"


def test_fund_signs_and_kinds(tmp_path: Path) -> None:
    found = read(tmp_path, FUND)
    rows = [(r["entry_id"], r["kind"], r["order_id"], r["amount"]) for r in found.table("settlements").to_pylist()]
    assert rows == [
        ("1803", "payout", "", Decimal(-30)), ("1802", "fee", "330278001", Decimal("-0.12")), ("1801", "sale", "330278001", Decimal("35.8")),
    ]
    (payout,) = found.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"], payout["currency"]) == ("2026030199", Decimal(30), "CNY")


def test_fund_of_a_shop_finds_the_order_wherever_it_hides(tmp_path: Path) -> None:
    rows = read(tmp_path, TMALL).table("settlements").to_pylist()
    assert [(r["kind"], r["fee_type"], r["order_id"], r["amount"]) for r in rows] == [
        ("commission", "佣金-天猫佣金（类目佣金）", "3302780011", Decimal("-3.3")),
        ("other", "", "3302780012", Decimal("-1.2")),
        ("sale", "", "3302780013", Decimal(20)),
    ]


def test_an_empty_day_is_an_explicit_zero(tmp_path: Path) -> None:
    found = read(tmp_path, EMPTY)
    assert (found.rows_read, [t.stated for t in found.totals]) == (0, ["0", "0.00", "0", "0.00"])


def test_a_zip_with_gbk_names_and_the_summary_first(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in (("业务明细(汇总).csv", TRADE_SUMMARY), ("业务明细.csv", TRADE)):
            archive.writestr(zipfile.ZipInfo(name.encode("gb18030").decode("cp437")), body)
    (tmp_path / "any.zip").write_bytes(packed.getvalue())
    found = extract(tmp_path / "any.zip", load_specs(), Setting(shop="s"), file="any.zip", into=tmp_path / "out")
    by_name = {one.spec.name: one for one in found}
    assert by_name["alipay_trade"].rows_parsed == 3 and all(t.ok for one in found for t in one.totals)


def test_personal_rows_are_signed_and_neutral_ones_ignored(tmp_path: Path) -> None:
    found = read(tmp_path, PERSONAL)
    assert (found.rows_read, found.rows_ignored) == (3, 1)
    rows = [(r["entry_id"], r["order_id"], r["amount"]) for r in found.table("settlements").to_pylist()]
    assert rows == [("2026030300001", "S-1", Decimal(88)), ("2026030400002", "10000000001", Decimal("-28.16"))]
