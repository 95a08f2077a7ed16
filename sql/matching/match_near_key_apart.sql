-- Grain: one row a period and pair of open items whose references are nearly the same and whose amounts are not. Meaning: a
-- proposal, and no more than that, as two orders may be called so: a character too many or too few, two exchanged, or the whole written twice. Proposed only where no other item is as
-- near to either of them. Two references are compared where they are the same without one of their characters.
with
items as (select * from left_over where one_sided and 'near_key_apart' in (select pass from matching_passes where leg = left_over.leg)),
settings as (select * from matching_settings),

called as (
    select
        period, leg, entity, currency, "key", amount, first_seen, window_days,
        substr(normal_key, 1, length(normal_key) - length(split_part(normal_key, '/', -1))) as place,
        folded(split_part(normal_key, '/', -1)) as ref
    from items
),

spelled as (
    select
        c.*,
        case when ref = left(ref, (length(ref) // 2)::bigint) || left(ref, (length(ref) // 2)::bigint)
            then left(ref, (length(ref) // 2)::bigint) else ref
        end as said
    from called as c
    inner join settings as s on length(c.ref) >= s.near_length
),

shorter as (
    select
        *, unnest(list_prepend(said, list_transform(
            generate_series(1, length(said)::bigint), lambda i: substr(said, 1, i - 1) || substr(said, i + 1)
        ))) as variant
    from spelled
),

near as (
    select
        l.period, l.leg, l.entity, l.currency, l."key" as left_key, r."key" as right_key, l.amount + r.amount as rest,
        abs(l.first_seen - r.first_seen)::int as days, damerau_levenshtein(l.said, r.said) as edits
    from shorter as l
    inner join shorter as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency and l.place = r.place
        and l.variant = r.variant
    where l.amount > 0 and r.amount < 0 and abs(l.first_seen - r.first_seen) <= l.window_days
        -- numbers that follow each other differ in a digit as well
        and (length(l.said) <> length(r.said) or damerau_levenshtein(l.said, r.said) < levenshtein(l.said, r.said) or l.said = r.said)
    group by all
),

ranked as (
    select
        *,
        count(*) over (partition by period, leg, entity, currency, left_key) as left_alike,
        count(*) over (partition by period, leg, entity, currency, right_key) as right_alike
    from near
    where edits <= 1
),

final as (
    select
        period, leg, entity, currency,
        [left_key, right_key] as members,
        edits * 10 + days as cost,
        7000 as points,
        concat('nearly the same reference, ', days, ' days apart, ', rest, ' left over') as reason
    from ranked
    where left_alike = 1 and right_alike = 1
)

select * from final
