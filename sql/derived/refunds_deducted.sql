-- Grain: one refund of our books that its platform took out of what it had not paid out yet. Meaning: a platform that keeps what a buyer paid
-- until the parcel has arrived (Taobao with Alipay) pays the order less what it gave back, or nothing, and its provider has no line of the
-- refund: what came in is to the cent what our order asks for less our refunds. Where nothing came in, only the platform's own list says so,
-- by having closed the order. It is told on the day on which all of that is known; orders of given_back are told there.
with
kept as (select * from kept_payments),
shops as (select * from shops),
own_orders as (select * from own_orders where order_id <> ''),
payments as (select * from placed_payments where order_id <> ''),
refunds as (select * from placed_refunds where origin = 'provider' and order_id <> ''),
booked as (select * from booked_refunds),
booked_earlier as (select * from booked_before),
closed_orders as (select * from closed_orders where is_paid and not is_own),
closed_before as (select * from closed_before where is_paid and not is_own),
past as (select * from past_claims where leg = 'order_payment'),

given as (
    select period, entity, shop, order_id, refund_id, currency, amount from booked
    union all
    select period, entity, shop, order_id, refund_id, currency, amount from booked_earlier
),

orders as (
    select distinct entity, order_id, concat_ws('/', shop, order_id) as order_key from given
),

-- what our orders ask for and what the provider says of them
told as (
    select period, entity, shop, order_id, currency, amount as asked, null as paid, false as is_refund from own_orders
    union all
    select period, entity, shop, order_id, currency, null, amount, false from payments
    union all
    select period, entity, shop, order_id, currency, null, null, true from refunds
    union all
    select
        p.period, p.entity, p.shop, o.order_id, p.currency,
        case when p.side = 'left' then p.amount end, case when p.side = 'right' and p.kind = 'sale' then p.amount end,
        p.kind <> 'sale'
    from past as p
    inner join orders as o on p.entity = o.entity and p."key" = o.order_key
    where p.side = 'right' or p.kind = 'sale'
),

moved as (
    select t.*
    from told as t
    semi join given as g using (entity, shop, order_id, currency)
),

closed as (
    select entity, shop, order_id, min(period) as since
    from (
        select period, entity, shop, order_id from closed_orders
        union all
        select period, entity, shop, order_id from closed_before
    ) as c
    group by entity, shop, order_id
),

-- the days on which something was said of an order that we gave something back of
days as (
    select period, entity, shop, order_id, currency from given
    union
    select period, entity, shop, order_id, currency from moved
    union
    select c.since, g.entity, g.shop, g.order_id, g.currency
    from given as g
    inner join closed as c using (entity, shop, order_id)
),

by_day as (
    select
        d.period, d.entity, d.shop, d.order_id, d.currency, coalesce(sum(m.asked), 0) as asked, coalesce(sum(m.paid), 0) as paid,
        bool_or(m.is_refund) as is_refunded
    from days as d
    inner join moved as m using (entity, shop, order_id, currency)
    where m.period <= d.period
    group by all
),

given_by as (
    select d.period, d.entity, d.shop, d.order_id, d.currency, sum(g.amount) as given
    from days as d
    inner join given as g using (entity, shop, order_id, currency)
    where g.period <= d.period
    group by all
),

-- the first day on which all agrees
whole as (
    select b.entity, b.shop, b.order_id, b.currency, min(b.period) as period
    from by_day as b
    inner join given_by as g using (period, entity, shop, order_id, currency)
    inner join shops as s on b.shop = s.shop
    anti join kept as k on s.provider = k.provider
    left join closed as c on b.entity = c.entity and b.shop = c.shop and b.order_id = c.order_id
    where not b.is_refunded and g.given > 0 and b.asked - g.given = b.paid and (b.paid > 0 or c.since <= b.period)
    group by b.entity, b.shop, b.order_id, b.currency
),

final as (
    select w.period, w.entity, w.shop, w.order_id, g.refund_id, w.currency, g.amount, w.period::timestamp as occurred_at
    from whole as w
    inner join given as g using (entity, shop, order_id, currency)
    where w.period between getvariable('period_from') and getvariable('period_to') and g.period <= w.period
)

select * from final
