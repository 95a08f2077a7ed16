-- Grain: one row a period, entity, shop and order of which goods came back and the provider paid nothing back. Meaning: those that our own
-- books say were paid back, also where nothing else is open of the order, as one whose payment is not there.
with
returned as (select * from item_sums where leg = 'return_refund' and right_claims = 0 and order_id <> ''),
claims as (select * from claims where leg = 'order_payment' and side = 'left' and kind = 'refund'),
past_claims as (select * from past_claims where leg = 'order_payment' and side = 'left' and kind = 'refund'),

booked as (
    select entity, shop, "key", min(period) as since
    from (
        select entity, shop, "key", period from claims
        union all
        select entity, shop, "key", period from past_claims
    ) as c
    group by entity, shop, "key"
),

final as (
    select distinct r.period, r.entity, r.shop, r.order_id
    from returned as r
    inner join booked as b
        on r.entity = b.entity and r.shop = b.shop and concat_ws('/', r.shop, r.order_id) = b."key" and b.since <= r.period
)

select * from final
