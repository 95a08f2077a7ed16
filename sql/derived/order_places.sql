-- Grain: one row a shared account and order number of its shops. Meaning: the shop whose order it is, from the day on which the order is
-- known (since) until the day before another shop of the account has an order of that number: then nobody can say.
with
orders as (select * from shared_orders),
before as (select * from shared_orders_before),
accounts as (select * from shared_account_shops),

seen as (
    select a.account, o.order_id, o.shop, a.entity, min(o.period) as since
    from (
        select shop, order_id, period from orders
        union all
        select shop, order_id, period from before
    ) as o
    inner join accounts as a on o.shop = a.shop
    group by a.account, o.order_id, o.shop, a.entity
),

final as (
    select
        *, coalesce(lead(since) over (partition by account, order_id order by since, shop) - 1, date '9999-12-31') as until
    from seen
    qualify row_number() over (partition by account, order_id order by since, shop) = 1
)

select * from final
