-- Grain: one row a day of the range, leg, side, entity and scope. Meaning: since when that side is supplied, as it was known
-- at the end of the day; the next day opens with it.
with
seen as (select * from sides_known),
calendar as (select period from calendar),

final as (
    select c.period, s.leg, s.side, s.entity, s.shop, s.channel, s.since
    from seen as s
    inner join calendar as c on s.since <= c.period
)

select * from final
