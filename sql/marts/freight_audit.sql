-- Grain: one row a period and parcel. Meaning: freight recomputed from weight, zone and rate card (first weight, then every
-- step or part of one) against the carrier's bill; expected is empty where no rate card covers the zone.
with
freight_charges as (select * from freight_charges),
shipments as (select * from shipments),
skus as (select * from skus_known),
cards as (select * from rate_cards where kind = 'freight' and first_price is not null),

weights as (
    select period, sku, max(weight) as weight
    from skus
    group by all
),

packed as (
    select s.period, s.tracking_number, max(s.order_id) as order_id, sum(s.quantity * w.weight)::decimal(18, 4) as weight
    from shipments as s
    asof left join weights as w on s.sku = w.sku and s.period >= w.period
    where s.tracking_number <> ''
    group by s.period, s.tracking_number
),

rated as (
    select
        f.period, f.entity, f.carrier, f.tracking_number, coalesce(nullif(f.order_id, ''), p.order_id, '') as order_id,
        f.currency, f.zone, f.weight as billed_weight, p.weight as expected_weight,
        (
            c.first_price
            + ceil(greatest(f.weight - c.first_weight, 0)::double / nullif(c.step_weight, 0)::double)::int
            * coalesce(c.step_price, 0)
        )::decimal(18, 4) as expected,
        f.amount as charged
    from freight_charges as f
    asof left join cards as c on f.carrier = c.provider and f.zone = c.zone and f.period >= c.from_day
    left join packed as p on f.period = p.period and f.tracking_number = p.tracking_number
),

final as (
    select *, expected - charged as difference from rated
)

select * from final
