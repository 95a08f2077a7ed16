-- Grain: one row a period and open item whose sides differ by no more than the tolerance. Meaning: a proposal to write off.
with
items as (select * from left_over where 'tolerance' in (select pass from matching_passes where leg = left_over.leg)),

final as (
    select
        period, leg, entity, currency,
        ["key"] as members,
        0 as cost,
        9900 as points,
        concat(amount, ' is within the tolerance of ', tolerance) as reason
    from items
    where not one_sided and abs(amount) <= tolerance
)

select * from final
