-- Grain: one claim that was open before the range in the leg that is being made. Meaning: those of the orders that may be moved, and
-- the codes that nobody knew, with the orders that stand under them.
with
opening as (select * from opening_claims where leg = getvariable('leg_made')),
orders as (select * from orders_by_order),

final as (
    select o.* exclude (first_seen, claimed) replace (o.claimed as period)
    from opening as o
    left join orders as b using (entity, shop, order_id)
    where b.order_id is not null or o.kind = 'unmapped' or split_part(o."key", '/', 2) = 'unmapped'
)

select * from final
