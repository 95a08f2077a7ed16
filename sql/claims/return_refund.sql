-- Grain: one claim a receipt of returned goods or a refund that needs none (left), one a refund paid (right), also from our own bank account. Meaning: money
-- goes back to a buyer for goods that came back, or because our own record says that they need not. The key is the refund
-- id (the after-sales case), else order and SKU, else the row's own id; where the ids of refunds are the provider's own, the
-- order. Receipts that don't say what they are worth take no part, nor what came back of an order that is closed and was
-- never paid. Where a shop has no others, our own record alone says what was to be given back for goods. What a
-- platform took out of what it pays counts as paid back (see refunds_deducted).
with
received as (select * from mapped_returns where amount is not null),
closed as (select * from returns_of_closed where not is_paid),
given_back as (select * from given_back),
deducted as (select * from refunds_deducted),
-- those of the provider that are told before it tells them do not count again
refunds as (
    select r.*
    from mapped_refunds as r
    anti join given_back as g
        on r.origin = 'provider' and g.what = 'order' and r.entity = g.entity and r.shop = g.shop and r.order_id = g.order_id
        and r.period > g.period
),
refunds_by_bank as (select * from refunds_by_bank where is_booked),
booked_late as (select * from refunds_booked_late),
shops as (select * from shops),
unvalued as (select * from supplied_sides where leg = 'returns' and side = 'right'),
valued as (select * from supplied_sides where leg = 'returns' and side = 'left'),
own_refund_ids as (select * from own_refund_ids),

-- for what was refused and never paid there is nothing to give back
returns as (
    select r.*
    from received as r
    anti join closed as c on r.entity = c.entity and r.shop = c.shop and r.order_id = c.order_id and r.period = c.period
),

unioned as (
    select
        period, entity, shop, refund_id, order_id, sku, currency, 'left' as side, 'return' as kind, amount,
        occurred_at, source, file, line, 'return/' || nullif(return_id, '') as own_id
    from returns
    union all
    select
        period, entity, shop, refund_id, order_id, sku, currency, 'left', 'refund_only', amount,
        occurred_at, source, file, line, 'transaction/' || nullif(transaction_id, '')
    from refunds
    where origin = 'books' and kind is distinct from 'return'
    union all
    select
        r.period, r.entity, r.shop, r.refund_id, r.order_id, r.sku, r.currency, 'left', 'refund_only', r.amount,
        r.occurred_at, r.source, r.file, r.line, 'transaction/' || nullif(r.transaction_id, '')
    from refunds as r
    semi join unvalued as u on r.entity = u.entity and r.shop = u.shop and r.period >= u.since
    anti join valued as v on r.entity = v.entity and r.shop = v.shop and r.period >= v.since
    where r.origin = 'books' and r.kind = 'return'
    union all
    select
        period, entity, shop, refund_id, order_id, sku, currency, 'right', 'refund', amount,
        occurred_at, source, file, line, 'transaction/' || nullif(transaction_id, '')
    from refunds
    where origin = 'provider'
    union all
    select
        period, entity, shop, refund_id, order_id, sku, currency, 'right', 'refund', amount,
        occurred_at, source, file, line, ''
    from refunds_by_bank
    union all
    select
        period, entity, shop, refund_id, order_id, sku, currency, 'right', 'refund', amount,
        occurred_at, source, file, line, ''
    from booked_late
    union all
    select
        period, entity, shop, refund_id, order_id, '', currency, 'right', 'refund', amount,
        occurred_at, '', '', null, ''
    from given_back
    where what = 'refund'
    union all
    select
        period, entity, shop, refund_id, order_id, '', currency, 'right', 'refund', amount,
        occurred_at, '', '', null, ''
    from deducted
),

final as (
    select
        u.period,
        'return_refund' as leg,
        u.entity,
        case
            when u.order_id <> '' and i.provider is not null then concat_ws('/', u.shop, u.order_id)
            when u.refund_id <> '' then concat_ws('/', u.shop, u.refund_id)
            when u.order_id <> '' then concat_ws('/', u.shop, u.order_id, nullif(u.sku, ''))
            else concat_ws('/', u.shop, coalesce(u.own_id, concat('row/', u.file, ':', u.line)))
        end as "key",
        u.currency,
        u.side,
        u.kind,
        u.amount,
        0 as quantity,
        null as attribute,
        u.shop,
        coalesce(s.provider, '') as channel,
        u.order_id,
        u.sku,
        0 as discount,
        null as unit_price,
        u.occurred_at,
        u.source,
        u.file,
        u.line
    from unioned as u
    left join shops as s on u.shop = s.shop
    left join own_refund_ids as i on s.provider = i.provider
)

select * from final
