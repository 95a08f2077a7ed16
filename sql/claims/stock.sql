-- Grain: one claim a move, or a change of a level. In pieces. Meaning, by the end of the key:
-- .../snapshot: opening + received - shipped + returned + adjusted (left) is what the warehouse says is there (right);
-- .../count: the warehouse's level (left) is what was counted (right); .../platform: it is what the shop shows (right).
-- transit/<transfer>/<SKU>/transit: what left one warehouse for another (left) comes in there (right).
-- Levels are claimed as changes since they were last seen, so a difference stays open until something mends it. The first
-- snapshot of a warehouse sets its opening level.
with
owners as (select * from warehouse_owners),
observations as (select * from stock_observations),
shops as (select * from shops),

stock_moves as (
    select m.* replace (coalesce(w.entity, m.entity) as entity)
    from mapped_moves as m
    left join owners as w on m.warehouse = w.warehouse
),

moves as (
    select
        period, entity, concat_ws('/', warehouse, sku, 'snapshot') as "key", 'left' as side, kind,
        quantity as amount, shop, order_id, sku, occurred_at, source, file, line
    from stock_moves
),

transfers as (
    select
        period, entity, concat_ws('/', 'transit', coalesce(nullif(order_id, ''), move_id), sku, 'transit') as "key",
        case when quantity < 0 then 'left' else 'right' end as side, 'transfer' as kind, abs(quantity) as amount, shop, '' as order_id,
        sku, occurred_at, source, file, line, warehouse as counterparty
    from stock_moves
    where kind = 'transfer'
),

moved_by_day as (
    select period, entity, warehouse as place, sku, sum(quantity) as quantity
    from stock_moves
    group by all
),

first_days as (
    select entity, place, min(period) as first_day, bool_or(carried) as is_known
    from observations
    where basis = 'snapshot'
    group by all
),

changes as (
    select
        *,
        lag(left_level) over steps as left_before,
        lag(right_level) over steps as right_before
    from observations
    window steps as (partition by basis, entity, place, sku order by period, carried desc, occurred_at, recency, file, line)
),

opening_levels as (
    select
        o.period, o.entity, concat_ws('/', o.place, o.sku, 'snapshot') as "key", 'left' as side, 'opening' as kind,
        (o.right_level - coalesce(m.quantity, 0))::decimal(28, 4) as amount, '' as shop, '' as order_id, o.sku,
        o.occurred_at, o.source, o.file, o.line
    from observations as o
    inner join first_days as f
        on o.entity = f.entity and o.place = f.place and o.period = f.first_day and not f.is_known
    left join moved_by_day as m
        on o.period = m.period and o.entity = m.entity and o.place = m.place and o.sku = m.sku
    where o.basis = 'snapshot'
),

level_claims as (
    select
        period, entity, concat_ws('/', place, sku, basis) as "key", 'left' as side, 'level' as kind,
        (left_level - coalesce(left_before, 0))::decimal(28, 4) as amount, shop, '' as order_id, sku,
        occurred_at, source, file, line
    from changes
    where not carried and basis <> 'snapshot'
    union all
    select
        period, entity, concat_ws('/', place, sku, basis), 'right', 'level',
        (right_level - coalesce(right_before, 0))::decimal(28, 4), shop, '', sku,
        occurred_at, source, file, line
    from changes
    where not carried
),

unioned as (
    select * from moves
    union all by name
    select * from transfers
    union all by name
    select * from opening_levels
    union all by name
    select * from level_claims
),

final as (
    select
        u.period,
        'stock' as leg,
        u.entity,
        u."key",
        'PCS' as currency,
        u.side,
        u.kind,
        u.amount,
        u.amount as quantity,
        null as attribute,
        u.shop,
        case when u.kind = 'transfer' and starts_with(u."key", 'transit/') then 'transit' else coalesce(s.platform, '') end as channel,
        u.order_id,
        u.sku,
        0 as discount,
        null as unit_price,
        u.occurred_at,
        u.source,
        u.file,
        u.line,
        coalesce(u.counterparty, '') as counterparty
    from unioned as u
    left join shops as s on u.shop = s.shop
)

select * from final
