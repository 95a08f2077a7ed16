-- Grain: one row a period and pair of open items of opposite amount whose references are nearly the same. Meaning: a proposal: one
-- of them is the other with blanks, look-alike characters, a character or two too many, too few or exchanged, cut off at an end,
-- or written twice. Proposed only where no other item is as near to either of them.
with
items as (select * from left_over where 'near_key' in (select pass from matching_passes where leg = left_over.leg)),
settings as (select * from matching_settings),

-- what an item is called: the last part of its key, among keys that begin alike; in legs whose remarks name others, anything
called as (
    select period, leg, entity, currency, "key", amount, first_seen, one_sided, window_days, party_kind, party, place, folded(ref) as ref
    from (
        select
            *, substr(normal_key, 1, length(normal_key) - length(split_part(normal_key, '/', -1))) as place,
            split_part(normal_key, '/', -1) as ref
        from items
        union all by name
        select *, '*' as place, unnest(list_append(remark_ids(words), split_part(normal_key, '/', -1))) as ref
        from items
        where 'remark' in (select pass from matching_passes where leg = items.leg)
    ) as c
    where length(folded(ref)) >= 4
),

crowds as (
    select period, leg, entity, currency, place, abs(amount) as size, count(*) filter (where amount > 0) as lefts,
        count(*) filter (where amount < 0) as rights
    from called
    group by all
),

roomy as (
    select c.*
    from called as c
    inner join crowds as w
        on c.period = w.period and c.leg = w.leg and c.entity = w.entity and c.currency = w.currency and c.place = w.place
        and abs(c.amount) = w.size
    where least(w.lefts, w.rights) <= getvariable('match_crowd')
),

compared as (
    select
        l.period, l.leg, l.entity, l.currency, l."key" as left_key, r."key" as right_key,
        abs(l.first_seen - r.first_seen)::int as days,
        case
            when l.ref = r.ref then 0
            when l.ref || l.ref = r.ref or r.ref || r.ref = l.ref then 1
            when greatest(length(l.ref), length(r.ref)) * s.kept_percent <= least(length(l.ref), length(r.ref)) * 100
                and (
                    starts_with(l.ref, r.ref) or ends_with(l.ref, r.ref) or starts_with(r.ref, l.ref) or ends_with(r.ref, l.ref)
                )
                then 1
            when least(length(l.ref), length(r.ref)) < s.near_length then 99
            -- numbers that follow each other differ in a digit or two as well: only what is missing, too many or exchanged counts
            when length(l.ref) = length(r.ref) and damerau_levenshtein(l.ref, r.ref) = levenshtein(l.ref, r.ref) then 99
            else damerau_levenshtein(l.ref, r.ref)
        end as edits
    from (select * from roomy where amount > 0) as l
    inner join (select * from roomy where amount < 0) as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency and l.place = r.place
        and l.amount = -r.amount
    cross join settings as s
    where abs(l.first_seen - r.first_seen) <= l.window_days and (l.one_sided or r.one_sided)
        and not (l.party_kind = 'channel' and l.party <> '' and r.party <> '' and l.party <> r.party)
),

near as (
    select period, leg, entity, currency, left_key, right_key, min(days) as days, min(edits) as edits
    from compared
    where edits <= (select edits from settings)
    group by period, leg, entity, currency, left_key, right_key
),

ranked as (
    select
        *,
        rank() over (partition by period, leg, entity, currency, left_key order by edits) as left_rank,
        count(*) over (partition by period, leg, entity, currency, left_key, edits) as left_alike,
        rank() over (partition by period, leg, entity, currency, right_key order by edits) as right_rank,
        count(*) over (partition by period, leg, entity, currency, right_key, edits) as right_alike
    from near
),

final as (
    select
        period, leg, entity, currency,
        [left_key, right_key] as members,
        edits * 10 + days as cost,
        9600 - 300 * edits - 30 * days as points,
        concat(
            case edits when 0 then 'the same reference but for blanks and look-alikes' else concat('nearly the same reference, ', edits, ' apart') end,
            ', the same amount, ', days, ' days apart'
        ) as reason
    from ranked
    where left_rank = 1 and right_rank = 1 and left_alike = 1 and right_alike = 1
)

select * from final
