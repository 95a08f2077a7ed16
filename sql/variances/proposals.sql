-- Grain: one row a period and open item for which a matching pass has something to say. Meaning: its counterparts, why, and
-- how sure that is; or that the search was given up.
with
matched as (select * from matched),
given_up as (select * from given_up),
settings as (select * from matching_settings),
with_cause as (select * from with_cause),
notices as (select * from item_claims where kind = 'unmapped'),

placed as (
    -- with the members that are shown, not with all of them
    select
        period, leg, entity, currency, unnest(members) as "key", members[1:51] as shown, len(members) as size, pass, points,
        reason
    from matched
),

worded as (
    select
        period, leg, entity, currency, "key",
        case
            when pass = 'tolerance' then concat('write off: ', reason)
            else concat(
                case when points >= s.shown_points then 'pairs with ' else 'may pair with ' end, array_to_string(list_filter(shown, lambda m: m <> "key")[1:50], ', '),
                case when size > 51 then concat(' and ', size - 51, ' more') else '' end,
                ' (', pass, ': ', reason, ')'
            )
        end as proposal,
        (points * 0.0001)::decimal(5, 4) as confidence
    from placed
    cross join settings as s
),

-- what was answered stands on the other side as well
codes as (
    select period, leg, entity, currency, "key", counterparty as system, remark as code
    from notices
    group by all
    having count(*) filter (where side = split_part(attribute, ' ', 1)) > count(*) filter (where side <> split_part(attribute, ' ', 1))
),

codes_told as (
    select
        period, leg, entity, currency, "key", system, count(*) as codes,
        array_to_string(list(code order by code)[1:50], ', ') as shown
    from codes
    group by period, leg, entity, currency, "key", system
),

final as (
    select * from worded
    union all by name
    select
        period, leg, entity, currency, "key",
        concat(
            case system when 'books' then 'the list of sets lacks ' else concat('the map of ', system, ' lacks ') end, shown,
            case when codes > 50 then concat(' and ', codes - 50, ' more') else '' end
        ) as proposal,
        null as confidence
    from codes_told
    union all by name
    select
        g.period, g.leg, g.entity, g.currency, g."key", string_agg(distinct g.reason, '; ' order by g.reason) as proposal,
        null as confidence
    from given_up as g
    anti join placed as p using (period, leg, entity, currency, "key")
    group by g.period, g.leg, g.entity, g.currency, g."key"
    union all by name
    select
        period, leg, entity, currency, "key",
        concat(
            split_part("key", '/', -2),
            case split_part("key", '/', -3)
                when 'absent' then concat(' has nothing for ', split_part("key", '/', -1), ': get the file of that day (again)')
                else concat(
                    ' has nothing for these records, of ', split_part("key", '/', -1), ' and later: supply its files, or declare since when it has any'
                )
            end
        ) as proposal,
        null as confidence
    from with_cause
    where is_absent
    union all by name
    select
        c.period, c.leg, c.entity, c.currency, c."key", 'charged less than the rate card says: nothing to claim' as proposal,
        null as confidence
    from with_cause as c
    anti join placed as p using (period, leg, entity, currency, "key")
    where c.cause = 'underbilled' and c.leg in ('fee', 'freight')
    union all by name
    select
        period, leg, entity, currency, "key",
        concat(
            difference, ' ', currency, ' and ', fx_difference, ' ', fx_currency,
            case
                when fx_worth + fx_other_worth is null then ': give the rate of the day (`fx_rates`)'
                else concat(
                    ' are ', fx_worth, ' and ', fx_other_worth, ' ', fx_home, ' by the dated rate: exchange difference ',
                    fx_worth + fx_other_worth, ' ', fx_home
                )
            end
        ) as proposal,
        null as confidence
    from with_cause
    where cause = 'fx_difference'
    union all by name
    select
        period, leg, entity, currency, "key",
        concat('may pair with ', other_key, ' (converted: ', abs(difference), ' ', currency, ' for ', other_amount, ' ', other_currency, ')') as proposal,
        0.4::decimal(5, 4) as confidence
    from with_cause
    where may_be_converted
    union all by name
    -- an amount that stands on another account or day of the ledger
    select
        period, leg, entity, currency, "key",
        concat(
            case when opposite_count = 1 then 'pairs with ' else concat('one of ', opposite_count, ' candidates, first ') end,
            opposite_key
        ) as proposal,
        (greatest(9000 - 1000 * opposite_days, 500) // opposite_count * 0.0001)::decimal(5, 4) as confidence
    from with_cause
    where leg = 'ledger' and opposite_key is not null
    union all by name
    select
        period, leg, entity, currency, "key",
        concat(
            'may pair with ', opposite_key, ' (a transfer that nobody recorded',
            case when opposite_count > 1 then concat(', one of ', opposite_count, ' candidates') else '' end, ')'
        ) as proposal,
        ((6000 - 500 * opposite_days) // opposite_count * 0.0001)::decimal(5, 4) as confidence
    from with_cause
    where leg = 'stock' and opposite_key is not null
)

select * from final
