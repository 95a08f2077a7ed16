-- Grain: one row a period, leg, entity and currency. Meaning: opening + left - right = closing, what cleared and how much
-- of what moved agrees.
with
claims as (select * from claims),
same_day_matches as (select * from same_day_matches),
positions as (select * from positions),
open_claims as (select * from open_claims),
opening_claims as (select * from opening_claims),
calendar as (select period from calendar),

groups as (
    select distinct leg, entity, currency from claims
    union
    select distinct leg, entity, currency from opening_claims
),

said as (
    select
        period, leg, entity, currency,
        sum(amount) filter (where side = 'left') as left_amount,
        sum(amount) filter (where side = 'right') as right_amount,
        count(*) filter (where side = 'left') as left_rows,
        count(*) filter (where side = 'right') as right_rows
    from claims
    group by all
),

closed as (
    select
        period, leg, entity, currency,
        sum(case side when 'left' then amount else -amount end) as closing,
        count(distinct "key") as open_keys
    from open_claims
    group by all
    union all
    select
        getvariable('period_from') - 1, leg, entity, currency,
        sum(case side when 'left' then amount else -amount end), count(distinct "key")
    from opening_claims
    group by all
),

settled as (
    select period, leg, entity, currency, count(*) as matched_keys, sum(left_so_far) as cleared
    from positions
    where is_clear
    group by all
),

final as (
    select
        c.period, g.leg, g.entity, g.currency,
        coalesce(b.closing, 0)::decimal(28, 4) as opening,
        coalesce(s.left_amount, 0)::decimal(28, 4) as left_amount,
        coalesce(s.right_amount, 0)::decimal(28, 4) as right_amount,
        (coalesce(k.cleared, 0) + coalesce(t.cleared, 0))::decimal(28, 4) as cleared,
        coalesce(e.closing, 0)::decimal(28, 4) as closing,
        coalesce(s.left_rows, 0)::bigint as left_rows,
        coalesce(s.right_rows, 0)::bigint as right_rows,
        (coalesce(k.matched_keys, 0) + coalesce(t.matched_keys, 0))::bigint as matched_keys,
        coalesce(e.open_keys, 0)::bigint as open_keys
    from groups as g
    cross join calendar as c
    left join said as s using (period, leg, entity, currency)
    left join closed as b
        on b.period = c.period - 1 and b.leg = g.leg and b.entity = g.entity and b.currency = g.currency
    left join closed as e using (period, leg, entity, currency)
    left join same_day_matches as k using (period, leg, entity, currency)
    left join settled as t using (period, leg, entity, currency)
)

select
    period, leg, entity, currency, opening, left_amount, right_amount, cleared, closing, left_rows, right_rows,
    matched_keys, open_keys,
    case when matched_keys + open_keys = 0 then 1
        else (matched_keys * 1000000 // (matched_keys + open_keys))::decimal(18, 0) * 0.000001
    end::decimal(9, 6) as match_rate
from final
where left_rows + right_rows + matched_keys + open_keys > 0 or opening <> 0
