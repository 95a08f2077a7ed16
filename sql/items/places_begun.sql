-- Grain: one row a leg, entity, shop and channel in which an open item stands on one side alone. Meaning: since which day each side
-- is supplied there. Where one side is there since a day and the other was there
-- before it, what a record of the first days stands for may be of before.
with
items as (select * from item_sums),
known as (select * from sides_known),
declared as (select * from declared_sides),

sides as (
    select leg, side, entity, shop, channel, since from known
    union all
    select leg, side, entity, shop, channel, since from declared
),

places as (
    select distinct leg, entity, shop, channel
    from items
    where (left_claims = 0 or right_claims = 0) and leg not in ('stock', 'ledger', 'finance', 'customer')
),

final as (
    select
        p.leg, p.entity, p.shop, p.channel, min(s.since) filter (where s.side = 'left') as left_since,
        min(s.since) filter (where s.side = 'right') as right_since
    from places as p
    inner join sides as s
        on s.leg = p.leg and s.entity in ('', p.entity) and (s.shop = '' or p.shop = '' or s.shop = p.shop)
        and (s.channel = '' or p.channel = '' or s.channel = p.channel)
    group by p.leg, p.entity, p.shop, p.channel
)

select * from final
