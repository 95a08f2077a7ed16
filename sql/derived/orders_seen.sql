-- Grain: one row an entity, shop and side. Meaning: since when orders of our own system (left) and of the platform (right) are
-- there; the key of `leg` is `orders`.
with
orders as (select * from orders),
carried as (select * from carried_sides where leg = 'orders'),

seen as (
    select case origin when 'books' then 'left' else 'right' end as side, entity, shop, min(period) as since
    from orders
    group by all
    union all
    select side, entity, shop, since from carried
),

final as (
    select 'orders' as leg, side, entity, shop, '' as channel, min(since) as since
    from seen
    group by side, entity, shop
)

select * from final
