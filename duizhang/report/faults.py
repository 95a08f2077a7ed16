"""What has to be dealt with, each fault once: the items of several legs that show the same thing are one.

An order is in several legs, so adding their differences up would count its money several times. A fault is the items of one
subject (an order; a SKU in a warehouse; else the item by itself) with one cause. Sums (a customer, a measure of a shop, a ledger account)
are no faults of their own where the lines in their evidence are faults already.
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

# Grain: an open item that has to be dealt with, and which fault it belongs to. is_shown: its lines are faults of their own.
_MEMBERS = """
create or replace temp table report_members as
with
items as (select * from report_items where cause <> 'timing' and status = 'open'),

subjects as (
    select
        *,
        case
            when leg not in ('customer', 'finance', 'ledger') and order_id <> '' then concat(shop, '/', order_id)
            when leg = 'stock' then concat(split_part("key", '/', 1), '/', split_part("key", '/', 2))
            when leg = 'ledger' and proposal like 'pairs with %' then least("key", substr(proposal, 12))
            else "key"
        end as subject,
        leg not in ('customer', 'finance', 'ledger') as is_line
    from items
),

sum_lines as (
    select distinct
        period, leg, entity, "key", currency, cause,
        concat(split_part(line, '/', 1), '/', split_part(line, '/', 2)) as subject
    from (
        select
            period, leg, entity, "key", currency, cause, unnest(json_extract_string(evidence, '$[*].key')) as line
        from subjects
        where not is_line
    )
),

known as (select distinct period, entity, subject from subjects where is_line and order_id <> ''),

covered as (
    select l.period, l.leg, l.entity, l."key", l.currency, l.cause
    from sum_lines as l
    left join known as k using (period, entity, subject)
    group by all
    having count(*) = count(k.subject)
),

amounts as (
    select distinct period, entity, currency, cause, abs(difference) as amount, true as is_known
    from subjects
    where is_line and difference <> 0
)

select
    s.* exclude (is_line),
    c.leg is not null or (s.leg = 'ledger' and coalesce(a.is_known, false)) as is_shown,
    case when s.is_line and s.order_id <> '' or s.leg = 'stock' then s.subject else concat(s.leg, ' ', s.subject) end as fault
from subjects as s
left join covered as c using (period, leg, entity, "key", currency, cause)
left join amounts as a
    on s.period = a.period and s.entity = a.entity and s.currency = a.currency and s.cause = a.cause
    and abs(s.difference) = a.amount
"""

# Grain: a fault at the end of a day. due: the earliest of its items.
_FAULTS = """
create or replace temp table report_faults as
select
    period, entity, cause, fault, any_value(subject order by leg) as subject, max(shop) as shop, max(order_id) as order_id,
    min(first_seen) as first_seen, max(age_days) as age_days, min(due) as due,
    list(distinct leg order by leg) as legs, count(*) as items,
    max_by(evidence, (abs(difference), leg, "key", currency)) as evidence
from report_members
where not is_shown
group by period, entity, cause, fault
"""

# Grain: a fault and currency. amount: the largest that one leg shows of it, gross.
_AMOUNTS = """
create or replace temp table report_amounts as
with by_leg as (
    select
        period, entity, cause, fault, currency, leg,
        case when leg = 'ledger' then max(abs(difference)) else abs(sum(difference)) end as amount
    from report_members
    where not is_shown
    group by period, entity, cause, fault, currency, leg
)
select period, entity, cause, fault, currency, max(amount) as amount
from by_leg
group by all
having max(amount) <> 0
"""


def gather(con: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> None:
    """Make report_items, report_members, report_faults and report_amounts of the days of a range, in memory."""
    con.execute(_ITEMS, [first, last])
    for query in (_MEMBERS, _FAULTS, _AMOUNTS):
        con.execute(query)
