"""WeChat Pay's merchant and personal bills: every layout of the trade bill, fund bills, refunds with their fee inside."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

HEAD = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
PAID = "`2026-03-01 08:00:00,`wx1,`1900000001,`0,`,`4200001,`W1,`oUSER,`JSAPI,`SUCCESS,`OTHERS,`CNY,"
BACK = "`2026-03-01 09:00:00,`wx1,`1900000001,`0,`,`4200001,`W1,`oUSER,`JSAPI,`REFUND,`OTHERS,`CNY,"
NEW_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"

# a comma in the name of the goods, as nothing is quoted
ALL = (
    "\ufeff" + HEAD + "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,"
    "订单金额,申请退款金额,费率备注\r\n"
    + PAID + "`6.50,`0.00,`0,`0,`0.00,`0.00,`,`,`杯,大,`,`0.04000,`0.60%,`6.50,`0.00,`\r\n"
    + BACK + "`0.00,`0.00,`5030001,`R1,`1.50,`0.20,`ORIGINAL,`SUCCESS,`杯,`,`-0.01000,`0.60%,`0.00,`1.50,`\r\n"
    + NEW_SUMMARY + "`2,`6.50,`1.50,`0.20,`0.03000,`6.50,`1.50\r\n"
).encode()
SUCCESS = (
    HEAD + "应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注\n"
    + PAID + "`6.50,`0.00,`杯,`,`0.04000,`0.60%,`6.50,`\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n`1,`6.50,`0.00,`0.00,`0.04000,`6.50,`0.00\n"
).encode()
REFUND = (
    HEAD + "应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注\r\n"
    + BACK + "`0.00,`0.00,`2026-03-01 09:00:00,`2026-03-01 09:05:00,`5030001,`R1,`1.50,`0.00,`ORIGINAL,`SUCCESS,`杯,`,`-0.01000,`0.60%,"
    "`0.00,`1.50,`\r\n" + NEW_SUMMARY + "`1,`0.00,`1.50,`0.00,`-0.01000,`0.00,`1.50\r\n"
).encode()
OLD = (
    HEAD.replace("特约商户号", "子商户号") + "总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率\n" + PAID + "`6.50,`0.00,`0,`0,`0,`0,`,`,`杯,`,`0.04000,`0.60%\n"
    + BACK + "`0.00,`0.00,`5030001,`R1,`1.50,`0.00,`ORIGINAL,`SUCCESS,`杯,`,`-0.01000,`0.60%\n"
    "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额\n`2,`6.50,`1.50,`0.00,`0.03000\n"
).encode()
FUND = (
    "\ufeff记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n"
    "`2026-03-01 08:00:00,`4200001,`1001,`交易,`交易,`收入,`6.50,`6.50,`system,`,`W1\r\n"
    "`2026-03-01 08:00:00,`4200001,`1002,`交易,`扣除交易手续费,`支出,`0.04,`6.46,`system,`,`W1\r\n"
    "`2026-03-01 09:00:00,`5030001,`1003,`退款,`退款,`支出,`1.49,`4.97,`1900000001API,`退款总金额1.50元;含手续费0.01元,`R1\r\n"
    "`2026-03-01 23:00:00,`5040001,`1004,`提现,`提现,`支出,`4.00,`0.97,`1900000001API,`,`T1\r\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`4,`1,`6.50,`3,`5.53\r\n"
).encode()
# as the documentation of 2018 shows it: the summary's counts with a decimal point, REF and the order as voucher
FUND_2018 = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号\n"
    "`2018-02-01 04:21:23,`5000001,`1900001,`退款,`退款,`支出,`0.02,`0.17,`system,`缺货,`REF4200001\n"
    "`2018-02-01 05:21:23,`5000002,`1900002,`退款,`退款,`支出,`0.01,`0.16,`system,`退款总金额0.01元;含手续费0.00元,`REF4200002\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`2.0,`0.0,`0.00,`2.0,`0.03\n"
).encode()
PERSONAL = (
    "\ufeff微信支付账单明细,,,,,,,,\n微信昵称：[某人],,,,,,,,\n起始时间：[2026-03-01 00:00:00] 终止时间：[2026-03-31 23:59:59],,,,,,,,\n"
    "导出类型：[全部],,,,,,,,\n导出时间：[2026-04-01 08:00:00],,,,,,,,\n,,,,,,,,\n共3笔记录,,,,,,,,\n收入：1笔 88.00元,,,,,,,,\n"
    "支出：1笔 28.16元,,,,,,,,\n中性交易：1笔 500.00元,,,,,,,,\n注：,,,,,,,,\n1. 充值/提现/理财通购买/零钱通存取/信用卡还款等交易，将计入中性交易,,,,,,,,\n"
    "2. 本明细仅展示当前账单中的交易，不包括已删除的记录,,,,,,,,\n3. 本明细仅供个人对账使用,,,,,,,,\n,,,,,,,,\n"
    "----------------------微信支付账单明细列表--------------------,,,,,,,,\n"
    "交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注\n"
    '2026-03-03 09:00:00,转账,某人,"转账备注:货款",收入,¥88.00,/,已存入零钱,"1000001\t","S-1\t","/"\n'
    '2026-03-04 12:30:11,商户消费,面馆,"午餐,两份",支出,¥28.16,零钱,支付成功,"4200009\t","10000000001\t","/"\n'
    '2026-03-05 08:00:00,零钱提现,银行,"/",/,¥500.00,银行卡,提现已到账,"2070001\t","/","服务费¥0.50"\n'
).encode()

SAMPLES = {
    "wechat_trade.all.csv": ALL, "wechat_trade.success.csv": SUCCESS, "wechat_trade.refund.csv": REFUND, "wechat_trade.old.csv": OLD,
    "wechat_fund.csv": FUND, "wechat_fund.2018.csv": FUND_2018, "wechat_personal.csv": PERSONAL,
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
    assert "oUSER" not in str([found.table(t).to_pylist() for t in found.tables])


@pytest.mark.parametrize(("name", "old", "new"), [
    ("wechat_trade.all.csv", "`0.04000", "`0.05000"),
    ("wechat_trade.all.csv", "`R1,`1.50", "`R1,`1.51"),
    ("wechat_trade.success.csv", "CNY,`6.50", "CNY,`6.51"),
    ("wechat_trade.refund.csv", "`R1,`1.50", "`R1,`1.40"),
    ("wechat_trade.old.csv", "CNY,`6.50", "CNY,`6.51"),
    ("wechat_trade.old.csv", "`R1,`1.50", "`R1,`1.40"),
    ("wechat_fund.csv", "`收入,`6.50", "`收入,`6.51"),
    ("wechat_fund.2018.csv", "\n`2.0,`0.0", "\n`3.0,`0.0"),
    ("wechat_personal.csv", "¥28.16", "¥28.17"),
])
def test_a_cent_breaks_a_total(tmp_path: Path, name: str, old: str, new: str) -> None:
    body = SAMPLES[name].decode()
    assert body.count(old) == 1
    assert not all(t.ok for t in read(tmp_path, body.replace(old, new).encode()).totals)


@pytest.mark.parametrize(("name", "start"), [
    ("wechat_trade.all.csv", "`2026-03-01 09"), ("wechat_trade.old.csv", "`2026-03-01 09"), ("wechat_fund.csv", "`2026-03-01 23"),
    ("wechat_personal.csv", "2026-03-04"),
])
def test_a_lost_line_breaks_a_total(tmp_path: Path, name: str, start: str) -> None:
    lines = SAMPLES[name].decode().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) == len(lines) - 1
    assert not all(t.ok for t in read(tmp_path, "".join(kept).encode()).totals)


@pytest.mark.parametrize("name", ["wechat_trade.all.csv", "wechat_trade.success.csv", "wechat_trade.old.csv"])
def test_payments(tmp_path: Path, name: str) -> None:
    (paid,) = read(tmp_path, SAMPLES[name]).table("payments").to_pylist()
    assert (paid["transaction_id"], paid["order_id"], paid["amount"], paid["fee"], paid["currency"]) == (
        "4200001", "W1", Decimal("6.5"), Decimal("0.04"), "CNY")
    assert paid["customer"].startswith("p")


@pytest.mark.parametrize(("name", "amount"), [
    ("wechat_trade.all.csv", "1.3"), ("wechat_trade.refund.csv", "1.5"), ("wechat_trade.old.csv", "1.5"),
])
def test_refunds_stand_under_the_id_that_the_fund_bill_uses(tmp_path: Path, name: str, amount: str) -> None:
    (back,) = read(tmp_path, SAMPLES[name]).table("refunds").to_pylist()
    assert (back["transaction_id"], back["refund_id"], back["amount"], back["fee"]) == (
        "5030001", "R1", Decimal(amount), Decimal("-0.01"))


def test_fund_rows_are_signed_and_the_fee_inside_a_refund_is_split_off(tmp_path: Path) -> None:
    found = read(tmp_path, FUND)
    rows = [(r["transaction_id"], r["kind"], r["amount"], r["line"]) for r in found.table("settlements").to_pylist()]
    assert sorted(rows, key=lambda row: (row[3], row[1])) == [
        ("4200001", "sale", Decimal("6.5"), 2), ("4200001", "fee", Decimal("-0.04"), 3),
        ("5030001", "fee", Decimal("0.01"), 4), ("5030001", "refund", Decimal("-1.5"), 4), ("5040001", "payout", Decimal(-4), 5),
    ]
    (payout,) = found.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"]) == ("5040001", Decimal(4))


def test_personal_rows_are_signed_and_neutral_ones_ignored(tmp_path: Path) -> None:
    found = read(tmp_path, PERSONAL)
    assert (found.rows_read, found.rows_ignored) == (3, 1)
    rows = [(r["entry_id"], r["order_id"], r["amount"]) for r in found.table("settlements").to_pylist()]
    assert rows == [("1000001", "S-1", Decimal(88)), ("4200009", "10000000001", Decimal("-28.16"))]
    assert found.coverage is not None and str(found.coverage[0]) == "2026-03-01"
