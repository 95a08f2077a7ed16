-- Grain: one row a period and group of open items whose keys are the same in their normal form. Meaning: a proposal to see
-- them as one. points: the confidence in 1/10000.
with
items as (select * from left_over where 'normal_key' in (select pass from matching_passes where leg = left_over.leg)),

final as (
    select
        period, leg, entity, currency,
        list("key" order by "key") as members,
        0 as cost,
        case when abs(sum(amount)) <= max(tolerance) then 9500 when count(*) = 2 then 8000 else 6000 end - 500 * (count(*) > 2)::int
            as points,
        concat(
            'the same key in its normal form, ', normal_key,
            case when sum(amount) <> 0 then concat(', ', sum(amount), ' left over') else '' end
        ) as reason
    from items
    group by period, leg, entity, currency, normal_key
    having count(*) > 1 and min(amount) < 0 and max(amount) > 0
)

select * from final
