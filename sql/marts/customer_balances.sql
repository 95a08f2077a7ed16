-- Grain: one row a period, customer (pseudonym) and currency with an open payment item. Meaning: orders less refunds granted
-- against paid less refunded, for orders that do not net.
with
open_claims as (select * from open_claims where leg = 'order_payment'),
orders as (select * from orders where origin = 'books' and customer <> ''),
payments as (select * from payments where customer <> ''),

buyers as (
    select shop, order_id, min(customer) as customer
    from (
        select shop, order_id, customer from orders
        union all
        select shop, order_id, customer from payments
    )
    group by all
),

final as (
    select
        c.period, c.entity, coalesce(b.customer, '') as customer, c.currency,
        coalesce(sum(c.amount) filter (where c.side = 'left' and c.kind <> 'refund'), 0) as ordered,
        -coalesce(sum(c.amount) filter (where c.side = 'left' and c.kind = 'refund'), 0) as refund_granted,
        coalesce(sum(c.amount) filter (where c.side = 'right' and c.kind <> 'refund'), 0) as paid,
        -coalesce(sum(c.amount) filter (where c.side = 'right' and c.kind = 'refund'), 0) as refunded,
        sum(case c.side when 'left' then c.amount else -c.amount end) as balance
    from open_claims as c
    left join buyers as b on c.shop = b.shop and c.order_id = b.order_id and c.claimed = c.period
    group by c.period, c.entity, b.customer, c.currency
)

select * from final
