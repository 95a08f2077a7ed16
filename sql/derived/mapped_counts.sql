-- Grain: one count of a SKU. Meaning: the counts by our SKUs (see coded_goods), sets as their parts; where several codes are one
-- SKU, what was counted is the sum of the last count of each of them on the day.
with
stock_counts as (select * from stock_counts),
codes as (select * from coded_goods),
parts as (select * from bundle_parts),
file_ranks as (select * from file_ranks),

coded as (
    select
        t.* exclude (sku), t.sku as code, coalesce(p.sku, c.sku, t.sku) as sku,
        (t.quantity * coalesce(p.quantity, 1))::decimal(28, 4) as level,
        coalesce(p.sku, c.sku, t.sku) <> t.sku as is_changed
    from stock_counts as t
    asof left join codes as c
        on t.shop = c.shop and coalesce(t.warehouse, '') = c.system and t.sku = c.code and t.period >= c.since
    left join parts as p on coalesce(c.sku, t.sku) = p.set_sku and t.period between p.period and p.last_day
),

together as (
    select
        c.*, coalesce(r.rank, -1) as rank,
        bool_or(c.is_changed) over (partition by c.period, c.entity, c.warehouse, c.sku) as is_summed
    from coded as c
    left join file_ranks as r on c.file = r.file
),

last_of_code as (
    select *
    from together
    where is_summed
    qualify row_number() over (
        partition by period, entity, warehouse, sku, code
        order by occurred_at desc nulls last, rank desc, file desc, line desc
    ) = 1
),

final as (
    select period, entity, shop, warehouse, sku, quantity, occurred_at, source, file, line
    from together
    where not is_summed
    union all
    select
        period, entity, min(shop), warehouse, sku, sum(level)::decimal(28, 4), max(occurred_at), min(source), min(file), min(line)
    from last_of_code
    group by period, entity, warehouse, sku
)

select * from final
