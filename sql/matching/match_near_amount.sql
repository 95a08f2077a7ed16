-- Grain: one row a period and pair of open items, of which the right one is a little less than the left. Meaning: a proposal that a
-- payout arrived less what a bank kept of it (up to a twentieth), under no id. It is no more than that: it says what may be, and
-- the more candidates there are, the less. Where both sides are crowds nothing is proposed.
with
items as (
    select * from left_over
    where one_sided and 'near_amount' in (select pass from matching_passes where leg = left_over.leg)
),

crowds as (
    select period, leg, entity, currency
    from items
    group by period, leg, entity, currency
    having least(count(*) filter (where amount > 0), count(*) filter (where amount < 0)) between 1 and getvariable('match_crowd')
),

few as (
    select i.*
    from items as i
    semi join crowds as c using (period, leg, entity, currency)
),

pairs as (
    select
        l.period, l.leg, l.entity, l.currency, l."key" as left_key, r."key" as right_key, l.amount, l.amount + r.amount as rest,
        abs(l.first_seen - r.first_seen)::int as days, l.party <> '' and l.party = r.party as is_same_party
    from (select * from few where amount > 0) as l
    inner join (select * from few where amount < 0) as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency
    where l.amount + r.amount > 0 and (l.amount + r.amount) * 20 <= l.amount
        and abs(l.first_seen - r.first_seen) <= l.window_days
        and (not l.left_first or l.first_seen - r.first_seen <= 1)
        and not (l.party <> '' and r.party <> '' and l.party <> r.party)
),

ranked as (
    select
        *,
        greatest(
            count(*) over (partition by period, leg, entity, currency, left_key),
            count(*) over (partition by period, leg, entity, currency, right_key)
        ) as candidates,
        row_number() over (partition by period, leg, entity, currency, left_key order by rest, days, right_key) as left_place,
        row_number() over (partition by period, leg, entity, currency, right_key order by rest, days, left_key) as right_place
    from pairs
),

final as (
    select
        period, leg, entity, currency,
        [left_key, right_key] as members,
        days + 20 * (not is_same_party)::int as cost,
        (case when is_same_party then 7000 else 6000 end - 50 * days) // candidates as points,
        concat(
            amount, ' less ', rest, ', ', days, ' days apart', case when is_same_party then ', same counterparty' else '' end,
            case when candidates > 1 then concat(', one of ', candidates, ' candidates') else '' end
        ) as reason
    from ranked
    where left_place <= getvariable('match_candidates') and right_place <= getvariable('match_candidates')
)

select * from final
