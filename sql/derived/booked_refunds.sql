-- Grain: one row a day, entity, shop, order, refund and currency. Meaning: what we say was given back of the order, by our own books or, where
-- those of a shop were never supplied, by its provider; by its number, or that of the refund, a line of a bank's statement finds it, and the
-- platform's having closed the order is explained, also on later days.
with
refunds as (select * from own_refunds where order_id <> ''),

final as (
    select period, entity, shop, order_id, coalesce(refund_id, '') as refund_id, currency, sum(amount)::decimal(28, 4) as amount
    from refunds
    group by all
)

select * from final
