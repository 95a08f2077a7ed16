"""What has to be dealt with, each fault once: the events of `event_items`, as the review page and the workbook list them.

An order is in several legs, so adding their differences up would count its money several times. An event's money is that of its booked
items, its cause that of the largest of them.
"""

from __future__ import annotations

import datetime as dt

import duckdb

# Grain of report_items: an open item and cause at the end of a day. due: when its leg's SLA ends.
_ITEMS = """
create or replace temp table report_items as
select
    v.period, v.leg, v.entity, v."key", v.currency, v.cause, v.difference, v.first_seen, v.age_days, v.status,
    coalesce(v.shop, '') as shop, coalesce(v.order_id, '') as order_id, coalesce(v.proposal, '') as proposal, v.evidence,
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

# Grain: an event at the end of a day that has something to be dealt with. lead: the leg and key that it is told by. amount: its money,
# gross; of two accounts of which one has what the other lacks, once. parts: the other items that it is made of.
# first_seen, age_days, due: of the items that have its money, since a sum beside them may be open for longer.
_FAULTS = """
create or replace temp table report_faults as
with
leads as (
    select
        period, event,
        min_by(
            struct_pack(leg, "key", entity, cause, currency, evidence, difference), (not is_booked, -abs(difference), leg, "key")
        ) as lead
    from report_members
    group by period, event
),

sums as (
    select
        m.period, m.event, sum(m.difference) filter (where m.leg = l.lead.leg and m.is_booked) as amount,
        list(struct_pack(leg := m.leg, "key" := m."key", difference := m.difference) order by abs(m.difference) desc, m."key") filter (
            where m.leg = l.lead.leg and m.is_booked and m."key" <> l.lead."key"
        ) as parts
    from report_members as m
    inner join leads as l using (period, event)
    group by m.period, m.event
),

of_event as (
    select
        period, event, max(shop) as shop, max(order_id) as order_id,
        coalesce(min(first_seen) filter (where is_booked), min(first_seen)) as first_seen,
        coalesce(max(age_days) filter (where is_booked), max(age_days)) as age_days,
        coalesce(min(due) filter (where is_booked), min(due)) as due, list(distinct leg order by leg) as legs, count(*) as items
    from report_members
    group by period, event
)

select
    e.*, l.lead.leg as leg, l.lead."key" as "key", l.lead.entity as entity, l.lead.cause as cause, l.lead.currency as currency,
    l.lead.evidence as evidence, abs(coalesce(nullif(s.amount, 0), l.lead.difference)) as amount,
    case when s.amount <> 0 then s.parts end as parts
from of_event as e
inner join leads as l using (period, event)
inner join sums as s using (period, event)
"""


def gather(con: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> None:
    """Make report_items, report_members and report_faults of the days of a range, in memory."""
    con.execute(_ITEMS, [first, last])
    for query in (_MEMBERS, _FAULTS):
        con.execute(query)
