-- Grain: one row a period, transaction and kind of fee that was charged in the period otherwise than the rate card says.
-- Meaning: the fee by the rate card (see derived/fees_expected) against the fee charged.
with
claims as (select * from fee),
open_claims as (select * from open_claims where leg = 'fee'),

moved as (
    select distinct period, entity, "key", currency
    from claims
),

summed as (
    select
        o.period, o.entity, max(o.shop) as shop, max(o.channel) as provider,
        split_part(o."key", '/', -2) as transaction_id, o.currency,
        coalesce(sum(o.unit_price) filter (where o.side = 'left'), 0) as base_amount,
        sum(o.amount) filter (where o.side = 'left' and o.kind = 'rated') as expected_fee,
        sum(o.amount) filter (where o.side = 'right' and o.kind = 'charged') as charged_fee
    from open_claims as o
    semi join moved as m using (period, entity, "key", currency)
    group by o.period, o.entity, o."key", o.currency
),

final as (
    select *, expected_fee - charged_fee as difference
    from summed
    where expected_fee is not null and charged_fee is not null
)

select * from final
