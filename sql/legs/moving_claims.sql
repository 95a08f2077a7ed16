-- Grain: one claim of the range in the leg that is being made. Meaning: those of the orders that may be moved (see orders_by_order).
with
claims as (select * from leg_claims),
orders as (select * from orders_by_order),

final as (
    select c.*
    from claims as c
    semi join orders as o using (entity, shop, order_id)
)

select * from final
