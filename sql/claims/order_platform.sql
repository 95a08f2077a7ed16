-- Grain: one claim an order line and side. Meaning: our order system (left) and the platform (right) must agree on every
-- line that was paid or sent: amount, quantity, SKU and whether it is closed. A line without a number goes by its SKU, else by the order; a row without an
-- order number stands by itself. Where books.yaml says so of a shop, lines are held against each other by order and SKU, sets as their
-- parts and what has no SKU (shipping, a discount) together, or by the order alone; then status (and SKU) are not compared. Declared
-- gifts without a price need no other side.
with
orders as (select * from mapped_orders),
parts as (select * from order_parts),
shops as (select * from shops),
grains as (select * from order_grains),
gifts as (select * from gifts),

lines as (
    select o.*, 'line' as compare_by
    from orders as o
    left join grains as g on o.shop = g.shop
    where coalesce(g.compare_by, 'line') = 'line'
    union all by name
    select p.*, g.compare_by
    from parts as p
    inner join grains as g on p.shop = g.shop
    where g.compare_by <> 'line'
),

wanted as (
    select l.*
    from lines as l
    where l.amount <> 0 or not exists (
        select 1 from gifts as g where g.sku = l.sku and g.shop in ('', l.shop) and l.period between g.from_day and g.until_day
    )
),

paid_lines as (
    select o.*, s.platform as channel
    from wanted as o
    inner join shops as s on o.shop = s.shop
    where is_due(o.paid_at, o.status)
),

final as (
    select
        period,
        'order_platform' as leg,
        entity,
        case
            when order_id <> '' and compare_by = 'order' then concat_ws('/', shop, order_id)
            when order_id <> '' and compare_by = 'sku' then concat_ws('/', shop, order_id, coalesce(nullif(sku, ''), 'other'))
            when order_id <> '' then concat_ws('/', shop, order_id, coalesce(nullif(line_id, ''), nullif(sku, '')))
            else concat_ws('/', shop, 'row', concat(file, ':', line))
        end as "key",
        currency,
        case origin when 'books' then 'left' else 'right' end as side,
        'sale' as kind,
        amount,
        quantity,
        -- how far each system has come with an order, paid, sent or completed, is no disagreement
        case when compare_by = 'line'
            then concat('sku=', sku, ' status=', case when status in ('shipped', 'completed') then 'paid' else status end)
        end as attribute,
        shop,
        channel,
        order_id,
        case when compare_by = 'order' then '' else sku end as sku,
        platform_discount as discount,
        unit_price,
        occurred_at,
        source,
        file,
        line,
        dense_rank() over (partition by period, shop, source order by occurred_at, order_id) as sequence
    from paid_lines
)

select * from final
