-- Grain: one row a period and open item of pieces that nothing was sent for, where three or more orders of a shop wait for the SKU and nobody ever
-- sent any of it, though the shop's other goods were sent. Meaning: what is sold and never sent, as a gift card is, or goods that have run
-- out before the first was sent. is_in_no_stock: the stock of a warehouse is known, and nothing of it ever was in any.
with
items as (select * from item_sums where leg = 'order_shipment'),
claims as (select * from claims),
past_claims as (select * from past_claims),

waiting as (
    select period, leg, entity, "key", currency, shop, order_id, sku
    from items
    where left_claims > 0 and right_claims = 0 and age_days >= sla_days and order_id <> '' and sku <> '' and not is_code
),

suspected as (
    select period, entity, shop, sku
    from waiting
    group by period, entity, shop, sku
    having count(distinct order_id) >= 3
),

said as (
    select leg, entity, shop, sku, period
    from (
        select leg, entity, side, shop, sku, period from claims
        union all
        select leg, entity, side, shop, sku, period from past_claims
    ) as c
    where (leg = 'stock' or leg = 'order_shipment' and side = 'right') and entity in (select entity from suspected)
),

first_said as (
    select leg, entity, case leg when 'stock' then '' else shop end as shop, sku, min(period) as since
    from said
    group by all
),

final as (
    select
        w.period, w.leg, w.entity, w."key", w.currency,
        exists (select 1 from first_said as f where f.leg = 'stock' and f.entity = w.entity and f.since <= w.period) as is_in_no_stock
    from waiting as w
    semi join suspected as s using (period, entity, shop, sku)
    where exists (
            select 1 from first_said as f
            where f.leg = 'order_shipment' and f.entity = w.entity and f.shop = w.shop and f.since <= w.period
        )
        and not exists (select 1 from first_said as f where f.entity = w.entity and f.sku = w.sku and f.since <= w.period)
)

select * from final
