"""The smallest units of currencies by ISO 4217: how many decimal places an amount of money really has."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

import pyarrow as pa

USUAL_PLACES = 2  # of what ISO 4217 does not know, or knows without a smallest unit (gold, test codes)
# that old statements are in, that banks write for one of the list, and that providers of payments hold for their customers
_OTHERS = frozenset((
    "RUR", "BYR", "TRL", "ROL", "CNH", "HRK", "LTL", "LVL", "EEK", "SKK", "SIT", "BGN", "VEF", "ANG", "SLL", "ZWL", "CUC", "STD", "MRO",
    "ZMK", "GHC", "MZM", "DEM", "ATS", "BEF", "NLG", "FRF", "ITL", "ESP", "PTE", "FIM", "IEP", "GRD", "LUF", "CYP", "MTL", "BTC",
    "ETH", "LTC", "BCH", "XRP"))

# signs of one currency, as people, spreadsheets and banks put them at amounts
CODE_OF_SIGN: Mapping[str, str] = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "원": "KRW", "₺": "TRY", "₽": "RUB", "₴": "UAH", "₱": "PHP", "฿": "THB", "₫": "VND",
    "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "円": "JPY", "元": "CNY", "US$": "USD", "HK$": "HKD", "NT$": "TWD", "R$": "BRL",
}


@cache
def known_currencies() -> frozenset[str]:
    """The codes of three letters that are a currency."""
    from iso4217 import Currency

    return frozenset(c.code for c in Currency) | _OTHERS


@cache
def places_by_currency() -> Mapping[str, int]:
    """Every currency of ISO 4217 that has a smallest unit, and its decimal places (JPY 0, CNY 2, KWD 3, CLF 4)."""
    from iso4217 import Currency  # reads a table; not for commands that handle no money

    return {c.code: c.exponent for c in Currency if c.exponent is not None}


def places(currency: str) -> int:
    """Decimal places of a currency's smallest unit; 2 where ISO 4217 does not know."""
    return places_by_currency().get(currency.upper(), USUAL_PLACES)


def unit(currency: str) -> Decimal:
    """What the smallest unit of a currency is worth in it: 0.01, of JPY 1."""
    return Decimal(1).scaleb(-places(currency))


def rounded(value: Decimal, currency: str) -> Decimal:
    """An amount that was divided or converted, in whole units of its currency: half of one is rounded away from zero."""
    return value.quantize(unit(currency), ROUND_HALF_UP)


def in_places(value: Decimal, currency: str) -> Decimal:
    """An amount with the places of its currency, or with all of its own where more are significant: nothing is rounded."""
    exact = value.quantize(unit(currency)) if abs(value.adjusted()) < 24 else value
    if exact == value:
        return exact
    return Decimal(f"{value.normalize():f}")


def minor_units() -> pa.Table:
    """The relation `minor_units` of SQL: currency, `units` in one of it (100), and what one of them is worth in it (0.01)."""
    known = sorted(places_by_currency().items())
    return pa.table({
        "currency": pa.array([code for code, _ in known], pa.string()),
        "units": pa.array([Decimal(10) ** n for _, n in known], pa.decimal128(5, 0)),
        "unit": pa.array([Decimal(1).scaleb(-n) for _, n in known], pa.decimal128(5, 4)),
    })


def unit_sql(currency: str) -> str:
    """SQL of what the smallest unit of the currency in the expression `currency` is worth, as decimal(5, 4)."""
    by_places: dict[int, list[str]] = {}
    for code, count in sorted(places_by_currency().items()):
        by_places.setdefault(count, []).append(code)
    arms = " ".join(
        f"when upper({currency}) in ({', '.join(repr(code) for code in codes)}) then {Decimal(1).scaleb(-count):f}"
        for count, codes in sorted(by_places.items()) if count != USUAL_PLACES
    )
    return f"cast(case {arms} else {Decimal(1).scaleb(-USUAL_PLACES):f} end as decimal(5, 4))"
