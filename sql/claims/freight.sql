-- Grain: one claim a parcel that we handed over (left) or a charge on a carrier's bill (right). Meaning: a carrier charges
-- what its dated rate card says for our own weight and zone, in the currency of the card: the first weight, then every step
-- begun; no other rounding.
-- What a carrier charges of another kind (duty, a way back) is a record of its own beside it.
-- Carriers without a card take no part, nor do parcels whose weight or zone we don't know.
with
shipments as (select * from mapped_shipments where tracking_number <> ''),
charges as (select * from placed_freight),
skus as (select * from skus_dated where weight is not null),
cards as (select * from rate_cards where kind = 'freight'),

carriers as (
    select provider as carrier, min(from_day) as from_day
    from cards
    group by all
),

weighed as (
    select s.*, s.quantity * w.weight as line_weight
    from shipments as s
    inner join carriers as c on s.carrier = c.carrier and s.period >= c.from_day
    asof left join skus as w on s.sku = w.sku and s.period >= w.period
),

parcels as (
    select
        period, entity, shop, carrier, tracking_number, max(order_id) as order_id, max(zone) as zone,
        sum(line_weight)::decimal(28, 4) as weight, min(occurred_at) as occurred_at, min(source) as source, file,
        min(line) as line
    from weighed
    group by period, entity, shop, carrier, tracking_number, file
    having count(line_weight) = count(*)
),

carded as (
    select p.*, coalesce(c.card, g.card) as card
    from parcels as p
    asof left join cards as c on p.carrier = c.provider and p.zone = c.zone and p.period >= c.from_day
    asof left join cards as g on p.carrier = g.provider and '' = g.zone and p.period >= g.from_day
),

rated as (
    select
        p.*,
        c.currency,
        c.first_price
        -- in units of 1/10000 kg, so the steps begun are whole numbers without a division that rounds
        + case when p.weight > c.first_weight and c.step_weight is not null
            then (
                ((p.weight - c.first_weight) * 10000)::hugeint + (c.step_weight * 10000)::hugeint - 1
            ) // (c.step_weight * 10000)::hugeint
            else 0
        end::decimal(24, 0) * coalesce(c.step_price, 0) as amount
    from carded as p
    inner join cards as c on p.card = c.card
),

claimed as (
    select
        p.period, p.entity, p.carrier, p.tracking_number, p.currency, 'left' as side,
        'freight' as kind, p.amount, p.shop, p.order_id, p.occurred_at, p.source, p.file, p.line, p.zone, p.weight,
        '' as record_id
    from rated as p
    union all
    select
        f.period, f.entity, f.carrier, f.tracking_number, f.currency, 'right',
        'freight', f.amount, f.shop, f.order_id, f.occurred_at, f.source, f.file, f.line, f.zone, f.weight,
        coalesce(f.charge_type, '')
    from charges as f
    inner join carriers as c on f.carrier = c.carrier and f.period >= c.from_day
),

final as (
    select
        period, 'freight' as leg, entity,
        concat_ws('/', carrier, coalesce(nullif(tracking_number, ''), concat('row/', file, ':', line))) as "key", currency, side, kind,
        amount::decimal(28, 4) as amount, 0 as quantity, null as attribute, shop, carrier as channel, order_id,
        '' as sku, 0 as discount, null as unit_price, occurred_at, source, file, line, zone, weight,
        record_id
    from claimed
)

select * from final
