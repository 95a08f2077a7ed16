-- Grain: one row a period, order that had an event in it, and currency. Meaning: what every source said about the order that
-- day. What has no currency (pieces, parcels) stands with the first one.
with
orders as (select * from orders where is_due(paid_at, status) and order_id <> ''),
payments as (select * from placed_payments where order_id <> ''),
refunds as (select * from placed_refunds where order_id <> ''),
settlements as (select * from placed_settlements where order_id <> ''),
shipments as (select * from placed_shipments),
returns as (select * from placed_returns),
variances as (select * from variances where order_id <> ''),

events as (
    select
        period, entity, shop, order_id, currency,
        case origin when 'books' then amount end as books_amount,
        case origin when 'platform' then amount end as platform_amount,
        null as paid, null as books_refunded, null as refunded, null as settled, null as fees,
        case origin when 'books' then quantity end as quantity_ordered,
        null as quantity_shipped, null as quantity_returned,
        case origin when 'books' then status end as books_status,
        case origin when 'platform' then status end as platform_status,
        null as tracking_number
    from orders
    union all by name
    select period, entity, shop, order_id, currency, amount as paid from payments
    union all by name
    select
        period, entity, shop, order_id, currency,
        case origin when 'books' then amount end as books_refunded,
        case origin when 'provider' then amount end as refunded
    from refunds
    union all by name
    select
        period, entity, shop, order_id, currency,
        case when kind in ('sale', 'refund') then amount end as settled,
        case when kind in ('fee', 'commission', 'freight') then -amount end as fees
    from settlements
    union all by name
    select
        period, entity, shop, order_id, null as currency, quantity as quantity_shipped, tracking_number
    from shipments
    where order_id <> ''
    union all by name
    select period, entity, shop, order_id, null as currency, quantity as quantity_returned
    from returns
    where order_id <> ''
),

open_legs as (
    select period, entity, shop, order_id, string_agg(distinct leg, ', ' order by leg) as open_legs
    from variances
    group by all
),

currencies as (
    select period, entity, shop, order_id, min(currency) as currency
    from events
    group by all
),

final as (
    select
        e.period, e.entity, e.shop, e.order_id, coalesce(e.currency, c.currency, '') as currency,
        sum(books_amount) as books_amount, sum(platform_amount) as platform_amount, sum(paid) as paid,
        sum(books_refunded) as books_refunded, sum(refunded) as refunded, sum(settled) as settled, sum(fees) as fees,
        sum(quantity_ordered) as quantity_ordered, sum(quantity_shipped) as quantity_shipped,
        sum(quantity_returned) as quantity_returned,
        string_agg(distinct books_status, ', ' order by books_status) as books_status,
        string_agg(distinct platform_status, ', ' order by platform_status) as platform_status,
        string_agg(distinct tracking_number, ', ' order by tracking_number) as tracking_numbers,
        max(o.open_legs) as open_legs
    from events as e
    inner join currencies as c
        on e.period = c.period and e.entity = c.entity and e.shop = c.shop and e.order_id = c.order_id
    left join open_legs as o
        on e.period = o.period and e.entity = o.entity and e.shop = o.shop and e.order_id = o.order_id
    group by e.period, e.entity, e.shop, e.order_id, coalesce(e.currency, c.currency, '')
)

select * from final
