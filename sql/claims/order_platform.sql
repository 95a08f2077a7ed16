-- Grain: one claim an order line and side. Meaning: our order system (left) and the platform (right) must agree on every
-- paid line: amount, quantity, SKU and status. A line without a number goes by its SKU, else by the order; a row without an
-- order number stands by itself.
with
orders as (select * from mapped_orders),
shops as (select * from shops),

paid_lines as (
    select o.*, s.platform as channel
    from orders as o
    inner join shops as s on o.shop = s.shop
    where o.paid_at is not null
),

final as (
    select
        period,
        'order_platform' as leg,
        entity,
        case
            when order_id <> '' then concat_ws('/', shop, order_id, coalesce(nullif(line_id, ''), nullif(sku, '')))
            else concat_ws('/', shop, 'row', concat(file, ':', line))
        end as "key",
        currency,
        case origin when 'books' then 'left' else 'right' end as side,
        'sale' as kind,
        amount,
        quantity,
        concat('sku=', sku, ' status=', status) as attribute,
        shop,
        channel,
        order_id,
        sku,
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
