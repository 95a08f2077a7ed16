-- Grain: one row a period and open item. Meaning: everything that the rules of causes.yaml may ask about it; every feature
-- depends on claims up to the period alone.
with
items as (select * from item_sums),
item_facts as (select * from facts_of_item),
order_facts as (select * from facts_of_order),
repeats as (select * from repeated_claims),
substituted as (select * from substituted_orders),
outages as (select * from outages),
opposites as (select * from opposite_accounts),
converted as (select * from two_currencies),
alike as (select * from rates_alike),
traits as (select * from leg_traits),
order_feeds as (select * from supplied_sides where leg = 'orders' and side = 'right'),
feeds as (select * from side_feeds),
begun as (select * from places_begun),
renumbered as (select * from renumbered_lines),
unsent as (select * from unsent_goods),
booked as (select * from refunds_booked),
closed_orders as (select * from closed_orders where is_paid),
closed_before as (select * from closed_before where is_paid),
kept as (select * from kept_payments),

-- paid, and closed by the platform: given back, and not sent any more
closed_there as (
    select entity, shop, order_id, min(period) as since, min(period) filter (where not is_own) as not_own_since
    from (
        select entity, shop, order_id, period, is_own from closed_orders
        union all
        select entity, shop, order_id, period, is_own from closed_before
    ) as c
    group by entity, shop, order_id
),

by_order as (
    select
        period, entity, shop, order_id, currency,
        sum(difference) as platform_difference
    from items
    where leg = 'order_platform' and order_id <> ''
    group by all
),

by_order_sku as (
    select period, entity, shop, order_id, sku, sum(quantity_difference) as platform_quantity_difference
    from items
    where leg = 'order_platform' and quantity_difference <> 0 and order_id <> ''
    group by all
),

-- payouts of one provider of which the bank kept the same
charged as (
    select period, entity, channel, currency, difference, count(*) - 1 as charge_peers
    from items
    where leg = 'payout_bank' and left_claims > 0 and right_claims > 0 and difference > 0
    group by period, entity, channel, currency, difference
),

-- goods that left one warehouse under one code and came into the other under another
recoded as (
    select period, entity, split_part("key", '/', 2) as transfer
    from items
    where leg = 'stock' and split_part("key", '/', -1) = 'transit' and (left_claims = 0 or right_claims = 0)
    group by all
    having bool_or(left_claims = 0) and bool_or(right_claims = 0)
),

currencies as (
    select period, leg, entity, "key", count(distinct currency) as key_currencies
    from items
    group by all
),

supplied as (
    select leg, side, list(distinct table_name order by table_name) as tables
    from feeds
    group by leg, side
),

final as (
    select
        d.*,
        coalesce(r.left_extra, 0) as left_extra,
        coalesce(r.right_extra, 0) as right_extra,
        coalesce(g.left_only_refund, 0) as left_only_refund,
        coalesce(g.right_only_refund, 0) as right_only_refund,
        coalesce(r.left_times, 1) as left_times,
        coalesce(r.right_times, 1) as right_times,
        coalesce(r.right_days, 1) as right_days,
        coalesce(r.left_extra_quantity, 0)::decimal(28, 4) as left_extra_quantity,
        coalesce(r.right_extra_quantity, 0)::decimal(28, 4) as right_extra_quantity,
        p.platform_difference,
        coalesce(q.platform_quantity_difference, case when d.leg = 'order_payment' then a.platform_quantity_difference end) as platform_quantity_difference,
        (d.left_price - d.right_price)::decimal(28, 4) as price_difference,
        -- a quantity that is wrong in the record and not only on its way: the platform says so as well, or a slip of the
        -- hand that the payment denies
        coalesce(q.platform_quantity_difference = d.quantity_difference, false)
        or coalesce(
            case when d.leg = 'order_shipment' and a.payment_difference = d.quantity_difference * d.left_price
                then mistyped(units(d.left_quantity), units(d.right_quantity))
            end, false
        ) as quantity_typed,
        -- pieces that are neither shipped nor paid
        coalesce(
            case when d.leg = 'order_shipment' and d.difference > 0 and a.payment_difference = d.quantity_difference * d.left_price
                and q.platform_quantity_difference is null
                then not mistyped(units(d.left_quantity), units(d.right_quantity))
            end, false
        ) as pieces_cancelled,
        coalesce(
            d.leg = 'order_payment' and d.difference > 0 and a.unshipped_amount = d.difference
            and a.platform_quantity_difference is null, false
        ) as pieces_unshipped,
        coalesce(g.paid_again, 0) as paid_again,
        coalesce(i.rate_peers, 0) as rate_peers, coalesce(i.is_usual_rate, false) as is_usual_rate,
        coalesce(z.charge_peers, 0) as charge_peers,
        coalesce(g.has_other_charges, false) as has_other_charges,
        coalesce(g.is_freight_right, false) as is_freight_right,
        coalesce(g.posted_again, 0) as posted_again,
        coalesce(g.unannounced, '') as unannounced, coalesce(g.names_unannounced, false) as names_unannounced,
        -- a fee of a transaction of which nothing else is known
        d.left_claims = 0 and d.right_claims = 0 and d.left_fee = 0 and d.right_fee <> 0 as is_fee_alone,
        d.leg in ('order_payment', 'order_shipment') and d.right_claims = 0 and (coalesce(a.is_closed_there, false) or coalesce(cl.not_own_since <= d.period, false)) as is_closed_there,
        -- refunds of our books of what a platform still keeps: it says so with the settlement
        case when d.leg in ('order_payment', 'return_refund') then a.days_to_settle end as days_to_settle,
        d.leg = 'payment_settlement' and kp.provider is not null and d.right_claims = 0 and d.left_sale > 0
            and (coalesce(a.is_refunded_alone, false) or cl.order_id is not null) as is_given_back,
        d.leg in ('order_payment', 'return_refund') and coalesce(a.days_to_settle <= 0, false) as is_never_settled,
        d.leg = 'order_shipment' and (d.left_claims = 0 or d.difference > 0) and b.order_id is not null as is_substituted,
        coalesce(us.is_in_no_stock, false) as is_never_sent,
        us."key" is not null and not us.is_in_no_stock as may_be_never_sent,
        rn.order_id is not null or d.leg = 'order_platform' and d.difference <> 0 and coalesce(a.lines_come_to_the_same, false) as is_renumbered,
        d.leg = 'order_platform' and d.difference <> 0 and coalesce(a.lines_come_to_the_same, false) as is_sold_otherwise,
        coalesce(rn.order_difference, 0) as renumbered_difference,
        j.transfer is not null as is_recoded,
        coalesce(
            case
                -- sent before the first statement of our bank begins
                when d.leg = 'payout_bank' and d.right_claims = 0 and d.last_occurred < u.right_since - 1 then true
                when d.left_claims = 0 and u.left_since < u.right_since and u.right_since <= d.period
                    then d.first_seen < u.right_since + greatest(d.sla_days, 1)::int
                -- a payout is never credited before it is announced
                when d.leg <> 'payout_bank' and d.right_claims = 0 and u.right_since < u.left_since and u.left_since <= d.period
                    then d.first_seen < u.left_since + greatest(d.sla_days, 1)::int
            end, false
        ) as may_be_before,
        -- the platform has the same lines, or its lines are the only ones
        d.leg = 'order_payment' and p.platform_difference is null and exists (
            select 1 from order_feeds as f
            where (f.shop = d.shop or f.shop = '' and f.entity in ('', d.entity)) and f.since <= d.first_seen
        ) as lines_confirmed,
        coalesce(v.fx_fits, false) as fx_fits, coalesce(v.fx_same_number, false) as fx_same_number, coalesce(v.fx_is_near, false) as fx_is_near,
        v.fx_currency is not null and (v.fx_worth is null or v.fx_other_worth is null) as is_rate_unknown,
        v.fx_currency, v.fx_difference, v.fx_home, v.fx_worth, v.fx_other_worth,
        o.opposite_key, coalesce(o.opposite_count, 0) as opposite_count,
        coalesce(o.opposite_same_head, false) as opposite_same_head,
        coalesce(o.opposite_same_tail, false) as opposite_same_tail,
        o.opposite_days,
        c.key_currencies,
        d.left_claims = 0 or d.right_claims = 0 as one_sided,
        split_part(d."key", '/', -1) as basis,
        -- the other side's file is missing or empty for the day, or all its files are: see sql/legs/run_claims, sql/items/item_claims
        split_part(d."key", '/', -3) in ('absent', 'unsupplied') as is_absent,
        x.order_id is not null and x.is_sure and not x.is_silent as in_outage,
        x.order_id is not null and not x.is_sure as may_be_in_outage,
        coalesce(list_contains(x.legs, d.leg), false) and x.order_id is not null and x.is_sure and x.is_silent as is_silent,
        coalesce(a.parcel_unbilled, false) as parcel_unbilled,
        coalesce(a.refunded_for_nothing, false) as refunded_for_nothing,
        coalesce(a.refund_not_in_books, false) as refund_not_in_books,
        coalesce(a.sent_unpaid and a.unpaid_came_back, false) as is_refused,
        coalesce(a.unpaid_came_back or a.nothing_paid and d.leg = 'return_refund' and d.left_return > 0, false) as may_be_refused,
        -- a refund that our books have and the provider has not: it was not paid, or another way
        (d.leg = 'order_payment' or d.leg = 'return_refund' and d.right_claims = 0) and coalesce(a.refund_only_in_books, false)
        or k.order_id is not null as is_refund_unseen,
        coalesce(g.unstated_amount, 0) as unstated_amount
    from items as d
    left join repeats as r using (period, leg, entity, "key", currency)
    left join by_order as p
        on d.leg = 'order_payment' and p.period = d.period and p.entity = d.entity and p.shop = d.shop
        and p.order_id = d.order_id and p.currency = d.currency
    left join by_order_sku as q
        on d.leg = 'order_shipment' and q.period = d.period and q.entity = d.entity and q.shop = d.shop
        and q.order_id = d.order_id and q.sku = d.sku
    left join item_facts as g using (period, leg, entity, "key", currency)
    left join alike as i using (period, leg, entity, "key", currency)
    left join converted as v using (period, leg, entity, "key", currency)
    left join charged as z
        on d.leg = 'payout_bank' and d.left_claims > 0 and d.right_claims > 0 and z.period = d.period and z.entity = d.entity
        and z.channel = d.channel and z.currency = d.currency and z.difference = d.difference
    left join substituted as b
        on d.leg = 'order_shipment' and b.period = d.period and b.entity = d.entity and b.shop = d.shop and b.order_id = d.order_id
    left join booked as k
        on d.leg = 'return_refund' and d.right_claims = 0 and k.period = d.period and k.entity = d.entity and k.shop = d.shop
        and k.order_id = d.order_id
    left join unsent as us
        on d.leg = 'order_shipment' and us.leg = d.leg and us.period = d.period and us.entity = d.entity and us."key" = d."key"
        and us.currency = d.currency
    left join renumbered as rn
        on d.leg = 'order_platform' and (d.left_claims = 0 or d.right_claims = 0) and rn.period = d.period and rn.entity = d.entity
        and rn.shop = d.shop and rn.order_id = d.order_id and rn.currency = d.currency and rn.sku = d.sku
    left join begun as u
        on (d.left_claims = 0 or d.right_claims = 0) and u.leg = d.leg and u.entity = d.entity and u.shop = d.shop and u.channel = d.channel
    left join recoded as j
        on d.leg = 'stock' and split_part(d."key", '/', -1) = 'transit' and (d.left_claims = 0 or d.right_claims = 0)
        and j.period = d.period and j.entity = d.entity and j.transfer = split_part(d."key", '/', 2)
    left join closed_there as cl
        on d.leg in ('order_shipment', 'payment_settlement') and d.right_claims = 0 and cl.entity = d.entity and cl.shop = d.shop and cl.order_id = d.order_id
        and cl.since <= d.period
    left join kept as kp on d.channel = kp.provider
    left join traits as y on d.leg = y.leg
    left join opposites as o using (period, leg, entity, "key", currency)
    left join currencies as c using (period, leg, entity, "key")
    left join supplied as e on d.leg = e.leg and e.side = case when d.left_claims = 0 then 'left' when d.right_claims = 0 then 'right' end
    left join outages as x
        on d.order_id <> '' and x.period = d.period and x.entity = d.entity and x.shop = d.shop and x.order_id = d.order_id
        -- the legs whose records have no place in a sequence go by the others
        and (list_contains(x.legs, d.leg) or not y.in_sequence or list_has_any(x.lacks, e.tables))
    left join order_facts as a
        on d.order_id <> '' and a.period = d.period and a.entity = d.entity and a.shop = d.shop and a.order_id = d.order_id
)

select * from final
