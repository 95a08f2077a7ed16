-- Grain: one row a period and group of open items. Meaning: a proposal that orders of one buyer were paid together: what some of
-- them were paid too much is what the others lack, and the buyer's account is even.
with
items as (select * from left_over where 'together' in (select pass from matching_passes where leg = left_over.leg)),

grouped as (
    select period, leg, entity, currency, party, list("key" order by "key") as members, count(*) as orders, max(first_seen) - min(first_seen) as days
    from items
    where party <> ''
    group by period, leg, entity, currency, party
    having sum(amount) = 0 and count(*) between 2 and 6 and max(first_seen) - min(first_seen) <= max(window_days)
        -- what stands on one side only is looked at by reference and amount
        and count(*) filter (where not one_sided) > 0
),

final as (
    select
        period, leg, entity, currency, members, days::int as cost, (8600 - 100 * days)::int as points,
        concat(orders, ' orders of one buyer, paid together') as reason
    from grouped
)

select * from final
