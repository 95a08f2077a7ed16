-- Grain: one row a day, entity and shop with orders. Meaning: whose orders are there: our own system's, the platform's. Once
-- supplied, or declared by books.yaml, a side counts as there on every later day, with or without rows.
with
shop_days as (select distinct period, entity, shop from orders),
sides as (select * from supplied_sides where leg = 'orders'),

final as (
    select
        d.period, d.entity, d.shop,
        coalesce(bool_or(s.side = 'left'), false) as has_books,
        coalesce(bool_or(s.side = 'right'), false) as has_platform
    from shop_days as d
    left join sides as s
        on (s.entity = '' or s.entity = d.entity) and (s.shop = '' or s.shop = d.shop) and s.since <= d.period
    group by d.period, d.entity, d.shop
)

select * from final
