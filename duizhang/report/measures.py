"""The measures of each day, by what they are of, and what stands out among them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import duckdb

from duizhang.report.analysis import Break, Mass, Unusual, break_of, in_common, unusual_on
from duizhang.report.queries import Span

_LEAST_PIECES = 5  # a day, of a product that is judged

# measure -> how it varies, and one row a day, shop, subject and currency with its value
MEASURES: dict[str, tuple[Literal["count", "amount", "rate"], str]] = {
    "orders": ("count", "select period, shop, '' as subject, currency, sum(orders) from channel_pnl {days} group by all"),
    "revenue": ("amount", "select period, shop, '' as subject, currency, sum(revenue) from channel_pnl {days} group by all"),
    "refund_share": ("rate", "select period, shop, '' as subject, currency, sum(refund)::double / sum(revenue)::double from channel_pnl "
                     "{days} group by all having sum(revenue) > 0 and sum(orders) >= 30"),
    "fee_share": ("rate", "select period, shop, '' as subject, currency, sum(fee + commission)::double / sum(revenue)::double "
                  "from channel_pnl {days} group by all having sum(revenue) > 0 and sum(fee + commission) <> 0"),
    "margin_share": ("rate", "select period, shop, '' as subject, currency, sum(profit + service)::double / sum(revenue)::double "
                     "from channel_pnl {days} group by all having sum(revenue) > 0 and sum(profit + service) > 0 and sum(orders) >= 30"),
    "freight_of_a_parcel": ("rate", "select period, '' as shop, carrier as subject, currency, sum(charged)::double / count(*) "
                            "from freight_audit {days} group by all having count(*) >= 10"),
    "overbilled_share": ("rate", "select period, '' as shop, carrier as subject, currency, count(*) filter (where difference < 0)::double "
                         "/ count(*) from freight_audit {days} group by all having count(*) >= 30"),
    "pieces_shipped": ("count", "select period, '' as shop, sku as subject, 'PCS' as currency, sum(shipped) from stock_rollforward "
                       "{days} group by all"),
    "pieces_returned": ("count", "select period, '' as shop, sku as subject, 'PCS' as currency, sum(returned) from stock_rollforward "
                        "{days} group by all"),
    "customers_open": ("count", "select period, '' as shop, '' as subject, currency, count(*) from customer_balances {days} group by all"),
    "rows_of_a_source": ("count", "select period, shop, source as subject, '' as currency, sum(rows_parsed) from source_files "
                         "{days} and status = 'read' group by all"),
}
# rates whose lasting change is looked for
_LASTING = ("fee_share", "freight_of_a_parcel", "refund_share")
# a measure that is implied by another one's finding of the same shop and day
_IMPLIED = {"revenue": "orders"}


@dataclass(frozen=True)
class Finding:
    """Something unusual: what of, and what was found."""

    measure: str
    shop: str
    subject: str
    currency: str
    found: Unusual | Break | Mass

    @property
    def day(self) -> dt.date | None:
        return self.found.day if isinstance(self.found, Unusual) else self.found.since if isinstance(self.found, Break) else None


def findings(con: duckdb.DuckDBPyConnection, span: Span) -> list[Finding]:
    """What stands out in a range, the largest first; nothing on quiet data. The tables of `faults.gather` have to be there."""
    found = [f for name in MEASURES for f in _of_measure(con, name, span)]
    there = {(f.measure, f.shop, f.day) for f in found}
    kept = [f for f in found if (_IMPLIED.get(f.measure, ""), f.shop, f.day) not in there]
    kept.sort(key=lambda f: (not isinstance(f.found, Break), -_size(f), f.measure, f.shop, f.subject, f.currency, str(f.day)))
    return [*_masses(con, span), *kept]


def _size(finding: Finding) -> float:
    return 0.0 if isinstance(finding.found, Mass) else finding.found.size


def _of_measure(con: duckdb.DuckDBPyConnection, name: str, span: Span) -> Iterator[Finding]:
    kind, query = MEASURES[name]
    rows = con.execute(f"{query.format(days='where period between ? and ?')} order by all", [span.since, span.last]).fetchall()
    series: dict[tuple[str, str, str], dict[dt.date, float]] = {}
    for day, shop, subject, currency, value in rows:
        series.setdefault((shop or "", subject or "", currency or ""), {})[day] = float(value or Decimal(0))
    for (shop, subject, currency), values in series.items():
        if name.startswith("pieces") and max(values.values(), default=0.0) < _LEAST_PIECES:
            continue
        for day in sorted(d for d in values if span.first <= d <= span.last):
            if odd := unusual_on(values, day, kind=kind):
                yield Finding(name, shop, subject, currency, odd)
        if name in _LASTING and (change := break_of(values)):
            yield Finding(name, shop, subject, currency, change)


def _masses(con: duckdb.DuckDBPyConnection, span: Span) -> Iterator[Finding]:
    """What most of the faults of a cause have in common: shop, carrier."""
    if span.shown is None:
        return
    days = [span.since, span.last]
    bases = {
        "shop": dict(con.execute("select shop, sum(orders)::double from channel_pnl where period between ? and ? group by shop",
                                 days).fetchall()),
        "carrier": dict(con.execute("select carrier, count(*)::double from freight_audit where period between ? and ? group by carrier",
                                    days).fetchall()),
    }
    listed = con.execute(
        "select cause, list(shop order by event) from report_faults where period = ? group by cause order by cause",
        [span.shown]).fetchall()
    carriers = dict(con.execute(
        "select cause, list(split_part(\"key\", '/', 1) order by \"key\") from report_members where period = ? and leg = 'freight' "
        "group by cause", [span.shown]).fetchall())
    for cause, shops in listed:
        for dimension, parts in (("carrier", carriers.get(cause) or []), ("shop", [s for s in shops if s])):
            if mass := in_common(parts, bases[dimension]):
                yield Finding(dimension, "", cause, "", mass)


__all__ = ["MEASURES", "Finding", "findings"]
