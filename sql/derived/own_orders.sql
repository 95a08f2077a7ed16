-- Grain: one order line that was paid, or sent unpaid. Meaning: what the seller takes for its orders: those of our own system, and where a shop has
-- none, those of its platform.
with
orders as (select * from mapped_orders where is_due(paid_at, status)),
sides as (select * from order_sides),

final as (
    select o.*
    from orders as o
    inner join sides as s using (period, entity, shop)
    where o.origin = case when s.has_books then 'books' else 'platform' end
)

select * from final
