-- Grain: one row a period, shop and currency. Meaning: the shop's profit by our own lines and the charges that we hold, the sum
-- of order_pnl. revenue is what the seller is to receive for the day's orders; discount what was given away (already
-- deducted). The shop '' has what no record of ours knows: charges for parcels that we never handed over.
with
orders as (select * from order_pnl),

final as (
    select
        period, entity, shop, currency,
        count(distinct order_id) filter (where revenue <> 0 or quantity <> 0) as orders,
        sum(revenue) as revenue, sum(discount) as discount, sum(refund) as refund, sum(commission) as commission,
        sum(fee) as fee, sum(service) as service, sum(freight) as freight, sum(cost) as cost, sum(profit) as profit,
        sum(not_in_profit) as not_in_profit, sum(pieces_without_cost) as pieces_without_cost
    from orders
    group by period, entity, shop, currency
)

select * from final
