"""What decides the kind, the sign or whether an amount counts is listed value by value; what nobody has listed is held by its name."""

from __future__ import annotations

import importlib
import re
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Setting, SourceSpec, extract, load_specs

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
