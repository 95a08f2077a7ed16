-- Grain: one row a period and pair of open items of opposite amount. Meaning: a proposal by amount, date window and
-- counterparty; the more candidates there are, the less it is worth.
with
items as (select * from left_over where 'keyless' in (select pass from matching_passes where leg = left_over.leg)),

-- neighbouring buckets: two amounts within the tolerance are never further apart than one
bucketed as (
    select *, (abs(amount) * 10000)::hugeint // (greatest(tolerance, 0.01) * 10000)::hugeint as bucket
    from items
),

crowds as (
    select
        period, leg, entity, currency, bucket, amount > 0 as is_left, count(*) as items
    from bucketed
    group by all
),

party_crowds as (
    select
        period, leg, entity, currency, bucket, party, amount > 0 as is_left, count(*) as items
    from bucketed
    group by all
),

-- pairs grow with the product of both sides: where both are crowds only items of one counterparty are compared, and where
-- those are crowds as well none
placed as (
    select
        b.*, c.items > getvariable('match_crowd') as in_crowd, p.items > getvariable('match_crowd') as in_party_crowd
    from bucketed as b
    inner join crowds as c
        on b.period = c.period and b.leg = c.leg and b.entity = c.entity and b.currency = c.currency and b.bucket = c.bucket
        and (b.amount > 0) = c.is_left
    inner join party_crowds as p
        on b.period = p.period and b.leg = p.leg and b.entity = p.entity and b.currency = p.currency and b.bucket = p.bucket
        and b.party = p.party and (b.amount > 0) = p.is_left
),

lefts as (
    select *, unnest([bucket - 1, bucket, bucket + 1]) as near
    from placed
    where amount > 0
),

rights as (
    select * from placed where amount < 0
),

-- each side is narrowed before it is joined: a condition on both would be looked at pair by pair
compared as (
    select l, r
    from (select * from lefts where not in_crowd) as l
    inner join rights as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency and l.near = r.bucket
    union all
    select l, r
    from (select * from lefts where in_crowd) as l
    inner join (select * from rights where not in_crowd) as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency and l.near = r.bucket
    union all
    select l, r
    from (select * from lefts where in_crowd and not in_party_crowd and party <> '') as l
    inner join (select * from rights where in_crowd) as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency and l.near = r.bucket
        and l.party = r.party
    union all
    select l, r
    from (select * from lefts where in_crowd and in_party_crowd and party <> '') as l
    inner join (select * from rights where in_crowd and not in_party_crowd) as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency = r.currency and l.near = r.bucket
        and l.party = r.party
),

pairs as (
    select
        l.period, l.leg, l.entity, l.currency, l."key" as left_key, r."key" as right_key, l.amount, l.amount + r.amount as rest,
        abs(l.first_seen - r.first_seen)::int as days,
        l.party <> '' and l.party = r.party as is_same_party,
        l.party <> '' and r.party <> '' and l.party <> r.party as is_other_party,
        l.party_kind = 'channel' as is_channel
    from compared
    where abs(l.amount + r.amount) <= l.tolerance
        and abs(l.first_seen - r.first_seen) <= l.window_days
        and (not l.left_first or l.first_seen - r.first_seen <= 1)
        and not (l.party_kind = 'channel' and l.party <> '' and r.party <> '' and l.party <> r.party)
        -- two orders of one amount are two, unless their buyer is one
        and not (l.party_kind = 'customer' and (l.party = '' or l.party <> r.party))
),

ranked as (
    select
        *,
        days + 10 * (rest <> 0)::int + 20 * (not is_same_party)::int + 20 * is_other_party::int as cost,
        count(*) over (partition by period, leg, entity, currency, left_key) as left_candidates,
        count(*) over (partition by period, leg, entity, currency, right_key) as right_candidates
    from pairs
),

final as (
    select
        period, leg, entity, currency,
        [left_key, right_key] as members,
        cost,
        greatest(
            case
                -- one payout and one credit of one amount: nothing else can be meant
                when is_channel and not is_other_party and rest = 0 and greatest(left_candidates, right_candidates) = 1
                    then case when is_same_party then 9300 else 8600 end - 80 * days
                else (
                    case when is_same_party then 9000 when is_other_party then 3000 else 6000 end - 300 * days - 1000 * (rest <> 0)::int
                ) // greatest(left_candidates, right_candidates)
            end, 100
        ) as points,
        concat(
            amount, case when rest <> 0 then concat(' less ', rest) else '' end, ', ', days, ' days apart',
            case when is_same_party then ', same counterparty' when is_other_party then ', another counterparty' else '' end,
            case
                when greatest(left_candidates, right_candidates) > 1
                    then concat(', one of ', greatest(left_candidates, right_candidates), ' candidates')
                else ''
            end
        ) as reason
    from ranked
    qualify row_number() over (
            partition by period, leg, entity, currency, left_key order by cost, right_key
        ) <= getvariable('match_candidates')
        and row_number() over (
            partition by period, leg, entity, currency, right_key order by cost, left_key
        ) <= getvariable('match_candidates')
)

select * from final
