-- Grain: one row a leg, entity, key, currency and period in which the key moved. Meaning: what each side said in the
-- period. What was open when the range began stands on the day before it.
with
claims as (select * from claims),
opening as (select * from opening_claims),

signed as (
    select
        leg, entity, "key", currency, period, side, amount, quantity, attribute, kind, null::date as first_seen,
        null::boolean as is_opening
    from claims
    union all
    select
        leg, entity, "key", currency, getvariable('period_from') - 1, side, amount, quantity, attribute, kind, first_seen,
        true
    from opening
),

final as (
    select
        leg, entity, "key", currency, period,
        sum(case side when 'left' then amount else -amount end)::decimal(28, 4) as amount,
        sum(case side when 'left' then quantity else -quantity end)::decimal(28, 4) as quantity,
        sum(
            case when attribute is null then 0
                when side = 'left' then (md5_number_lower(attribute) % 2147483647)::bigint
                else -(md5_number_lower(attribute) % 2147483647)::bigint
            end
        )::hugeint as attribute,
        bool_or(kind in ('correction', 'write_off')) as is_decided,
        sum(case side when 'left' then amount else 0 end)::decimal(28, 4) as left_amount,
        min(first_seen) as first_seen
    from signed
    group by leg, entity, "key", currency, period
)

select * from final
