-- Fails if a claim stands under a key whose last part is empty; matters because records that have nothing to do with each
-- other would then share one key, net against each other and be seen nowhere.
with
claims as (select * from claims),

final as (
    select period, leg, entity, "key", side, source, file, line
    from claims
    where coalesce("key", '') = '' or regexp_full_match("key", '[^/]*/') or leg = 'fee' and regexp_matches("key", '^[^/]*//')
)

select * from final
