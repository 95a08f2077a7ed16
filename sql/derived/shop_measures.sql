-- Grain: one row a period, entity, shop, currency and measure. Meaning: what a shop earned and cost by our own lines and the
-- bills that we hold: revenue is what the seller is to receive for the day's paid orders; discount the list value of the
-- goods less that; commission, fee, service and freight as charged; cost of the goods at the cost that holds on the day,
-- converted by the dated rate (see goods_sold); profit = revenue - refund - commission - fee - service - freight - cost.
with
orders as (select * from orders where origin = 'books' and is_due(paid_at, status)),
refunds as (select * from own_refunds),
settlements as (select * from placed_settlements where kind in ('commission', 'fee', 'service', 'freight')),
freight_charges as (select * from placed_freight),
shipments as (select * from placed_shipments where tracking_number <> ''),
shops as (select * from shops),
goods_sold as (select * from goods_sold),

tracked as (
    select period, tracking_number, max(shop) as shop
    from shipments
    group by all
),

parts as (
    select period, entity, shop, currency, 'revenue' as measure, amount from orders
    union all
    select
        period, entity, shop, currency, 'discount',
        given_away(quantity, unit_price, amount, shop_discount)
    from orders
    where quantity <> 0 or shop_discount <> 0
    union all
    select period, entity, shop, currency, 'refund', amount from refunds
    union all
    select period, entity, shop, currency, kind, -amount from settlements
    union all
    select
        f.period, coalesce(s.entity, f.entity), coalesce(t.shop, f.shop), f.currency, 'freight', f.amount
    from freight_charges as f
    left join tracked as t on f.period = t.period and f.tracking_number = t.tracking_number
    left join shops as s on t.shop = s.shop
    union all
    select period, entity, shop, currency, 'cost', cost from goods_sold
),

summed as (
    select period, entity, shop, currency, measure, coalesce(sum(amount), 0)::decimal(28, 4) as amount
    from parts
    group by all
),

final as (
    select * from summed
    union all
    select
        period, entity, shop, currency, 'profit',
        sum(case measure when 'revenue' then amount when 'discount' then 0 else -amount end)::decimal(28, 4)
    from summed
    group by period, entity, shop, currency
)

select * from final
