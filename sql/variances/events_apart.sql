-- Grain: one row a period, item and event by itself (event_key) that it is of. Meaning: the items of an order, of the accounts and of the
-- codes that belong together; everything else is an event by itself. difference: what of the item is of this event; the rows of an item add up
-- to it. is_booked: whether its amount is the event's money, which the legs beside it show again.
with
items as (select * from variances),
lines as (select * from event_lines where not is_in_sum),
in_sums as (select * from event_lines where is_in_sum),
of_orders as (select * from order_events),
beside as (select * from beside_events),
ledger as (select * from ledger_events),
codes as (select * from code_events),

rests as (
    select
        i.period, i.leg, i.entity, i."key", i.currency, i.cause, i.shop, (i.difference - coalesce(s.difference, 0))::decimal(28, 4) as difference,
        s.difference is null as is_whole
    from items as i
    left join (
        select period, leg, entity, "key", currency, cause, sum(difference) as difference
        from in_sums
        group by all
    ) as s using (period, leg, entity, "key", currency, cause)
    where i.leg in ('finance', 'customer')
),

placed as (
    select period, event_key, leg, entity, "key", currency, cause, difference, quantity, is_booked, shop, order_id from of_orders
    union all by name
    select period, event_key, leg, entity, "key", currency, cause, difference, quantity, is_booked, shop, order_id from beside
    union all by name
    select period, event_key, leg, entity, "key", currency, cause, difference, quantity, is_booked, shop, order_id from ledger
    union all by name
    select period, event_key, leg, entity, "key", currency, cause, difference, quantity, is_booked, shop, order_id from codes
    union all by name
    select
        period, concat_ws('|', 'sum', leg, entity, "key", currency, cause) as event_key, leg, entity, "key", currency, cause, difference,
        0 as quantity, true as is_booked, shop, '' as order_id
    from rests
    where difference <> 0 or is_whole
),

final as (
    select * from placed
    union all by name
    select
        l.period, concat_ws('|', 'item', l.leg, l.entity, l."key", l.currency, l.cause) as event_key, l.leg, l.entity, l."key",
        l.currency, l.cause, l.difference, l.quantity, true as is_booked, l.shop, l.order_id
    from lines as l
    anti join placed as p
        on l.period = p.period and l.leg = p.leg and l.entity = p.entity and l."key" = p."key" and l.currency = p.currency
        and l.cause = p.cause
)

select * from final
