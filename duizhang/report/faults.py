"""What has to be dealt with, each fault once: the events of `event_items`, as the review page and the workbook list them.

An order is in several legs, so adding their differences up would count its money several times: an event's cause and money are those
of the published view `events`.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from duizhang.publish.metrics import events_query

# Grain of report_items: an open item and cause at the end of a day. due: when its leg's SLA ends.
_ITEMS = """
create or replace temp table report_items as
select
    v.period, v.leg, v.entity, v."key", v.currency, v.cause, v.difference, v.first_seen, v.age_days, v.status,
    coalesce(v.shop, '') as shop, coalesce(v.order_id, '') as order_id, coalesce(v.proposal, '') as proposal, v.evidence, v.candidates,
    (v.first_seen + o.sla_days)::date as due
from variances as v
left join (
    select period, leg, entity, "key", currency, max(sla_days)::integer as sla_days from open_items group by all
) as o using (period, leg, entity, "key", currency)
where v.period between ? and ?
"""

# Grain: an item that has to be dealt with, or a part of it, and the event it belongs to.
_MEMBERS = """
create or replace temp table report_members as
select
    i.* exclude (difference, shop, order_id), e.event, e.is_booked, e.difference, coalesce(nullif(e.shop, ''), i.shop) as shop,
    coalesce(nullif(e.order_id, ''), i.order_id) as order_id
from event_items as e
inner join report_items as i using (period, leg, entity, "key", currency, cause)
where i.cause <> 'timing' and i.status = 'open'
"""

# Grain: an event at the end of a day that has something to be dealt with, told by the largest of it, with its money (the view `events`).
# parts: the other items that its money is made of. first_seen, due: of the items that have its money, since a sum beside them may be
# open for longer.
_FAULTS = f"""
create or replace temp table report_faults as
with
concerned as (select e.* from event_items as e semi join report_members using (period, event)),
told as (select * from ({events_query("concerned")}) where cause <> 'timing' and status = 'open'),

members as (
    select
        m.*, m.leg = t.leg and m.entity = t.entity and m."key" = t."key" and m.currency = t.currency and m.cause = t.cause as is_told,
        m.leg = t.leg and m.currency = t.currency and m.is_booked and m."key" <> t."key" as is_part
    from report_members as m
    inner join told as t using (period, event)
),

of_event as (
    select
        m.period, m.event, max(m.shop) as shop, max(m.order_id) as order_id,
        coalesce(min(m.first_seen) filter (where m.is_booked), min(m.first_seen)) as first_seen,
        coalesce(min(m.due) filter (where m.is_booked), min(m.due)) as due,
        list(distinct m.leg order by m.leg) as legs, count(*) as items,
        max(m.evidence) filter (where m.is_told) as evidence,
        max(m.proposal) filter (where m.is_told) as proposal,
        max(m.candidates) filter (where m.is_told) as candidates,
        list(struct_pack(leg := m.leg, "key" := m."key", difference := m.difference) order by abs(m.difference) desc, m."key") filter (
            where m.is_part
        ) as parts
    from members as m
    group by m.period, m.event
)

select
    e.*, t.age_days, t.leg, t."key" as "key", t.entity, t.cause, t.currency, t.amount
from of_event as e
inner join told as t using (period, event)
"""


def gather(con: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> None:
    """Make report_items, report_members and report_faults of the days of a range, in memory."""
    con.execute(_ITEMS, [first, last])
    for query in (_MEMBERS, _FAULTS):
        con.execute(query)
