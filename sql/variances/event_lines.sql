-- Grain: one row a period, item, cause and order that it is of (subject). Meaning: what differs, as it is put together into events: of
-- items that add up orders what each order has in them (is_in_sum), of all others the item.
with
items as (select * from variances),
parts as (select * from sum_parts),

lines as (
    select
        period, leg, entity, "key", currency, cause, difference, left_quantity - right_quantity as quantity, shop, order_id,
        first_seen,
        case
            when leg = 'order_payment' then "key"
            when order_id <> '' then concat_ws('/', shop, order_id)
            else "key"
        end as subject
    from items
    where leg not in ('finance', 'customer')
),

of_line as (
    select period, leg, entity, "key", currency, max(shop) as shop, max(order_id) as order_id, max(subject) as subject
    from lines
    group by period, leg, entity, "key", currency
),

-- what an order has in the sums
in_sums as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause, l.subject, max(l.shop) as shop, max(l.order_id) as order_id,
        sum(p.left_amount - p.right_amount)::decimal(28, 4) as difference
    from parts as p
    inner join of_line as l
        on p.period = l.period and p.detail_leg = l.leg and p.entity = l.entity and p.detail = l."key" and p.currency = l.currency
    semi join items as i
        on p.period = i.period and p.leg = i.leg and p.entity = i.entity and p."key" = i."key" and p.currency = i.currency
        and p.cause = i.cause
    group by p.period, p.leg, p.entity, p."key", p.currency, p.cause, l.subject
    having sum(p.left_amount - p.right_amount) <> 0
),

final as (
    select *, false as is_in_sum from lines
    union all by name
    select *, 0 as quantity, true as is_in_sum from in_sums
)

select * from final
