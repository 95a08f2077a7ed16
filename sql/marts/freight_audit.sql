-- Grain: one row a period, parcel and charge in it. Meaning: freight by our own weight and zone and the dated rate card (see
-- claims/freight) against the carrier's bill. expected is empty where we know no such parcel or no card covers it.
with
claims as (select * from freight),
opening_claims as (select * from opening_claims where leg = 'freight'),
open_claims as (select * from open_claims where leg = 'freight'),

handed_over as (
    select period, entity, "key", currency, amount, weight, kind, order_id from claims where side = 'left'
    union all
    select period + 1, entity, "key", currency, amount, weight, kind, order_id from open_claims where side = 'left'
    union all
    select getvariable('period_from'), entity, "key", currency, amount, weight, kind, order_id
    from opening_claims
    where side = 'left'
),

charged as (
    select
        period, entity, "key", currency, sum(amount) as charged, max(zone) as zone, max(weight) as weight,
        max(order_id) as order_id
    from claims
    where side = 'right'
    group by all
),

known as (
    select
        c.period, c.entity, c."key", c.currency, sum(h.amount) as expected, max(h.weight) as weight,
        max(h.order_id) as order_id
    from charged as c
    inner join handed_over as h
        on c.entity = h.entity and c."key" = h."key" and c.currency = h.currency and h.period = c.period
    where h.kind = 'freight'
    group by all
),

final as (
    select
        c.period, c.entity, split_part(c."key", '/', 1) as carrier, split_part(c."key", '/', 2) as tracking_number,
        coalesce(nullif(c.order_id, ''), k.order_id, '') as order_id, c.currency,
        c.zone, c.weight as billed_weight, k.weight as expected_weight,
        k.expected, c.charged, k.expected - c.charged as difference
    from charged as c
    left join known as k using (period, entity, "key", currency)
)

select * from final
