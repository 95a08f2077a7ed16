-- Grain: one claim of the left side of the leg that is being made which no other side was there for on its day, of this range or of before.
-- Meaning: it waits as long as legs.yaml says: until the other side is supplied where all of the leg wait (no bank credits a payout on its own
-- day), else until the other side has something for its key (what is given back may be of what it had had before); said: the day on which it
-- is claimed then. Of a leg whose claims wait for their answer only those of a shop's first days do, as the sides of a company that begins
-- do not begin on one day. Where two and more, and half of those of a day and shop that still wait, are answered on one day, as by what a carrier
-- collects, the others of the day are claimed with them: their answers are no longer of before the other side began.
with
claims as (select * from scoped_claims where leg = getvariable('leg_made')),
runs as (select * from leg_runs where leg = getvariable('leg_made') and not is_run and side = 'left'),
carried as (select * from waiting_before where leg = getvariable('leg_made')),
known as (select * from sides_known where leg = getvariable('leg_made')),
supplied as (select * from supplied_sides where leg = getvariable('leg_made') and side = 'right'),
traits as (select * from leg_traits where leg = getvariable('leg_made')),

begun as (
    select entity, shop, min(since) as since
    from known
    where side = 'left'
    group by entity, shop
),

made as (
    select c.* exclude (scope_shop, scope_channel, evidence_shop, is_evidence), c.period as claimed
    from claims as c
    semi join runs as r
        on c.period = r.period and c.leg = r.leg and c.entity = r.entity and c.side = r.side and c.scope_shop = r.scope_shop
        and c.scope_channel = r.scope_channel
    cross join traits as t
    where t.waits_all or exists (
        select 1 from begun as b where b.entity = c.entity and b.shop in ('', c.shop) and c.period < b.since + t.waits_days::int
    )
    union all by name
    select * from carried
),

begins as (
    select m.entity, m.shop, m.claimed, min(greatest(s.since, m.claimed)) as said
    from (select distinct entity, shop, claimed from made) as m
    inner join supplied as s on s.entity in ('', m.entity) and (s.shop = '' or s.shop = m.shop)
    cross join traits as t
    where t.waits_all
    group by m.entity, m.shop, m.claimed
),

answers as (
    select m.entity, m."key", m.currency, m.claimed, min(a.period) as said
    from (select distinct entity, "key", currency, claimed from made) as m
    -- an answer in another currency is one as well
    inner join (select distinct entity, "key", period from claims where side = 'right' and (amount > 0 or quantity > 0)) as a
        on m.entity = a.entity and m."key" = a."key" and m.claimed < a.period
    cross join traits as t
    where not t.waits_all
    group by m.entity, m."key", m.currency, m.claimed
),

-- of the keys of a day and shop, how many are answered on a day, and how many waited until then
answered_on as (
    select m.entity, m.shop, m.channel, m.claimed, a.said, count(*) as answered
    from (select distinct entity, shop, channel, "key", currency, claimed from made) as m
    inner join answers as a using (entity, "key", currency, claimed)
    group by m.entity, m.shop, m.channel, m.claimed, a.said
),

waited as (
    select entity, shop, channel, claimed, count(*) as keys
    from (select distinct entity, shop, channel, "key", currency, claimed from made) as m
    group by entity, shop, channel, claimed
),

joined as (
    select o.entity, o.shop, o.channel, o.claimed, min(o.said) as said
    from (
        select
            *, coalesce(sum(answered) over (
                partition by entity, shop, channel, claimed order by said rows between unbounded preceding and 1 preceding
            ), 0) as answered_before
        from answered_on
    ) as o
    inner join waited as w
        on o.entity = w.entity and o.shop is not distinct from w.shop and o.channel is not distinct from w.channel and o.claimed = w.claimed
    where o.answered >= 2 and o.answered * 2 >= w.keys - o.answered_before
    group by o.entity, o.shop, o.channel, o.claimed
),

dated as (
    select m.*, coalesce(b.said, least(a.said, n.said)) as answered
    from made as m
    left join begins as b on m.entity = b.entity and m.shop is not distinct from b.shop and m.claimed = b.claimed
    left join joined as n
        on m.entity = n.entity and m.shop is not distinct from n.shop and m.channel is not distinct from n.channel and m.claimed = n.claimed
    left join answers as a on m.entity = a.entity and m."key" = a."key" and m.currency = a.currency and m.claimed = a.claimed
),

final as (
    select
        d.* exclude (answered), t.answer_days as waits_days,
        case when d.answered - d.claimed <= t.answer_days then d.answered end as said
    from dated as d
    cross join traits as t
)

select * from final
