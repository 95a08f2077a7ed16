-- Grain: one row a period and order of which other goods were sent than those that it lacks, piece for piece.
with
items as (select * from item_sums),

final as (
    select period, entity, shop, order_id
    from items
    where leg = 'order_shipment' and order_id <> '' and sku <> '' and (left_claims = 0 or difference > 0)
    group by period, entity, shop, order_id
    having sum(difference) = 0 and min(difference) < 0
)

select * from final
