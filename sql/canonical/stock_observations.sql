-- Grain: one row a basis, place, SKU and day on which two stock levels can be held against each other.
-- basis: snapshot (right level only: the left one is the sum of the moves), count (snapshot, counted), platform (snapshot,
-- what the shop shows). A warehouse's stock belongs to the entity of its shops. Levels last seen before the range come in with their own period, flagged carried.
with
owners as (select * from warehouse_owners),
platform as (select * from stock_snapshots where origin = 'platform'),
shops as (select * from shops),
carried as (select * from carried_stock_levels),

snapshots as (
    select s.* replace (coalesce(w.entity, s.entity) as entity)
    from stock_snapshots as s
    left join owners as w on s.warehouse = w.warehouse
    where s.origin = 'warehouse'
),

counts as (
    select c.* replace (coalesce(w.entity, c.entity) as entity)
    from stock_counts as c
    left join owners as w on c.warehouse = w.warehouse
),

observed as (
    select
        period, 'snapshot' as basis, entity, warehouse as place, '' as shop, sku,
        null::decimal(18, 4) as left_level, quantity as right_level, occurred_at, source, file, line
    from snapshots
    union all
    select
        c.period, 'count', c.entity, c.warehouse, '', c.sku, s.quantity, c.quantity,
        c.occurred_at, c.source, c.file, c.line
    from counts as c
    inner join snapshots as s on c.period = s.period and c.entity = s.entity and c.warehouse = s.warehouse and c.sku = s.sku
    union all
    select
        p.period, 'platform', p.entity, p.shop, p.shop, p.sku, s.quantity, p.quantity,
        p.occurred_at, p.source, p.file, p.line
    from platform as p
    inner join shops as h on p.shop = h.shop
    inner join snapshots as s on p.period = s.period and p.entity = s.entity and h.warehouse = s.warehouse and p.sku = s.sku
),

final as (
    select *, false as carried from observed
    union all
    select
        period, basis, entity, place, case basis when 'platform' then place else '' end, sku, left_level, right_level,
        null, '', '', null, true
    from carried
)

select * from final
