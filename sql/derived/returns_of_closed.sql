-- Grain: one receipt of returned goods of an order that is closed. Meaning: what was sent came back, as from a buyer who refused the parcel;
-- is_paid: whether anything had been paid that is to be given back.
with
returns as (select * from mapped_returns where order_id <> ''),
closed as (select * from closed_orders where is_own),
before as (select * from closed_before where is_own),

known as (
    select period, entity, shop, order_id, is_paid from closed
    union all
    select period, entity, shop, order_id, is_paid from before
),

first_known as (
    select entity, shop, order_id, min(period) as since, min(period) filter (where is_paid) as paid_since
    from known
    group by entity, shop, order_id
),

final as (
    select r.*, coalesce(k.paid_since <= r.period, false) as is_paid
    from returns as r
    inner join first_known as k on r.entity = k.entity and r.shop = k.shop and r.order_id = k.order_id and r.period >= k.since
)

select * from final
