-- Grain: one row a period and finding. Meaning: products, shops and fees that are out of the ordinary on the day itself:
-- a product sold below its cost (converted by the dated rate; without one it is not judged), what all products that left at a price of
-- 0 cost a shop (without declared gifts), a shop with more than a tenth of its revenue in dispute, a provider that charges another share
-- than its rate card.
with
goods_sold as (select * from goods_sold where sku <> ''),
gifts as (select * from gifts),
variances as (select * from variances where leg = 'order_payment' and cause <> 'timing'),
pnl as (select * from channel_pnl),
fee_audit as (select * from fee_audit),

disputed as (
    select period, entity, shop, currency, sum(abs(difference)) as amount
    from variances
    group by all
),

overcharged as (
    select
        period, entity, shop, provider, currency, sum(charged_fee) as charged, sum(expected_fee) as expected,
        count(*) as items
    from fee_audit
    group by all
),

final as (
    select
        period, 'product' as kind, entity, shop, sku as subject, 'sold_below_cost' as measure, currency,
        sold_amount as value, sold_cost as expected, 'sold for less than it cost' as reason
    from goods_sold
    where sold_amount < sold_cost and sold_amount <> 0
    union all
    select
        s.period, 'product', s.entity, s.shop, s.shop, 'given_away', s.currency, 0, sum(s.sold_cost),
        concat(count(*), case when count(*) = 1 then ' product' else ' products' end, ' left at a price of 0')
    from goods_sold as s
    anti join gifts as g on g.sku = s.sku and g.shop in ('', s.shop) and s.period between g.from_day and g.until_day
    where s.sold_amount = 0 and s.sold_cost > 0
    group by s.period, s.entity, s.shop, s.currency
    union all
    select
        d.period, 'shop', d.entity, d.shop, d.shop, 'disputed_amount', d.currency, d.amount, p.revenue * 0.1,
        'more than a tenth of the day''s revenue is in dispute'
    from disputed as d
    inner join pnl as p using (period, entity, shop, currency)
    where d.amount > p.revenue * 0.1
    union all
    select
        period, 'fee', entity, shop, provider, 'fee_charged', currency, charged, expected,
        concat(items, case when items = 1 then ' transaction was' else ' transactions were' end, ' not charged by the rate card')
    from overcharged
)

select * from final
