-- Grain: one claim of the range in the leg that is being made. Meaning: those of all other orders, which stand as they were made.
with
claims as (select * from leg_claims),
orders as (select * from orders_by_order),

final as (
    select c.*
    from claims as c
    anti join orders as o using (entity, shop, order_id)
)

select * from final
