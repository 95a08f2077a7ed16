-- Fails if a claim stands under a key whose last part is empty; matters because records that have nothing to do with each
-- other would then share one key, net against each other and be seen nowhere.
with
claims as (select * from claims),

final as (
    select period, leg, entity, "key", side, source, file, line
    from claims
    -- nothing; one part and no other, where a key is more than the id of a payout; no transaction between provider and fee, which is
    -- not one that begins with a slash. Of all claims, so without a pattern
    where coalesce("key", '') = ''
        or leg <> 'payout_bank' and ends_with("key", '/') and strpos("key", '/') = length("key")
        or leg = 'fee' and contains("key", '//') and strpos("key", '//') = strpos("key", '/')
        and not contains(substr("key", strpos("key", '//') + 2), '/')
)

select * from final
