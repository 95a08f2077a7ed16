-- Grain: one row a period, item, cause and order of what was sold and paid. Meaning: the event that it belongs to. What was sold and paid is
-- one event an order, in every leg that shows it; its causes are events of their own where the legs that show fewer of them show the same
-- ones in the same amounts. is_booked: the leg whose amount is the event's money.
with
sales as (
    select * exclude (is_in_sum)
    from event_lines
    where is_in_sum or leg in ('order_platform', 'order_payment') and cause not in ('sku_unmapped', 'line_numbers')
),

-- what each leg says of an order: its causes with their amounts
shown as (
    select period, entity, subject, currency, leg, list(concat_ws(' ', cause, difference) order by cause) as said
    from (
        select period, entity, subject, currency, leg, cause, sum(difference)::decimal(28, 4) as difference
        from sales
        where leg <> 'finance'
        group by all
    ) as c
    group by all
),

known as (select distinct period, entity, subject, currency, cause from sales where leg <> 'finance'),

inseparable as (
    select a.period, a.entity, a.subject, a.currency
    from shown as a
    inner join shown as b using (period, entity, subject, currency)
    where a.leg < b.leg
        and len(list_filter(a.said, lambda s: not list_contains(b.said, s))) > 0
        and len(list_filter(b.said, lambda s: not list_contains(a.said, s))) > 0
    union
    select s.period, s.entity, s.subject, s.currency
    from sales as s
    anti join known as k using (period, entity, subject, currency, cause)
),

several as (
    select period, entity, subject, currency
    from known
    group by all
    having count(*) > 1
),

of_orders as (
    select
        s.*,
        concat_ws(
            '|', 'order', s.entity, s.subject, s.currency,
            case when m.subject is not null and i.subject is null then s.cause end
        ) as event_key,
        case s.leg when 'order_payment' then 1 when 'order_platform' then 2 when 'customer' then 3 else 4 end as leg_rank
    from sales as s
    left join several as m using (period, entity, subject, currency)
    left join inseparable as i using (period, entity, subject, currency)
),

final as (
    select * exclude (leg_rank), leg_rank = min(leg_rank) over (partition by period, event_key) as is_booked
    from of_orders
)

select * from final
