-- Grain: one row of refunds. Meaning: what the seller gave back by its own record, and where that of a shop was never supplied, by its
-- provider's.
with
refunds as (select * from placed_refunds),
sides as (select * from refund_sides),

final as (
    select r.*
    from refunds as r
    left join sides as s using (period, entity, shop)
    where r.origin = 'books' or r.origin = 'provider' and not coalesce(s.has_books, true)
)

select * from final
