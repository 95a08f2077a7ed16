-- Grain: one claim a shop, measure and day. Meaning: what a shop earned and cost by our own lines (left) is what the
-- platform's own statement says (right). Revenue, discount and refunds are claimed of every day; what a platform need not
-- know (commission, fee, service, freight, cost, profit) only where that day's statement states it.
-- The key runs over the days: a sale that the platform counts a day later clears by itself.
with
measures as (select * from shop_measures),
statements as (select * from platform_statements),
shops as (select * from shops),

stated as (
    select distinct period, entity, shop, measure
    from statements
),

ours as (
    select m.period, m.entity, m.shop, m.currency, m.measure, m.amount
    from measures as m
    inner join shops as h on m.shop = h.shop
    left join stated as s
        on m.period = s.period and m.entity = s.entity and m.shop = s.shop and m.measure = s.measure
    where s.measure is not null or m.measure in ('revenue', 'discount', 'refund')
),

unioned as (
    select
        period, entity, shop, currency, measure, 'left' as side, amount, null as occurred_at, 'books' as source,
        '' as file, null as line
    from ours
    union all
    select
        period, entity, shop, currency, measure, 'right', amount, occurred_at, source, file, line
    from statements
),

final as (
    select
        u.period, 'finance' as leg, u.entity, concat_ws('/', u.shop, u.measure) as "key", u.currency, u.side,
        'statement' as kind, u.amount, 0 as quantity, null as attribute, u.shop, coalesce(s.platform, '') as channel,
        '' as order_id, '' as sku, 0 as discount, null as unit_price, u.occurred_at, u.source, u.file, u.line
    from unioned as u
    left join shops as s on u.shop = s.shop
)

select * from final
