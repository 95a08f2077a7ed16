-- Grain: one row a period, shop and currency. Meaning: the shop's profit by our own lines and the charges that we hold.
-- revenue is what the seller is to receive for the day's orders; discount what was given away (already deducted).
with
measures as (select * from shop_measures),
orders as (select * from orders where origin = 'books' and paid_at is not null),

counted as (
    select period, entity, shop, currency, count(distinct order_id) as orders
    from orders
    group by all
),

pivoted as (
    select
        period, entity, shop, currency,
        coalesce(sum(amount) filter (where measure = 'revenue'), 0) as revenue,
        coalesce(sum(amount) filter (where measure = 'discount'), 0) as discount,
        coalesce(sum(amount) filter (where measure = 'refund'), 0) as refund,
        coalesce(sum(amount) filter (where measure = 'commission'), 0) as commission,
        coalesce(sum(amount) filter (where measure = 'fee'), 0) as fee,
        coalesce(sum(amount) filter (where measure = 'freight'), 0) as freight,
        coalesce(sum(amount) filter (where measure = 'cost'), 0) as cost,
        coalesce(sum(amount) filter (where measure = 'profit'), 0) as profit
    from measures
    group by period, entity, shop, currency
),

final as (
    select p.*, coalesce(c.orders, 0) as orders
    from pivoted as p
    left join counted as c using (period, entity, shop, currency)
)

select * from final
