-- Grain: one observation of a SKU by a warehouse or shop. Meaning: the stock by our SKUs (see coded_goods), what a warehouse has of
-- sets as their parts. Where several codes are one SKU, its level is the sum of what each of them last had on the day.
with
stock_snapshots as (select * from stock_snapshots),
shops as (select * from shops),
codes as (select * from coded_goods),
parts as (select * from bundle_parts),
file_ranks as (select * from file_ranks),

told as (
    select t.*, case t.origin when 'warehouse' then coalesce(t.warehouse, '') else coalesce(s.platform, '') end as system
    from stock_snapshots as t
    left join shops as s on t.shop = s.shop
),

coded as (
    select
        t.* exclude (system, sku), t.sku as code, coalesce(p.sku, c.sku, t.sku) as sku,
        (t.quantity * coalesce(p.quantity, 1))::decimal(28, 4) as level,
        coalesce(p.sku, c.sku, t.sku) <> t.sku as is_changed
    from told as t
    asof left join codes as c on t.shop = c.shop and t.system = c.system and t.sku = c.code and t.period >= c.since
    left join parts as p
        on t.origin = 'warehouse' and coalesce(c.sku, t.sku) = p.set_sku and t.period between p.period and p.last_day
),

together as (
    select
        c.*, coalesce(r.rank, -1) as rank,
        bool_or(c.is_changed) over (partition by c.period, c.entity, c.origin, c.shop, c.warehouse, c.sku) as is_summed
    from coded as c
    left join file_ranks as r on c.file = r.file
),

last_of_code as (
    select *
    from together
    where is_summed
    qualify row_number() over (
        partition by period, entity, origin, shop, warehouse, sku, code
        order by occurred_at desc nulls last, rank desc, file desc, line desc
    ) = 1
),

final as (
    select period, entity, shop, origin, warehouse, sku, quantity, occurred_at, source, file, line
    from together
    where not is_summed
    union all
    select
        period, entity, shop, origin, warehouse, sku, sum(level)::decimal(28, 4), max(occurred_at), min(source), min(file), min(line)
    from last_of_code
    group by period, entity, shop, origin, warehouse, sku
)

select * from final
