-- Grain: one row a day, entity, shop, order, refund and currency. Meaning: what our own books say was given back of the order; by its
-- number, or that of the refund, a line of a bank's statement finds it, also on later days.
with
refunds as (select * from placed_refunds where origin = 'books' and order_id <> ''),

final as (
    select period, entity, shop, order_id, coalesce(refund_id, '') as refund_id, currency, sum(amount)::decimal(28, 4) as amount
    from refunds
    group by all
)

select * from final
