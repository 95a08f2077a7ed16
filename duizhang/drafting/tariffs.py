"""What share and what fixed sum the fees of payments come to, where one tariff gives most of them to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from decimal import Decimal

from duizhang.declared.currency import rounded

_CENT = Decimal("0.01")
_TRIED = 200  # pairs of payments from which a tariff is taken
_BEST = 12  # tariffs that are tried on all payments


def tariff(payments: Collection[tuple[Decimal, Decimal]], currency: str) -> tuple[Decimal, Decimal, int]:
    """(per cent, fixed sum, of how many payments it is the fee) of the tariff that gives most of these (amount, fee), rounded as the
    currency is; of two that give as many, the one without a fixed sum. There must be at least one payment."""
    ordered = sorted(payments)
    half = len(ordered) // 2
    found: Counter[tuple[Decimal, Decimal]] = Counter((share(amount, fee), Decimal(0)) for amount, fee in ordered[-_TRIED:])
    for (low, low_fee), (high, high_fee) in list(zip(ordered, ordered[half:], strict=False))[:_TRIED]:
        if high > low and high_fee >= low_fee:
            percent = share(high - low, high_fee - low_fee)
            found[percent, rounded(low_fee - low * percent / 100, currency)] += 1
    likely = [one for one, _ in found.most_common(_BEST) if one[1] >= 0]
    fits = {one: sum(1 for amount, fee in ordered if rounded(amount * one[0] / 100 + one[1], currency) == fee) for one in likely}
    best = max(fits, key=lambda one: (fits[one], one[1] == 0, found[one], -one[1], -one[0]))
    return *best, fits[best]


def share(amount: Decimal, fee: Decimal) -> Decimal:
    """The fee in per cent of the amount, to a hundredth."""
    return (fee * 100 / amount).quantize(_CENT)


__all__ = ["tariff"]
