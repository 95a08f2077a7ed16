-- Grain: one claim an order line, payment or refund. Meaning: what an order should bring (left: order lines less the
-- refunds that we recorded) is what the provider took in for it (right: paid less refunded, and less what a buyer's bank took back or a
-- marketplace took off the price: our discounts, taxes that it remits), and less what our own bank account paid back. Where our own refunds were never
-- supplied there is nothing to hold the provider's against: they stand on both sides. A record without an order
-- number stands by itself, under its transaction, refund or line of its file.
with
orders as (select * from own_orders),
told as (select * from mapped_orders where is_paid_elsewhere(paid_by)),
given_back as (select * from given_back),
-- those of the provider that are told before it tells them do not count again
refunds as (
    select r.*
    from placed_refunds as r
    anti join given_back as g
        on r.origin = 'provider' and g.what = 'order' and r.entity = g.entity and r.shop = g.shop and r.order_id = g.order_id
        and r.period > g.period
),
refunds_by_bank as (select * from refunds_by_bank),
payments as (select * from placed_payments),
refund_sides as (select * from refund_sides),
taken_off as (select * from placed_settlements where kind in ('dispute', 'deduction')),
shops as (select * from shops),

-- paid with a gift card and the like, wholly or in part, as our own record or the platform's says
elsewhere as (
    select distinct period, entity, shop, order_id
    from told
    where order_id <> ''
),

receivable as (
    select
        o.period, o.entity, o.shop, o.order_id, o.currency, 'left' as side, 'sale' as kind, o.amount, o.sku,
        o.platform_discount as discount, o.unit_price, o.customer, o.occurred_at, o.source, o.file, o.line,
        dense_rank() over (partition by o.period, o.shop, o.source order by o.occurred_at, o.order_id) as sequence,
        '' as transaction_id, '' as refund_id, null as instalments,
        case when o.paid_at is null then 'unpaid' when e.order_id is not null then 'elsewhere' else '' end as remark
    from orders as o
    left join elsewhere as e using (period, entity, shop, order_id)
),

refunded as (
    select
        period, entity, shop, order_id, currency,
        case origin when 'books' then 'left' else 'right' end as side,
        'refund' as kind, -amount as amount, sku, 0 as discount, null as unit_price,
        case origin when 'books' then customer else '' end as customer, occurred_at, source, file, line, null as sequence,
        transaction_id, refund_id, null as instalments, '' as remark
    from refunds
    union all
    select
        period, entity, shop, order_id, currency, 'right', 'refund', -amount, '', 0, null, '', occurred_at, source, file, line, null,
        entry_id, '', null, case when is_booked then '' else 'unbooked' end
    from refunds_by_bank
    union all
    select
        period, entity, shop, order_id, currency, 'right', 'refund', -amount, '', 0, null, '', occurred_at, '', '', null, null,
        '', refund_id, null, 'unsettled'
    from given_back
    where what = 'refund'
),

paid as (
    select
        period, entity, shop, order_id, currency, 'right' as side, 'sale' as kind, amount, '' as sku,
        0 as discount, null as unit_price, customer, occurred_at, source, file, line,
        dense_rank() over (partition by period, shop, source order by occurred_at, order_id) as sequence,
        transaction_id, '' as refund_id, instalments, '' as remark
    from payments
),

less as (
    select
        period, entity, shop, order_id, currency, 'right' as side,
        -- taken off as the price comes in, and given back with it
        case when kind = 'dispute' then kind when amount < 0 then 'sale' else 'refund' end as kind, amount, '' as sku,
        0 as discount, null as unit_price, '' as customer, occurred_at, source, file, line, null as sequence,
        coalesce(nullif(transaction_id, ''), entry_id) as transaction_id, case kind when 'deduction' then entry_id else '' end as refund_id,
        null as instalments, '' as remark
    from taken_off
),

-- what was given back of an order, where we have no record of our own; what names no order stands for none of ours
untold as (
    select g.* replace ('left' as side)
    from (
        select * from refunded where side = 'right'
        union all
        select * from less where kind = 'refund'
    ) as g
    semi join (select * from refund_sides where not has_books) as s using (period, entity, shop)
    where g.order_id <> ''
),

unioned as (
    select * from receivable
    union all
    select * from refunded
    union all
    select * from paid
    union all
    select * from less
    union all
    select * from untold
),

final as (
    select
        u.period,
        'order_payment' as leg,
        u.entity,
        case
            when u.order_id <> '' then concat_ws('/', u.shop, u.order_id)
            when u.transaction_id <> '' then concat_ws('/', u.shop, 'transaction', u.transaction_id)
            when u.refund_id <> '' then concat_ws('/', u.shop, 'refund', u.refund_id)
            else concat_ws('/', u.shop, 'row', concat(u.file, ':', u.line))
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
        u.discount,
        u.unit_price,
        u.customer,
        u.occurred_at,
        u.source,
        u.file,
        u.line,
        u.sequence,
        coalesce(nullif(u.refund_id, ''), u.transaction_id, '') as record_id,
        u.instalments,
        u.remark
    from unioned as u
    left join shops as s on u.shop = s.shop
)

select * from final
