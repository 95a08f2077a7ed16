-- Grain: one row a day, entity, side, code and system. Meaning: where the codes of the orders that may be moved stand besides, in the leg
-- that is being made: in the claims that stay as they were made, and in those of earlier days.
with
staying as (select * from leg_claims),
past as (select * from past_of_leg),
moving as (select * from moving_claims),
held as (select * from held_before),

codes as (
    select entity, sku as code from moving
    union
    select entity, case kind when 'unmapped' then remark else sku end from held
),

claims as (
    select period, entity, side, sku, kind, counterparty, channel from staying
    union all
    select period, entity, side, sku, kind, counterparty, channel from past
),

final as (
    select c.period, c.entity, c.side, c.sku as code, coalesce(nullif(c.counterparty, ''), c.channel) as system
    from claims as c
    semi join codes as a on c.entity = a.entity and c.sku = a.code
    where names_goods(c.kind)
    group by all
)

select * from final
