-- Grain: one row a period, open item and cause. Meaning: the variances of the items, those of the legs that add up what other
-- legs show line by line (finance: order lines and refunds; customer: orders) allocated to the causes of those lines, so that the
-- amounts of the causes add up to the difference. What the lines don't explain keeps the cause that the rules gave it.
with
item_variances as (select * from item_variances),
open_claims as (select * from open_claims),

-- an order's payment that no rule explains, but whose lines differ from the platform's by the same amount, has their causes
line_parts as (
    select period, entity, shop, order_id, currency, cause, sum(difference) as difference
    from item_variances
    where leg = 'order_platform' and difference <> 0 and order_id <> ''
    group by all
),

single as (
    select period, leg, entity, "key", currency
    from item_variances
    group by all
    having count(*) = 1
),

by_its_lines as (
    select
        j.* replace (
            p.cause as cause,
            case when p.cause = min(p.cause) over of_item then j.right_amount + p.difference else p.difference end
            ::decimal(28, 4) as left_amount,
            case when p.cause = min(p.cause) over of_item then j.right_amount else 0 end::decimal(28, 4) as right_amount,
            p.difference::decimal(28, 4) as difference
        )
    from item_variances as j
    inner join single as s using (period, leg, entity, "key", currency)
    inner join line_parts as p
        on j.period = p.period and j.entity = p.entity and j.shop = p.shop and j.order_id = p.order_id
        and j.currency = p.currency
    where j.leg = 'order_payment' and j.cause = 'unexplained'
    window of_item as (partition by j.period, j.entity, j."key", j.currency)
    qualify sum(p.difference) over of_item = j.difference
),

found as (
    select j.*
    from item_variances as j
    anti join by_its_lines as b
        on j.leg = b.leg and j.cause = 'unexplained' and j.period = b.period and j.entity = b.entity and j."key" = b."key"
        and j.currency = b.currency
    union all
    select * from by_its_lines
),

whole as (
    select * from found where leg in ('finance', 'customer')
),

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
        period, 'finance' as leg, entity, concat_ws('/', shop, 'revenue') as "key", currency, cause, "key" as detail,
        left_amount, right_amount
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
        d."key" as detail, d.left_amount, d.right_amount
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
        case when g.left_amount = 0 then 'refund_unrecorded' when g.right_amount = 0 and c.cause <> 'timing' then 'missing_right'
            else c.cause
        end as cause,
        g."key" as detail, g.left_amount, g.right_amount
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
        b.period, 'customer' as leg, b.entity, b."key", b.currency, f.cause, b.order_key as detail, f.left_amount,
        f.right_amount
    from bought as b
    inner join found as f
        on f.leg = 'order_payment' and f.period = b.period and f.entity = b.entity and f."key" = b.order_key
        and f.currency = b.currency
    where b.difference <> 0
    qualify sum(f.difference) over (partition by b.period, b.entity, b."key", b.currency, b.order_key) = b.difference
),

-- what people corrected or wrote off of the sum itself stands against the cause that they decided about
corrected_parts as (
    select
        period, leg, entity, "key", currency, substr(remark, 7) as cause, concat('C', lpad(line::varchar, 6, '0')) as detail,
        sum(amount) as left_amount, 0 as right_amount
    from open_claims
    where leg in ('finance', 'customer') and source = 'corrections' and starts_with(coalesce(remark, ''), 'cause:')
    group by all
),

parts as (
    select * from revenue_parts
    union all
    select * from discount_parts
    union all
    select * from refund_parts
    union all
    select * from customer_parts
    union all
    select * from corrected_parts
),

explained as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause,
        sum(p.left_amount)::decimal(28, 4) as left_amount, sum(p.right_amount)::decimal(28, 4) as right_amount,
        list({'key': p.detail, 'difference': (p.left_amount - p.right_amount)::varchar} order by p.detail)[1:8] as shown,
        count(*) as lines
    from parts as p
    semi join whole as w using (period, leg, entity, "key", currency)
    group by p.period, p.leg, p.entity, p."key", p.currency, p.cause
    having sum(p.left_amount) <> sum(p.right_amount)
),

rests as (
    select
        w.period, w.leg, w.entity, w."key", w.currency,
        (max(w.left_amount) - coalesce(sum(e.left_amount), 0))::decimal(28, 4) as left_amount,
        (max(w.right_amount) - coalesce(sum(e.right_amount), 0))::decimal(28, 4) as right_amount,
        min(e.cause) as first_cause
    from whole as w
    left join explained as e using (period, leg, entity, "key", currency)
    group by w.period, w.leg, w.entity, w."key", w.currency
),

-- what both sides agree on stands with the first cause
split as (
    select
        e.period, e.leg, e.entity, e."key", e.currency, e.cause,
        e.left_amount + case when r.left_amount = r.right_amount and r.first_cause = e.cause then r.left_amount else 0 end
            as left_amount,
        e.right_amount + case when r.left_amount = r.right_amount and r.first_cause = e.cause then r.right_amount else 0 end
            as right_amount,
        case
            when e.lines <= 8 then to_json(e.shown)
            else to_json(list_transform(e.shown, lambda r: struct_insert(r, lines := e.lines)))
        end::varchar as evidence
    from explained as e
    inner join rests as r using (period, leg, entity, "key", currency)
    union all
    select
        r.period, r.leg, r.entity, r."key", r.currency, w.cause, r.left_amount, r.right_amount, w.evidence
    from rests as r
    inner join whole as w using (period, leg, entity, "key", currency)
    where r.left_amount <> r.right_amount or r.first_cause is null
),

-- the rest of an item can have a cause that its lines have as well
merged as (
    select
        period, leg, entity, "key", currency, cause, sum(left_amount)::decimal(28, 4) as left_amount,
        sum(right_amount)::decimal(28, 4) as right_amount,
        to_json(flatten(list(evidence::json[] order by evidence)))::varchar as evidence
    from split
    group by all
),

-- days whose statement is not there: what is missing is as old as they are, and they are its evidence
by_day as (
    select
        *,
        count(*) filter (where side = 'right') over (partition by period, entity, "key", currency, claimed) as stated
    from open_claims
    where leg = 'finance'
),

unstated as (
    select
        period, entity, "key", currency, min(claimed) as first_day, count(*) as claims,
        list(
            {
                'claimed': claimed, 'side': side, 'kind': kind, 'amount': amount::varchar, 'source': source, 'file': file,
                'line': line
            }
            order by claimed, amount
        )[1:8] as shown
    from by_day
    where stated = 0
    group by period, entity, "key", currency
),

dated as (
    select
        * exclude (shown, claims),
        case
            when claims <= 8 then to_json(shown)
            else to_json(list_transform(shown, lambda r: struct_insert(r, claims := unstated.claims)))
        end::varchar as evidence
    from unstated
),

final as (
    select * from found where leg not in ('finance', 'customer')
    union all by name
    select
        w.* replace (
            m.cause as cause, m.left_amount as left_amount, m.right_amount as right_amount,
            (m.left_amount - m.right_amount)::decimal(28, 4) as difference, coalesce(d.evidence, m.evidence) as evidence,
            coalesce(d.first_day, w.first_seen) as first_seen,
            coalesce((w.period - d.first_day)::bigint, w.age_days) as age_days,
            coalesce((w.period - d.first_day)::bigint, w.age_days) >= w.sla_days as overdue
        )
    from merged as m
    inner join whole as w using (period, leg, entity, "key", currency)
    left join dated as d
        on m.leg = 'finance' and m.cause = 'missing_source' and d.period = m.period and d.entity = m.entity
        and d."key" = m."key" and d.currency = m.currency
)

select * from final
