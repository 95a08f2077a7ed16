-- Grain: one row a period, leg, entity and currency. Meaning: the keys that are never carried over: they net within each
-- period that they move in, so they count as matched there and leave nothing behind.
with
movements as (select * from movements),
positions as (select distinct leg, entity, "key", currency from positions),

final as (
    select
        m.period, m.leg, m.entity, m.currency, count(*)::bigint as matched_keys,
        sum(m.left_amount)::decimal(38, 4) as cleared
    from movements as m
    anti join positions as p using (leg, entity, "key", currency)
    group by m.period, m.leg, m.entity, m.currency
)

select * from final
