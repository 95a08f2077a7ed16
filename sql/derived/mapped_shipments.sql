-- Grain: one part of a shipped row of shipments; of goods that are no set, the row. Meaning: the shipments by our SKUs (see coded_goods),
-- sets as their parts.
with
shipments as (select * from placed_shipments),
codes as (select * from coded_goods),
parts as (select * from bundle_parts),

coded as (
    select t.* replace (coalesce(c.sku, t.sku) as sku)
    from shipments as t
    asof left join codes as c
        on t.shop = c.shop and coalesce(t.warehouse, '') = c.system and t.sku = c.code and t.period >= c.since
),

final as (
    select
        t.* replace (
            coalesce(p.sku, t.sku) as sku, (t.quantity * coalesce(p.quantity, 1))::decimal(28, 4) as quantity
        )
    from coded as t
    left join parts as p on t.sku = p.set_sku and t.period between p.period and p.last_day
)

select * from final
