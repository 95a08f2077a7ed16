-- Grain: one row a day, entity and shop to which a provider gave something back. Meaning: whether our own record of refunds is there: once
-- supplied, or declared by books.yaml, it counts as there on every later day, with or without rows.
with
refunds as (select * from placed_refunds where origin = 'provider'),
settlements as (select * from placed_settlements where kind = 'deduction' and amount > 0),
sides as (select * from supplied_sides where leg = 'refunds' and side = 'left'),

shop_days as (
    select period, entity, shop, count(*) as rows_given_back
    from (
        select period, entity, shop from refunds
        union all
        select period, entity, shop from settlements
    ) as g
    group by period, entity, shop
),

final as (
    select d.period, d.entity, d.shop, max(d.rows_given_back) as rows_given_back, count(s.since) > 0 as has_books
    from shop_days as d
    left join sides as s
        on (s.entity = '' or s.entity = d.entity) and (s.shop = '' or s.shop = d.shop) and s.since <= d.period
    group by d.period, d.entity, d.shop
)

select * from final
