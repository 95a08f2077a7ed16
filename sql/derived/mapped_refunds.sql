-- Grain: one row of refunds. Meaning: the refunds by our SKUs (see coded_goods).
with
refunds as (select * from placed_refunds),
shops as (select * from shops),
codes as (select * from coded_goods),

told as (
    select t.*, case t.origin when 'books' then 'books' else coalesce(s.platform, '') end as system
    from refunds as t
    left join shops as s on t.shop = s.shop
),

final as (
    select
        t.* exclude (system) replace (
            coalesce(c.sku, t.sku) as sku
        )
    from told as t
    asof left join codes as c on t.shop = c.shop and t.system = c.system and t.sku = c.code and t.period >= c.since
)

select * from final
