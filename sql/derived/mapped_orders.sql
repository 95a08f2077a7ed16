-- Grain: one row of orders. Meaning: the orders by our SKUs (see coded_goods); a line that goes by its code goes by its SKU.
with
orders as (select * from orders),
shops as (select * from shops),
codes as (select * from coded_goods),

told as (
    select t.*, case t.origin when 'books' then 'books' else coalesce(s.platform, '') end as system
    from orders as t
    left join shops as s on t.shop = s.shop
),

final as (
    select
        t.* exclude (system) replace (
            coalesce(c.sku, t.sku) as sku,
            case when t.line_id = t.sku then coalesce(c.sku, t.line_id) else t.line_id end as line_id
        )
    from told as t
    asof left join codes as c on t.shop = c.shop and t.system = c.system and t.sku = c.code and t.period >= c.since
)

select * from final
