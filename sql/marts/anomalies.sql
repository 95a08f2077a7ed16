-- Grain: one row a period and finding. Meaning: products, shops and fees that are out of the ordinary on the day itself:
-- a product sold below its cost, a shop with more than a tenth of its revenue in dispute, a provider that charges another
-- share than its rate card.
with
orders as (select * from orders where origin = 'books' and paid_at is not null and sku <> '' and quantity > 0),
variances as (select * from variances where leg = 'order_payment' and cause <> 'timing'),
pnl as (select * from channel_pnl),
fee_audit as (select * from fee_audit),
skus as (select * from skus_known),

costs as (
    select period, sku, max(cost) as cost
    from skus
    group by all
),

sold as (
    select o.period, o.entity, o.shop, o.sku, sum(o.amount) as amount, sum(o.quantity * k.cost) as cost
    from orders as o
    asof inner join costs as k on o.sku = k.sku and o.period >= k.period
    group by all
),

disputed as (
    select period, entity, shop, currency, sum(abs(difference)) as amount
    from variances
    group by all
),

overcharged as (
    select period, entity, shop, provider, sum(charged_fee) as charged, sum(expected_fee) as expected, count(*) as items
    from fee_audit
    group by all
),

final as (
    select
        period, 'product' as kind, entity, shop, sku as subject, 'sold_below_cost' as measure, amount as value,
        cost as expected, 'sold for less than it cost' as reason
    from sold
    where amount < cost
    union all
    select
        d.period, 'shop', d.entity, d.shop, d.shop, 'disputed_amount', d.amount, p.revenue * 0.1,
        'more than a tenth of the day''s revenue is in dispute'
    from disputed as d
    inner join pnl as p using (period, entity, shop, currency)
    where d.amount > p.revenue * 0.1
    union all
    select
        period, 'fee', entity, shop, provider, 'fee_charged', charged, expected,
        concat(items, ' transactions were not charged by the rate card')
    from overcharged
)

select * from final
