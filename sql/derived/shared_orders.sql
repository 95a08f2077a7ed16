-- Grain: one row a day and order of a shop that shares an account. Meaning: by which orders the rows of shared accounts find their shops,
-- also on later days.
with
orders as (select * from orders),
shops as (select distinct shop from shared_account_shops),

final as (
    select distinct o.period, o.entity, o.shop, o.order_id
    from orders as o
    semi join shops as s on o.shop = s.shop
    where o.order_id <> ''
)

select * from final
