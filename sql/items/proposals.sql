-- Grain: one row a period and open item for which a matching pass has something to say. Meaning: its counterparts, why, and
-- how sure that is; or that the search was given up.
with
matched as (select * from matched),
given_up as (select * from given_up),
caused as (select * from caused),

placed as (
    select period, leg, entity, currency, unnest(members) as "key", members, pass, points, reason
    from matched
),

worded as (
    select
        period, leg, entity, currency, "key",
        case
            when pass = 'tolerance' then concat('write off: ', reason)
            else concat(
                'pairs with ', array_to_string(list_filter(members, lambda m: m <> "key")[1:50], ', '),
                case when len(members) > 51 then concat(' and ', len(members) - 51, ' more') else '' end,
                ' (', pass, ': ', reason, ')'
            )
        end as proposal,
        (points * 0.0001)::decimal(5, 4) as confidence
    from placed
),

final as (
    select * from worded
    union all by name
    select g.period, g.leg, g.entity, g.currency, g."key", g.reason as proposal, null as confidence
    from given_up as g
    anti join placed as p using (period, leg, entity, currency, "key")
    union all by name
    -- an amount that stands on another account or day of the ledger
    select
        period, leg, entity, currency, "key",
        concat(
            case when opposite_count = 1 then 'pairs with ' else concat('one of ', opposite_count, ' candidates, first ') end,
            opposite_key
        ) as proposal,
        (greatest(9000 - 1000 * opposite_days, 500) // opposite_count * 0.0001)::decimal(5, 4) as confidence
    from caused
    where leg = 'ledger' and opposite_key is not null
)

select * from final
