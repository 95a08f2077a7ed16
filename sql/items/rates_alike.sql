-- Grain: one row a period and order that was paid more or less than is due. Meaning: how many orders of the shop, with as many instalments,
-- differ at the same rate (of the nearest three on either side), which is taken in 1/10^10 and as narrow as the rounding of every payment
-- leaves it; and whether such orders are usual for the shop: one in five of those of their days, no longer ago than the horizon.
with
items as (select * from item_sums),
claims as (select * from claims),
past_claims as (select * from past_claims),
minor_units as (select * from minor_units),

-- rounding: of the payments together, by up to half of the smallest unit each
rounded as (
    select
        i.period, i.leg, i.entity, i."key", i.currency, i.shop, i.first_seen, i.left_sale, i.right_sale,
        greatest(i.instalments, 1) as payments, units(coalesce(u.unit, 0.01) * 0.5) * greatest(i.instalments, 1) as rounding
    from items as i
    left join minor_units as u on i.currency = u.currency
    where i.leg = 'order_payment' and (i.instalments <= 1 or i.right_payments = 1) and i.left_sale > 0 and i.right_sale > 0
        and i.right_sale <> i.left_sale and i.left_refund = i.right_refund
),

apart as (
    select
        period, leg, entity, "key", currency, shop, first_seen, payments,
        (units(right_sale - left_sale) - rounding) * 10000000000 // units(left_sale) as low,
        (units(right_sale - left_sale) + rounding) * 10000000000 // units(left_sale) as high
    from rounded
),

narrow as (
    select
        period, leg, entity, "key", currency, shop, first_seen,
        [
            lag(high, 1) over by_rate >= low, lag(high, 2) over by_rate >= low, lag(high, 3) over by_rate >= low,
            lead(low, 1) over by_rate <= high, lead(low, 2) over by_rate <= high, lead(low, 3) over by_rate <= high
        ] as meets
    from apart
    where high - low < 20000000
    window by_rate as (partition by period, leg, entity, currency, shop, payments order by low + high, "key")
),

met as (
    select
        period, leg, entity, "key", currency, shop, first_seen,
        len(list_filter(meets, lambda m: coalesce(m, false))) as rate_peers
    from narrow
),

crowds as (
    select period, entity, shop, currency, first_seen, count(*) as alike
    from met
    where rate_peers >= 3 and first_seen >= period - getvariable('repeat_horizon')::int
    group by all
),

ordered as (
    select c.entity, c.shop, c.currency, c.period, count(distinct c."key") as orders
    from (
        select leg, side, entity, shop, currency, period, "key" from claims
        union all
        select leg, side, entity, shop, currency, period, "key" from past_claims
    ) as c
    semi join crowds as k on c.entity = k.entity and c.shop = k.shop and c.currency = k.currency and c.period = k.first_seen
    where c.leg = 'order_payment' and c.side = 'left'
    group by all
),

usual as (
    select c.period, c.entity, c.shop, c.currency, sum(c.alike) * 5 >= sum(o.orders) as is_usual_rate
    from crowds as c
    inner join ordered as o on c.entity = o.entity and c.shop = o.shop and c.currency = o.currency and c.first_seen = o.period
    group by all
),

final as (
    select m.period, m.leg, m.entity, m."key", m.currency, m.rate_peers, m.rate_peers >= 3 and coalesce(u.is_usual_rate, false) as is_usual_rate
    from met as m
    left join usual as u using (period, entity, shop, currency)
)

select * from final
