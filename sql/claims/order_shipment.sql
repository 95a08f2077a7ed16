-- Grain: one claim an order line or shipment, in pieces. Meaning: every piece ordered and paid (left) leaves a warehouse
-- (right). Lines closed before shipping and the freight line ask for nothing. A row without an order number stands by
-- itself, under its parcel or line of its file.
with
orders as (select * from own_orders where status <> 'closed' and sku <> ''),
shipments as (select * from shipments),
shops as (select * from shops),

to_ship as (
    select
        period, entity, shop, order_id, sku, quantity, 'left' as side, 'order' as kind, unit_price,
        occurred_at, source, file, line, '' as tracking_number
    from orders
),

shipped as (
    select
        period, entity, shop, order_id, sku, quantity, 'right' as side, 'shipment' as kind, null as unit_price,
        occurred_at, source, file, line, tracking_number
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
        case
            when u.order_id <> '' then concat_ws('/', u.shop, u.order_id, nullif(u.sku, ''))
            when u.tracking_number <> '' then concat_ws('/', u.shop, 'parcel', u.tracking_number, nullif(u.sku, ''))
            else concat_ws('/', u.shop, 'row', concat(u.file, ':', u.line))
        end as "key",
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
