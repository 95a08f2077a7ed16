"""What decides the kind, the sign or whether an amount counts is listed value by value; what nobody has listed is held by its name."""

from __future__ import annotations

import importlib
import re
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Setting, SourceSpec, extract, load_specs
from duizhang.ingest.landing.landed import Hazard

FLOWS = ("settlements", "payments", "refunds", "payouts", "bank_entries", "orders", "freight_charges", "journal_lines")


def _deciding(spec: SourceSpec) -> set[str]:
    """The fields that decide which rows are money, of which kind, with which sign and in which currency."""
    said = " ".join(
        f"{table.where} {' '.join(table.columns.get(name, '') for name in ('kind', 'amount', 'status', 'currency'))}"
        for table in spec.tables if table.table in FLOWS)
    return {name for name in spec.fields if re.search(rf"\b{name}\b", said)}


@pytest.mark.parametrize("name", load_specs())
def test_no_catch_all_decides_about_money(name: str) -> None:
    """Fails if a value that nobody listed counts under a word for the rest: a new kind of movement would be booked in silence."""
    spec = load_specs()[name]
    catching = {field for field, column in spec.fields.items() if column.otherwise is not None and not column.because}
    assert catching & _deciding(spec) == set()


@pytest.mark.parametrize(("name", "sample", "known", "column"), [
    ("stripe_balance", "test_stripe", b"charge,", "reporting_category"), ("wechat_fund", "test_wechat", "`扣除交易手续费,".encode(), "业务类型"),
    ("amazon_date_range", "test_amazon", b'"Refund"', "type"), ("ebay_transactions", "test_marketplaces", b'"Order"', "Type"),
    ("shopify_payouts", "test_shopify", b",paid,", "Status"),
    ("paypal_activity", "test_paypal", b'"Payment Refund"', "Type"),
])
def test_a_kind_of_movement_that_nobody_listed_is_held_by_its_name(
    tmp_path: Path, name: str, sample: str, known: bytes, column: str
) -> None:
    samples: dict[str, bytes] = importlib.import_module(f"tests.ingest.{sample}").SAMPLES
    body = next(body for body in samples.values() if known in body and _source(tmp_path, body) == name)
    new = known.replace(known.strip(b'`",'), b"Zebra levy")
    (tmp_path / "new.csv").write_bytes(body.replace(known, new, 1))
    [found] = extract(tmp_path / "new.csv", load_specs(), Setting(), file="new.csv", into=tmp_path)
    assert {(cell["column_name"], cell["value"]) for cell in found.quarantine().to_pylist()} == {(column, "Zebra levy")}
    assert found.rows_quarantined == 1


@pytest.mark.parametrize(("name", "sample", "known"), [
    ("jd_settlement", "test_jd", "佣金,".encode()),
    ("douyin_settlement", "test_douyin", "货款结算入账".encode()), ("douyin_statement", "test_douyin", "已结算".encode()),
    ("paypal_settlement", "test_paypal", b"T1107"), ("tiktok_settlement", "test_marketplaces", b",Order,"),
])
def test_a_kind_that_an_expression_does_not_list_is_held_by_its_name(tmp_path: Path, name: str, sample: str, known: bytes) -> None:
    samples: dict[str, bytes] = importlib.import_module(f"tests.ingest.{sample}").SAMPLES
    body = next(body for body in samples.values() if known in body and _source(tmp_path, body) == name)
    new = re.sub(rb"[^\t,]+", b"T9Zebra", known)
    (tmp_path / "new.csv").write_bytes(body.replace(known, new, 1))
    [found] = extract(tmp_path / "new.csv", load_specs(), Setting(), file="new.csv", into=tmp_path)
    [cell] = [cell for cell in found.quarantine().to_pylist() if "T9Zebra" in cell["value"]]
    assert cell["is_money"] and "once the specification lists it" in cell["reason"] and found.rows_quarantined == 1


# names of fees that Amazon and Etsy add to as they please, with the sign in the amount: the name goes on in fee_type
OPEN_LISTS = ("amazon_settlement_v1", "amazon_settlement_v2", "etsy_statement")


@pytest.mark.parametrize("name", load_specs())
def test_no_expression_calls_the_rest_other(name: str) -> None:
    """Fails if words that nobody listed make a movement `other`: it would be booked in silence. Where the list is open, the row keeps
    the name in a column of its own."""
    spec = load_specs()[name]
    words = {field for field, column in spec.fields.items() if column.type in ("text", "id") and "currency" not in field}
    listed = {field for field, column in spec.fields.items() if column.values is not None}
    for table in spec.tables:
        kind = table.columns.get("kind", "").strip()
        read = words & set(re.findall(r"\w+", re.sub("'[^']*'", "", kind)))
        is_named = name in OPEN_LISTS and "fee_type" in table.columns
        assert is_named or not re.search(r"\belse\s+'(?:other|adjustment)'\s+end$", kind) or not read or read & listed


@pytest.mark.parametrize("name", load_specs())
def test_no_expression_takes_an_unknown_word_for_a_known_one(name: str) -> None:
    """Fails if an expression compares a text that no list closes with words: a new state would count as the rest, or be ignored in silence.
    A `kind` without `else` closes the texts that it reads: what it does not know is held."""
    spec = load_specs()[name]
    tables = [table for table in spec.tables if table.table in FLOWS]
    open_texts = {field for field, column in spec.fields.items() if column.type in ("text", "id") and column.values is None and not column.extract}
    closed = {field for fields in Hazard(spec).kinds.values() for field in fields}
    compared = {
        (field, part) for table in tables for part in ("where", "status", "amount", "kind") for field in open_texts - closed
        if re.search(rf"\b{field}\b\)?\s*(?:<>|=|(?:not\s+)?(?:i?like|in))\s*\(?'[^']|regexp_\w+\((?:lower\()?{field}\b",
                     table.where if part == "where" else table.columns.get(part, ""))}
    assert name in OPEN_LISTS or compared <= PASSED_ON.get(name, set())


# texts of which a word adds to what a closed list already tells
PASSED_ON = {
    "bank_bai2": {("type_code", "where")},  # 890 has no amount
    "douyin_orders": {("after_sale", "status")},  # an order that is closed was paid where it was refunded
    "paypal_activity": {("kind_text", "where"), ("kind_text", "kind")},  # what no list names is a payment by its word, or held by a total
    "paypal_transaction": {("code", "where")},  # the same rows' kind lists the codes
    "pdd_fund": {(field, part) for field in ("type", "business") for part in ("where", "kind")},  # beside the list of 账务类型
}


@pytest.mark.parametrize(("name", "known", "column", "body"), [
    ("douyin_orders", "待发货", "订单状态", "主订单编号,子订单编号,商品数量,订单应付金额,订单提交时间,支付完成时间,订单状态\n1001,1001,1,97.02,2026-03-02 10:00:00,,待发货\n"),
    ("pdd_orders", "待发货", "订单状态", "商品,订单号,订单状态,邮费(元),商家实收金额(元),商品数量(件),支付时间,商品id\nLamp,260301-1,待发货,0,10.00,1,2026-03-01 10:00:00,77\n"),
    ("bank_hsbc_hk", "POSTED", "Transaction status",
     'Transaction date,Post date,Description,Billing amount,Billing currency,Transaction status\n10/04/2026,11/04/2026,QR,"-5.00",CNY,POSTED\n'),
    ("bank_bocom", "消费", "借贷", "交易日期,记账日期,卡末四位,交易说明,交易币种/金额,入账币种/金额\n2026-01-17,2026-01-18,1234,消费 支付宝,CNY 49.85,CNY 49.85\n"),
    ("douyin_account", "货款结算入账", "动账场景",
     "动账流水号,关联订单号,关联子订单号,动账时间,账户方向,动账金额(元),动账场景,账户余额(元),备注\nS1,6900,6901,2026-09-10 08:00:00,收入,48.50,货款结算入账,48.50,x\n"),
    ("jd_account", "货款", "交易备注", "商户号,账户代码,账户名称,日期,商户订单号,账户余额(元),收入金额(元),支出金额(元),交易备注\n1,A1,x,2026-03-03 10:00:00,M1,95.00,95.00,--,货款\n"),
    ("youzan_account", "订单入账", "类型", "类型,名称,业务单号,支付流水号,关联单号,账务主体,收入(元),支出(元),余额(元),入账时间\n订单入账,x,E1,P1,R1,甲,9.00,0.00,9.00,2026-03-06 10:00:00\n"),
    ("mollie_settlement", "tr_9", "ID", "Date,Payment method,Currency,Amount,Status,ID,Description,Settlement currency,Settlement amount,Settlement reference\n"
     "2026-03-01,ideal,EUR,10.00,paid,tr_9,Order 5,EUR,10.00,1.1\n"),
])
@pytest.mark.parametrize("new", ["Zebra", "取消中"])
def test_a_state_that_nobody_listed_is_held_by_its_name(tmp_path: Path, name: str, known: str, column: str, body: str, new: str) -> None:
    assert _source(tmp_path, body.encode()) == name
    (tmp_path / "new.csv").write_bytes(body.replace(known, new).encode())
    [found] = extract(tmp_path / "new.csv", load_specs(), Setting(), file="new.csv", into=tmp_path)
    assert [(cell["column_name"], new in cell["value"]) for cell in found.quarantine().to_pylist()] == [(column, True)]
    assert (found.rows_parsed, found.rows_quarantined) == (0, 1)


def _source(folder: Path, body: bytes) -> str:
    (folder / "known.csv").write_bytes(body)
    [found] = extract(folder / "known.csv", load_specs(), Setting(), file="known.csv", into=folder)
    return found.spec.name


@pytest.mark.parametrize(("currency", "first"), [("JPY", "50,000"), ("KRW", "50.000"), ("VND", "50,000")])
def test_a_currency_without_decimals_says_what_parts_thousands(tmp_path: Path, currency: str, first: str) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(f'Date,Description,Amount,Currency,Balance\n2026-03-21,a,"+{first}",{currency},\n', encoding="utf-8")
    [found] = extract(path, load_specs(), Setting(), file="bank.csv", into=tmp_path)
    assert found.summary("bank_entries") == (1, {currency: Decimal(50_000)})


def test_a_currency_with_decimals_leaves_both_readings(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text('Date,Description,Amount,Currency,Balance\n2026-03-21,a,"50,000",USD,\n', encoding="utf-8")
    with pytest.raises(RefusedFile, match="two ways"):
        extract(path, load_specs(), Setting(), file="bank.csv", into=tmp_path)


@pytest.mark.parametrize(("name", "body"), [
    ("jd_orders", "订单号,商品ID,订购数量,应付金额,订单状态,商家SKUID,下单时间,付款确认时间\n1,7,1,10.00,,S,2026-03-01 10:00:00,2026-03-01 10:00:00\n"),
    ("taobao_orders", "订单编号,买家应付货款,买家应付邮费,总金额,订单状态,订单创建时间,订单付款时间\n1,10.00,5.00,15.00,,2026-03-01 10:00:00,2026-03-01 10:00:00\n"),
    ("shopify_orders", "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Total,Lineitem quantity,Lineitem name,Lineitem price,Created at,Cancelled at\n"
     "#1001,a@b.test,,2026-03-01 10:00:00 +0000,,USD,10.00,1,Lamp,10.00,2026-03-01 10:00:00 +0000,\n"),
])
def test_an_order_without_a_state_is_held_and_not_taken_for_unpaid(tmp_path: Path, name: str, body: str) -> None:
    (tmp_path / "any.csv").write_text(body, encoding="utf-8")
    [found] = extract(tmp_path / "any.csv", load_specs(), Setting(zone="UTC"), file="any", into=tmp_path / "out")
    assert (found.spec.name, found.rows_quarantined, found.rows_parsed) == (name, 1, 0)
    assert {cell["reason"] for cell in found.quarantine().to_pylist()} == {"is empty; expected a value"}
