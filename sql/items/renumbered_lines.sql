-- Grain: one row a period, order, currency and SKU that both sides of the platform's leg have, with the same goods or in the same sum, under
-- line numbers that the other side lacks. Meaning: those lines are there; order_difference: what all of the order's differ by.
with
items as (select * from item_sums where leg = 'order_platform' and order_id <> ''),

lines_apart as (
    select
        period, entity, shop, order_id, currency, sku, sum(difference)::decimal(28, 4) as difference, bool_or(right_claims = 0) as has_left,
        bool_or(left_claims = 0) as has_right
    from items
    where left_claims = 0 or right_claims = 0
    group by period, entity, shop, order_id, currency, sku
),

final as (
    select period, entity, shop, order_id, currency, sku, (sum(difference) over of_order)::decimal(28, 4) as order_difference
    from lines_apart
    window of_order as (partition by period, entity, shop, order_id, currency)
    qualify has_left and has_right
        or sum(difference) over of_order = 0 and bool_or(has_left) over of_order and bool_or(has_right) over of_order
)

select * from final
