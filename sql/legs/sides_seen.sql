-- Grain: one row a leg that is being made, side, entity and scope. Meaning: since when this side of the leg is supplied there, by the claims of
-- the range, by what was open when the books began, and by what was known before it.
with
scopes as (select * from leg_scopes where said > 0),
opening as (select * from opening_items where list_contains(getvariable('legs_kept'), leg)),
carried as (select * from carried_sides where list_contains(getvariable('legs_made'), leg)),

seen as (
    select leg, side, entity, evidence_shop as shop, scope_channel as channel, min(period) as since
    from scopes
    group by all
    union all
    select leg, side, entity, coalesce(shop, ''), '', period
    from opening
    union all
    select leg, side, entity, shop, channel, since
    from carried
),

final as (
    select leg, side, entity, shop, channel, min(since) as since
    from seen
    group by leg, side, entity, shop, channel
)

select * from final
