-- Grain: one order of the leg that is being made. Meaning: those of which both sides name other goods than the other, now or some time in
-- the range, where any code does so in several orders, several codes do, or one is known to: they may be ones that nobody has mapped.
with
claims as (select * from leg_claims),
opening as (select * from opening_claims where leg = getvariable('leg_made')),

goods as (
    select entity, shop, order_id, sku, side, period, quantity
    from claims
    where order_id <> '' and sku <> '' and kind not in ('exchange', 'gift')
    union all
    select entity, shop, order_id, sku, side, claimed, quantity
    from opening
    where order_id <> '' and sku <> '' and kind not in ('exchange', 'gift', 'moved', 'unmapped', 'correction', 'write_off')
),

-- codes are few beside the lines that name them
numbered as (
    select sku, (md5_number_lower(sku) % 1000003)::bigint as number
    from (select distinct sku from goods)
),

-- on the last day, or on one before it
unsettled as (
    select g.entity, g.shop, g.order_id
    from goods as g
    inner join numbered as n on g.sku = n.sku
    group by g.entity, g.shop, g.order_id
    having bool_or(g.side = 'right') and (
        sum(case g.side when 'left' then g.quantity else -g.quantity end * n.number) <> 0
        or max(g.period) > min(g.period) filter (where g.side = 'right')
    )
),

codes as (
    select
        g.entity, g.shop, g.order_id, g.sku,
        min(g.period) filter (where g.side = 'left') as left_day, min(g.period) filter (where g.side = 'right') as right_day
    from goods as g
    semi join unsettled as u on g.entity = u.entity and g.shop = u.shop and g.order_id = u.order_id
    group by g.entity, g.shop, g.order_id, g.sku
),

foreign_to_us as (
    select entity, shop, order_id
    from codes
    group by entity, shop, order_id
    having bool_or(right_day is not null and (left_day is null or right_day < left_day))
),

lone as (
    select c.entity, c.shop, c.order_id, c.sku
    from codes as c
    semi join foreign_to_us as f on c.entity = f.entity and c.shop = f.shop and c.order_id = f.order_id
    where c.left_day is distinct from c.right_day
),

recurring as (
    select entity
    from lone
    group by entity, sku
    having count(*) > 1
    union
    select entity
    from lone
    group by entity
    having count(distinct sku) >= 3
),

named as (select entity from opening where kind = 'unmapped'),

final as (
    select f.*
    from foreign_to_us as f
    where f.entity in (select entity from recurring) or f.entity in (select entity from named)
    union
    select entity, shop, order_id
    from opening
    where order_id <> '' and split_part("key", '/', 2) = 'unmapped'
)

select * from final
