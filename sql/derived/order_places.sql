-- Grain: one row an account and name that its rows may have for an order: of a shared account the numbers of its shops' orders, and of every
-- account what a payment is called (see payment_names). Meaning: the order and the shop whose it is, from the day on which the order is
-- known (since) until the day before another order has that name: then nobody can say. An account that no shops share is its shop's.
with
orders as (select * from shared_orders),
before as (select * from shared_orders_before),
names as (select * from payment_names),
names_before as (select * from payment_names_before),
accounts as (select * from shared_account_shops),

named as (
    select shop, order_id, name, entity, period from names
    union all
    select shop, order_id, name, entity, period from names_before
),

called as (
    select a.account, o.order_id as name, o.order_id, o.shop, a.entity, o.period
    from (
        select shop, order_id, period from orders
        union all
        select shop, order_id, period from before
    ) as o
    inner join accounts as a on o.shop = a.shop
    union all
    select a.account, n.name, n.order_id, n.shop, a.entity, n.period
    from named as n
    inner join accounts as a on n.shop = a.shop
    union all
    select shop, name, order_id, shop, entity, period
    from named
),

seen as (
    select account, name, order_id, shop, entity, min(period) as since
    from called
    group by account, name, order_id, shop, entity
),

final as (
    select
        *, coalesce(lead(since) over (partition by account, name order by since, shop, order_id) - 1, date '9999-12-31') as until
    from seen
    qualify row_number() over (partition by account, name order by since, shop, order_id) = 1
)

select * from final
