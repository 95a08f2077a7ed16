-- Grain: one row a day, order and name that a provider may have for its payment. Meaning: under which names the payments of a shop's orders
-- are looked for, also on later days, where the provider does not know the order's number. A name of fewer than eight characters says
-- nothing.
with
orders as (select * from orders where order_id <> '' and payment_references <> ''),

split as (
    select
        period, entity, shop, order_id,
        unnest(string_split(trim(regexp_replace(payment_references, '[ ,;+]+', ' ', 'g')), ' ')) as name
    from orders
),

final as (
    select distinct period, entity, shop, order_id, name
    from split
    where length(name) >= 8 and name <> order_id
)

select * from final
