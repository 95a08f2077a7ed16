-- Grain: one claim an order line or shipment, in pieces. Meaning: every piece ordered and paid (left) leaves a warehouse
-- (right), sets as their parts. Goods that are exchanged came back (left) and leave again (right); what a parcel holds as a gift or sample
-- by its own record, or by a gift that books.yaml declares, is its own reason. What books.yaml says is never sent, lines closed before
-- shipping and the freight line ask for nothing; what was sent of an order that is closed and came back, as from a buyer who refused it, is not
-- sent any more. A row without an order number stands by itself, under its parcel or line of its file.
with
orders as (select * from own_orders where status <> 'closed' and sku <> ''),
shipments as (select * from mapped_shipments),
parts as (select * from bundle_parts),
moves as (select * from mapped_moves where kind = 'exchange_in'),
returns as (select * from returns_of_closed),
gifts as (select * from gifts),
unsent as (select * from not_shipped),
shops as (select * from shops),

to_ship as (
    select
        o.period, o.entity, o.shop, o.order_id, coalesce(p.sku, o.sku) as sku,
        (o.quantity * coalesce(p.quantity, 1))::decimal(28, 4) as quantity, 'left' as side, 'order' as kind,
        case when p.sku is null then o.unit_price end as unit_price, o.occurred_at, o.source, o.file, o.line,
        '' as tracking_number, o.line_id as record_id, '' as counterparty
    from orders as o
    anti join gifts as g
        on o.sku = g.sku and o.amount = 0 and (g.shop = '' or g.shop = o.shop) and o.period between g.from_day and g.until_day
    left join parts as p on o.sku = p.set_sku and o.period between p.period and p.last_day
),

-- what is sold and never sent asks for no parcel
wanted as (
    select t.*
    from to_ship as t
    anti join unsent as n on t.sku = n.sku and (n.shop = '' or n.shop = t.shop) and t.period >= n.from_day
),

declared as (
    select s.period, s.shop, s.sku, s.quantity, min(least(s.quantity, g.per_order)) as given
    from (select distinct period, shop, sku, quantity from shipments) as s
    inner join gifts as g on g.sku = s.sku and g.shop in ('', s.shop) and s.period between g.from_day and g.until_day
    group by s.period, s.shop, s.sku, s.quantity
),

sent as (
    select s.*, case when s.purpose in ('gift', 'sample') then s.quantity else d.given end as given
    from shipments as s
    left join declared as d
        on s.period = d.period and s.shop is not distinct from d.shop and s.sku = d.sku and s.quantity is not distinct from d.quantity
),

shipped as (
    select
        period, entity, shop, order_id, sku, quantity, 'right' as side,
        case when purpose = 'exchange' then 'exchange' else 'shipment' end as kind, null as unit_price,
        occurred_at, source, file, line, tracking_number, '' as record_id,
        coalesce(warehouse, '') as counterparty
    from sent
    union all
    select
        period, entity, shop, order_id, sku, given, 'left', 'gift', null, occurred_at, source, file, line, tracking_number, '', ''
    from sent
    where given > 0
    union all
    select
        period, entity, shop, order_id, sku, quantity, 'left', 'exchange', null, occurred_at, source, file, line, '', '', ''
    from moves
    union all
    select
        period, entity, shop, order_id, sku, -quantity, 'right', 'returned', null, occurred_at, source, file, line, '', '', ''
    from returns
),

unioned as (
    select * from wanted
    union all
    select * from shipped
),

final as (
    select
        u.period,
        'order_shipment' as leg,
        u.entity,
        case
            when u.kind = 'exchange' and u.order_id <> '' then concat_ws('/', u.shop, u.order_id, 'exchange')
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
        u.line,
        u.record_id,
        u.counterparty
    from unioned as u
    left join shops as s on u.shop = s.shop
)

select * from final
