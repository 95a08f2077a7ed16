-- Grain: one row a period, shop and currency. Meaning: the shop's profit from our own lines and the provider's charges.
-- revenue is what the seller is to receive for the day's orders; discount what the shop gave away (already deducted).
with
orders as (select * from orders where origin = 'books' and paid_at is not null),
refunds as (select * from refunds where origin = 'books'),
settlements as (select * from settlements),
freight_charges as (select * from freight_charges),
shipments as (select * from shipments),
skus as (select * from skus_known),

costs as (
    select period, sku, max(cost) as cost
    from skus
    group by all
),

lines as (
    select o.*, (o.quantity * coalesce(k.cost, 0))::decimal(18, 4) as cost
    from orders as o
    asof left join costs as k on o.sku = k.sku and o.period >= k.period
),

tracked as (
    select period, tracking_number, max(shop) as shop
    from shipments
    where tracking_number <> ''
    group by all
),

parts as (
    select
        period, entity, shop, currency, order_id, amount as revenue, shop_discount as discount, 0 as refund,
        0 as commission, 0 as fee, 0 as freight, cost
    from lines
    union all by name
    select period, entity, shop, currency, amount as refund from refunds
    union all by name
    select
        period, entity, shop, currency,
        case when kind = 'commission' then -amount end as commission,
        case when kind = 'fee' then -amount end as fee,
        case when kind = 'freight' then -amount end as freight
    from settlements
    where kind in ('commission', 'fee', 'freight')
    union all by name
    select f.period, f.entity, coalesce(t.shop, f.shop) as shop, f.currency, f.amount as freight
    from freight_charges as f
    left join tracked as t on f.period = t.period and f.tracking_number = t.tracking_number
),

summed as (
    select
        period, entity, shop, currency, count(distinct order_id) as orders,
        coalesce(sum(revenue), 0) as revenue, coalesce(sum(discount), 0) as discount,
        coalesce(sum(refund), 0) as refund, coalesce(sum(commission), 0) as commission, coalesce(sum(fee), 0) as fee,
        coalesce(sum(freight), 0) as freight, coalesce(sum(cost), 0) as cost
    from parts
    group by all
),

final as (
    select *, revenue - refund - commission - fee - freight - cost as profit from summed
)

select * from final
