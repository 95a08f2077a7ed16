-- Grain: one payment (what 'payment'), refund of our books ('refund') or order ('order') of which a platform that keeps the buyer's money
-- until the parcel has arrived gave all back before it settled anything. Meaning: the platform has closed the order, and our books have
-- by that day paid back as much as was paid. Of that the platform sends no line, or one with the settlement: what is told here stands for
-- it, and lines that come later (period: since when) do not count again.
with
kept as (select * from kept_payments),
shops as (select * from shops),
payments as (select * from placed_payments where order_id <> ''),
refunds as (select * from placed_refunds where origin = 'provider' and order_id <> ''),
settlements as (select * from placed_settlements where kind in ('sale', 'refund') and order_id <> ''),
booked as (select * from booked_refunds),
booked_earlier as (select * from booked_before),
closed_orders as (select * from closed_orders where is_paid),
closed_before as (select * from closed_before where is_paid),
own_sides as (select * from supplied_sides where leg = 'orders' and side = 'left'),
past as (select * from past_claims where side = 'right' and leg = 'order_payment' and kind in ('sale', 'refund')),
past_settled as (select * from past_claims where side = 'right' and leg = 'payment_settlement' and kind in ('sale', 'refund')),

kept_shops as (
    select s.shop, s.provider from shops as s semi join kept as k on s.provider = k.provider
),

-- what the platform itself says: not what our own record says of a shop that has one
closed as (
    select c.entity, c.shop, c.order_id, k.provider, min(c.period) as since
    from (
        select period, entity, shop, order_id, is_own from closed_orders
        union all
        select period, entity, shop, order_id, is_own from closed_before
    ) as c
    inner join kept_shops as k on c.shop = k.shop
    left join own_sides as o on o.entity in ('', c.entity) and o.shop in ('', c.shop)
    where not c.is_own or o.since is null
    group by c.entity, c.shop, c.order_id, k.provider
),

paid as (
    select p.period, p.entity, p.shop, p.order_id, p.transaction_id, p.currency, p.amount
    from payments as p
    semi join closed as c using (entity, shop, order_id)
    union all
    select p.period, p.entity, p.shop, c.order_id, p.record_id, p.currency, p.amount
    from past as p
    inner join closed as c on p.entity = c.entity and p."key" = concat_ws('/', c.shop, c.order_id)
    where p.kind = 'sale'
),

given as (
    select period, entity, shop, order_id, refund_id, currency, amount from booked
    union all
    select period, entity, shop, order_id, refund_id, currency, amount from booked_earlier
),

-- what the platform said of the order by itself, and since when we say it for it
told as (
    select period, entity, shop, order_id from refunds
    union all
    select period, entity, shop, order_id from settlements
    union all
    select p.period, p.entity, p.shop, c.order_id
    from past as p
    inner join closed as c on p.entity = c.entity and p."key" = concat_ws('/', c.shop, c.order_id)
    where p.kind = 'refund' and p.remark is distinct from 'unsettled'
    union all
    select s.period, p.entity, p.shop, p.order_id
    from past_settled as s
    inner join paid as p on s.entity = p.entity
    inner join kept_shops as k on p.shop = k.shop and s."key" = concat_ws('/', k.provider, p.transaction_id)
),

days as (
    select distinct period, entity, shop, order_id, currency from given
),

-- what was paid by a day, and what was given back
by_day as (
    select d.period, d.entity, d.shop, d.order_id, d.currency, sum(m.paid) as paid, sum(m.given) as given
    from days as d
    inner join (
        select period, entity, shop, order_id, currency, amount as paid, null as given from paid
        union all
        select period, entity, shop, order_id, currency, null, amount from given
    ) as m using (entity, shop, order_id, currency)
    where m.period <= d.period
    group by all
),

told_first as (
    select entity, shop, order_id, min(period) as since from told group by entity, shop, order_id
),

whole as (
    select d.entity, d.shop, d.order_id, d.currency, c.provider, min(d.period) as period
    from by_day as d
    inner join closed as c using (entity, shop, order_id)
    left join told_first as t using (entity, shop, order_id)
    where d.paid = d.given and c.since <= d.period and (t.since is null or t.since > d.period)
    group by d.entity, d.shop, d.order_id, d.currency, c.provider
),

fresh as (
    select * from whole where period between getvariable('period_from') and getvariable('period_to')
),

final as (
    select
        'payment' as what, w.period, w.entity, w.shop, w.order_id, p.transaction_id, '' as refund_id, w.provider, w.currency, p.amount,
        w.period::timestamp as occurred_at
    from fresh as w
    inner join paid as p on w.entity = p.entity and w.shop = p.shop and w.order_id = p.order_id and w.currency = p.currency
    where p.period <= w.period
    union all
    select
        'refund', w.period, w.entity, w.shop, w.order_id, '', g.refund_id, w.provider, w.currency, g.amount, w.period::timestamp
    from fresh as w
    inner join given as g on w.entity = g.entity and w.shop = g.shop and w.order_id = g.order_id and w.currency = g.currency
    where g.period <= w.period
    union all
    select 'order', w.period, w.entity, w.shop, w.order_id, '', '', w.provider, w.currency, 0, null
    from whole as w
)

select * from final
