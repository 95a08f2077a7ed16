-- Grain: one row a period, warehouse and SKU. Meaning: opening + received - shipped + returned + adjusted is what should be
-- there; the snapshot says what is. Valued at the cost that holds on the day.
with
owners as (select * from warehouse_owners),
levels as (select * from stock_levels where basis = 'snapshot'),
carried as (select * from carried_stock_levels where basis = 'snapshot'),
skus as (select * from skus_known),

stock_moves as (
    select m.* replace (coalesce(w.entity, m.entity) as entity)
    from stock_moves as m
    left join owners as w on m.warehouse = w.warehouse
),

counts as (
    select c.* replace (coalesce(w.entity, c.entity) as entity)
    from stock_counts as c
    left join owners as w on c.warehouse = w.warehouse
),

every_level as (
    select period, entity, place, sku, right_level from levels
    union all
    select period, entity, place, sku, right_level from carried
),

moved as (
    select
        period, entity, warehouse, sku,
        coalesce(sum(quantity) filter (where kind = 'purchase_in'), 0) as received,
        -coalesce(sum(quantity) filter (where kind = 'sale_out'), 0) as shipped,
        coalesce(sum(quantity) filter (where kind = 'return_in'), 0) as returned,
        coalesce(sum(quantity) filter (where kind not in ('purchase_in', 'sale_out', 'return_in')), 0) as adjusted
    from stock_moves
    group by all
),

counted as (
    select period, entity, warehouse, sku, sum(quantity) as quantity
    from stock_counts
    group by all
),

costs as (
    select period, sku, max(cost) as cost
    from skus
    group by all
),

rolled as (
    select
        l.period, l.entity, l.place as warehouse, l.sku,
        coalesce(m.received, 0) as received, coalesce(m.shipped, 0) as shipped, coalesce(m.returned, 0) as returned,
        coalesce(m.adjusted, 0) as adjusted, l.right_level as snapshot, c.quantity as counted,
        b.right_level as opening
    from levels as l
    left join every_level as b
        on b.period = l.period - 1 and b.entity = l.entity and b.place = l.place and b.sku = l.sku
    left join moved as m
        on m.period = l.period and m.entity = l.entity and m.warehouse = l.place and m.sku = l.sku
    left join counted as c
        on c.period = l.period and c.entity = l.entity and c.warehouse = l.place and c.sku = l.sku
),

expected as (
    select
        *,
        -- the first level ever seen sets the opening
        coalesce(opening, snapshot - received + shipped - returned - adjusted) as opening_level,
        coalesce(opening, snapshot - received + shipped - returned - adjusted)
        + received - shipped + returned + adjusted as expected
    from rolled
),

final as (
    select
        e.period, e.entity, e.warehouse, e.sku, e.opening_level as opening, e.received, e.shipped, e.returned,
        e.adjusted, e.expected, e.snapshot, e.counted, e.expected - e.snapshot as difference,
        k.cost as unit_cost, ((e.expected - e.snapshot) * k.cost)::decimal(18, 4) as difference_value
    from expected as e
    asof left join costs as k on e.sku = k.sku and e.period >= k.period
)

select * from final
