-- Grain: one row a period and open item that no matching pass has placed so far. Meaning: what the next pass looks at.
with
matchable as (select * from matchable),
matched as (select period, leg, entity, currency, unnest(members) as "key" from matched),

final as (
    select m.*
    from matchable as m
    anti join matched as t using (period, leg, entity, currency, "key")
)

select * from final
