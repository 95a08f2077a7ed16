-- Grain: one paid line of what the seller takes for its orders (see own_orders), sets as their parts. Meaning: what the goods of it
-- cost, at the cost that holds on the day, in the currency in which they were sold: converted by the dated rate to four decimals;
-- cost is empty where no rate is known. is_listed: whether the SKU has a cost at all.
with
orders as (select * from order_parts where is_due(paid_at, status)),
sides as (select * from order_sides),
skus as (select * from skus_dated where cost is not null),
rates as (select * from fx_known),

own as (
    select o.*
    from orders as o
    inner join sides as s using (period, entity, shop)
    where o.origin = case when s.has_books then 'books' else 'platform' end
),

goods as (
    select
        o.period, o.entity, o.shop, o.origin, o.order_id, o.currency, o.sku, o.quantity, o.amount,
        (o.quantity * k.cost)::decimal(28, 4) as cost, coalesce(nullif(k.currency, ''), o.currency) as cost_currency,
        k.sku is not null as is_listed
    from own as o
    asof left join skus as k on o.sku = k.sku and o.period >= k.period
),

final as (
    select
        g.period, g.entity, g.shop, g.origin, g.order_id, g.currency, g.sku, g.quantity, g.amount, g.is_listed,
        case
            when g.cost_currency = g.currency then g.cost
            when m.rate is not null then round((g.cost * m.rate)::decimal(38, 12), 4)
            -- cost / rate in units of 1/10000, half away from zero, in whole numbers
            when d.rate is not null
                then sign(g.cost) * (
                    (2 * (abs(g.cost) * 10000)::hugeint * 100000000 + (d.rate::decimal(28, 8) * 100000000)::hugeint)
                    // (2 * (d.rate::decimal(28, 8) * 100000000)::hugeint)
                )::decimal(34, 0) * 0.0001
        end::decimal(28, 4) as cost
    from goods as g
    asof left join rates as m on g.cost_currency = m.base and g.currency = m.quote and g.period >= m.period
    asof left join rates as d on g.currency = d.base and g.cost_currency = d.quote and g.period >= d.period
)

select * from final
