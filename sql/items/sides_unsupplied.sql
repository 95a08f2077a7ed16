-- Grain: one row a leg, side, entity, shop and channel. Meaning: the places of which that side has records while the other side, which
-- books.yaml declares, had none on the day on which these begin; since when it has any, as far as that is known (known_since), and what it is
-- called in books.yaml (named): a source, a shared account, a provider. What adds up other legs, the stock and the ledger have items of their own.
with
known as (select * from sides_known where leg not in ('stock', 'ledger', 'finance')),
declared as (select * from declared_sides),

here as (
    select leg, side, entity, shop, channel, min(since) as since
    from known
    group by leg, side, entity, shop, channel
),

-- a channel that nobody declares is called by its name
expected as (
    select
        h.leg, h.side, h.entity, h.shop, h.channel, h.since,
        min(d.since) as declared_since, coalesce(min(nullif(d.source, '')), min(nullif(d.named, '')), '') as named
    from here as h
    inner join declared as d on h.leg = d.leg and h.side <> d.side and d.entity in ('', h.entity) and (d.shop = '' or h.shop = '' or d.shop = h.shop)
    group by h.leg, h.side, h.entity, h.shop, h.channel, h.since
),

final as (
    select
        e.leg, e.side, e.entity, e.shop, e.channel, e.declared_since,
        min(k.since) filter (where k.channel = '' or e.channel = '' or k.channel = e.channel) as known_since,
        case when e.channel <> '' and count(k.leg) > 0 then e.channel else e.named end as named
    from expected as e
    left join known as k
        on e.leg = k.leg and e.side <> k.side and e.entity = k.entity and (k.shop = '' or e.shop = '' or k.shop = e.shop)
    group by e.leg, e.side, e.entity, e.shop, e.channel, e.since, e.declared_since, e.named
    having coalesce(min(k.since) filter (where k.channel = '' or e.channel = '' or k.channel = e.channel), date '9999-12-31')
        > greatest(e.since, e.declared_since)
)

select * from final
