-- Grain: one row a day, entity, side and scope in which a leg that is being made has claims. Meaning: how many there are, and how
-- many of them are evidence that the side is supplied, of which shop.
with
claims as (select * from scoped_claims),

final as (
    select
        period, leg, entity, side, scope_shop, scope_channel, max(channel) as channel, max(evidence_shop) as evidence_shop,
        count(*) as claims, count(*) filter (where is_evidence) as said
    from claims
    group by period, leg, entity, side, scope_shop, scope_channel
)

select * from final
