-- Grain: one order of the leg that is being made. Meaning: those whose claims may be moved: of an order without a shop, one with a code
-- that nobody knows, and one that is held by the order already.
with
claims as (select * from leg_claims where order_id <> ''),
opening as (select * from opening_claims where leg = getvariable('leg_made') and order_id <> ''),

final as (
    select entity, shop, order_id
    from claims
    where starts_with(shop, 'unassigned/')
        or starts_with(sku, '?') and getvariable('leg_made') in ('order_platform', 'order_shipment', 'return_refund')
    union
    select entity, shop, order_id
    from opening
    where starts_with(shop, 'unassigned/')
        or ends_with("key", '/*') and leg in ('order_platform', 'order_shipment', 'return_refund')
        or leg = 'order_platform' and starts_with(attribute, 'status=')
)

select * from final
