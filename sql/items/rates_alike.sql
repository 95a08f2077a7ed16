-- Grain: one row a period and order that was paid more or less than is due. Meaning: how many orders of the shop, with as many instalments,
-- differ at the same rate (of the nearest three on either side), which is taken in 1/10^10 and as narrow as the rounding of every payment
-- leaves it.
with
items as (select * from item_sums),

apart as (
    select
        period, leg, entity, "key", currency, shop, greatest(instalments, 1) as payments,
        (units(right_sale - left_sale) - 50 * greatest(instalments, 1)) * 10000000000 // units(left_sale) as low,
        (units(right_sale - left_sale) + 50 * greatest(instalments, 1)) * 10000000000 // units(left_sale) as high
    from items
    where leg = 'order_payment' and (instalments <= 1 or right_payments = 1) and left_sale > 0 and right_sale > 0
        and right_sale <> left_sale and left_refund = right_refund
),

narrow as (
    select
        period, leg, entity, "key", currency,
        [
            lag(high, 1) over by_rate >= low, lag(high, 2) over by_rate >= low, lag(high, 3) over by_rate >= low,
            lead(low, 1) over by_rate <= high, lead(low, 2) over by_rate <= high, lead(low, 3) over by_rate <= high
        ] as meets
    from apart
    where high - low < 20000000
    window by_rate as (partition by period, leg, entity, currency, shop, payments order by low + high, "key")
),

final as (
    select period, leg, entity, "key", currency, len(list_filter(meets, lambda m: coalesce(m, false))) as rate_peers
    from narrow
)

select * from final
