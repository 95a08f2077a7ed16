-- Grain: one refund of our books that our own bank account had paid before. Meaning: a debit named its order when nothing was booked of it, and
-- the refund of its amount is booked now: what was paid of it, on the day of the booking.
with
booked_refunds as (select * from booked_refunds),
before as (select * from booked_before),
refunds_by_bank as (select * from refunds_by_bank where not is_booked),
past_claims as (select * from past_claims where leg = 'order_payment' and side = 'right' and remark = 'unbooked'),

booked as (
    select period, entity, shop, order_id, refund_id, currency, amount from booked_refunds
    union all
    select period, entity, shop, order_id, refund_id, currency, amount from before
),

paid as (
    select period, entity, shop, order_id, currency, amount, occurred_at, source, file, line from refunds_by_bank
    union all
    select period, entity, shop, substr("key", length(shop) + 2), currency, -amount, occurred_at, '', file, line from past_claims
),

paired as (
    select
        r.period, p.entity, p.shop, p.order_id, r.refund_id, '' as sku, p.currency, p.amount, p.occurred_at, p.source, p.file, p.line,
        row_number() over (partition by p.file, p.line order by r.period, r.refund_id) as of_debit,
        row_number() over (partition by r.entity, r.shop, r.order_id, r.refund_id, r.period order by p.period, p.file, p.line) as of_refund
    from paid as p
    inner join booked as r using (entity, shop, order_id, currency, amount)
    where r.period > p.period
),

final as (
    select * exclude (of_debit, of_refund)
    from paired
    where of_debit = 1 and of_refund = 1 and period between getvariable('period_from') and getvariable('period_to')
)

select * from final
