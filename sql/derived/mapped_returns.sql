-- Grain: one row of returns. Meaning: the returns by our SKUs (see coded_goods).
with
returns as (select * from placed_returns),
codes as (select * from coded_goods),

told as (
    select t.*, coalesce(t.warehouse, '') as system
    from returns as t
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
