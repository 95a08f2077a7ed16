-- Grain: one row a period, item of the ledger, cause and event. Meaning: the event that it belongs to with others: that of two accounts of
-- which one has what the other lacks; those of orders whose sales an account has and our records of its day lack, of one order or of all
-- that differ.
with
lines as (select * from event_lines where leg = 'ledger'),
totals as (select * from order_totals),
accounts as (select * from account_map),

of_ledger as (
    select *, split_part("key", '/', 1) as account, try_cast(split_part("key", '/', 2) as date) as booked_on
    from lines
),

-- how many accounts have a cause in an amount: there may be very many of one
ledger_amounts as (
    select period, entity, currency, difference, cause, count(*) as items, min("key") as least_key
    from of_ledger
    where difference <> 0 and cause in ('wrong_account', 'wrong_period')
    group by period, entity, currency, difference, cause
),

pairs as (
    select
        a.period, a.entity, a."key", a.currency, concat_ws('|', 'accounts', a.entity, least(a."key", min(b.least_key)),
        greatest(a."key", min(b.least_key)), a.currency) as event_key
    from of_ledger as a
    inner join ledger_amounts as b
        on a.period = b.period and a.entity = b.entity and a.currency = b.currency and a.difference = -b.difference and a.cause = b.cause
    group by a.period, a.entity, a."key", a.currency
    having sum(b.items) = 1
),

mutual as (
    select *
    from pairs
    qualify count(*) over (partition by period, event_key) = 2
),

-- sales that an account has and our records of its day lack, or the other way round: the ledger has what the platform says
in_ledger as (
    select
        g.period, g.entity, g."key", g.currency, g.cause, t.event_key, t.shop, (-t.difference)::decimal(28, 4) as difference,
        sum(-t.difference) over of_account = g.difference as is_all,
        -t.difference = g.difference as is_one,
        count(*) filter (where -t.difference = g.difference) over of_account as ones
    from of_ledger as g
    inner join accounts as a on g.account = a.account and a.measure = 'sales' and a.shop <> ''
    inner join totals as t
        on g.period = t.period and g.entity = t.entity and g.currency = t.currency and g.booked_on = t.first_seen and a.shop = t.shop
    anti join mutual as m on g.period = m.period and g.entity = m.entity and g."key" = m."key" and g.currency = m.currency
    where g.difference <> 0 and not t.is_timing
    window of_account as (partition by g.period, g.entity, g."key", g.currency)
),

final as (
    select
        g.period, m.event_key, g.leg, g.entity, g."key", g.currency, g.cause, g.difference, g.quantity, true as is_booked, g.shop,
        g.order_id
    from of_ledger as g
    inner join mutual as m using (period, entity, "key", currency)
    union all by name
    select
        period, event_key, 'ledger' as leg, entity, "key", currency, cause, difference, 0 as quantity, false as is_booked, shop,
        '' as order_id
    from in_ledger
    where ones = 1 and is_one or ones <> 1 and is_all
)

select * from final
