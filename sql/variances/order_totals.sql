-- Grain: one row a period and event of an order. Meaning: its money, whether it is timing alone, and since when it stands open.
with
lines as (select * from order_events),

final as (
    select
        period, entity, subject, currency, event_key, max(shop) as shop,
        sum(difference) filter (where is_booked) as difference,
        bool_and(cause = 'timing') as is_timing, min(first_seen) as first_seen
    from lines
    group by all
)

select * from final
