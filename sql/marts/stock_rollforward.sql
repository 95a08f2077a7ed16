-- Grain: one row a period, warehouse and SKU. Meaning: opening + received - shipped + returned + adjusted is what should be
-- there (expected); the snapshot says what is, and the last count of the day (counted) what was on the shelf. What the leg
-- `stock` leaves open: snapshot_difference against the warehouse's record, count_difference of that record against the count;
-- both together are the difference, until something clears it. difference_value: at the cost that holds on the day, in its
-- currency.
with
owners as (select * from warehouse_owners),
levels as (select * from stock_levels where basis = 'snapshot'),
carried as (select * from carried_stock_levels where basis = 'snapshot'),
skus as (select * from skus_dated where cost is not null),
open_claims as (select * from open_claims where leg = 'stock'),
file_ranks as (select * from file_ranks),

stock_moves as (
    select m.* replace (coalesce(w.entity, m.entity) as entity)
    from mapped_moves as m
    left join owners as w on m.warehouse = w.warehouse
),

counts as (
    select c.* replace (coalesce(w.entity, c.entity) as entity)
    from mapped_counts as c
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
    select c.period, c.entity, c.warehouse, c.sku, c.quantity
    from counts as c
    left join file_ranks as r on c.file = r.file
    qualify row_number() over (
        partition by c.period, c.entity, c.warehouse, c.sku
        order by c.occurred_at desc nulls last, coalesce(r.rank, -1) desc, c.file desc, c.line desc
    ) = 1
),

differing as (
    select period, entity, "key", sum(case side when 'left' then amount else -amount end) as difference
    from open_claims
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

compared as (
    select
        e.*, coalesce(s.difference, 0) as snapshot_difference, coalesce(c.difference, 0) as count_difference,
        coalesce(s.difference, 0) + coalesce(c.difference, 0) as difference
    from expected as e
    left join differing as s
        on e.period = s.period and e.entity = s.entity and s."key" = concat_ws('/', e.warehouse, e.sku, 'snapshot')
    left join differing as c
        on e.period = c.period and e.entity = c.entity and c."key" = concat_ws('/', e.warehouse, e.sku, 'count')
),

final as (
    select
        e.period, e.entity, e.warehouse, e.sku, e.opening_level as opening, e.received, e.shipped, e.returned,
        e.adjusted, e.expected, e.snapshot, e.counted, e.snapshot_difference, e.count_difference, e.difference,
        k.cost as unit_cost, k.currency as cost_currency, (e.difference * k.cost)::decimal(28, 4) as difference_value
    from compared as e
    asof left join skus as k on e.sku = k.sku and e.period >= k.period
)

select * from final
