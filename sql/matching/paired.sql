-- Grain: one row a period and open item. Meaning: the judged item with what the matching passes made of it: the best pair it is
-- in, whether that is so sure that the item can be taken for one side of it, and whether a damaged reference may be all that it lacks.
with
judged as (select * from judged),
matched as (select * from matched),
payouts as (select * from matchable where left_first and party <> '' and amount > 0),
credits as (select * from matchable where left_first and party <> '' and amount < 0),
rules as (select * from matching_settings),
near as (select * from references_compared),
converted as (select * from converted),

placed as (
    select
        period, leg, entity, currency, unnest(members) as "key", pass, points, len(members) as members, members[1] as first_member
    from matched
    where pass <> 'tolerance'
),

-- a pair is due where one of it is: a payout has more days than the credit that it is
due as (
    select p.period, p.leg, p.entity, p.currency, p.first_member
    from placed as p
    inner join judged as j using (period, leg, entity, "key", currency)
    group by p.period, p.leg, p.entity, p.currency, p.first_member
    having bool_or(j.age_days >= j.leg_sla_days)
),

-- of payouts and credits of one amount and counterparty nothing tells which is whose, and none of them is missing by itself
alike as (
    select p.period, p.leg, p.entity, p.currency, p."key" as left_key, c."key" as right_key
    from payouts as p
    inner join credits as c
        on p.period = c.period and p.leg = c.leg and p.entity = c.entity and p.currency = c.currency and p.amount = -c.amount
        and p.party = c.party
    where abs(p.first_seen - c.first_seen) <= p.window_days and p.first_seen - c.first_seen <= 1
),

-- a reference that is as near to many names none of them
doubts as (
    select period, leg, entity, currency, left_key as "key" from alike
    union
    select period, leg, entity, currency, right_key as "key" from alike
    union
    select period, leg, entity, currency, left_key as "key" from near where right_alike <= getvariable('match_candidates')
    union
    select period, leg, entity, right_currency as currency, right_key as "key" from near where left_alike <= getvariable('match_candidates')
),

final as (
    select
        j.*,
        coalesce(p.points, 0) as pair_points,
        -- the references themselves say that they are one
        coalesce(p.pass in ('normal_key', 'near_key', 'split_key', 'near_key_apart'), false) as is_paired_by_reference,
        coalesce(p.points >= r.sure_points, false) as is_paired,
        u.first_member is not null as is_pair_due,
        coalesce(p.pass = 'together' and p.points >= r.sure_points, false) as is_paid_together,
        -- what is proposed leaves a rest, as of a payout less what the bank kept
        coalesce(
            p.pass = 'near_amount' and p.points >= r.shown_points
            or p.pass = 'remark' and p.points > r.shown_points and p.points < r.sure_points, false
        ) as is_paired_less,
        coalesce(p.pass = 'near_amount', false) as may_be_paired_less,
        -- its record may stand on the other side under a damaged reference, and nothing is as sure as to say so
        d."key" is not null and coalesce(p.points < r.sure_points, true) as is_doubtful,
        v.other_key is not null as may_be_converted, v.other_key, v.other_currency, v.other_amount
    from judged as j
    cross join rules as r
    left join placed as p using (period, leg, entity, "key", currency)
    left join due as u
        on j.period = u.period and j.leg = u.leg and j.entity = u.entity and j.currency = u.currency and p.first_member = u.first_member
    left join doubts as d using (period, leg, entity, "key", currency)
    left join converted as v using (period, leg, entity, "key", currency)
)

select * from final
