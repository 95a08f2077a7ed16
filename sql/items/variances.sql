-- Grain: one row a period and open item. Meaning: what differs, by how much, since when, and why. An order's payment or
-- shipment that differs by exactly what its lines differ by has the lines' cause.
with
caused as (select * from caused),
open_claims as (select * from open_claims),
decisions as (select * from decisions),

platform_causes as (
    select
        period, entity, shop, order_id, currency, min(cause) as cause, sum(difference) as difference,
        sum(quantity_difference) as quantity_difference,
        -- pieces have no currency: an order whose lines differ in two is looked at once
        row_number() over (partition by period, entity, shop, order_id order by currency) = 1 as is_first
    from caused
    where leg = 'order_platform'
    group by period, entity, shop, order_id, currency
    having count(distinct cause) = 1
),

evidence as (
    select
        period, leg, entity, "key", currency,
        to_json(
            list(
                {
                    'side': side, 'kind': kind, 'amount': amount::varchar, 'source': source, 'file': file, 'line': line
                }
                order by side, claimed, source, file, line, kind, amount
            )[1:8]
        )::varchar as evidence
    from open_claims
    group by period, leg, entity, "key", currency
),

final as (
    select
        c.period, c.leg, c.entity, c."key", c.currency,
        case
            when c.leg in ('order_payment', 'order_shipment') and not c.one_sided
                and c.cause in ('amount_entry', 'unexplained', 'discount_bearer', 'rounding')
                and (p.difference = c.difference or c.leg = 'order_shipment' and p.quantity_difference = c.difference)
                then p.cause
            else c.cause
        end as cause,
        c.left_amount, c.right_amount, c.difference, c.left_quantity, c.right_quantity, c.first_seen, c.age_days,
        coalesce(d.status, 'open') as status,
        c.shop, c.order_id,
        case
            when c.opposite_key is not null and c.opposite_count = 1 then concat('pairs with ', c.opposite_key)
            when c.opposite_key is not null
                then concat('one of ', c.opposite_count, ' candidates, first ', c.opposite_key)
        end as proposal,
        case
            when c.opposite_key is null then null
            else greatest(0.05, 0.9 - 0.1 * c.opposite_days) / c.opposite_count
        end::decimal(5, 4) as confidence,
        e.evidence,
        c.sla_days,
        c.age_days >= c.sla_days as overdue
    from caused as c
    inner join evidence as e using (period, leg, entity, "key", currency)
    left join platform_causes as p
        on c.period = p.period and c.entity = p.entity and c.shop = p.shop and c.order_id = p.order_id
        and (c.currency = p.currency or c.currency = 'PCS' and p.is_first)
    left join decisions as d
        on c.leg = d.leg and c.entity = d.entity and c."key" = d."key" and c.currency = d.currency
        and c.period >= d.from_period and (d.until is null or c.period <= d.until)
)

select * from final
