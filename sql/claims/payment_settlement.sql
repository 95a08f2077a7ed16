-- Grain: one claim a payment, refund, fee or statement line. Meaning: every trade in the provider's trade bill (left, net
-- of the fee that it states) is booked on our account there (right), to the cent and once. What names no transaction goes by
-- its order, else it stands by itself, under its entry or line of its file.
with
payments as (select * from payments),
refunds as (select * from refunds where origin = 'provider'),
settlements as (select * from settlements where kind in ('sale', 'refund', 'fee')),

traded as (
    select
        period, entity, shop, provider, transaction_id, order_id, currency, 'sale' as kind, amount,
        occurred_at, source, file, line,
        dense_rank() over (partition by period, shop, source order by occurred_at, order_id) as sequence
    from payments
    union all
    select
        period, entity, shop, provider, transaction_id, order_id, currency, 'refund', -amount,
        occurred_at, source, file, line, null
    from refunds
    union all
    select
        period, entity, shop, provider, transaction_id, order_id, currency, 'fee', -fee,
        occurred_at, source, file, line, null
    from payments
    where fee <> 0
    union all
    select
        period, entity, shop, provider, transaction_id, order_id, currency, 'fee', -fee,
        occurred_at, source, file, line, null
    from refunds
    where fee <> 0
),

unioned as (
    select *, 'left' as side, '' as entry_id from traded
    union all
    select
        period, entity, shop, provider, transaction_id, order_id, currency, kind, amount,
        occurred_at, source, file, line,
        case kind when 'sale' then dense_rank() over (partition by period, shop, source, kind order by occurred_at, order_id)
        end as sequence,
        'right' as side, entry_id
    from settlements
),

final as (
    select
        period,
        'payment_settlement' as leg,
        entity,
        case
            when transaction_id <> '' then concat_ws('/', provider, transaction_id)
            when order_id <> '' then concat_ws('/', provider, 'order', nullif(shop, ''), order_id)
            when entry_id <> '' then concat_ws('/', provider, 'entry', entry_id)
            else concat_ws('/', provider, 'row', concat(file, ':', line))
        end as "key",
        currency,
        side,
        kind,
        amount,
        0 as quantity,
        null as attribute,
        shop,
        provider as channel,
        order_id,
        '' as sku,
        0 as discount,
        null as unit_price,
        occurred_at,
        source,
        file,
        line,
        sequence
    from unioned
)

select * from final
