-- Grain: one row a period, customer (pseudonym) and currency with an open item of the leg `customer`. Meaning: orders less
-- refunds granted against paid less refunded since the customer was last clear. '' stands for what belongs to no order of
-- ours.
with
open_claims as (select * from open_claims where leg = 'customer'),

-- what people decided of a customer's account names the customer by its key alone
named as (
    select * replace (coalesce(customer, case when contains("key", '/') then '' else "key" end) as customer)
    from open_claims
),

final as (
    select
        period, entity, customer, currency,
        coalesce(sum(amount) filter (where side = 'left' and kind <> 'refund'), 0) as ordered,
        -coalesce(sum(amount) filter (where side = 'left' and kind = 'refund'), 0) as refund_granted,
        coalesce(sum(amount) filter (where side = 'right' and kind <> 'refund'), 0) as paid,
        -coalesce(sum(amount) filter (where side = 'right' and kind = 'refund'), 0) as refunded,
        sum(case side when 'left' then amount else -amount end) as balance
    from named
    group by period, entity, customer, currency
)

select * from final
