-- Grain: one row a period, shop, order, SKU and currency with an event in the period. Meaning: what the order brought and cost
-- that day, by our own lines (a shop without own orders: its platform's) and the charges that we hold. Charges on the order as
-- a whole have the SKU ''; what names no order stands under the order ''. service is what an account is charged besides (advertising,
-- subscription, storage, fees of disputes). profit = revenue - refund - commission - fee - service - freight - cost, so rows add up
-- over days, SKUs and orders. not_in_profit is what moved the accounts and is none of these: amounts that a buyer's bank took back,
-- adjustments, loans, reserves; signed from the seller's view. pieces_without_cost are sold, and nobody says what they cost. A parcel that was handed over on an earlier day is known by its
-- open claim; a parcel that no record of ours knows is no shop's.
with
lines as (select * from goods_lines),
orders as (select * from mapped_orders where is_due(paid_at, status) and (quantity <> 0 or shop_discount <> 0)),
sides as (select * from order_sides),
refunds as (select * from mapped_refunds),
settlements as (
    select * from placed_settlements
    where kind in ('commission', 'fee', 'service', 'freight', 'dispute', 'adjustment', 'other')
),
freight_charges as (select * from placed_freight),
shipments as (select * from placed_shipments where tracking_number <> ''),
claims_open as (select * from open_claims where leg = 'freight' and side = 'left'),
claims_before as (select * from opening_claims where leg = 'freight' and side = 'left'),
own as (select * from supplied_sides where leg = 'orders' and side = 'left'),
shops as (select * from shops),

handed_over as (
    select period, tracking_number, shop, order_id from shipments
    union all
    select period + 1, substr("key", length(channel) + 2), shop, order_id from claims_open
    union all
    select getvariable('period_from'), substr("key", length(channel) + 2), shop, order_id from claims_before
),

parcels as (
    select period, tracking_number, max(shop) as shop, max(order_id) as order_id
    from handed_over
    group by period, tracking_number
),

-- refunds by our own records, where the shop has any
granted as (
    select r.*
    from refunds as r
    where r.origin = case
        when exists (
            select 1
            from own as o
            where (o.entity = '' or o.entity = r.entity) and (o.shop = '' or o.shop = r.shop) and o.since <= r.period
        ) then 'books'
        else 'provider'
    end
),

parts as (
    select
        period, entity, shop, order_id, sku, currency, quantity, amount as revenue, null as discount, null as refund,
        null as commission, null as fee, null as service, null as freight, cost, null as not_in_profit,
        case when sku <> '' and cost is null then quantity end as pieces_without_cost
    from lines
    union all by name
    -- prices are those of whole lines, also of sets
    select
        o.period, o.entity, o.shop, o.order_id, o.sku, o.currency,
        given_away(o.quantity, o.unit_price, o.amount, o.shop_discount) as discount
    from orders as o
    inner join sides as s using (period, entity, shop)
    where o.origin = case when s.has_books then 'books' else 'platform' end
    union all by name
    select period, entity, shop, order_id, sku, currency, amount as refund from granted
    union all by name
    select
        period, entity, shop, order_id, '' as sku, currency,
        case kind when 'commission' then -amount end as commission, case kind when 'fee' then -amount end as fee,
        case kind when 'service' then -amount end as service, case kind when 'freight' then -amount end as freight,
        case when kind in ('dispute', 'adjustment', 'other') then amount end as not_in_profit
    from settlements
    union all by name
    select
        f.period, coalesce(s.entity, f.entity) as entity, coalesce(nullif(f.shop, ''), p.shop, '') as shop,
        coalesce(nullif(f.order_id, ''), p.order_id, '') as order_id, '' as sku, f.currency, f.amount as freight
    from freight_charges as f
    left join parcels as p on f.period = p.period and f.tracking_number = p.tracking_number
    left join shops as s on coalesce(nullif(f.shop, ''), p.shop) = s.shop
),

summed as (
    select
        period, entity, shop, coalesce(order_id, '') as order_id, coalesce(sku, '') as sku, currency,
        coalesce(sum(quantity), 0)::decimal(28, 4) as quantity, coalesce(sum(revenue), 0)::decimal(28, 4) as revenue,
        coalesce(sum(discount), 0)::decimal(28, 4) as discount, coalesce(sum(refund), 0)::decimal(28, 4) as refund,
        coalesce(sum(commission), 0)::decimal(28, 4) as commission, coalesce(sum(fee), 0)::decimal(28, 4) as fee,
        coalesce(sum(service), 0)::decimal(28, 4) as service, coalesce(sum(freight), 0)::decimal(28, 4) as freight,
        coalesce(sum(cost), 0)::decimal(28, 4) as cost, coalesce(sum(not_in_profit), 0)::decimal(28, 4) as not_in_profit,
        coalesce(sum(pieces_without_cost), 0)::decimal(28, 4) as pieces_without_cost
    from parts
    group by all
),

final as (
    select *, revenue - refund - commission - fee - service - freight - cost as profit
    from summed
)

select * from final
