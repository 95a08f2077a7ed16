-- Grain: one key of a day, entity, currency, side and source in the leg that is being made. Meaning: the normal form of the key by the
-- rule of matching.yaml that is being applied (`normal_sources`, to which it applies, `normal_pattern`, `normal_replace`). Two keys that would become
-- one are left as they are; the later passes propose them.
with
claims as (
    select distinct period, leg, entity, currency, side, source, "key"
    from leg_claims
    where list_contains(getvariable('normal_sources'), source)
),

renamed as (
    select *, regexp_replace("key", getvariable('normal_pattern'), getvariable('normal_replace'), 'g') as normal_key
    from claims
    where regexp_matches("key", getvariable('normal_pattern'))
),

contested as (
    select period, leg, entity, currency, side, source, normal_key
    from (
        select * from renamed
        union all by name
        select c.*, c."key" as normal_key
        from claims as c
        where not regexp_matches(c."key", getvariable('normal_pattern')) and c."key" in (select normal_key from renamed)
    )
    group by period, leg, entity, currency, side, source, normal_key
    having count(distinct "key") > 1
),

final as (
    select r.*
    from renamed as r
    anti join contested as a using (period, leg, entity, currency, side, source, normal_key)
)

select * from final
