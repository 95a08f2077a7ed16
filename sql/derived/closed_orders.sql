-- Grain: one row a day, entity, shop, order and origin of which every line is closed. Meaning: orders that ask for nothing any more, also on
-- later days, by our own record (is_own; the platform's where a shop has none) or by the platform's; is_paid: money was taken for it all the same, as of
-- one that was paid back. What comes back of it was sent before it was closed.
with
orders as (select * from mapped_orders where order_id <> ''),
sides as (select * from order_sides),

final as (
    select
        o.period, o.entity, o.shop, o.order_id, o.origin = case when s.has_books then 'books' else 'platform' end as is_own,
        bool_or(o.paid_at is not null) as is_paid
    from orders as o
    inner join sides as s using (period, entity, shop)
    group by o.period, o.entity, o.shop, o.order_id, is_own
    having bool_and(coalesce(o.status = 'closed', false))
)

select * from final
