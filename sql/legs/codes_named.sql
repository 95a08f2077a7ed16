-- Grain: one row a day, entity, system and code. Meaning: the codes that the right side names in the leg that is being made, in the claims
-- that stay as they were made.
with
staying as (select * from leg_claims),

final as (
    select period, entity, coalesce(nullif(counterparty, ''), channel) as system, sku as code
    from staying
    where side = 'right' and sku <> '' and names_goods(kind)
    group by all
)

select * from final
