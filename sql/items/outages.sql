-- Grain: one row a period and order that stands in a gap of one source: at least five orders of a shop, one after the other in the
-- source that has them, that the other side lacks. legs: those that lack it. lacks: the tables of the records that were lost, which another
-- leg may lack on its own other side. claimed, lost_by: the day of the gap, and the side of the platform's leg that has the order. is_sure:
-- chance alone gives such a gap less than once in a hundred such days. is_silent: the other side said nothing at all of the shop on that
-- day, so its file is missing.
with
items as (select * from item_sums),
open_claims as (select * from item_claims),
claims as (select * from claims),
past_claims as (select * from past_claims),
feeds as (select * from side_feeds),

-- an order that the other side has under other line numbers is not lost
sides_of_order as (
    select period, leg, entity, shop, order_id, count(distinct side) as order_sides
    from open_claims
    where leg = 'order_platform' and order_id <> ''
    group by all
),

-- a gap in one source: at least five orders of a shop, one after the other in the source that has them, that the other
-- side lacks
lone_orders as (
    select distinct
        c.period, c.leg, c.entity, c.shop, c.side, c.source, c.claimed, c.order_id, c.sequence
    from open_claims as c
    inner join items as d
        on c.period = d.period and c.leg = d.leg and c.entity = d.entity and c."key" = d."key" and c.currency = d.currency
    left join sides_of_order as s
        on c.period = s.period and c.leg = s.leg and c.entity = s.entity and c.shop = s.shop and c.order_id = s.order_id
    where c.sequence is not null and c.order_id <> '' and (d.left_claims = 0 or d.right_claims = 0)
        and d.age_days >= d.sla_days and coalesce(s.order_sides, 1) = 1
),

runs as (
    select
        *,
        sequence - dense_rank() over (
            partition by period, leg, entity, shop, side, source, claimed order by sequence
        ) as run
    from lone_orders
),

stretches as (
    select period, leg, entity, shop, side, source, claimed, run, count(distinct sequence) as orders, max(sequence) as last_place
    from runs
    group by all
),

-- how often an order of the shop has no counterpart outside of such stretches, by the places that are known of
usual as (
    select
        period, leg, entity, shop, side, source, sum(lone) as lone, sum(greatest(places - in_gaps, 1)) as places
    from (
        select
            period, leg, entity, shop, side, source, claimed, coalesce(sum(orders) filter (where orders < 5), 0) as lone,
            coalesce(sum(orders) filter (where orders >= 5), 0) as in_gaps, max(last_place) as places
        from stretches
        group by all
    ) as d
    group by all
),

-- a stretch that chance alone gives once on such a day is not unusual for the shop; one that it gives once in a hundred such days
-- may be either
gaps as (
    select period, leg, entity, shop, side, source, claimed, run, 100 * by_chance < 1 as is_sure
    from (
        select s.*, (u.places + s.orders) * pow(u.lone::double / u.places, s.orders) as by_chance
        from stretches as s
        inner join usual as u using (period, leg, entity, shop, side, source)
        where s.orders >= 5
    ) as d
    where by_chance < 1
),

-- who said anything at all of a shop on the day of a gap: where the side that lacks the orders did not, its file is missing
speakers as (
    select distinct leg, entity, shop, side, period
    from (
        select leg, entity, shop, side, period from claims
        union all
        select leg, entity, shop, side, period from past_claims
    ) as s
    where period in (select claimed from gaps)
),

told_gaps as (
    select
        g.*,
        not exists (
            select 1 from speakers as s
            where s.leg = g.leg and s.entity = g.entity and s.shop = g.shop and s.side <> g.side and s.period = g.claimed
        ) and g.claimed >= g.period - getvariable('repeat_horizon')::int as is_silent
    from gaps as g
),

final as (
    select
        r.period, r.entity, r.shop, r.order_id, list(distinct r.leg order by r.leg) as legs, bool_or(g.is_sure) as is_sure,
        bool_and(g.is_silent) as is_silent, min(r.claimed) as claimed, coalesce(max(r.side) filter (where r.leg = 'order_platform'), '') as lost_by,
        list(distinct f.table_name order by f.table_name) as lacks
    from runs as r
    inner join told_gaps as g using (period, leg, entity, shop, side, source, claimed, run)
    left join feeds as f on r.leg = f.leg and r.side <> f.side
    group by r.period, r.entity, r.shop, r.order_id
)

select * from final
