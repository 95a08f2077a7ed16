-- Grain: one row a period, entity, shop, currency and measure. Meaning: what a shop earned and cost by our own lines and the
-- bills that we hold: revenue is what the seller is to receive for the day's paid orders; discount the list value of the
-- goods less that; commission, fee and freight as charged; cost of the goods at the cost that holds on the day, converted
-- by the dated rate; profit = revenue - refund - commission - fee - freight - cost.
with
orders as (select * from orders where origin = 'books' and paid_at is not null),
refunds as (select * from refunds where origin = 'books'),
settlements as (select * from settlements where kind in ('commission', 'fee', 'freight')),
freight_charges as (select * from freight_charges),
shipments as (select * from shipments where tracking_number <> ''),
shops as (select * from shops),
skus as (select * from skus_known),
rates as (select * from fx_known),

costs as (
    select period, sku, max(cost) as cost, max(currency) as currency
    from skus
    group by all
),

goods as (
    select
        o.period, o.entity, o.shop, o.currency, (o.quantity * k.cost)::decimal(18, 4) as cost,
        coalesce(nullif(k.currency, ''), o.currency) as cost_currency
    from orders as o
    asof inner join costs as k on o.sku = k.sku and o.period >= k.period
),

costed as (
    select
        g.period, g.entity, g.shop, g.currency,
        case
            when g.cost_currency = g.currency then g.cost
            when m.rate is not null then round((g.cost * m.rate)::decimal(36, 12), 4)
            -- cost / rate in units of 1/10000, half away from zero, in whole numbers
            when d.rate is not null
                then (
                    (2 * (g.cost * 10000)::hugeint * 100000000 + (d.rate * 100000000)::hugeint)
                    // (2 * (d.rate * 100000000)::hugeint)
                )::decimal(18, 0) * 0.0001
        end::decimal(18, 4) as cost
    from goods as g
    asof left join rates as m on g.cost_currency = m.base and g.currency = m.quote and g.period >= m.period
    asof left join rates as d on g.currency = d.base and g.cost_currency = d.quote and g.period >= d.period
),

tracked as (
    select period, tracking_number, max(shop) as shop
    from shipments
    group by all
),

parts as (
    select period, entity, shop, currency, 'revenue' as measure, amount from orders
    union all
    select period, entity, shop, currency, 'discount', (unit_price * quantity)::decimal(18, 4) - amount from orders
    where quantity <> 0
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
    select period, entity, shop, currency, 'cost', cost from costed
),

summed as (
    select period, entity, shop, currency, measure, coalesce(sum(amount), 0)::decimal(18, 4) as amount
    from parts
    group by all
),

final as (
    select * from summed
    union all
    select
        period, entity, shop, currency, 'profit',
        sum(case measure when 'revenue' then amount when 'discount' then 0 else -amount end)::decimal(18, 4)
    from summed
    group by period, entity, shop, currency
)

select * from final
