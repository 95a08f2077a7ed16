-- Grain: one row a day of the range, leg, side, entity and scope. Meaning: since when that side is supplied, as it was known
-- at the end of the day, however often and whereby it was seen; the next day opens with it.
with
seen as (select * from sides_known),
calendar as (select period from calendar),

final as (
    select c.period, s.leg, s.side, s.entity, s.shop, s.channel, min(s.since) as since
    from seen as s
    inner join calendar as c on s.since <= c.period
    group by c.period, s.leg, s.side, s.entity, s.shop, s.channel
)

select * from final
