-- Fails if a claim stands under a key whose last part is empty; matters because records that have nothing to do with each
-- other would then share one key, net against each other and be seen nowhere.
with
claims as (select * from claims),

final as (
    select period, leg, entity, "key", side, source, file, line
    from claims
    -- nothing; one part and no other; no transaction between provider and fee. Of all claims, so without a pattern
    where coalesce("key", '') = ''
        or ends_with("key", '/') and strpos("key", '/') = length("key")
        or leg = 'fee' and contains("key", '//') and strpos("key", '//') = strpos("key", '/')
)

select * from final
