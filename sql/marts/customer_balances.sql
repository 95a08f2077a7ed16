-- Grain: one row a period, customer (pseudonym) and currency with an open payment item. Meaning: orders less refunds granted
-- against paid less refunded, for orders that do not net. An order's customer is the one that our order names, else the
-- payer that the provider names.
with
open_claims as (select * from open_claims where leg = 'order_payment'),

buyers as (
    select
        period, entity, "key",
        coalesce(
            max(nullif(customer, '')) filter (where side = 'left'), max(nullif(customer, '')), ''
        ) as customer
    from open_claims
    group by period, entity, "key"
),

final as (
    select
        c.period, c.entity, b.customer, c.currency,
        coalesce(sum(c.amount) filter (where c.side = 'left' and c.kind <> 'refund'), 0) as ordered,
        -coalesce(sum(c.amount) filter (where c.side = 'left' and c.kind = 'refund'), 0) as refund_granted,
        coalesce(sum(c.amount) filter (where c.side = 'right' and c.kind <> 'refund'), 0) as paid,
        -coalesce(sum(c.amount) filter (where c.side = 'right' and c.kind = 'refund'), 0) as refunded,
        sum(case c.side when 'left' then c.amount else -c.amount end) as balance
    from open_claims as c
    inner join buyers as b using (period, entity, "key")
    group by c.period, c.entity, b.customer, c.currency
)

select * from final
