-- Grain: one row a period, entity, shop, currency and SKU of the day's paid orders, sets as their parts. Meaning: what the goods cost, at the cost
-- that holds on the day, in the currency in which they were sold: converted by the dated rate, line by line, to four decimals;
-- cost is empty where no rate is known. sold_amount and sold_cost leave out lines that sell no pieces.
with
orders as (select * from order_parts where origin = 'books' and paid_at is not null),
skus as (select * from skus_dated where cost is not null),
rates as (select * from fx_known),

goods as (
    select
        o.period, o.entity, o.shop, o.currency, o.sku, o.quantity, o.amount, (o.quantity * k.cost)::decimal(28, 4) as cost,
        coalesce(nullif(k.currency, ''), o.currency) as cost_currency
    from orders as o
    asof inner join skus as k on o.sku = k.sku and o.period >= k.period
),

converted as (
    select
        g.*,
        case
            when g.cost_currency = g.currency then g.cost
            when m.rate is not null then round((g.cost * m.rate)::decimal(38, 12), 4)
            -- cost / rate in units of 1/10000, half away from zero, in whole numbers
            when d.rate is not null
                then sign(g.cost) * (
                    (2 * (abs(g.cost) * 10000)::hugeint * 100000000 + (d.rate * 100000000)::hugeint)
                    // (2 * (d.rate * 100000000)::hugeint)
                )::decimal(34, 0) * 0.0001
        end::decimal(28, 4) as cost_as_sold
    from goods as g
    asof left join rates as m on g.cost_currency = m.base and g.currency = m.quote and g.period >= m.period
    asof left join rates as d on g.currency = d.base and g.cost_currency = d.quote and g.period >= d.period
),

final as (
    select
        period, entity, shop, currency, sku,
        sum(cost_as_sold)::decimal(28, 4) as cost,
        sum(amount) filter (where quantity > 0)::decimal(28, 4) as sold_amount,
        case when bool_and(cost_as_sold is not null) filter (where quantity > 0)
            then sum(cost_as_sold) filter (where quantity > 0)
        end::decimal(28, 4) as sold_cost
    from converted
    group by period, entity, shop, currency, sku
)

select * from final
