"""What the report reads of published.duckdb, as plain rows. Nothing here knows a language or a page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from duizhang.errors import UserError
from duizhang.home.store import has_view, rows
from duizhang.publish.metrics import CHARGES, ON_ITS_WAY
from duizhang.report.faults import gather

Row = dict[str, Any]

HISTORY_DAYS = 56  # before the range, for what is usual
TREND_DAYS = 28  # shown
TOP = 8
MOST_DETAILS, MOST_CELLS, MOST_UNUSUAL, MOST_FINDINGS = 200, 50, 30, 20
_OF_ALL = "count(*) over () as of_all"  # beside rows of which only the first are asked for


@dataclass(frozen=True)
class Span:
    """The days of a report. shown: the last of them that was published, None where none was; `since` is where history begins."""

    first: dt.date
    last: dt.date
    shown: dt.date | None

    @property
    def since(self) -> dt.date:
        return self.first - dt.timedelta(days=HISTORY_DAYS)

    @property
    def is_day(self) -> bool:
        return self.first == self.last

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def name(self) -> str:
        """As in the name of a file."""
        return f"{self.first}" if self.is_day else f"{self.first}_{self.last}"


def span_of(con: duckdb.DuckDBPyConnection, first: dt.date | None, last: dt.date | None) -> Span:
    """The range that is asked for; without one the newest published day. Raises UserError where nothing was run in it."""
    known = rows(con, "select period, version from period_status order by period")
    if not known:
        raise UserError("no period was ever run")
    if first is None:
        first = last = ([r["period"] for r in known if r["version"]] or [r["period"] for r in known])[-1]
    end = last or first
    within = [r for r in known if first <= r["period"] <= end]
    if not within:
        raise UserError(
            f"{first} was never run" if end == first else f"no day from {first} to {end} was ever run",
            advice="`duizhang status` lists the periods.",
        )
    return Span(first, end, max((r["period"] for r in within if r["version"]), default=None))


@dataclass
class Facts:
    """What was read. Amounts are Decimal with `currency` beside them; an open item's difference is left - right."""

    span: Span
    currencies: list[str]  # the one with the most keys first, pieces last
    days: list[Row]
    legs: list[Row]
    steps: list[Row]  # of the waterfalls: a leg, entity, currency and cause
    rates: list[Row]  # a day, leg, entity and currency
    todo: list[Row]  # a cause
    todo_money: list[Row]  # a cause and currency
    headline: Row
    headline_money: list[Row]
    faults: list[Row]
    due: list[Row]
    in_transit: int  # events, each once in whatever legs it waits
    ages: list[Row]  # money of faults by age and currency
    age_counts: list[Row]
    counts: list[Row]  # faults a day
    decided: Row
    pnl: list[Row]
    stock: list[Row]
    fees: list[Row]
    freight: list[Row]
    ledger: list[Row]
    bank_unclaimed: list[Row]  # an entity, currency and direction
    anomalies: list[Row]
    recurring: list[Row]
    changed: list[Row]  # since the end of the day `before`: come, gone and still, by cause and currency
    before: dt.date | None
    files: list[Row]
    quarantine: list[Row]
    quarantined: int
    not_run: list[Row]
    failed: list[Row]
    checks: int
    entries: list[Row]
    details: list[Row]


_LEGS = """
with
days as (select * from recon_summary where period between $first and $last),
open_now as (
    select
        leg, entity, currency,
        count(distinct "key") filter (where cause = 'timing') as transit_keys,
        count(distinct "key") filter (where cause <> 'timing') as differing_keys,
        coalesce(sum(difference) filter (where cause = 'timing'), 0) as in_transit
    from report_items
    where period = $shown
    group by all
)
select
    d.leg, d.entity, d.currency, min_by(d.opening, d.period) as opening, sum(d.left_amount) as left_amount,
    sum(d.right_amount) as right_amount, max_by(d.closing, d.period) as closing,
    sum(d.matched_keys)::bigint as matched_keys, max_by(d.open_keys, d.period) as open_keys,
    coalesce(max(o.transit_keys), 0) as transit_keys, coalesce(max(o.differing_keys), 0) as differing_keys,
    coalesce(max(o.in_transit), 0) as in_transit
from days as d
left join open_now as o using (leg, entity, currency)
group by d.leg, d.entity, d.currency
"""

# what several days show of one subject is one finding; its money is that of all of them, of what stays open that of the last
_ANOMALIES = f"""
select
    max(period) as period, kind, shop, subject, measure, currency, max_by(reason, period) as reason, count(distinct period) as days,
    case when measure = 'disputed_amount' then max_by(value, period) else sum(value) end as value,
    case when measure = 'disputed_amount' then max_by(expected, period) else sum(expected) end as expected, {_OF_ALL}
from anomalies
where period between $first and $last
group by kind, shop, subject, measure, currency
order by period desc, days desc, kind, shop, subject, currency
limit {MOST_UNUSUAL}
"""

_RATES = """
with differing as (
    select period, leg, entity, currency, count(distinct "key") as differing
    from report_items
    where cause <> 'timing'
    group by all
)
select s.period, s.leg, s.entity, s.currency, s.matched_keys as matched, coalesce(d.differing, 0) as differing
from recon_summary as s
left join differing as d using (period, leg, entity, currency)
where s.period between $since and $last
order by all
"""

_RECURRING = """
with news as (
    select entity, shop, cause, first_seen, event
    from report_faults
    where period > $last - $days::integer and first_seen > $last - $days::integer
    group by all
),
still as (select entity, shop, cause, count(*) as still_open from report_faults where period = $shown group by all)
select
    n.entity, n.shop, n.cause, count(distinct n.first_seen) as days_seen, count(*) as new_items,
    coalesce(max(s.still_open), 0) as still_open, list(n.first_seen order by n.first_seen) as seen_on,
    count(*) over () as of_all
from news as n
left join still as s using (entity, shop, cause)
group by n.entity, n.shop, n.cause
having count(distinct n.first_seen) >= 3
order by days_seen desc, new_items desc, n.entity, n.shop, n.cause
limit 20
"""

# of events: in the first snapshot and not in the last, or the other way round; a day without one before it has only new ones
_CHANGED = """
with
was as (select * from report_faults where period = $before),
now as (select * from report_faults where period = $shown),
both_days as (
    select
        coalesce(n.cause, w.cause) as cause, coalesce(n.currency, w.currency) as currency, coalesce(n.amount, w.amount) as amount,
        case when w.event is null then 'come' when n.event is null then 'gone' else 'still' end as kind
    from was as w
    full join now as n using (event)
)
select kind, cause, currency, count(*) as events, sum(amount) as amount
from both_days
group by all
order by all
"""


def read(con: duckdb.DuckDBPyConnection, span: Span) -> Facts:
    """Everything that the report of a range says."""
    shown = span.shown or span.last
    gather(con, span.since, span.last)
    before = max((d["period"] for d in rows(con, "select period from period_status where version > 0 and period < ?", [span.first])),
                 default=span.since)
    wanted = {"before": before, "first": span.first, "last": span.last, "shown": shown, "since": span.since, "days": TREND_DAYS}

    def ask(sql: str) -> list[Row]:
        return rows(con, sql, []) if "$" not in sql else _named(con, sql, wanted)

    in_range, at_end = "period between $first and $last", "period = $shown"
    currencies = [r["currency"] for r in ask(
        f"select currency from recon_summary where {in_range} group by currency "
        "order by currency = 'PCS', sum(matched_keys + open_keys) desc, currency")]
    late = "due is not null and due <= $shown"
    return Facts(
        span=span, currencies=currencies,
        days=ask(f"select * from period_status where {in_range} order by period"),
        legs=ask(_LEGS),
        steps=ask("select leg, entity, currency, cause, sum(difference) as difference, count(distinct \"key\") as items "
                  f"from report_items where {at_end} group by all order by all"),
        rates=ask(_RATES),
        todo=ask(f"select cause, count(*) as events, count(*) filter (where {late}) as overdue, max(age_days) as oldest, "
                 f"min(due) as deadline from report_faults where {at_end} group by cause order by cause"),
        todo_money=ask(f"select cause, currency, sum(amount) as amount from report_faults where {at_end} and amount <> 0 "
                       "group by all order by all"),
        headline=ask(f"select count(*) as events, count(*) filter (where {late}) as overdue, coalesce(max(age_days), 0) as oldest "
                     f"from report_faults where {at_end}")[0],
        headline_money=ask(f"select currency, sum(amount) as amount from report_faults where {at_end} and amount <> 0 "
                           "group by currency order by currency"),
        faults=ask(f"select * from report_faults where {at_end} order by entity, cause, event"),
        due=ask("select leg, currency, count(distinct \"key\") as items, sum(difference) as amount, min(due) as due_from, "
                f"max(due) as due_to from report_items where {at_end} and cause = 'timing' group by all order by all"),
        in_transit=ask(f"select {ON_ITS_WAY} as n from event_items where {at_end}")[0]["n"],
        ages=ask(f"select age_days, currency, sum(amount) as amount from report_faults where {at_end} and amount <> 0 "
                 "group by all order by all"),
        age_counts=ask(f"select age_days, count(*) as events from report_faults where {at_end} group by age_days order by age_days"),
        counts=ask("select period, count(f.event) as events from period_status as s left join report_faults as f using (period) "
                   "where period between $since and $last and s.version > 0 group by period order by period"),
        decided=ask("select count(*) filter (where status = 'waiting') as waiting, count(*) filter (where status = 'accepted') "
                    "as accepted, count(*) filter (where status = 'chased') as chased "
                    f"from report_items where {at_end} and cause <> 'timing'")[0],
        pnl=ask(
            "select entity, shop, currency, sum(orders)::bigint as orders, "
            + ", ".join(f"sum({m}) as {m}" for m in (*CHARGES, "revenue", "refund", "profit", "not_in_profit", "pieces_without_cost"))
            + f" from channel_pnl where {in_range} group by all order by currency, profit desc, shop"),
        stock=ask("select s.*, i.first_seen from stock_rollforward as s left join ("
                  "select entity, string_split(\"key\", '/') as parts, min(first_seen) as first_seen from report_items "
                  f"where {at_end} and leg = 'stock' group by all) as i "
                  "on s.entity = i.entity and s.warehouse = i.parts[1] and s.sku = i.parts[2] "
                  f"where {at_end} and (snapshot_difference <> 0 or count_difference <> 0) "
                  "order by abs(difference_value) desc nulls last, s.warehouse, s.sku"),
        fees=ask("select provider, shop, currency, count(*) as transactions, sum(expected_fee) as expected, "
                 f"sum(charged_fee) as charged, sum(difference) as difference from fee_audit where {in_range} group by all order by all"),
        freight=ask(
            "select carrier, currency, count(*) as parcels, count(*) filter (where difference <> 0) as differing, "
            "sum(expected) filter (where expected is not null) as expected, sum(charged) filter (where expected is not null) as charged, "
            f"coalesce(sum(difference), 0) as difference from freight_audit where {in_range} group by all order by all"),
        ledger=ask("select account, any_value(account_name order by period) as account_name, currency, sum(subledger) as subledger, "
                   f"sum(ledger) as ledger, sum(difference) as difference from ledger_tieout where {in_range} "
                   "group by account, currency order by account, currency"),
        bank_unclaimed=ask(
            "select entity, kind, currency, count(*) as lines, sum(amount) as amount, "
            "first(file || ':' || line order by abs(amount) desc, file, line) as largest_line, "
            f"first(amount order by abs(amount) desc, file, line) as largest from bank_unclaimed where {in_range} "
            "group by all order by all") if has_view(con, "bank_unclaimed") else [],
        anomalies=ask(_ANOMALIES),
        recurring=ask(_RECURRING),
        changed=ask(_CHANGED), before=before if before != span.since else None,
        files=ask("select source, shop, file, status, max(rows_read) as rows_read, max(rows_parsed) as rows_parsed, "
                  "max(rows_quarantined) as rows_quarantined, max(rows_ignored) as rows_ignored, "
                  "bool_and(control_totals_ok) as control_totals_ok, max(problem) as problem, min(period) as period "
                  f"from source_files where {in_range} group by source, shop, file, sha256, status "
                  "order by status = 'read', source, shop, period, file"),
        quarantine=ask(f"select *, {_OF_ALL} from (select distinct source, file, line, column_name, value, reason from quarantine "
                       f"where {in_range}) order by all limit {MOST_CELLS}"),
        quarantined=ask("select count(*) as n from (select distinct source, file, line, column_name from quarantine "
                        f"where {in_range})")[0]["n"],
        not_run=ask(f"select leg, shop, channel, missing, wanted, sum(claims)::bigint as claims from legs_not_run where {in_range} "
                    "group by all order by all"),
        failed=ask(f"select period, table_name, expectation, column_name, unexpected, detail from quality_results where {in_range} "
                   "and not success order by all"),
        checks=ask(f"select count(*) as n from quality_results where {in_range}")[0]["n"],
        entries=ask(f"select * from journal_proposals where {in_range} order by period, entry, line_no"),
        details=ask(
            "select leg, \"key\", cause, currency, difference, first_seen, status, proposal, evidence, candidates, shop, order_id, "
            f"{_OF_ALL} from report_items where {at_end} and cause <> 'timing' "
            f"order by abs(difference) desc, leg, \"key\", currency, cause limit {MOST_DETAILS}"),
    )


def _named(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> list[Row]:
    return rows(con, sql, {name: value for name, value in values.items() if f"${name}" in sql})


def left_out(shown: list[Row]) -> int:
    """How many rows there are besides those that were asked for with `of_all`."""
    return int(shown[0]["of_all"]) - len(shown) if shown else 0


def share(part: int, whole: int) -> Decimal | None:
    """A fraction of 1; None where there is nothing to be a part of."""
    return Decimal(part) / Decimal(whole) if whole else None
