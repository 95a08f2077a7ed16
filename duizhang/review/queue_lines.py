"""The lines of a day as people go through them: one for each item that carries the money of an event, with what it needs to be put in
order. What other legs show of the same event stands with it; the items themselves, a hundred times as wide, need not be read.
"""

from __future__ import annotations

import datetime as dt

import duckdb

_OF_DAY = "select * from event_items as e where e.period = $day"
# of a version that was published before events had the age and status of their items
_OF_DAY_AND_ITEMS = """
    select e.* exclude (age_days, status), v.age_days, v.status
    from event_items as e
    inner join variances as v
        on e.period = v.period and e.leg = v.leg and e.entity = v.entity and e."key" = v."key" and e.currency = v.currency
        and e.cause = v.cause
    where e.period = $day
"""

# An event whose own money is only on its way, while a leg beside it differs already, is told by that leg: else nobody would see it.
_TOLD_BESIDE = """
    with
    doubtful as (
        select distinct o.event
        from (select event from event_items where period = $day and not is_booked and cause <> 'timing') as o
        semi join (select event from event_items where period = $day and is_booked and cause = 'timing') as t using (event)
    )
    select event from doubtful
    except
    select event from event_items semi join doubtful using (event) where period = $day and is_booked and cause <> 'timing'
"""
_SEVERAL = "select event from event_items where period = $day and is_booked group by event having count(*) > 1"

# first_*: the line that an event is told by. money, oldest: of the event; money is what its lines come to where the first one is, of
# two accounts of which one has what the other lacks once.
_BY_THEMSELVES = """
    create or replace temp table lines_by_themselves as
    with
    of_day as ({of_day} and e.event in (select unnest($apart))),
    beside as (
        select o.* from of_day as o
        where o.cause <> 'timing' and o.event in (select unnest($beside))
        qualify row_number() over (partition by o.event order by abs(o.difference) desc, o.leg, o."key", o.currency, o.cause) = 1
    ),
    told as (
        select * from of_day where is_booked and event not in (select unnest($beside))
        union all
        select * from beside
    ),
    placed as (
        select
            *, first_value(struct_pack(leg, entity, "key", currency, difference)) over in_order as lead,
            max(age_days) over of_event as oldest
        from told
        window
            of_event as (partition by event),
            in_order as (partition by event order by abs(difference) desc, leg, entity, "key", currency, cause)
    )
    select
        leg, entity, "key", currency, cause, event, difference, shop, order_id, age_days, status, lead.leg as first_leg,
        lead.entity as first_entity, lead."key" as first_key, lead.currency as first_currency, oldest,
        abs(coalesce(
            nullif(sum(difference) filter (where leg = lead.leg and currency = lead.currency) over (partition by event), 0), lead.difference
        )) as money
    from placed
"""

_MEASURED = """
    cause = 'timing' as is_timing, -abs(difference)::decimal(38, 4) as minus_size, -age_days as minus_age, status
"""
_ALONE = f"""
    select
        leg, entity, "key", currency, cause, event, difference, shop, order_id, leg as first_leg, entity as first_entity,
        "key" as first_key, currency as first_currency, -abs(difference)::decimal(38, 4) as minus_money, -age_days as minus_oldest,
        true as is_alone, {_MEASURED}
"""
_LINES = f"""
    {_ALONE}
    from ({{of_day}} and is_booked) as d
    anti join lines_by_themselves as l using (event)
    union all by name
    select
        leg, entity, "key", currency, cause, event, difference, shop, order_id, first_leg, first_entity, first_key, first_currency,
        -money::decimal(38, 4) as minus_money, -oldest as minus_oldest, false as is_alone, {_MEASURED}
    from lines_by_themselves
"""
# lines of a version that was published before there were events stand for themselves
_WITHOUT_EVENTS = f"""
    {_ALONE}
    from (
        select * replace (coalesce(shop, '') as shop, coalesce(order_id, '') as order_id), '' as event from variances where period = $day
    )
"""


def lines_of(con: duckdb.DuckDBPyConnection, period: dt.date) -> str:
    """The query of all lines of a day (`$day`), by what its version has.

    Few events have several lines or are told by another leg. Their lines are made by themselves, in a temporary table, so that all others
    are read as they stand: putting every line through that would cost more than the rest of a page.
    """
    found = con.execute("select age_days from event_items where period = ? limit 1", [period]).fetchall()
    if not found:
        return _WITHOUT_EVENTS
    of_day = _OF_DAY if found[0][0] is not None else _OF_DAY_AND_ITEMS
    beside, several = ([event for (event,) in con.execute(query, {"day": period}).fetchall()] for query in (_TOLD_BESIDE, _SEVERAL))
    apart = sorted({*beside, *several})
    if not apart:
        return f"{_ALONE} from ({of_day} and is_booked)"
    con.execute(_BY_THEMSELVES.format(of_day=of_day), {"day": period, "apart": apart, "beside": beside})
    return _LINES.format(of_day=of_day)
