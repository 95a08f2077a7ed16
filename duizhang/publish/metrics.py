"""Views of published.duckdb for what analysts ask most (docs/questions.md), each right by construction: one day where days must not be
added, one currency a row, sums that are those of the tables.

A view has the columns that its query gives; what they mean is in dictionary.yaml, as of every table.
"""

from __future__ import annotations

import duckdb

_LAST = "(select max(period) from period_status where version > 0)"
CHARGES = ("commission", "fee", "service", "freight", "cost")  # what a profit is less than what was sold and not given back
_MEASURES = ("revenue", "discount", "refund", *CHARGES)
_SUMS = ", ".join(f"sum({name}) as {name}" for name in (*_MEASURES, "profit"))


def _share(name: str) -> str:
    """SQL of a line's part of what its order has as a whole, by its share of the order's revenue, to four decimals.

    In whole units of 1/10000, as the difference of two cumulative parts: the parts of an order add up to the whole exactly.
    """
    units = f"(w.{name} * 10000)::hugeint"
    return f"(({units} * l.upto // l.total) - ({units} * (l.upto - l.weight) // l.total))::decimal(34, 0) * 0.0001"


_SPREAD = ", ".join(f"l.{name} + coalesce({_share(name)}, 0) as {name}" for name in _MEASURES)
_UNSPREAD = ", ".join(f"w.{name}" for name in _MEASURES)

# how many events of a group of event_items have to be dealt with, and how many are on their way: what the view `events` counts, without
# working out by which item each is told
DIFFERING = "count(distinct event) filter (where cause <> 'timing')"
ON_ITS_WAY = f"count(distinct event) - {DIFFERING}"

# An event is told by what has to be dealt with of it before what is on its way, by what is open before what was decided, by what its
# money is booked of before what shows it again, and by the largest of those. Its money is what its items of that kind come to in that
# leg; of two accounts of which one has what the other lacks, once.
_EVENTS = """
    with
    judged as not materialized (select *, cause = 'timing' as is_timing, coalesce(status, 'open') = 'open' as is_open from {items}),
    leads as (
        select
            period, event, max(shop) as shop, max(order_id) as order_id, list_sort(list(distinct leg)) as legs, count(*) as items,
            min_by(
                struct_pack(leg, entity, "key", currency, cause, difference, is_booked, status, is_timing, is_open),
                (is_timing, not is_open, not is_booked, -abs(difference), leg, "key", entity, currency, cause)
            ) as lead
        from judged
        group by period, event
    ),
    own as (
        select
            i.period, i.event, max(i.age_days) as age_days,
            sum(i.difference) filter (where i.leg = l.lead.leg and i.currency = l.lead.currency) as difference
        from judged as i
        inner join leads as l using (period, event)
        where i.is_booked = l.lead.is_booked and i.is_timing = l.lead.is_timing and i.is_open = l.lead.is_open
        group by i.period, i.event
    )
    select
        l.period, l.event, l.lead.leg as leg, l.lead.entity as entity, l.lead."key" as "key", l.lead.currency as currency,
        l.lead.cause as cause, abs(coalesce(nullif(o.difference, 0), l.lead.difference)) as amount, l.shop, l.order_id, o.age_days,
        l.lead.status as status, l.legs, l.items
    from leads as l
    inner join own as o using (period, event)
"""

def events_query(items: str = "event_items") -> str:
    """The query of the view `events`. items: the rows of event_items that are asked about, every item of an event or none."""
    return _EVENTS.format(items=items)


# views with the columns of a table -> that table, whose words hold for them too
OF = {"open_now": "variances", "open_work": "variances", "cash_now": "cash_in_transit", "stock_now": "stock_rollforward"}

# name -> query; a later one may read an earlier one
VIEWS: dict[str, str] = {
    "events": events_query(),
    "open_now": f"select * from variances where period = {_LAST}",
    "open_work": (
        "select o.*, c.label_en, c.label_zh, c.owner, c.action_en, c.action_zh from open_now as o left join causes as c using (cause)"
    ),
    "order_profit": (
        f"select entity, shop, order_id, currency, min(period) as first_day, sum(quantity) as quantity, {_SUMS} "
        "from order_pnl where order_id <> '' group by entity, shop, order_id, currency"
    ),
    "sku_profit": f"""
        with summed as (
            select entity, shop, order_id, sku, currency, sum(quantity) as quantity, {_SUMS}
            from order_pnl group by entity, shop, order_id, sku, currency
        ),
        whole as (select * from summed where sku = ''),
        weighed as (select *, (greatest(revenue, 0) * 10000)::hugeint as weight from summed where sku <> ''),
        lines as (
            select
                *,
                sum(weight) over (
                    partition by entity, shop, order_id, currency order by sku rows unbounded preceding
                )::hugeint as upto,
                nullif(sum(weight) over (partition by entity, shop, order_id, currency), 0)::hugeint as total
            from weighed
        ),
        spread as (
            select l.entity, l.shop, l.order_id, l.sku, l.currency, l.quantity, {_SPREAD}
            from lines as l left join whole as w using (entity, shop, order_id, currency)
            union all
            -- what stands on no SKU of its order
            select w.entity, w.shop, w.order_id, '' as sku, w.currency, w.quantity, {_UNSPREAD}
            from whole as w
            anti join (select * from lines where total is not null) as l using (entity, shop, order_id, currency)
        )
        select
            entity, shop, sku, currency, count(distinct order_id) as orders, sum(quantity) as quantity,
            {', '.join(f'sum({name}) as {name}' for name in _MEASURES)},
            sum({' - '.join(('revenue', 'refund', *CHARGES))}) as profit
        from spread group by entity, shop, sku, currency
    """,
    "refund_rates": (
        "select entity, shop, sku, currency, orders, revenue, refund, "
        "try_cast(refund / nullif(revenue, 0) as decimal(18, 6)) as refund_rate from sku_profit"
    ),
    "cash_now": f"select * from cash_in_transit where period = {_LAST}",
    "stock_now": f"select * from stock_rollforward where period = {_LAST} and difference <> 0",
}


def with_events(con: duckdb.DuckDBPyConnection) -> None:
    """Put the view `events` into a connection to published.duckdb, for this program: what a home has was written by the one that
    published last."""
    con.execute(f"create or replace temp view events as {events_query()}")
