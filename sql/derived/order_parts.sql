-- Grain: one part of an order line; of goods that are no set, the line. Meaning: the lines as the goods that leave the warehouse: pieces
-- of the parts, and of the amount and both discounts the parts' shares, rounded half away from zero to the smallest unit so that
-- they add up to the line. The price of a piece is known of whole lines only.
with
orders as (select * from mapped_orders),
parts as (select * from bundle_parts),
minor_units as (select * from minor_units),

shared as (
    select
        o.*, p.set_sku is not null as is_part, coalesce(p.sku, o.sku) as part_sku, coalesce(p.quantity, 1) as pieces,
        coalesce(p.share_before, 0) as share_before, coalesce(p.share_until, 1) as share_until,
        coalesce(u.units, 100) as units, coalesce(u.unit, 0.01) as unit
    from orders as o
    left join parts as p on o.sku = p.set_sku and o.period between p.period and p.last_day
    left join minor_units as u on o.currency = u.currency
),

final as (
    select
        s.* exclude (is_part, part_sku, pieces, share_before, share_until, units, unit) replace (
            s.part_sku as sku,
            (s.quantity * s.pieces)::decimal(28, 4) as quantity,
            case when not s.is_part then s.unit_price end as unit_price,
            case when s.is_part then share_between(s.amount, s.share_before, s.share_until, s.units, s.unit) else s.amount end
                as amount,
            case
                when s.is_part then share_between(s.shop_discount, s.share_before, s.share_until, s.units, s.unit)
                else s.shop_discount
            end as shop_discount,
            case
                when s.is_part then share_between(s.platform_discount, s.share_before, s.share_until, s.units, s.unit)
                else s.platform_discount
            end as platform_discount
        )
    from shared as s
)

select * from final
