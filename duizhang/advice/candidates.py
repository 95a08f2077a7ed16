"""What the published history speaks against: a rate card that is not what is charged, a deadline that comes too early or too late, a
tolerance that shouts or hides. Each is a change of books.yaml that can be tried; whether it is right, somebody has to know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import groupby
from typing import Any

import duckdb

from duizhang.books import Books
from duizhang.books.books_entries import RateCard
from duizhang.declared.currency import rounded
from duizhang.declared.currency import unit as unit_of
from duizhang.home.store import rows


class AdviceKind(StrEnum):
    """What an advice is about."""

    RATE_CARD = "rate_card"
    EARLY_DEADLINE = "early_deadline"
    LATE_DEADLINE = "late_deadline"
    NARROW_TOLERANCE = "narrow_tolerance"
    WIDE_TOLERANCE = "wide_tolerance"


@dataclass(frozen=True)
class Advice:
    """A change of books.yaml. change: as `duizhang what-if --set` takes it; where: leg, or provider and kind of fee, and currency;
    seen: the figures of the history that it follows from, by name."""

    kind: AdviceKind
    where: str
    change: str
    seen: Mapping[str, Any] = field(default_factory=dict)


# fees: so many, on so many days, of which so many are what one percentage gives
_FEES, _FEE_DAYS, _FEE_SHARE = 5, 2, Decimal("0.95")
_TRIED = 40  # the largest fees, which show a percentage best
# items that cleared by themselves: so many after the deadline, and this share of all
_LATE, _LATE_SHARE, _WITHIN, _LONGEST = 10, 0.1, 0.99, 4
_CLEARED, _CLEARED_DAYS, _SPARE = 100, 14, 2
# differences of some smallest units: so many, on so many days
_SMALL, _SMALL_DAYS, _SMALL_UNITS = 10, 3, 5
_HIDDEN, _HIDDEN_SHARE = 20, 0.95

_FEE_ROWS = """
with kinds as (select unnest(['commission', 'fee']) as kind)
select distinct on (a.provider, k.kind, a.currency, a.transaction_id)
    a.provider, k.kind, a.currency, a.transaction_id, a.period, a.base_amount, a.charged_fee
from fee_audit as a
cross join kinds as k
inner join variances as v
    on a.period = v.period and v.leg = 'fee' and a.entity = v.entity
    and v."key" = concat_ws('/', a.provider, a.transaction_id, k.kind)
where a.base_amount > 0
order by a.provider, k.kind, a.currency, a.transaction_id, a.period
"""

_CLEARING_ROWS = """
select c.leg, o.sla_days, c.age_days, count(*)::bigint as items, min(c.opened) as first_day, max(c.cleared_on) as last_day
from clearings as c
inner join open_items as o
    on c.opened = o.period and c.leg = o.leg and c.entity = o.entity and c."key" = o."key" and c.currency = o.currency
where c.cleared_on = c.period and o.sla_days is not null
group by c.leg, o.sla_days, c.age_days
order by c.leg, o.sla_days, c.age_days
"""

_SMALL_ROWS = """
select distinct on (leg, entity, "key", currency)
    leg, currency, shop, cause, first_seen, difference
from variances
where cause <> 'timing' and difference <> 0 and abs(difference) <= 1
    and left_amount <> 0 and right_amount <> 0 and left_quantity is not distinct from right_quantity
order by leg, entity, "key", currency, period desc
"""


def advice_of(con: duckdb.DuckDBPyConnection, books: Books) -> list[Advice]:
    """What the published tables of `con` speak against in the books of the last run; by kind, then by place."""
    found = [*_rate_cards(con, books), *_deadlines(con, books), *_tolerances(con, books)]
    return sorted(found, key=lambda a: (list(AdviceKind).index(a.kind), a.where))


def _rate_cards(con: duckdb.DuckDBPyConnection, books: Books) -> Iterator[Advice]:
    """Fees that are what another percentage gives, from a day on and until now. Cards with tiers or by category are not tried."""
    for (provider, kind, currency), group in groupby(rows(con, _FEE_ROWS), key=lambda r: (r["provider"], r["kind"], r["currency"])):
        cards = [c for c in books.rate_cards if (c.kind, c.provider) == (kind, provider)]
        cards = [c for c in cards if c.currency == currency] or [c for c in cards if not c.currency]
        fees = sorted(group, key=lambda r: (r["period"], r["transaction_id"]))
        card = max((c for c in cards if c.from_day <= fees[-1]["period"]), key=lambda c: c.from_day, default=None)
        if card is None or card.percent is None or any(c.category or c.tiers for c in cards):
            continue
        found = _percentage(card, currency, fees)
        if found is None:
            continue
        percent, explained = found
        since = max(explained[0]["period"], card.from_day)
        late = [r for r in fees if r["period"] >= since]
        if (
            len(explained) < _FEES or len({r["period"] for r in explained}) < _FEE_DAYS or percent == card.percent
            or sum(r in explained for r in late) < _FEE_SHARE * len(late)
        ):
            continue
        given = {"percent": f"{percent:f}"} if since == card.from_day else {"from_day": since.isoformat(), "percent": f"{percent:f}"}
        yield Advice(
            AdviceKind.RATE_CARD, f"{provider} {kind} {currency}", _card_change(books, card, given),
            {"fees": len(explained), "of": len(late), "since": since, "percent": card.percent, "charged_percent": percent,
             "amount": sum((r["charged_fee"] - _fee(card, card.percent, r, currency) for r in explained), Decimal(0)),
             "currency": currency},
        )


def _percentage(card: RateCard, currency: str, fees: Sequence[Mapping[str, Any]]) -> tuple[Decimal, list[Mapping[str, Any]]] | None:
    """The percentage that gives most of the fees, and these."""
    largest = sorted(fees, key=lambda r: (-r["base_amount"], r["transaction_id"]))[:_TRIED]
    tried = Counter(
        ((r["charged_fee"] - (card.fixed or 0)) * 100 / r["base_amount"]).quantize(Decimal("0.01"), ROUND_HALF_UP) for r in largest
    )
    best = max(
        ((sum(_fee(card, p, r, currency) == r["charged_fee"] for r in fees), count, -p) for p, count in tried.items() if p > 0),
        default=None,
    )
    if best is None:
        return None
    explained = [r for r in fees if _fee(card, -best[2], r, currency) == r["charged_fee"]]
    return (-best[2], explained) if explained else None


def _fee(card: RateCard, percent: Decimal, row: Mapping[str, Any], currency: str) -> Decimal:
    """What a card with this percentage gives (see derived/fees_expected)."""
    fee = row["base_amount"] * percent / 100 + (card.fixed or 0)
    fee = max(fee, card.minimum or Decimal(0), Decimal(0))
    return rounded(min(fee, card.cap) if card.cap is not None else fee, currency)


def _card_change(books: Books, card: RateCard, given: Mapping[str, str]) -> str:
    """The card with another percentage; a new one from its day on, where it is another day."""
    number = books.rate_cards.index(card)
    if "from_day" not in given:
        return f'rate_cards.{number}.percent="{given["percent"]}"'
    entry = {**card.model_dump(mode="json", exclude_defaults=True, exclude_none=True), **given}
    return f"rate_cards.+={json.dumps(entry, ensure_ascii=False)}"


def _deadlines(con: duckdb.DuckDBPyConnection, books: Books) -> Iterator[Advice]:
    """Deadlines after which many items still cleared by themselves; and those that are days behind the last that ever did."""
    for (leg, sla), group in groupby(rows(con, _CLEARING_ROWS), key=lambda r: (r["leg"], r["sla_days"])):
        ages = list(group)
        place = _deadline_entry(books, leg, sla)
        if place is None:
            continue
        total = sum(r["items"] for r in ages)
        late = sum(r["items"] for r in ages if r["age_days"] > sla)
        days = (max(r["last_day"] for r in ages) - min(r["first_day"] for r in ages)).days + 1
        enough = _age_within(ages, total)
        seen = {"cleared": total, "late": late, "days": days, "sla_days": sla, "oldest": ages[-1]["age_days"], "within": enough}
        if late >= _LATE and late >= _LATE_SHARE * total and sla < enough <= _LONGEST * max(sla, 1) + 7:
            yield Advice(AdviceKind.EARLY_DEADLINE, leg, f"sla_days.{place}={enough}", seen)
        elif total >= _CLEARED and days >= _CLEARED_DAYS and ages[-1]["age_days"] + _SPARE <= sla:
            yield Advice(AdviceKind.LATE_DEADLINE, leg, f"sla_days.{place}={ages[-1]['age_days']}", seen)


def _age_within(ages: Sequence[Mapping[str, Any]], total: int) -> int:
    """The age within which nearly all of them cleared."""
    counted = 0
    for row in ages:
        counted += row["items"]
        if counted >= _WITHIN * total:
            return int(row["age_days"])
    return int(ages[-1]["age_days"])


def _deadline_entry(books: Books, leg: str, sla: int) -> str | None:
    """The entry of `sla_days` that gives a leg this deadline; None where more than one does."""
    named = [name for name, days in books.sla_days.items() if name.split("/")[0] == leg and days == sla]
    if leg not in books.sla_days and books.sla(leg) == sla:
        named.append(leg)
    return named[0] if len(named) == 1 else None


def _tolerances(con: duckdb.DuckDBPyConnection, books: Books) -> Iterator[Advice]:
    small = sorted(rows(con, _SMALL_ROWS), key=lambda r: (r["leg"], r["currency"]))
    for (leg, currency), group in groupby(small, key=lambda r: (r["leg"], r["currency"])):
        items, unit = list(group), unit_of(currency)
        tolerance = books.tolerances.get(leg, unit)
        above = [r for r in items if tolerance < abs(r["difference"]) <= _SMALL_UNITS * unit]
        if len(above) >= _SMALL and len({r["first_seen"] for r in above}) >= _SMALL_DAYS:
            widest = max(abs(r["difference"]) for r in above)
            yield Advice(AdviceKind.NARROW_TOLERANCE, f"{leg} {currency}", f'tolerances.{leg}="{widest.normalize():f}"', {
                "items": len(above), "amount": sum((abs(r["difference"]) for r in above), Decimal(0)), "tolerance": tolerance,
                "widest": widest.normalize(), "currency": currency})
        within = [r for r in items if r["cause"] == "rounding"]
        less = sum(r["difference"] < 0 for r in within)
        if len(within) >= _HIDDEN and max(less, len(within) - less) >= _HIDDEN_SHARE * len(within):
            yield Advice(AdviceKind.WIDE_TOLERANCE, f"{leg} {currency}", f'tolerances.{leg}="0"', {
                "items": len(within), "amount": sum((r["difference"] for r in within), Decimal(0)), "tolerance": tolerance,
                "same_sign": max(less, len(within) - less), "currency": currency})


__all__ = ["Advice", "AdviceKind", "advice_of"]
