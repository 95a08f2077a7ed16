-- Grain: one row a period, open item and cause. Meaning: the items as found; an order's payment that no rule explains has the
-- causes of its lines, where these differ from the platform's by the same amount; its evidence then says what of it each is.
with
item_variances as (select * from item_variances),

-- an order's payment that no rule explains, but whose lines differ from the platform's by the same amount, has their causes
line_parts as (
    select
        period, entity, shop, order_id, currency, cause, sum(difference) as difference,
        concat(',"because":"the lines of the order differ from the platform by ', sum(difference), '"') as because
    from item_variances
    where leg = 'order_platform' and difference <> 0 and order_id <> ''
    group by period, entity, shop, order_id, currency, cause
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
            p.difference::decimal(28, 4) as difference,
            case
                when contains(j.evidence, '"because":') then j.evidence
                else concat(
                    replace(substr(j.evidence, 1, length(j.evidence) - 2), '},{"claimed"', concat(p.because, '},{"claimed"')), p.because, '}]'
                )
            end as evidence
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

final as (
    select j.*
    from item_variances as j
    anti join by_its_lines as b
        on j.leg = b.leg and j.cause = 'unexplained' and j.period = b.period and j.entity = b.entity and j."key" = b."key"
        and j.currency = b.currency
    union all
    select * from by_its_lines
)

select * from final
