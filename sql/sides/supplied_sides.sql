-- Grain: one row a leg, side, entity and scope (shop, channel). Meaning: since when that side is supplied, by claims that were
-- seen so far or by what books.yaml declares. Grows while the legs are made, one after the other.
with
known as (select * from sides_known),
declared as (select leg, side, entity, shop, channel, since from declared_sides),

final as (
    select * from known
    union all
    select * from declared
)

select * from final
