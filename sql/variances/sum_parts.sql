-- Grain: one row a period, sum (an item of the legs that add up what others show line by line), cause and line. Meaning: what of
-- the sum's difference each line explains. finance: order lines and refunds; customer: orders. detail_leg and detail are the item
-- that shows the line; of what people corrected of the sum itself detail is the decision, and detail_leg empty.
with
found as (select * from item_causes),
open_claims as (select * from item_claims),

line_causes as (
    select period, leg, entity, "key", currency, cause
    from found
    where leg in ('order_platform', 'order_payment')
    qualify row_number() over (
        partition by period, leg, entity, "key", currency order by abs(difference) desc, cause
    ) = 1
),

-- revenue: the order lines that differ from the platform's
revenue_parts as (
    select
        period, 'finance' as leg, entity, concat_ws('/', shop, 'revenue') as "key", currency, cause, leg as detail_leg,
        "key" as detail, left_amount, right_amount
    from found
    where leg = 'order_platform' and difference <> 0
),

discounts as (
    select
        period, entity, shop, "key", currency,
        coalesce(sum((unit_price * quantity)::decimal(28, 4) - amount) filter (where side = 'left'), 0) as left_amount,
        coalesce(sum((unit_price * quantity)::decimal(28, 4) - amount) filter (where side = 'right'), 0) as right_amount
    from open_claims
    where leg = 'order_platform' and quantity <> 0 and unit_price is not null
    group by all
),

discount_parts as (
    select
        d.period, 'finance' as leg, d.entity, concat_ws('/', d.shop, 'discount') as "key", d.currency, c.cause,
        c.leg as detail_leg, d."key" as detail, d.left_amount, d.right_amount
    from discounts as d
    inner join line_causes as c
        on c.leg = 'order_platform' and c.period = d.period and c.entity = d.entity and c."key" = d."key"
        and c.currency = d.currency
    where d.left_amount <> d.right_amount
),

granted as (
    select
        period, entity, shop, "key", currency,
        -coalesce(sum(amount) filter (where side = 'left'), 0) as left_amount,
        -coalesce(sum(amount) filter (where side = 'right'), 0) as right_amount
    from open_claims
    where leg = 'order_payment' and kind = 'refund'
    group by all
),

refund_parts as (
    select
        g.period, 'finance' as leg, g.entity, concat_ws('/', g.shop, 'refund') as "key", g.currency,
        case when g.left_amount = 0 then 'refund_unrecorded' when g.right_amount = 0 and c.cause not in ('timing', 'unexplained') then 'missing_right'
            else c.cause
        end as cause,
        c.leg as detail_leg, g."key" as detail, g.left_amount, g.right_amount
    from granted as g
    inner join line_causes as c
        on c.leg = 'order_payment' and c.period = g.period and c.entity = g.entity and c."key" = g."key"
        and c.currency = g.currency
    where g.left_amount <> g.right_amount
),

bought as (
    select
        period, entity, "key", currency, case when order_id <> '' then concat_ws('/', shop, order_id) else "key" end as order_key,
        sum(case side when 'left' then amount else -amount end) as difference
    from open_claims
    where leg = 'customer' and not (source = 'corrections' and starts_with(coalesce(remark, ''), 'cause:'))
    group by all
),

customer_parts as (
    select
        b.period, 'customer' as leg, b.entity, b."key", b.currency, f.cause, f.leg as detail_leg, b.order_key as detail,
        f.left_amount, f.right_amount
    from bought as b
    inner join found as f
        on f.leg = 'order_payment' and f.period = b.period and f.entity = b.entity and f."key" = b.order_key
        and f.currency = b.currency
    where b.difference <> 0
    qualify sum(f.difference) over (partition by b.period, b.entity, b."key", b.currency, b.order_key) = b.difference
),

-- orders whose payments stand together, as their source is missing
unsupplied as (
    select distinct period, entity, concat_ws('/', shop, order_id) as order_key, currency, "key" as item_key
    from open_claims
    where leg = 'order_payment' and order_id <> '' and split_part("key", '/', -3) = 'unsupplied'
),

unsupplied_parts as (
    select
        b.period, 'customer' as leg, b.entity, b."key", b.currency, 'missing_source' as cause, 'order_payment' as detail_leg,
        u.item_key as detail, sum(greatest(b.difference, 0)) as left_amount, sum(greatest(-b.difference, 0)) as right_amount
    from bought as b
    inner join unsupplied as u using (period, entity, order_key, currency)
    group by b.period, b.entity, b."key", b.currency, u.item_key
),

-- what people corrected or wrote off of the sum itself stands against the cause that they decided about
corrected_parts as (
    select
        period, leg, entity, "key", currency, substr(remark, 7) as cause, '' as detail_leg,
        concat('C', lpad(line::varchar, 6, '0')) as detail, sum(amount) as left_amount, 0 as right_amount
    from open_claims
    where leg in ('finance', 'customer') and source = 'corrections' and starts_with(coalesce(remark, ''), 'cause:')
    group by all
),

final as (
    select * from revenue_parts
    union all
    select * from discount_parts
    union all
    select * from refund_parts
    union all
    select * from customer_parts
    union all
    select * from unsupplied_parts
    union all
    select * from corrected_parts
)

select * from final
