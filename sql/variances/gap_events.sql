-- Grain: one row a period and event of an order, a shop or an item that is part of a larger one (event_key). Meaning: the one event that
-- it belongs to (gap_key): an outage of one source on one day, whose orders lack nothing else, in all the legs that show them, with the payout
-- of the week after it and the account of its day that alone differ by just so much; a file that is
-- absent for a day, or all files of a source, in all the legs that wait for it; a statement that is missing, in all the measures that it would state; orders of
-- a shop that were paid in another currency at the rate of the day; and items that a matching pass proposes as one, each of which is all there is of its event.
with
events as (select * from events_apart),
outages as (select * from outages where is_sure and not is_silent),
claims as (select * from item_claims where leg = 'finance'),
items as (select * from variances where leg in ('ledger', 'payout_bank') and cause <> 'timing' and difference <> 0),
matched as (select * from matched),
rules as (select * from matching_settings),
accounts as (select * from shared_accounts),
fitting_rates as (select * from variances where leg = 'order_payment' and cause = 'fx_difference' and candidates = '[]'),

-- events whose every item is lost in one gap
lost as (
    select
        e.period, e.event_key, e.entity, e.shop, min(o.claimed) as claimed, min(o.lacks[1]) as lacks, min(o.lost_by) as lost_by,
        min(e.currency) filter (where e.currency <> 'PCS') as currency
    from events as e
    left join outages as o using (period, entity, shop, order_id)
    where e.cause = 'system_outage'
    group by e.period, e.event_key, e.entity, e.shop
    having count(o.claimed) = count(*) and min(o.claimed) = max(o.claimed)
),

whole as (
    select l.*
    from lost as l
    semi join (
        select period, event_key
        from events
        where leg <> 'ledger'
        group by all
        having bool_and(cause = 'system_outage')
    ) as w using (period, event_key)
),

-- money of two currencies is never one event
outage_events as (
    select
        period, event_key,
        concat_ws(
            '|', 'outage', entity, shop, claimed, lacks, lost_by,
            case when min(currency) over of_gap <> max(currency) over of_gap then coalesce(currency, 'PCS') end
        ) as gap_key
    from whole
    window of_gap as (partition by period, entity, shop, claimed, lacks, lost_by)
),

outage_totals as (
    select g.period, g.gap_key, e.entity, e.currency, l.claimed, e.leg, abs(sum(e.difference)) as total
    from outage_events as g
    inner join whole as l using (period, event_key)
    inner join events as e using (period, event_key)
    where e.leg in ('order_payment', 'order_platform', 'payment_settlement')
    group by g.period, g.gap_key, e.entity, e.currency, l.claimed, e.leg
),

alone as (
    select
        period, event_key, min(leg) as leg, min(entity) as entity, min("key") as "key", min(currency) as currency, min(cause) as cause
    from events
    group by period, event_key
    having count(*) = 1
),

fitting as (
    select distinct i.period, a.event_key, i.leg, t.gap_key
    from items as i
    inner join alone as a using (period, leg, entity, "key", currency, cause)
    inner join outage_totals as t
        on i.period = t.period and i.entity = t.entity and i.currency = t.currency and abs(i.difference) = t.total
        and case i.leg
            when 'ledger' then try_cast(split_part(i."key", '/', 2) as date) = t.claimed
            else i.first_seen between t.claimed and t.claimed + 7
        end
),

fitted as (
    select period, event_key, gap_key
    from fitting
    qualify count(*) over (partition by period, event_key) = 1 and count(*) over (partition by period, gap_key, leg) = 1
),

absent_files as (
    select
        period, event_key,
        -- an account that several shops share is one source
        concat_ws(
            '|', split_part("key", '/', -3), entity, case when split_part("key", '/', -2) in (select account from accounts) then '' else shop end,
            split_part("key", '/', -2), split_part("key", '/', -1), currency
        ) as gap_key
    from events
    where cause = 'missing_source' and split_part("key", '/', -3) in ('absent', 'unsupplied')
),

-- the days of which a measure is not stated
silent_days as (
    select c.period, c.entity, c."key", c.currency, c.claimed
    from claims as c
    group by c.period, c.entity, c."key", c.currency, c.claimed
    having count(*) filter (where c.side = 'right') = 0
),

silent as (
    select e.period, e.event_key, e.entity, e.shop, e.currency, list(distinct s.claimed order by s.claimed) as days
    from events as e
    inner join silent_days as s using (period, entity, "key", currency)
    where e.leg = 'finance' and e.cause = 'missing_source'
    group by e.period, e.event_key, e.entity, e.shop, e.currency
),

-- what is missing on fewer days than another measure goes with it, where those are among its days
statements as (
    select s.period, s.event_key, concat_ws('|', 'statement', s.entity, s.shop, s.currency, array_to_string(m.days, ' ')) as gap_key
    from silent as s
    inner join (
        select period, entity, shop, currency, days
        from silent
        qualify row_number() over (partition by period, entity, shop, currency order by len(days) desc, event_key) = 1
    ) as m using (period, entity, shop, currency)
    where len(list_filter(s.days, lambda d: not list_contains(m.days, d))) = 0
),

-- what else there is of an order stays with its order
proposed as (
    select m.period, m.leg, m.entity, m.currency, m.members[1] as first_member, unnest(m.members) as "key", len(m.members) as members
    from matched as m
    cross join rules as r
    where m.pass <> 'tolerance' and m.points >= r.shown_points
),

as_one as (
    select p.period, a.event_key, concat_ws('|', 'pair', p.leg, p.entity, p.currency, p.first_member) as gap_key
    from proposed as p
    inner join alone as a using (period, leg, entity, "key", currency)
    anti join fitted as f on a.period = f.period and a.event_key = f.event_key
    qualify count(*) over (partition by p.period, p.leg, p.entity, p.currency, p.first_member) = p.members
),

-- what a shop sells in one currency and is paid in another, where the rate explains the whole of it
paid_abroad as (
    select e.period, e.event_key, concat_ws('|', 'fx', e.entity, e.shop, e.currency) as gap_key
    from events as e
    semi join fitting_rates as f
        on e.period = f.period and e.leg = f.leg and e.entity = f.entity and e."key" = f."key" and e.currency = f.currency and e.cause = f.cause
    semi join (
        select period, event_key
        from events
        group by all
        having bool_and(cause = 'fx_difference')
    ) as w
        on e.period = w.period and e.event_key = w.event_key
),

final as (
    select * from outage_events
    union all
    select * from paid_abroad
    union all
    select * from fitted
    union all
    select * from as_one
    union all
    select * from absent_files
    union all
    select * from statements
)

select period, event_key, min(gap_key) as gap_key
from final
group by period, event_key
