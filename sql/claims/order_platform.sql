-- Grain: one claim an order line and side. Meaning: our order system (left) and the platform (right) must agree on every
-- line that was paid or sent: amount, quantity, SKU and whether it is closed. A line without a number goes by its SKU, else by the order; a row without an
-- order number stands by itself. Where books.yaml says so of a shop, lines are held against each other by order and SKU, sets as their
-- parts and what has no SKU (shipping, a discount) together, or by the order alone; then status (and SKU) are not compared. Declared
-- gifts without a price need no other side. A platform closes what was given back in whole: once we have given back as much of an order as the
-- lines are worth that it alone has closed, they are closed on our side as well.
with
orders as (select * from mapped_orders),
parts as (select * from order_parts),
shops as (select * from shops),
grains as (select * from order_grains),
gifts as (select * from gifts),
opening as (select * from opening_claims where leg = 'order_platform'),
booked_refunds as (select * from booked_refunds),
booked_before as (select * from booked_before),

lines as (
    select o.*, 'line' as compare_by
    from orders as o
    left join grains as g on o.shop = g.shop
    where coalesce(g.compare_by, 'line') = 'line'
    union all by name
    select p.*, g.compare_by
    from parts as p
    inner join grains as g on p.shop = g.shop
    where g.compare_by <> 'line'
),

wanted as (
    select l.*
    from lines as l
    where l.amount <> 0 or not exists (
        select 1 from gifts as g where g.sku = l.sku and g.shop in ('', l.shop) and l.period between g.from_day and g.until_day
    )
),

paid_lines as (
    select o.*, s.platform as channel
    from wanted as o
    inner join shops as s on o.shop = s.shop
    where is_due(o.paid_at, o.status)
),

stated as (
    select
        period,
        'order_platform' as leg,
        entity,
        case
            when order_id <> '' and compare_by = 'order' then concat_ws('/', shop, order_id)
            when order_id <> '' and compare_by = 'sku' then concat_ws('/', shop, order_id, coalesce(nullif(sku, ''), 'other'))
            when order_id <> '' then concat_ws('/', shop, order_id, coalesce(nullif(line_id, ''), nullif(sku, '')))
            else concat_ws('/', shop, 'row', concat(file, ':', line))
        end as "key",
        currency,
        case origin when 'books' then 'left' else 'right' end as side,
        'sale' as kind,
        amount,
        quantity,
        -- how far each system has come with an order, paid, sent or completed, is no disagreement
        case when compare_by = 'line'
            then concat('sku=', sku, ' status=', case when status in ('shipped', 'completed') then 'paid' else status end)
        end as attribute,
        shop,
        channel,
        order_id,
        case when compare_by = 'order' then '' else sku end as sku,
        platform_discount as discount,
        unit_price,
        occurred_at,
        source,
        file,
        line,
        dense_rank() over (partition by period, shop, source order by occurred_at, order_id) as sequence
    from paid_lines
),

said as (
    select entity, "key", currency, shop, order_id, period, side, attribute, amount from stated
    union all
    select entity, "key", currency, shop, order_id, getvariable('period_from') - 1, side, attribute, amount from opening
),

closed_alone as (
    select
        entity, "key", currency, min(shop) as shop, min(order_id) as order_id, max(period) as since,
        max(attribute) filter (where side = 'left') as left_attribute, max(attribute) filter (where side = 'right') as right_attribute,
        sum(amount) filter (where side = 'right') as amount
    from said
    semi join (select entity, "key", currency from said where side = 'right' and ends_with(attribute, ' status=closed')) as c
        using (entity, "key", currency)
    where order_id <> '' and attribute is not null
    group by entity, "key", currency
    having count(*) = 2 and count(distinct side) = 2 and left_attribute = replace(right_attribute, ' status=closed', ' status=paid')
),

of_order as (
    select entity, shop, order_id, currency, sum(amount) as amount
    from closed_alone
    group by entity, shop, order_id, currency
),

given_back as (
    select r.entity, r.shop, r.order_id, r.currency, r.period, sum(r.amount) over (
        partition by r.entity, r.shop, r.order_id, r.currency order by r.period
    ) as given, o.amount
    from (
        select entity, shop, order_id, currency, period, amount from booked_refunds
        union all
        select entity, shop, order_id, currency, period, amount from booked_before
    ) as r
    inner join of_order as o using (entity, shop, order_id, currency)
),

whole as (
    select entity, shop, order_id, currency, min(period) as since
    from given_back
    where given >= amount
    group by entity, shop, order_id, currency
),

closed as (
    select
        c.*, greatest(c.since, w.since) as period, unnest(['left', 'right']) as side
    from closed_alone as c
    inner join whole as w on c.entity = w.entity and c.shop = w.shop and c.order_id = w.order_id and c.currency = w.currency
),

final as (
    select * from stated
    union all by name
    select
        c.period, 'order_platform' as leg, c.entity, c."key", c.currency, c.side, 'sale' as kind, 0 as amount, 0 as quantity,
        case c.side when 'left' then c.right_attribute else c.left_attribute end as attribute, c.shop, s.platform as channel, c.order_id,
        '' as sku, 0 as discount, '' as source, '' as file
    from closed as c
    inner join shops as s on c.shop = s.shop
    where c.period >= getvariable('period_from')
)

select * from final
