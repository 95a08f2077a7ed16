-- Grain: one row a period, leg, shop, cause and currency. Meaning: which causes come again, where, and how old they get.
with
variances as (select * from variances),

final as (
    select
        period, leg, entity, shop, cause, currency, count(*) as items, sum(difference) as difference,
        min(first_seen) as oldest
    from variances
    group by period, leg, entity, shop, cause, currency
)

select * from final
