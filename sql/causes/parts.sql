-- Grain: one row a period, open item and cause. Meaning: the parts of a difference; the parts of an item add up to it in
-- amount and quantity on both sides. An item that is not taken apart is one part. An order's payment or shipment that
-- differs by exactly what its lines differ by has the lines' causes.
with
with_cause as (select * from with_cause),
split_by_cause as (select * from split_by_cause),

-- taken apart only into several parts, and only into named ones unless nothing named the whole
split as (
    select *
    from split_by_cause
    where (rest = 0 or cause = 'unexplained' or rest_cause <> 'unexplained')
        and (
            len(taken) + (rest <> 0)::int > 1 or cause = 'unexplained'
            or list_contains(list_transform(taken, lambda t: t.cause), 'order_lines')
        )
),

taken as (
    select
        period, leg, entity, "key", currency, shop, order_id, unnest(taken) as part,
        generate_subscripts(taken, 1) as step
    from split
),

named as (
    select
        period, leg, entity, "key", currency, shop, order_id, step, part.cause as cause, part."left" as left_amount,
        part."right" as right_amount, part.quantity as quantity, part.kinds as kinds, part.because as because
    from taken
),

-- whose lines go under other numbers differs by what their sums do: the entry of a line
lines_caused as (
    select * replace (case cause when 'line_numbers' then 'amount_entry' else cause end as cause)
    from with_cause
    where leg = 'order_platform'
),

-- the causes of the order lines on the platform, whole or taken apart
line_parts as (
    select period, entity, shop, order_id, currency, "key", cause, left_amount - right_amount as difference, because
    from named
    where leg = 'order_platform'
    union all
    select period, entity, shop, order_id, currency, "key", rest_cause, rest, concat('what is left: ', rest)
    from split
    where leg = 'order_platform' and rest <> 0
    union all
    select c.period, c.entity, c.shop, c.order_id, c.currency, c."key", c.cause, c.difference, null
    from lines_caused as c
    anti join split as s using (period, leg, entity, "key", currency)
),

-- because: what a cause follows from at the lines that have it, so that the causes of an order are told apart
line_causes as (
    select
        period, entity, shop, order_id, currency, cause, sum(difference) as difference,
        case
            when count(because) = count(*) then string_agg(distinct because, '; ' order by because)
            when min("key") = max("key") then concat('the line ', min("key"), ' differs from the platform by ', sum(difference))
            else concat('the lines of the order differ from the platform by ', sum(difference))
        end as because
    from line_parts
    where difference <> 0 and order_id <> ''
    group by period, entity, shop, order_id, currency, cause
),

-- the one cause that all lines of an order have; pieces have no currency: an order whose lines differ in two is looked at once
platform_causes as (
    select
        period, entity, shop, order_id, currency, min(cause) as cause, sum(difference) as difference,
        sum(quantity_difference) as quantity_difference,
        row_number() over (partition by period, entity, shop, order_id order by currency) = 1 as is_first
    from lines_caused
    where order_id <> ''
    group by period, entity, shop, order_id, currency
    having count(distinct cause) = 1
),

expanded as (
    select * exclude (shop, order_id)
    from named
    where cause <> 'order_lines'
    union all by name
    select
        n.period, n.leg, n.entity, n."key", n.currency, n.step, l.cause,
        greatest(l.difference, 0) as left_amount, greatest(-l.difference, 0) as right_amount,
        0 as quantity, n.kinds, l.because
    from named as n
    inner join line_causes as l using (period, entity, shop, order_id, currency)
    where n.cause = 'order_lines'
),

-- several steps may name one cause
merged as (
    select
        period, leg, entity, "key", currency, cause, min(step) as step,
        sum(left_amount) as left_amount, sum(right_amount) as right_amount, sum(quantity) as quantity,
        string_agg(distinct because, '; ' order by because) as because, flatten(list(kinds order by step, kinds)) as kinds
    from (
        select * from expanded
        union all by name
        select
            period, leg, entity, "key", currency, 1000 as step, rest_cause as cause, rest as left_amount, 0 as right_amount,
            0 as quantity, ['*'] as kinds, concat('what is left: ', rest) as because
        from split
        where rest <> 0
    )
    group by period, leg, entity, "key", currency, cause
),

-- what both sides agree on, and quantities that no part names, stand with the last part
placed as (
    select
        m.*, s.left_amount as item_left, s.right_amount as item_right,
        s.left_quantity as item_left_quantity, s.right_quantity as item_right_quantity,
        row_number() over in_item = 1 as is_last,
        sum(m.left_amount) over whole_item as parts_left,
        sum(m.right_amount) over whole_item as parts_right,
        sum(m.quantity) over whole_item as parts_quantity
    from merged as m
    inner join split as s using (period, leg, entity, "key", currency)
    window
        whole_item as (partition by m.period, m.leg, m.entity, m."key", m.currency),
        in_item as (partition by m.period, m.leg, m.entity, m."key", m.currency order by m.step desc, m.cause)
),

part_rows as (
    select
        period, leg, entity, "key", currency, cause, because, kinds,
        (left_amount + case when is_last then item_left - parts_left else 0 end)::decimal(28, 4) as left_amount,
        (right_amount + case when is_last then item_right - parts_right else 0 end)::decimal(28, 4) as right_amount,
        (
            greatest(quantity, 0)
            + case when is_last then item_left_quantity - greatest(parts_quantity, 0) else 0 end
        )::decimal(28, 4) as left_quantity,
        (
            greatest(-quantity, 0)
            + case when is_last then item_right_quantity - greatest(-parts_quantity, 0) else 0 end
        )::decimal(28, 4) as right_quantity
    from placed
),

whole as (
    select
        c.period, c.leg, c.entity, c."key", c.currency,
        case
            when c.leg in ('order_payment', 'order_shipment') and not c.one_sided
                and c.cause in (
                    'amount_entry', 'unexplained', 'discount_bearer', 'rounding', 'over_shipped', 'part_paid', 'discount_unrecorded',
                    'partial_cancellation'
                )
                and (p.difference = c.difference or c.leg = 'order_shipment' and p.quantity_difference = c.difference)
                then p.cause
            else c.cause
        end as cause,
        -- which payouts a bank credit may be of
        case
            when c.unannounced <> '' and c.cause in ('missing_source', 'missing_left')
                then concat('no payout of ', c.unannounced, ' was ever announced')
        end as because,
        ['*'] as kinds, c.left_amount, c.right_amount, c.left_quantity, c.right_quantity
    from with_cause as c
    anti join split as s using (period, leg, entity, "key", currency)
    left join platform_causes as p
        on c.period = p.period and c.entity = p.entity and c.shop = p.shop and c.order_id = p.order_id
        and (c.currency = p.currency or c.currency = 'PCS' and p.is_first)
),

final as (
    select * from part_rows
    union all by name
    select * from whole
)

select *, (left_amount - right_amount)::decimal(28, 4) as difference
from final
