-- Grain: one row a period and group of open items. Meaning: a proposal that an order which one side keeps whole stands on the other
-- side in parts, under its number and a counter (4711-1, 4711-2), and that together they are one.
with
items as (select * from left_over where 'split_key' in (select pass from matching_passes where leg = left_over.leg)),

parts as (
    select *, regexp_replace("key", '[-_]\d{1,2}$', '') as whole_key
    from items
    where regexp_matches("key", '[^/][-_]\d{1,2}$')
),

grouped as (
    select
        w.period, w.leg, w.entity, w.currency, w."key", w.amount + sum(p.amount) as rest, w.tolerance, count(*) as parts,
        list(p."key" order by p."key") as part_keys
    from items as w
    inner join parts as p
        on w.period = p.period and w.leg = p.leg and w.entity = p.entity and w.currency = p.currency and w."key" = p.whole_key
        and sign(w.amount) = -sign(p.amount)
    group by w.period, w.leg, w.entity, w.currency, w."key", w.amount, w.tolerance
),

final as (
    select
        period, leg, entity, currency,
        list_prepend("key", part_keys) as members,
        0 as cost,
        9000 as points,
        concat('one order in ', parts, ' parts', case when rest <> 0 then concat(', ', rest, ' left over') else '' end) as reason
    from grouped
    where abs(rest) <= tolerance
)

select * from final
