"""Currencies of landed rows: how many rows name none and are taken to be in that of the books, what in their file speaks against
it, and how many name one that is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from duizhang.declared.currency import known_currencies
from duizhang.errors import SpecError
from duizhang.home.store import quoted, scratch
from duizhang.ingest.landing.landed import Setting, named_currency, unnamed_currency
from duizhang.ingest.recognising import AROUND, BESIDE, SIGN
from duizhang.ingest.specification import SourceSpec

_DOLLARS = frozenset((
    "USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "DOP", "FJD", "JMD", "TTD",
    "BSD", "BBD", "BZD", "NAD", "LRD", "XCD"))
_OF_SIGNS = {"$": _DOLLARS, "¥": frozenset(("CNY", "JPY")), "kr": frozenset(("SEK", "NOK", "DKK", "ISK")),
             "Rs": frozenset(("INR", "PKR", "LKR", "NPR", "MUR", "SCR"))}
_SMALL = 1 << 16
_IBAN = re.compile(r"([A-Z]{2})\d{2}[A-Z0-9]{10,30}")
_OF_THE_EURO = (
    "AD", "AT", "BE", "BG", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE", "IT", "LT", "LU", "LV", "MC", "ME",
    "MT", "NL", "PT", "SI", "SK", "SM", "VA", "XK")
_OF_COUNTRIES = {
    **dict.fromkeys(_OF_THE_EURO, "EUR"),
    "GB": "GBP", "CH": "CHF", "LI": "CHF", "SE": "SEK", "NO": "NOK", "DK": "DKK", "IS": "ISK", "PL": "PLN",
    "CZ": "CZK", "HU": "HUF", "RO": "RON", "TR": "TRY", "UA": "UAH", "RS": "RSD", "IL": "ILS", "AE": "AED",
    "SA": "SAR", "QA": "QAR", "KW": "KWD", "BH": "BHD", "BR": "BRL", "KZ": "KZT", "GE": "GEL", "PK": "PKR",
}


@dataclass(frozen=True)
class Assumed:
    """Rows that are taken to be in the currency of the books. against: what of the file speaks against it; others: what its
    other rows say. unknown: codes of three letters that rows have for their currency and that are none, each with how many rows have
    it; elsewhere: rows of a file of which no row is in a currency that stands at its amounts, or that the lines around them name."""

    rows: int = 0
    against: tuple[str, ...] = ()
    others: str = ""
    unknown: Mapping[str, int] = field(default_factory=dict)
    elsewhere: int = 0


def assumed(
    rows: Path, spec: SourceSpec, setting: Setting, above: Sequence[str], marked: frozenset[str] = frozenset(),
    dollars: frozenset[str] = frozenset(),
) -> Assumed:
    """How many landed rows with amounts are taken to be in the currency of the books, why that can hardly be, and what is no currency.

    above: the lines above the rows, among them what signs of currencies the file has. marked: the currencies that stand at its amounts;
    dollars: `$` where that stands at all of a column, which tells of rows that name their currency that it is a dollar.
    """
    unnamed, stated = unnamed_currency(spec, setting), _stated(spec)
    around = frozenset(line.removeprefix(AROUND) for line in above if line.startswith(AROUND))
    if not unnamed and not stated and not marked and not around and not dollars:
        return Assumed()
    try:
        with _landed(rows) as con:
            unknown = _unknown(con, stated) if stated else {}
            count, owners, named = _asked(con, spec, unnamed) if unnamed else (0, set(), set())
            # of rows that name no currency it is told what speaks against that of the books
            told = [some for some in (marked, *(() if count else (around, dollars))) if some]
            elsewhere = max((_elsewhere(con, spec, setting, some) for some in told), default=0)
    except duckdb.Error as error:
        raise SpecError(f"specification {spec.name}: {error}") from error
    return replace(_against(count, owners, named, setting, above), unknown=unknown, elsewhere=elsewhere)


def _against(count: int, owners: set[Any], named: set[Any], setting: Setting, above: Sequence[str]) -> Assumed:
    """What of a file speaks against the currency of the books for rows that name none."""
    if not count:
        return Assumed()
    found = (match for owner in owners if (match := _IBAN.fullmatch(re.sub(r"\s", "", str(owner)))))
    elsewhere = {(match[1], money) for match in found if (money := _OF_COUNTRIES.get(match[1], setting.currency)) != setting.currency}
    signs = {sign for line in above if line.startswith(SIGN) for sign in line.removeprefix(SIGN).split()}
    why = [f"amounts are in {sign}" for sign in sorted(signs) if setting.currency not in _OF_SIGNS[sign]]
    beside = {line.removeprefix(BESIDE) for line in above if line.startswith(BESIDE)}
    why += [f"another column names {code}" for code in sorted(beside - {setting.currency})]
    around = {line.removeprefix(AROUND) for line in above if line.startswith(AROUND)}
    why += [f"lines around them name {code}" for code in sorted(around - {setting.currency})]
    why += [f"the account is in {country}, where money is {money}" for country, money in sorted(elsewhere)]
    others = f"other rows of it are in {', '.join(sorted(named))}" if named and setting.currency not in named else ""
    return Assumed(count, tuple(why), others)


@contextmanager
def _landed(rows: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has the landed rows of a file as `landed`."""
    with scratch() as con:
        # of a small file the rows are asked several times in less time than the file is opened again
        kind = "table" if rows.stat().st_size < _SMALL else "view"
        con.execute(f"create {kind} landed as from read_parquet({quoted(rows)})")
        yield con


def _stated(spec: SourceSpec) -> list[tuple[str, str]]:
    """The expressions of the currencies that rows state themselves, each with the condition of its rows."""
    said = {(t.columns["currency"], t.where) for t in spec.tables if t.of == "rows" and "currency" in t.columns and "amount" in t.columns}
    return [(code, where) for code, where in sorted(said) if not re.fullmatch("'[A-Z]{3}'", code)]


def _unknown(con: duckdb.DuckDBPyConnection, stated: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Codes of three letters that landed rows have for their currency and that are none, each with how many rows have it."""
    where_stated: dict[str, list[str]] = {}
    for code, where in stated:
        where_stated.setdefault(code, []).append(f"({where})")
    asked = " union all ".join(
        f"select upper({code}) as code, count(*) as n from landed where {' or '.join(any_of)} group by all"
        for code, any_of in where_stated.items())
    found = con.execute(
        f"select code, max(n) from ({asked}) where regexp_full_match(code, '[A-Z]{{3}}') group by all order by all"
    ).fetchall()
    return {code: int(count) for code, count in found if code not in known_currencies()}


def _elsewhere(con: duckdb.DuckDBPyConnection, spec: SourceSpec, setting: Setting, marked: frozenset[str]) -> int:
    """How many landed rows there are where none is in a currency that stands at the amounts of their file."""
    own = quoted(setting.said_currency(spec) or setting.currency)
    codes = [f"coalesce(nullif(upper({code}), ''), {own})" for code in sorted(named_currency(spec))] or [own]
    found = {row[0] for code in codes for row in con.execute(f"select distinct {code} from landed").fetchall()}
    shared = {code for sign in marked for code in _OF_SIGNS.get(sign, {sign})}
    [(count,)] = con.execute("select count(*) from landed").fetchall()
    return int(count) if found.isdisjoint(shared) else 0


def _asked(con: duckdb.DuckDBPyConnection, spec: SourceSpec, unnamed: str) -> tuple[int, set[Any], set[Any]]:
    """How many landed rows the condition `unnamed` is true of; of some of them the accounts, and the currencies of all others."""
    [(count,)] = con.execute(f"select count(*) from landed where {unnamed}").fetchall()
    if not count:
        return 0, set(), set()
    accounts = {t.columns["bank_account"] for t in spec.tables if "bank_account" in t.columns}
    owners = {row[0] for a in accounts for row in con.execute(f"select distinct {a} from landed where {unnamed}").fetchall()}
    named = {row[0] for a in named_currency(spec) for row in con.execute(f"select distinct {a} from landed").fetchall()} - {None, ""}
    return int(count), owners, named
