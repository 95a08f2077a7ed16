-- Grain: one row a day, entity, side and scope in which a leg that is being made has claims. is_run: whether the other side is supplied there
-- by then; a leg of one side only is no reconciliation. absent: the expected source of the other side that has nothing for
-- the whole day, though at least five keys stand on this one: the file is missing or empty, and not each record. Legs whose counterpart is given more than a day do not conclude that from one day.
with
here as (select * from leg_scopes),
claims as (select * from scoped_claims),
supplied as (select * from supplied_sides),
declared as (select * from declared_sides),
sla as (select * from sla),
traits as (select * from leg_traits where silent_day),

with_other as (
    select distinct h.period, h.leg, h.entity, h.side, h.scope_shop, h.scope_channel
    from here as h
    inner join supplied as s on h.leg = s.leg and h.side <> s.side and s.since <= h.period
    where (s.entity = '' or s.entity = h.entity)
        and (s.shop = '' or h.scope_shop = '' or s.shop = h.scope_shop)
        and (s.channel = '' or h.scope_channel = '' or s.channel = h.scope_channel)
),

answered as (
    select distinct h.period, h.leg, h.entity, h.side, h.scope_shop, h.scope_channel
    from here as h
    inner join here as o
        on h.period = o.period and h.leg = o.leg and h.entity = o.entity and h.side <> o.side and o.said > 0
    where (o.scope_shop = '' or h.scope_shop = '' or o.scope_shop = h.scope_shop)
        and (o.scope_channel = '' or h.scope_channel = '' or o.scope_channel = h.scope_channel)
),

patient as (
    select distinct h.period, h.leg, h.entity, h.side, h.scope_shop, h.scope_channel
    from here as h
    inner join sla as s on h.leg = s.leg and s.channel in ('', h.channel) and s.shop in ('', h.scope_shop) and s.days > 1
),

alone as (
    select h.*
    from here as h
    anti join answered as a using (period, leg, entity, side, scope_shop, scope_channel)
    anti join patient as p using (period, leg, entity, side, scope_shop, scope_channel)
),

-- in a leg of which a silent day says something, where the other side says nothing
silent as (
    select h.*
    from alone as h
    inner join traits as t on h.leg = t.leg
),

crowded as (
    select c.period, c.leg, c.entity, c.side, c.scope_shop, c.scope_channel
    from claims as c
    semi join silent as h using (period, leg, entity, side, scope_shop, scope_channel)
    group by c.period, c.leg, c.entity, c.side, c.scope_shop, c.scope_channel
    having count(distinct c."key") >= 5
),

unanswered as (
    select h.period, h.leg, h.entity, h.side, h.scope_shop, h.scope_channel, min(d.source) as absent
    from silent as h
    semi join crowded as w using (period, leg, entity, side, scope_shop, scope_channel)
    inner join declared as d on h.leg = d.leg and h.side <> d.side and d.since <= h.period and d.source <> ''
    where (d.entity = '' or d.entity = h.entity)
        and (d.shop = '' or h.scope_shop = '' or d.shop = h.scope_shop)
        -- what an account of its own lacks is the account's
        and d.channel = case when statement_of(h.scope_channel) <> h.scope_channel then h.scope_channel else '' end
    group by h.period, h.leg, h.entity, h.side, h.scope_shop, h.scope_channel
),

-- the opening of a stock is made of the snapshot that it is held against: by itself it is no side
hollow as (
    select h.period, h.leg, h.entity, h.side, h.scope_shop, h.scope_channel
    from here as h
    where h.leg = 'stock' and h.said = 0
        and not exists (
            select 1
            from supplied as s
            where s.leg = h.leg and s.side = h.side and s.since <= h.period and s.entity in ('', h.entity)
        )
),

final as (
    -- both ends of a transfer are moves
    select h.*, o.leg is not null or h.leg = 'stock' and h.scope_channel = 'transit' as is_run, u.absent
    from here as h
    left join with_other as o using (period, leg, entity, side, scope_shop, scope_channel)
    left join unanswered as u using (period, leg, entity, side, scope_shop, scope_channel)
    anti join hollow as x using (period, leg, entity, side, scope_shop, scope_channel)
)

select * from final
