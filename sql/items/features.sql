-- Grain: one row a period and open item. Meaning: everything that the rules of causes.yaml may ask about it; every feature
-- depends on claims up to the period alone.
with
open_claims as (select * from open_claims),
claims as (select * from claims),
past_claims as (select * from past_claims),
sla as (select * from sla),
traits as (select * from leg_traits),
order_feeds as (select * from supplied_sides where leg = 'orders' and side = 'right'),
rates as (select * from fx_known),
settings as (select * from fx_settings),
minor_units as (select * from minor_units),
feeds as (select * from side_feeds),
sides as (select * from supplied_sides),

repeated as (
    select
        period, leg, entity, "key", currency, side, kind, amount, count(*) as times,
        max(amount) * (count(*) - 1) as extra
    from open_claims
    where kind not in ('level', 'opening', 'journal', 'subledger', 'correction', 'write_off') and amount <> 0
    -- a payment, refund, parcel or return may rightly come twice in the same amount: only the same one is said again
    group by
        period, leg, entity, "key", currency, side, kind, amount, quantity, sku,
        case when kind in ('refund', 'shipment', 'return', 'order') then coalesce(nullif(record_id, ''), occurred_at::varchar)
            else record_id
        end
    having count(*) > 1
),

repeats as (
    select
        period, leg, entity, "key", currency,
        max(times) filter (where side = 'left') as left_times,
        max(times) filter (where side = 'right') as right_times,
        coalesce(sum(extra) filter (where side = 'left'), 0) as left_extra,
        coalesce(sum(extra) filter (where side = 'right'), 0) as right_extra
    from repeated
    group by all
),

-- an order that several transactions of the other side paid in one amount
paid_again as (
    select period, leg, entity, "key", currency, sum(amount * (transactions - 1))::decimal(28, 4) as paid_again
    from (
        select period, leg, entity, "key", currency, amount, count(distinct record_id) as transactions
        from open_claims
        where leg = 'order_payment' and side = 'right' and kind = 'sale' and record_id <> '' and amount > 0
        group by all
    ) as t
    where transactions > 1
    group by period, leg, entity, "key", currency
),

-- refunds that one side has more often than the other, amount by amount
refunds_apart as (
    select
        period, leg, entity, "key", currency,
        sum(amount * greatest(left_times - right_times, 0))::decimal(28, 4) as left_only_refund,
        sum(amount * greatest(right_times - left_times, 0))::decimal(28, 4) as right_only_refund
    from (
        select
            period, leg, entity, "key", currency, amount,
            count(*) filter (where side = 'left') as left_times, count(*) filter (where side = 'right') as right_times
        from open_claims
        where kind = 'refund'
        group by all
    ) as a
    group by period, leg, entity, "key", currency
),

items as (
    select
        period, leg, entity, "key", currency,
        max(shop) as shop, max(channel) as channel,
        -- an item of several orders is none's
        case when min(nullif(order_id, '')) = max(order_id) then max(order_id) else '' end as order_id,
        coalesce(max(sku) filter (where kind = 'unmapped'), max(sku)) as sku,
        coalesce(bool_or(kind = 'unmapped'), false) as is_code,
        count(distinct remark) filter (where kind = 'unmapped') as unmapped_codes,
        -- shown by the records, and not by a list of ours
        coalesce(bool_or(kind = 'unmapped' and contains(attribute, ' apart ')), false) as is_code_apart,
        min(first_seen) as first_seen,
        coalesce(sum(amount) filter (where side = 'left'), 0)::decimal(28, 4) as left_amount,
        coalesce(sum(amount) filter (where side = 'right'), 0)::decimal(28, 4) as right_amount,
        coalesce(sum(quantity) filter (where side = 'left'), 0)::decimal(28, 4) as left_quantity,
        coalesce(sum(quantity) filter (where side = 'right'), 0)::decimal(28, 4) as right_quantity,
        count(*) filter (where side = 'left' and kind not in ('fee', 'correction', 'write_off', 'moved')) as left_claims,
        count(*) filter (where side = 'right' and kind not in ('fee', 'correction', 'write_off', 'moved')) as right_claims,
        coalesce(sum(amount) filter (where side = 'left' and kind = 'sale'), 0) as left_sale,
        coalesce(sum(amount) filter (where side = 'right' and kind = 'sale'), 0) as right_sale,
        coalesce(sum(amount) filter (where side = 'left' and kind = 'refund'), 0) as left_refund,
        coalesce(sum(amount) filter (where side = 'right' and kind = 'refund'), 0) as right_refund,
        coalesce(sum(amount) filter (where side = 'left' and kind = 'fee'), 0) as left_fee,
        coalesce(sum(amount) filter (where side = 'right' and kind = 'fee'), 0) as right_fee,
        coalesce(sum(discount) filter (where side = 'left'), 0) as left_discount,
        coalesce(sum(discount) filter (where side = 'right'), 0) as right_discount,
        max(unit_price) filter (where side = 'left') as left_price,
        max(unit_price) filter (where side = 'right') as right_price,
        max(attribute) filter (where side = 'left') as left_attribute,
        max(attribute) filter (where side = 'right') as right_attribute,
        coalesce(sum(amount) filter (where side = 'left' and kind = 'return'), 0) as left_return,
        coalesce(sum(amount) filter (where side = 'left' and kind = 'sale' and sku <> ''), 0)::decimal(28, 4) as left_goods,
        count(*) filter (where side = 'right' and kind = 'sale') as right_payments,
        coalesce(bool_and(record_id <> '') filter (where side = 'right' and kind = 'sale'), false) as right_ids_known,
        coalesce(max(open_claims.instalments) filter (where side = 'right'), 0)::bigint as instalments,
        bool_or(kind in ('correction', 'write_off')) as is_decided,
        coalesce(sum(amount) filter (where side = 'right' and kind = 'dispute'), 0)::decimal(28, 4) as right_dispute,
        bool_or(leg = 'order_payment' and side = 'left' and kind = 'sale' and remark = 'unpaid') as is_sent_unpaid,
        -- price and pieces of our own lines of orders; payments do not claim pieces, so the amount before discounts tells them
        list_sort(list(distinct {
            'price': units(unit_price),
            'quantity': greatest(units(quantity) // 10000, (units(amount) + units(unit_price) - 1) // nullif(units(unit_price), 0), 1)
        }) filter (
            where leg in ('order_platform', 'order_payment', 'order_shipment') and side = 'left' and unit_price > 0 and sku <> ''
        )) as typed_lines
    from open_claims
    group by period, leg, entity, "key", currency
),

differing as (
    select
        i.*,
        (i.left_amount - i.right_amount)::decimal(28, 4) as difference,
        (i.left_quantity - i.right_quantity)::decimal(28, 4) as quantity_difference,
        (i.period - i.first_seen)::bigint as age_days,
        -- a record of ours may be due sooner than its counterpart
        case when i.left_claims = 0 and t.own_days is not null then least(t.own_days, coalesce(s.days, d.days, 0))
            else coalesce(s.days, d.days, 0)
        end::bigint as sla_days
    from items as i
    left join traits as t on i.leg = t.leg
    left join sla as s on s.leg = i.leg and s.channel = i.channel and s.channel <> ''
    left join sla as d on d.leg = i.leg and d.channel = ''
),

-- a gap in one source: at least five orders of a shop, one after the other in the source that has them, that the other
-- side lacks
lone_orders as (
    select distinct
        c.period, c.leg, c.entity, c.shop, c.side, c.source, c.claimed, c.order_id, c.sequence
    from open_claims as c
    inner join differing as d
        on c.period = d.period and c.leg = d.leg and c.entity = d.entity and c."key" = d."key" and c.currency = d.currency
    where c.sequence is not null and c.order_id <> '' and (d.left_claims = 0 or d.right_claims = 0)
        and d.age_days >= d.sla_days
),

runs as (
    select
        *,
        sequence - dense_rank() over (
            partition by period, leg, entity, shop, side, source, claimed order by sequence
        ) as run
    from lone_orders
),

stretches as (
    select period, leg, entity, shop, side, source, claimed, run, count(distinct sequence) as orders, max(sequence) as last_place
    from runs
    group by all
),

-- how often an order of the shop has no counterpart outside of such stretches, by the places that are known of
usual as (
    select
        period, leg, entity, shop, side, source, sum(lone) as lone, sum(greatest(places - in_gaps, 1)) as places
    from (
        select
            period, leg, entity, shop, side, source, claimed, coalesce(sum(orders) filter (where orders < 5), 0) as lone,
            coalesce(sum(orders) filter (where orders >= 5), 0) as in_gaps, max(last_place) as places
        from stretches
        group by all
    ) as d
    group by all
),

-- a stretch that chance alone gives once on such a day is not unusual for the shop; one that it gives once in a hundred such days
-- may be either
gaps as (
    select period, leg, entity, shop, side, source, claimed, run, 100 * by_chance < 1 as is_sure
    from (
        select s.*, (u.places + s.orders) * pow(u.lone::double / u.places, s.orders) as by_chance
        from stretches as s
        inner join usual as u using (period, leg, entity, shop, side, source)
        where s.orders >= 5
    ) as d
    where by_chance < 1
),

-- who said anything at all of a shop on the day of a gap: where the side that lacks the orders did not, its file is missing
speakers as (
    select distinct leg, entity, shop, side, period
    from (
        select leg, entity, shop, side, period from claims
        union all
        select leg, entity, shop, side, period from past_claims
    ) as s
    where period in (select claimed from gaps)
),

told_gaps as (
    select
        g.*,
        not exists (
            select 1 from speakers as s
            where s.leg = g.leg and s.entity = g.entity and s.shop = g.shop and s.side <> g.side and s.period = g.claimed
        ) and g.claimed >= g.period - getvariable('repeat_horizon')::int as is_silent
    from gaps as g
),

-- lacks: the records that were lost, which another leg may lack on its own other side
outages as (
    select
        r.period, r.entity, r.shop, r.order_id, list(distinct r.leg order by r.leg) as legs, bool_or(g.is_sure) as is_sure,
        bool_and(g.is_silent) as is_silent,
        list(distinct f.table_name order by f.table_name) as lacks
    from runs as r
    inner join told_gaps as g using (period, leg, entity, shop, side, source, claimed, run)
    left join feeds as f on r.leg = f.leg and r.side <> f.side
    group by r.period, r.entity, r.shop, r.order_id
),

-- what the other legs say about an order: shipped but never billed by the carrier, paid back without goods or record
about_order as (
    select
        period, entity, shop, order_id,
        bool_or(leg = 'freight' and right_claims = 0 and age_days >= sla_days) as parcel_unbilled,
        bool_or(leg = 'return_refund' and left_claims = 0 and age_days >= sla_days) as refunded_for_nothing,
        bool_or(leg = 'order_payment' and left_only_refund = 0 and right_only_refund <> 0) as refund_not_in_books,
        bool_or(leg = 'order_payment' and left_sale = right_sale and left_only_refund <> 0 and right_only_refund = 0)
            as refund_only_in_books
    from differing
    left join refunds_apart using (period, leg, entity, "key", currency)
    where order_id <> '' and leg in ('freight', 'return_refund', 'order_payment')
    group by all
),

-- days on which our own lines of a shop have no statement of the platform beside them
unstated as (
    select period, entity, "key", currency, sum(amount) as unstated_amount
    from (
        select
            period, entity, "key", currency, claimed, sum(amount) filter (where side = 'left') as amount
        from open_claims
        where leg = 'finance'
        group by all
        having count(*) filter (where side = 'right') = 0
    ) as s
    group by all
),

by_order as (
    select
        period, entity, shop, order_id, currency,
        sum(difference) as platform_difference
    from differing
    where leg = 'order_platform' and order_id <> ''
    group by all
),

by_order_sku as (
    select period, entity, shop, order_id, sku, sum(quantity_difference) as platform_quantity_difference
    from differing
    where leg = 'order_platform' and quantity_difference <> 0 and order_id <> ''
    group by all
),

pieces_of_order as (
    select period, entity, shop, order_id, sum(platform_quantity_difference) as platform_quantity_difference
    from by_order_sku
    group by all
),

-- what the pieces that were not shipped, or shipped too many, are worth at the price of the order
shipments_of_order as (
    select period, entity, shop, order_id, sum(quantity_difference * left_price)::decimal(28, 4) as unshipped_amount
    from differing
    where leg = 'order_shipment' and order_id <> '' and right_claims > 0 and left_claims > 0
    group by all
),

-- payouts of one provider of which the bank kept the same
charged as (
    select period, entity, channel, currency, difference, count(*) - 1 as charge_peers
    from differing
    where leg = 'payout_bank' and left_claims > 0 and right_claims > 0 and difference > 0
    group by period, entity, channel, currency, difference
),

-- of an order other goods were sent than those that it lacks, piece for piece
substituted as (
    select period, entity, shop, order_id
    from differing
    where leg = 'order_shipment' and order_id <> '' and sku <> '' and (left_claims = 0 or difference > 0)
    group by period, entity, shop, order_id
    having sum(difference) = 0 and min(difference) < 0
),

-- where one side is there since a day and the other was there before it: claims of a leg begin on the day on which both are, so what a record
-- of the first days stands for may be of before
places as (
    select distinct leg, entity, shop, channel
    from differing
    where (left_claims = 0 or right_claims = 0) and leg not in ('stock', 'ledger', 'finance', 'customer')
),

begun as (
    select
        p.leg, p.entity, p.shop, p.channel, min(s.since) filter (where s.side = 'left') as left_since,
        min(s.since) filter (where s.side = 'right') as right_since
    from places as p
    inner join sides as s
        on s.leg = p.leg and s.entity in ('', p.entity) and (s.shop = '' or p.shop = '' or s.shop = p.shop)
        and (s.channel = '' or p.channel = '' or s.channel = p.channel)
    group by p.leg, p.entity, p.shop, p.channel
),

-- goods that left one warehouse under one code and came into the other under another
recoded as (
    select period, entity, split_part("key", '/', 2) as transfer
    from differing
    where leg = 'stock' and split_part("key", '/', -1) = 'transit' and (left_claims = 0 or right_claims = 0)
    group by all
    having bool_or(left_claims = 0) and bool_or(right_claims = 0)
),

-- orders that were paid more in instalments: the rate of what was paid more, in 1/10^10, as narrow as the rounding of every
-- instalment leaves it
dearer as (
    select
        period, leg, entity, "key", currency, shop, instalments,
        (units(right_sale - left_sale) - 50 * instalments) * 10000000000 // units(left_sale) as low,
        (units(right_sale - left_sale) + 50 * instalments) * 10000000000 // units(left_sale) as high
    from differing
    where leg = 'order_payment' and instalments > 1 and right_payments = 1 and left_sale > 0 and right_sale > left_sale
        and left_refund = right_refund
),

narrow as (
    select
        period, leg, entity, "key", currency,
        [
            lag(high, 1) over by_rate >= low, lag(high, 2) over by_rate >= low,
            lead(low, 1) over by_rate <= high, lead(low, 2) over by_rate <= high
        ] as meets
    from dearer
    where high - low < 20000000
    window by_rate as (partition by period, leg, entity, currency, shop, instalments order by low + high, "key")
),

interest as (
    select period, leg, entity, "key", currency, len(list_filter(meets, lambda m: coalesce(m, false))) as interest_peers
    from narrow
),

-- pieces have no currency: of an order that was paid in two the larger difference counts
payments_of_order as (
    select period, entity, shop, order_id, difference as payment_difference
    from differing
    where leg = 'order_payment' and difference <> 0 and order_id <> ''
    qualify row_number() over (
        partition by period, entity, shop, order_id order by abs(difference) desc, difference desc, currency, "key"
    ) = 1
),

-- accounts of the ledger by what they lack, counted, as very many may lack the same
lacking as (
    select period, leg, entity, currency, difference, first_seen, count(*) as items, min("key") as least_key
    from differing
    where difference <> 0 and leg = 'ledger'
    group by period, leg, entity, currency, difference, first_seen
),

lacking_heads as (
    select distinct period, leg, entity, currency, difference, split_part("key", '/', 1) as head
    from differing
    where difference <> 0 and leg = 'ledger'
),

lacking_tails as (
    select distinct period, leg, entity, currency, difference, split_part("key", '/', 2) as tail
    from differing
    where difference <> 0 and leg = 'ledger'
),

opposites as (
    select
        a.period, a.leg, a.entity, a."key", a.currency,
        min(b.least_key) as opposite_key,
        sum(b.items)::bigint as opposite_count,
        bool_or(h.head is not null) as opposite_same_head,
        bool_or(t.tail is not null) as opposite_same_tail,
        min(abs(a.first_seen - b.first_seen)) as opposite_days
    from differing as a
    inner join lacking as b
        on a.period = b.period and a.leg = b.leg and a.entity = b.entity and a.currency = b.currency
        and a.difference = -b.difference
    left join lacking_heads as h
        on a.period = h.period and a.leg = h.leg and a.entity = h.entity and a.currency = h.currency
        and a.difference = -h.difference and split_part(a."key", '/', 1) = h.head
    left join lacking_tails as t
        on a.period = t.period and a.leg = t.leg and a.entity = t.entity and a.currency = t.currency
        and a.difference = -t.difference and split_part(a."key", '/', 2) = t.tail
    where a.difference <> 0 and a.leg = 'ledger'
    group by all
),

currencies as (
    select period, leg, entity, "key", count(distinct currency) as key_currencies, max(first_seen) as both_there
    from differing
    group by all
),

-- what stands in two currencies under one key, in the currency of the books by the rate of the day on which both were there
valued as (
    select
        d.period, d.leg, d.entity, d."key", d.currency, d.difference, t.currency as home, t.tolerance_percent,
        case when d.currency = t.currency then d.difference
            else (round((d.difference * r.rate)::decimal(36, 10) * coalesce(u.units, 100), 0) * coalesce(u.unit, 0.01))::decimal(28, 4)
        end as worth
    from differing as d
    inner join currencies as c using (period, leg, entity, "key")
    cross join settings as t
    left join minor_units as u on t.currency = u.currency
    asof left join rates as r on d.currency = r.base and t.currency = r.quote and c.both_there >= r.period
    where c.key_currencies = 2
),

converted as (
    select
        a.period, a.leg, a.entity, a."key", a.currency,
        a.difference = -b.difference as fx_same_number,
        coalesce(
            abs(a.worth + b.worth) * 100 <= a.tolerance_percent * greatest(abs(a.worth), abs(b.worth)), false
        ) as fx_fits,
        b.currency as fx_currency, b.difference as fx_difference, a.home as fx_home, a.worth as fx_worth, b.worth as fx_other_worth
    from valued as a
    inner join valued as b
        on a.period = b.period and a.leg = b.leg and a.entity = b.entity and a."key" = b."key" and a.currency <> b.currency
        and sign(a.difference) = -sign(b.difference) and a.difference <> 0
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
        coalesce(w.left_only_refund, 0) as left_only_refund,
        coalesce(w.right_only_refund, 0) as right_only_refund,
        coalesce(r.left_times, 1) as left_times,
        coalesce(r.right_times, 1) as right_times,
        p.platform_difference,
        coalesce(q.platform_quantity_difference, n.platform_quantity_difference) as platform_quantity_difference,
        (d.left_price - d.right_price)::decimal(28, 4) as price_difference,
        -- a quantity that is wrong in the record and not only on its way: the platform says so as well, or a slip of the
        -- hand that the payment denies
        coalesce(q.platform_quantity_difference = d.quantity_difference, false)
        or coalesce(
            case when m.payment_difference = d.quantity_difference * d.left_price
                then mistyped(units(d.left_quantity), units(d.right_quantity))
            end, false
        ) as quantity_typed,
        -- pieces that are neither shipped nor paid
        coalesce(
            case when d.leg = 'order_shipment' and d.difference > 0 and m.payment_difference = d.quantity_difference * d.left_price
                and q.platform_quantity_difference is null
                then not mistyped(units(d.left_quantity), units(d.right_quantity))
            end, false
        ) as pieces_cancelled,
        coalesce(
            d.leg = 'order_payment' and d.difference > 0 and h.unshipped_amount = d.difference and n.platform_quantity_difference is null,
            false
        ) as pieces_unshipped,
        coalesce(g.paid_again, 0) as paid_again,
        coalesce(i.interest_peers, 0) as interest_peers,
        coalesce(z.charge_peers, 0) as charge_peers,
        d.leg = 'order_shipment' and (d.left_claims = 0 or d.difference > 0) and b.order_id is not null as is_substituted,
        j.transfer is not null as is_recoded,
        coalesce(
            case
                when d.left_claims = 0 and u.left_since < u.right_since and u.right_since <= d.period
                    then d.first_seen < u.right_since + greatest(d.sla_days, 1)::int
                when d.right_claims = 0 and u.right_since < u.left_since and u.left_since <= d.period
                    then d.first_seen < u.left_since + greatest(d.sla_days, 1)::int
            end, false
        ) as may_be_before,
        -- the platform has the same lines, or its lines are the only ones
        d.leg = 'order_payment' and p.platform_difference is null and exists (
            select 1 from order_feeds as f
            where (f.shop = d.shop or f.shop = '' and f.entity in ('', d.entity)) and f.since <= d.first_seen
        ) as lines_confirmed,
        coalesce(v.fx_fits, false) as fx_fits, coalesce(v.fx_same_number, false) as fx_same_number,
        v.fx_currency, v.fx_difference, v.fx_home, v.fx_worth, v.fx_other_worth,
        o.opposite_key, coalesce(o.opposite_count, 0) as opposite_count,
        coalesce(o.opposite_same_head, false) as opposite_same_head,
        coalesce(o.opposite_same_tail, false) as opposite_same_tail,
        o.opposite_days,
        c.key_currencies,
        d.left_claims = 0 or d.right_claims = 0 as one_sided,
        split_part(d."key", '/', -1) as basis,
        -- the other side's file is missing or empty for the day: see sql/legs/leg_claims
        split_part(d."key", '/', -3) = 'absent' as is_absent,
        x.order_id is not null and x.is_sure and not x.is_silent as in_outage,
        x.order_id is not null and not x.is_sure as may_be_in_outage,
        coalesce(list_contains(x.legs, d.leg), false) and x.order_id is not null and x.is_sure and x.is_silent as is_silent,
        coalesce(a.parcel_unbilled, false) as parcel_unbilled,
        coalesce(a.refunded_for_nothing, false) as refunded_for_nothing,
        coalesce(a.refund_not_in_books, false) as refund_not_in_books,
        -- a refund that our books have and the provider has not: it was not paid, or another way
        (d.leg = 'order_payment' or d.leg = 'return_refund' and d.right_claims = 0) and coalesce(a.refund_only_in_books, false)
            as is_refund_unseen,
        coalesce(t.unstated_amount, 0) as unstated_amount
    from differing as d
    left join repeats as r using (period, leg, entity, "key", currency)
    left join refunds_apart as w using (period, leg, entity, "key", currency)
    left join by_order as p
        on d.leg = 'order_payment' and p.period = d.period and p.entity = d.entity and p.shop = d.shop
        and p.order_id = d.order_id and p.currency = d.currency
    left join by_order_sku as q
        on d.leg = 'order_shipment' and q.period = d.period and q.entity = d.entity and q.shop = d.shop
        and q.order_id = d.order_id and q.sku = d.sku
    left join pieces_of_order as n
        on d.leg = 'order_payment' and n.period = d.period and n.entity = d.entity and n.shop = d.shop
        and n.order_id = d.order_id
    left join payments_of_order as m
        on d.leg = 'order_shipment' and m.period = d.period and m.entity = d.entity and m.shop = d.shop
        and m.order_id = d.order_id
    left join paid_again as g using (period, leg, entity, "key", currency)
    left join interest as i using (period, leg, entity, "key", currency)
    left join converted as v using (period, leg, entity, "key", currency)
    left join shipments_of_order as h
        on d.leg = 'order_payment' and h.period = d.period and h.entity = d.entity and h.shop = d.shop
        and h.order_id = d.order_id
    left join charged as z
        on d.leg = 'payout_bank' and d.left_claims > 0 and d.right_claims > 0 and z.period = d.period and z.entity = d.entity
        and z.channel = d.channel and z.currency = d.currency and z.difference = d.difference
    left join substituted as b
        on d.leg = 'order_shipment' and b.period = d.period and b.entity = d.entity and b.shop = d.shop and b.order_id = d.order_id
    left join begun as u
        on (d.left_claims = 0 or d.right_claims = 0) and u.leg = d.leg and u.entity = d.entity and u.shop = d.shop and u.channel = d.channel
    left join recoded as j
        on d.leg = 'stock' and split_part(d."key", '/', -1) = 'transit' and (d.left_claims = 0 or d.right_claims = 0)
        and j.period = d.period and j.entity = d.entity and j.transfer = split_part(d."key", '/', 2)
    left join traits as y on d.leg = y.leg
    left join opposites as o using (period, leg, entity, "key", currency)
    left join currencies as c using (period, leg, entity, "key")
    left join supplied as e on d.leg = e.leg and e.side = case when d.left_claims = 0 then 'left' when d.right_claims = 0 then 'right' end
    left join outages as x
        on d.order_id <> '' and x.period = d.period and x.entity = d.entity and x.shop = d.shop and x.order_id = d.order_id
        -- the legs whose records have no place in a sequence go by the others
        and (list_contains(x.legs, d.leg) or not y.in_sequence or list_has_any(x.lacks, e.tables))
    left join about_order as a
        on d.order_id <> '' and a.period = d.period and a.entity = d.entity and a.shop = d.shop and a.order_id = d.order_id
    left join unstated as t
        on d.leg = 'finance' and t.period = d.period and t.entity = d.entity and t."key" = d."key"
        and t.currency = d.currency
)

select * from final
