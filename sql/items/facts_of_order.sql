-- Grain: one row a period, entity, shop and order with open items. Meaning: what all legs together say of the order; null where
-- the leg that would say it has nothing open.
with
items as (select * from item_sums where order_id <> ''),
facts as (select * from facts_of_item),
kept as (select * from kept_payments),

told as (
    select
        d.period, d.entity, d.shop, d.order_id,
        -- shipped but never billed by the carrier, paid back without goods or record
        bool_or(d.leg = 'freight' and d.right_claims = 0 and d.age_days >= d.sla_days) as parcel_unbilled,
        bool_or(d.leg = 'return_refund' and d.left_claims = 0 and d.age_days >= d.sla_days) as refunded_for_nothing,
        bool_or(d.leg = 'order_payment' and f.left_only_refund = 0 and f.right_only_refund <> 0) as refund_not_in_books,
        bool_or(d.leg = 'order_payment' and d.left_sale = d.right_sale and f.left_only_refund <> 0 and f.right_only_refund = 0)
            as refund_only_in_books,
        -- goods came back of which nothing was paid: there is nothing to pay back
        bool_or(d.leg = 'order_payment' and d.is_sent_unpaid) as sent_unpaid,
        bool_or(d.leg = 'order_payment' and d.left_sale > 0 and d.right_claims = 0) as nothing_paid,
        coalesce(
            sum(d.difference) filter (where d.leg = 'order_payment' and d.left_sale > d.right_sale and d.left_refund = d.right_refund)
            = sum(d.left_return) filter (where d.leg = 'return_refund' and d.right_claims = 0 and d.left_return > 0), false
        ) as unpaid_came_back,
        -- for how long what a platform keeps of it may still be settled; and that it never was
        max(d.sla_days - d.age_days) filter (where d.leg = 'payment_settlement' and d.right_claims = 0 and d.left_sale > 0 and k.provider is not null)
            as days_to_settle,
        -- our books gave all of it back, and nobody else says so
        bool_or(d.leg = 'order_payment' and d.left_sale > 0 and d.left_sale = d.right_sale and f.left_only_refund = -d.left_sale and f.right_only_refund = 0)
            or bool_or(d.leg = 'order_payment' and d.left_claims > 0 and d.right_claims = 0 and d.left_sale = 0 and d.left_refund < 0)
            as is_refunded_alone,
        -- the lines of both sides come to the same, under other goods: a set that the other side has in parts
        coalesce(sum(d.difference) filter (where d.leg = 'order_platform') = 0, false)
            and count(distinct d.currency) filter (where d.leg = 'order_platform') = 1
            and coalesce(bool_or(split_part(d.left_attribute, ' ', 1) <> split_part(d.right_attribute, ' ', 1)) filter (
                where d.leg = 'order_platform' and d.left_claims > 0 and d.right_claims > 0 and starts_with(d.left_attribute, 'sku=')
                    and starts_with(d.right_attribute, 'sku=')
            ), false) as lines_come_to_the_same,
        -- the platform closed it and our books did not
        bool_and(
            coalesce(ends_with(d.right_attribute, 'status=closed') and not ends_with(d.left_attribute, 'status=closed'), false)
        ) filter (where d.leg = 'order_platform') as is_closed_there,
        sum(d.quantity_difference) filter (where d.leg = 'order_platform' and d.quantity_difference <> 0)
            as platform_quantity_difference,
        -- what the pieces that were not shipped, or shipped too many, are worth at the price of the order
        sum(d.quantity_difference * d.left_price)
            filter (where d.leg = 'order_shipment' and d.right_claims > 0 and d.left_claims > 0)::decimal(28, 4) as unshipped_amount
    from items as d
    left join facts as f using (period, leg, entity, "key", currency)
    left join kept as k on d.channel = k.provider
    group by d.period, d.entity, d.shop, d.order_id
),

-- pieces have no currency: of an order that was paid in two the larger difference counts
payments as (
    select period, entity, shop, order_id, difference as payment_difference
    from items
    where leg = 'order_payment' and difference <> 0
    qualify row_number() over (
        partition by period, entity, shop, order_id order by abs(difference) desc, difference desc, currency, "key"
    ) = 1
),

final as (
    select t.*, p.payment_difference
    from told as t
    left join payments as p using (period, entity, shop, order_id)
)

select * from final
