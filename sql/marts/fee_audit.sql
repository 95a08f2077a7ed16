-- Grain: one row a period and transaction whose fee is not what the rate card says. Meaning: the fee recomputed (percent of
-- the amount, at least the minimum, at most the cap, rounded half away from zero to the cent) against the fee charged.
with
payments as (select * from payments),
settlements as (select * from settlements where kind = 'fee'),
cards as (select * from rate_cards where kind = 'fee' and percent is not null),

charged as (
    select period, provider, transaction_id, sum(-amount) as fee
    from settlements
    group by all
),

rated as (
    select
        p.period, p.entity, p.shop, p.provider, p.transaction_id, p.currency, p.amount as base_amount,
        round(
            least(
                greatest((p.amount * c.percent * 0.01)::decimal(28, 8), coalesce(c.minimum, 0)::decimal(28, 8)),
                coalesce(c.cap, 99999999999999)::decimal(28, 8)
            ),
            2
        )::decimal(18, 4) as expected_fee,
        coalesce(f.fee, p.fee)::decimal(18, 4) as charged_fee
    from payments as p
    asof inner join cards as c on p.provider = c.provider and p.period >= c.from_day
    left join charged as f
        on p.period = f.period and p.provider = f.provider and p.transaction_id = f.transaction_id
),

final as (
    select *, expected_fee - charged_fee as difference
    from rated
    where expected_fee <> charged_fee
)

select * from final
