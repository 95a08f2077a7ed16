"""Amounts: what is read for a whole column at once is what the thorough reading gives, and nothing is rounded without a word."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duizhang.declared.schema import MONEY, RATE, WHOLE_DIGITS
from duizhang.ingest.texts import applied
from duizhang.ingest.typing import amounts
from tests.thoroughness import examples

PIECES = ["$", "¥", "€", "￥", "(", ")", "-", "+", ",", ".", "1", "234", "1,234", "12", "0", "5", "000", ",567", ".50", "e", "−", " ", "USD",
          "元", "1.234"]


def read(cells: list[str], decimal: str = ".") -> list[str | None]:
    values, _ = amounts(decimal).of(pl.Series("x", cells, pl.String))
    return [None if value is None else str(value) for value in values]


@settings(deadline=None, max_examples=examples(40, 400))
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), min_size=1, max_size=3), st.sampled_from(".,"))
def test_whatever_is_read_at_once_is_read_as_one_by_one(cells: list[str], decimal: str) -> None:
    reading, texts = amounts(decimal), pl.Series("x", cells, pl.String)
    for quick, thorough in zip(applied(reading.quick, texts), applied(reading.thorough, texts), strict=True):
        assert quick is None or quick == thorough


@settings(deadline=None, max_examples=examples(40, 400))
@given(st.from_regex(r"-?[0-9]{0,27}(\.[0-9]{0,12})?", fullmatch=True), st.sampled_from([MONEY, RATE]))
def test_a_number_is_read_exactly_or_not_at_all(text: str, kind: object) -> None:
    reading = amounts(".", kind)  # type: ignore[arg-type]
    values, reasons = reading.of(pl.Series("x", [text]))
    [found] = values
    if found is not None:
        noise = re.search(r"\.\d{0,4}?(0{6,}|9{6,})\d{1,3}$", text)
        assert found == (round(Decimal(text), 4) if noise else Decimal(text))
    elif text:
        digits, decimals = (len(part.lstrip("-0") if n == 0 else part.rstrip("0")) for n, part in enumerate((text + ".").split(".")[:2]))
        room = {MONEY: (WHOLE_DIGITS, 4), RATE: (10, 8)}[kind]  # type: ignore[index]
        assert reasons is not None and (digits > room[0] or decimals > room[1] or not any(ch.isdigit() for ch in text))


@pytest.mark.parametrize(("cells", "decimal", "plain"), [
    (["1,234.50", "-12,345,678.9", "", "999"], ".", ["1234.5000", "-12345678.9000", None, "999.0000"]),
    (["1.234,50", "-7,01", "0"], ",", ["1234.5000", "-7.0100", "0.0000"]),
    (["$1,234.50", "-$3.00", "($5)", "€0.10", "￥7", "¥-8", ""], ".", ["1234.5000", "-3.0000", "-5.0000", "0.1000", "7.0000", "-8.0000", None]),
    (["1'234.50", "1 234.5", "12,34,567.80", "5.00 DR", "5.00CR", "5-", "USD 5", "5 元", "１２．５", "1.500000000"], ".",
     ["1234.5000", "1234.5000", "1234567.8000", "-5.0000", "5.0000", "-5.0000", "5.0000", "5.0000", "12.5000", "1.5000"]),
    (["DR 5", "CR 5.00", "5.00 (Dr)", "R$ 5", "-5 zł", "kr 5", "-Rs. 5", "△5", "‐5", "\u200e-5", "١٢٫٥٠"], ".",
     ["-5.0000", "5.0000", "-5.0000", "5.0000", "-5.0000", "5.0000", "-5.0000", "-5.0000", "-5.0000", "-5.0000", "12.5000"]),
    (["19.989999999999998", "-9.9900000000000002", "19.9899999", "1.123456789012345"], ".", ["19.9900", "-9.9900", None, None]),
    (["", ""], ",", [None, None]),
])
def test_usual_ways_of_writing_amounts(cells: list[str], decimal: str, plain: list[str | None]) -> None:
    assert read(cells, decimal) == plain


@pytest.mark.parametrize("cell", ["1,23", "12,3456", "1234,567", ",123", "1,234,56", "1.5,000", "$$5", "(5", "5)", "-(5)", "1e3", "--5", "$",
                                  "1.23456", "-5 DR"])
def test_what_is_written_oddly_is_no_amount(cell: str) -> None:
    assert read(["1,000.00", cell]) == ["1000.0000", None]
