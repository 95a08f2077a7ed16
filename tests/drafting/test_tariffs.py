"""The tariff that fees follow is found out of the payments, with its fixed sum."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from duizhang.drafting.tariffs import tariff


def fees(percent: str, fixed: str, unit: str = "0.01", *, odd: int = 0) -> set[tuple[Decimal, Decimal]]:
    """Sixty payments of different amounts; the first so many were charged otherwise."""
    found = set()
    for n in range(60):
        amount = Decimal(7 + n * n * 3 % 211) + Decimal(n) / 100 if unit == "0.01" else Decimal(700 + n * n * 37 % 9000)
        fee = amount * Decimal(percent) / 100 + Decimal(fixed)
        found.add((amount, (fee * (2 if n < odd else 1)).quantize(Decimal(unit), ROUND_HALF_UP)))
    return found


@pytest.mark.parametrize(("percent", "fixed", "unit", "currency", "odd"), [
    ("2.90", "0.30", "0.01", "USD", 0), ("3.49", "0.49", "0.01", "USD", 9), ("0.60", "0", "0.01", "CNY", 0),
    ("1.50", "0.25", "0.01", "EUR", 20),
    ("3.60", "0", "1", "JPY", 3), ("0", "0.20", "0.01", "EUR", 0),
])
def test_share_and_fixed_sum_are_found_though_some_fees_are_others(percent: str, fixed: str, unit: str, currency: str, odd: int) -> None:
    payments = fees(percent, fixed, unit, odd=odd)
    share, sum_, number = tariff(payments, currency)
    assert (share, sum_) == (Decimal(percent), Decimal(fixed)) and number >= len(payments) - odd


def test_of_one_payment_its_share_is_the_tariff() -> None:
    assert tariff({(Decimal(46), Decimal("0.28"))}, "CNY") == (Decimal("0.61"), Decimal(0), 1)
