-- Grain: one row a basis, place, SKU and day on which two stock levels can be held against each other.
-- basis: snapshot (right level only: the left one is the sum of the moves), count (snapshot, counted), platform (snapshot,
-- what the shop shows; held back as declared). A warehouse's stock belongs to the entity of its shops. Levels last seen before
-- the range come in with their own period, flagged carried. Of several observations of a day the later one counts, by its own
-- time, then by how new its file is (recency), then by its line.
with
owners as (select * from warehouse_owners),
platform as (select * from mapped_snapshots where origin = 'platform'),
shops as (select * from shops),
carried as (select * from carried_stock_levels),
file_ranks as (select * from file_ranks),
allocations as (select * from stock_allocations),

snapshots as (
    select s.* replace (coalesce(w.entity, s.entity) as entity)
    from mapped_snapshots as s
    left join owners as w on s.warehouse = w.warehouse
    where s.origin = 'warehouse'
),

-- what a count and a shop's stock are held against: the warehouse's last word of the day
last_snapshots as (
    select s.*
    from snapshots as s
    left join file_ranks as r on s.file = r.file
    qualify row_number() over (
        partition by s.period, s.entity, s.warehouse, s.sku
        order by s.occurred_at desc nulls last, coalesce(r.rank, -1) desc, s.file desc, s.line desc
    ) = 1
),

counts as (
    select c.* replace (coalesce(w.entity, c.entity) as entity)
    from mapped_counts as c
    left join owners as w on c.warehouse = w.warehouse
),

-- what a shop is to show: the warehouse's level less what books.yaml declares to be held back
shown as (
    select
        p.*,
        (
            s.quantity - greatest(least(
                s.quantity,
                coalesce(a.keep, g.keep, 0)
                + ceil((s.quantity * coalesce(a.percent, g.percent, 0))::decimal(36, 8) * 0.01)
            ), 0)
        )::decimal(28, 4) as level
    from platform as p
    inner join shops as h on p.shop = h.shop
    inner join last_snapshots as s on p.period = s.period and p.entity = s.entity and h.warehouse = s.warehouse and p.sku = s.sku
    asof left join allocations as a on p.shop = a.shop and p.sku = a.sku and p.period >= a.from_day
    asof left join allocations as g on p.shop = g.shop and '' = g.sku and p.period >= g.from_day
),

observed as (
    select
        period, 'snapshot' as basis, entity, warehouse as place, '' as shop, sku,
        null::decimal(28, 4) as left_level, quantity as right_level, occurred_at, source, file, line
    from snapshots
    union all
    select
        c.period, 'count', c.entity, c.warehouse, '', c.sku, s.quantity, c.quantity,
        c.occurred_at, c.source, c.file, c.line
    from counts as c
    inner join last_snapshots as s on c.period = s.period and c.entity = s.entity and c.warehouse = s.warehouse and c.sku = s.sku
    union all
    select
        p.period, 'platform', p.entity, p.shop, p.shop, p.sku, p.level, p.quantity,
        p.occurred_at, p.source, p.file, p.line
    from shown as p
),

final as (
    select o.*, coalesce(r.rank, -1) as recency, false as carried
    from observed as o
    left join file_ranks as r on o.file = r.file
    union all
    select
        period, basis, entity, place, case basis when 'platform' then place else '' end, sku, left_level, right_level,
        null, '', '', null, -1, true
    from carried
)

select * from final
