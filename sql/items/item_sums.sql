-- Grain: one row a period and open item. Meaning: what stands on each of its sides by kind, what it differs by, its age, and what
-- its counterpart is given.
with
open_claims as (select * from item_claims),
sla as (select * from sla),
traits as (select * from leg_traits),

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
        min(first_seen) as first_seen, max(occurred_at)::date as last_occurred,
        max(claimed) filter (where kind = 'payout_lines') - min(first_seen) as days_of_lines,
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
        bool_or(leg = 'order_payment' and side = 'left' and kind = 'sale' and remark = 'elsewhere') as is_paid_elsewhere,
        bool_or(leg = 'order_payment' and side = 'right' and kind = 'refund' and remark = 'unbooked') as is_debit_unbooked,
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

final as (
    select
        i.* exclude (days_of_lines),
        (i.left_amount - i.right_amount)::decimal(28, 4) as difference,
        (i.left_quantity - i.right_quantity)::decimal(28, 4) as quantity_difference,
        (i.period - i.first_seen)::bigint as age_days,
        -- a record of ours may be due sooner than its counterpart, and what a channel has released of an order waits no longer for it
        case when i.left_claims = 0 and t.own_days is not null then least(t.own_days, coalesce(o.days, s.days, d.days, 0))
            when i.days_of_lines is not null then i.days_of_lines + coalesce(o.days, s.days, greatest(t.lines_days, d.days), 0)
            else coalesce(o.days, s.days, d.days, 0)
        end::bigint as sla_days
    from items as i
    left join traits as t on i.leg = t.leg
    left join sla as s
        on s.leg = i.leg and s.channel = i.channel and s.channel <> '' and not (s.until_answered and i.right_claims > 0)
    left join sla as o on o.leg = i.leg and o.shop = i.shop and o.shop <> ''
    left join sla as d on d.leg = i.leg and d.channel = '' and d.shop = ''
)

select * from final
