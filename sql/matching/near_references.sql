-- Grain: one row a period and pair of open items, the sale of each of which stands on one side alone; one of the two has no other
-- that is nearer. Meaning: references that may be one, whatever amounts and currencies are: the same but for blanks and look-alike characters, a
-- character too many or too few, two exchanged, the whole written twice, or cut off at an end. edits: how far apart they are;
-- left_alike, right_alike: how many others are as near to that item. Two references are compared where they are the same without
-- one of their characters, or where one is an end of the other.
with
left_over as (select * from left_over),
passes as (select * from matching_passes),
settings as (select * from matching_settings),

items as (
    select
        i.period, i.leg, i.entity, i.currency, i."key", i.amount, i.tolerance, i.first_seen, i.window_days,
        substr(i.normal_key, 1, length(i.normal_key) - length(split_part(i.normal_key, '/', -1))) as place,
        folded(split_part(i.normal_key, '/', -1)) as ref
    from left_over as i
    semi join passes as p on i.leg = p.leg and p.pass = 'near_key_apart'
    where i.one_sided or i.lacks_sale
),

-- where only one side has anything there is nothing to compare
places as (
    select period, leg, entity, place
    from items
    group by all
    having min(amount) < 0 and max(amount) > 0
),

spelled as (
    select
        i.*,
        case when ref = left(ref, (length(ref) // 2)::bigint) || left(ref, (length(ref) // 2)::bigint)
            then left(ref, (length(ref) // 2)::bigint) else ref
        end as said,
        s.near_length, s.kept_percent
    from items as i
    semi join places as p using (period, leg, entity, place)
    cross join settings as s
    where length(i.ref) >= 4
),

-- the reference, and what it is without one of its characters
shorter as (
    select *, said as variant
    from spelled
    union all
    select
        *, unnest(list_transform(
            generate_series(1, length(said)::bigint), lambda i: substr(said, 1, i - 1) || substr(said, i + 1)
        )) as variant
    from spelled
    where length(said) >= near_length
),

-- the ends of a reference, which are compared with whole ones alone: numbers that follow each other all begin alike
ends as (
    select
        *, unnest(flatten(list_transform(
            generate_series((length(said) * kept_percent + 99) // 100, length(said)::bigint - 1),
            lambda n: [left(said, n), right(said, n)]
        ))) as variant
    from spelled
    where length(said) >= near_length
),

met as (
    select
        l.period, l.leg, l.entity, l.currency, l."key" as left_key, r."key" as right_key, r.currency as right_currency,
        l.amount + r.amount as rest, l.tolerance, abs(l.first_seen - r.first_seen)::int as days, l.window_days, l.said as left_said,
        r.said as right_said, false as is_cut
    from shorter as l
    inner join shorter as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.place = r.place and l.variant = r.variant
    where l.amount > 0 and r.amount < 0
    union
    select
        l.period, l.leg, l.entity, l.currency, l."key", r."key", r.currency, l.amount + r.amount, l.tolerance,
        abs(l.first_seen - r.first_seen)::int, l.window_days, l.said, r.said, true
    from ends as l
    inner join spelled as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.place = r.place and l.variant = r.said
    where l.amount > 0 and r.amount < 0
    union
    select
        l.period, l.leg, l.entity, l.currency, l."key", r."key", r.currency, l.amount + r.amount, l.tolerance,
        abs(l.first_seen - r.first_seen)::int, l.window_days, l.said, r.said, true
    from spelled as l
    inner join ends as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.place = r.place and l.said = r.variant
    where l.amount > 0 and r.amount < 0
),

-- once a pair, however many of their characters they are the same without
compared as (
    select
        *,
        case
            when left_said = right_said then 0
            when is_cut then 1
            -- numbers that follow each other differ in a digit as well
            when length(left_said) = length(right_said)
                and damerau_levenshtein(left_said, right_said) = levenshtein(left_said, right_said) then 99
            else damerau_levenshtein(left_said, right_said)
        end as edits
    from met
    where days <= window_days
),

near as (
    select
        period, leg, entity, currency, left_key, right_key, right_currency, rest, days, min(edits) as edits,
        -- what is worth the same is the nearer
        min(edits) + 10 * (abs(rest) > tolerance)::int + 20 * (currency <> right_currency)::int as distance
    from compared
    where edits <= 1
    group by period, leg, entity, currency, left_key, right_key, right_currency, rest, days, tolerance
),

ranked as (
    select
        *,
        rank() over (partition by period, leg, entity, currency, left_key order by distance) as left_rank,
        rank() over (partition by period, leg, entity, right_currency, right_key order by distance) as right_rank,
        count(*) over (partition by period, leg, entity, currency, left_key, distance) as left_alike,
        count(*) over (partition by period, leg, entity, right_currency, right_key, distance) as right_alike
    from near
),

final as (
    select
        period, leg, entity, currency, left_key, right_key, right_currency, rest, days, edits, distance,
        left_alike, right_alike, left_rank = 1 and right_rank = 1 as is_nearest
    from ranked
    where left_rank = 1 or right_rank = 1
)

select * from final
