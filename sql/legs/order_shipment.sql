-- Grain: one claim an order line or shipment, in pieces. Meaning: every piece ordered and paid (left) leaves a warehouse
-- (right). Lines closed before shipping and the freight line ask for nothing.
with
orders as (select * from orders where origin = 'books' and paid_at is not null and status <> 'closed' and sku <> ''),
shipments as (select * from shipments),
shops as (select * from shops),

to_ship as (
    select
        period, entity, shop, order_id, sku, quantity, 'left' as side, 'order' as kind, unit_price,
        occurred_at, source, file, line
    from orders
),

shipped as (
    select
        period, entity, shop, order_id, sku, quantity, 'right' as side, 'shipment' as kind, null as unit_price,
        occurred_at, source, file, line
    from shipments
),

unioned as (
    select * from to_ship
    union all
    select * from shipped
),

final as (
    select
        u.period,
        'order_shipment' as leg,
        u.entity,
        concat_ws('/', u.shop, u.order_id, u.sku) as "key",
        'PCS' as currency,
        u.side,
        u.kind,
        u.quantity as amount,
        u.quantity,
        null as attribute,
        u.shop,
        coalesce(s.platform, '') as channel,
        u.order_id,
        u.sku,
        0 as discount,
        u.unit_price,
        u.occurred_at,
        u.source,
        u.file,
        u.line
    from unioned as u
    left join shops as s on u.shop = s.shop
)

select * from final
