-- Grain: one row a period, event and item (leg, entity, key, currency, cause). Meaning: the items that show one fault, so that
-- whoever decides about it decides once: the events by themselves (events_apart), of which those of one outage or one missing file are one.
-- difference: what of the item is of this event; the rows of an item add up to it. is_booked: whether its amount is the event's
-- money, which the legs beside it show again. age_days and status are the item's, so that whoever pages through events need not read the items.
with
items as (select * from variances),
apart as (select * from events_apart),
gaps as (select * from gap_events),

ranked as (
    select
        a.*, g.gap_key,
        case
            when a.currency = 'PCS' then 9
            when a.leg = 'order_payment' then 1
            when a.leg = 'order_platform' then 2
            when a.leg = 'customer' then 3
            when a.leg = 'payment_settlement' then 4
            when a.leg = 'finance' then 5
            else 6
        end as rank
    from apart as a
    left join gaps as g using (period, event_key)
),

-- an item may have been part of several events that are one now
joined as (
    select
        period, coalesce(gap_key, event_key) as event_key, leg, entity, "key", currency, cause, sum(difference) as difference,
        sum(quantity) as quantity,
        case when bool_or(gap_key is null) then bool_or(is_booked)
            else bool_or(is_booked) and min(rank) = min(min(rank)) over (partition by period, coalesce(gap_key, event_key), currency)
        end as is_booked,
        max(shop) as shop, case when count(distinct order_id) = 1 then max(order_id) else '' end as order_id
    from ranked
    group by period, coalesce(gap_key, event_key), leg, entity, "key", currency, cause
),

final as (
    select
        e.period, concat('E', upper(substr(md5(e.event_key), 1, 12))) as event, e.leg, e.entity, e."key", e.currency, e.cause,
        e.difference::decimal(28, 4) as difference, e.quantity::decimal(28, 4) as quantity, e.is_booked, e.shop, e.order_id, i.age_days, i.status
    from joined as e
    inner join items as i
        on e.period = i.period and e.leg = i.leg and e.entity = i.entity and e."key" = i."key" and e.currency = i.currency
        and e.cause = i.cause
)

select * from final
