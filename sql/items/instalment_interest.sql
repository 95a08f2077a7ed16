-- Grain: one row a period and order that was paid more in instalments. Meaning: how many orders of the shop paid more at the same rate,
-- which is taken in 1/10^10 and as narrow as the rounding of every instalment leaves it.
with
items as (select * from item_sums),

dearer as (
    select
        period, leg, entity, "key", currency, shop, instalments,
        (units(right_sale - left_sale) - 50 * instalments) * 10000000000 // units(left_sale) as low,
        (units(right_sale - left_sale) + 50 * instalments) * 10000000000 // units(left_sale) as high
    from items
    where leg = 'order_payment' and instalments > 1 and right_payments = 1 and left_sale > 0 and right_sale > left_sale
        and left_refund = right_refund
),

narrow as (
    select
        period, leg, entity, "key", currency,
        [
            lag(high, 1) over by_rate >= low, lag(high, 2) over by_rate >= low,
            lead(low, 1) over by_rate <= high, lead(low, 2) over by_rate <= high
        ] as meets
    from dearer
    where high - low < 20000000
    window by_rate as (partition by period, leg, entity, currency, shop, instalments order by low + high, "key")
),

final as (
    select period, leg, entity, "key", currency, len(list_filter(meets, lambda m: coalesce(m, false))) as interest_peers
    from narrow
)

select * from final
