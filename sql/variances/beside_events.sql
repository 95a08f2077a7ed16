-- Grain: one row a period, item and cause of the provider, or of what is returned, carried or paid out. Meaning: the event that it belongs
-- to with others: that of its order where it differs by the event's amount, the provider's side as a whole and everything else by itself;
-- or that of a transaction, of which the trade detail and the card see a fee with opposite signs, or miss it both. Goods that were sent for
-- others are one event with those that the order lacks, and so is all that is missing of one order's parcels.
with
lines as (select * from event_lines where not is_in_sum),
totals as (select * from order_totals),

beside as (
    select
        *, case when leg in ('payment_settlement', 'fee') then 'provider' else concat_ws('|', leg, "key", cause) end as as_one
    from lines
    where leg in ('payment_settlement', 'fee', 'return_refund', 'freight', 'payout_bank') and order_id <> '' and currency <> 'PCS'
),

beside_totals as (
    select period, entity, subject, currency, as_one, sum(difference) as difference
    from beside
    group by all
),

of_order as (
    select b.period, b.entity, b.subject, b.currency, b.as_one, min(t.event_key) as event_key
    from beside_totals as b
    inner join totals as t using (period, entity, subject, currency)
    where b.difference <> 0 and abs(b.difference) = abs(t.difference)
    group by all
    having count(*) = 1
),

-- a fee that the trade detail and the card see with opposite signs, or a transaction that is missing with its fee
of_transaction as (
    select
        period, entity, currency, concat_ws('/', split_part("key", '/', 1), split_part("key", '/', 2)) as transaction,
        count(distinct leg) = 2 and (
            sum(difference) = 0 or count(distinct cause) = 1 and min(cause) in ('missing_left', 'missing_right')
        ) as is_one
    from beside
    anti join of_order using (period, entity, subject, currency, as_one)
    where as_one = 'provider'
    group by all
),

final as (
    select
        b.period, e.event_key, b.leg, b.entity, b."key", b.currency, b.cause, b.difference, b.quantity, false as is_booked, b.shop,
        b.order_id
    from beside as b
    inner join of_order as e using (period, entity, subject, currency, as_one)
    union all by name
    select
        b.period, concat_ws('|', 'transaction', b.entity, t.transaction, b.currency) as event_key, b.leg, b.entity, b."key", b.currency,
        b.cause, b.difference, b.quantity, b.leg = 'payment_settlement' as is_booked, b.shop, b.order_id
    from beside as b
    anti join of_order as e using (period, entity, subject, currency, as_one)
    inner join of_transaction as t
        on b.period = t.period and b.entity = t.entity and b.currency = t.currency and t.is_one and b.as_one = 'provider'
        and t.transaction = concat_ws('/', split_part(b."key", '/', 1), split_part(b."key", '/', 2))
    union all by name
    select
        period, concat_ws('|', case cause when 'substitution' then 'substituted' else 'unsent' end, entity, subject) as event_key, leg, entity,
        "key", currency, cause, difference, quantity, difference > 0 as is_booked, shop, order_id
    from lines
    where leg = 'order_shipment' and cause in ('substitution', 'missing_right') and order_id <> ''
)

select * from final
