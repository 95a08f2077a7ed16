-- Grain: one row a payment, refund or, where cards go by category, order line, and kind of fee. Meaning: the fee by the dated
-- rate cards of books.yaml: each part of the amount by its tier's percentage, plus the fixed part, at least the minimum, at
-- most the cap. Rounding: once a row, half away from zero, to the smallest unit of the currency. A refund gives the
-- percentage back where the card says so. A card that names the currency of the amount comes before those that name none.
with
payments as (select * from placed_payments),
refunds as (select * from placed_refunds where origin = 'provider'),
orders as (select * from mapped_orders where is_due(paid_at, status)),
shops as (select * from shops),
sides as (select * from order_sides),
skus as (select * from skus_dated where category is not null),
cards as (select * from rate_cards where kind in ('fee', 'commission')),
tiers as (select * from rate_tiers),
minor_units as (select * from minor_units),

kinds as (
    select provider, kind, min(from_day) as from_day, bool_or(category <> '') as by_category
    from cards
    group by all
),

paid_under as (
    select period, entity, shop, provider, order_id, min(transaction_id) as transaction_id
    from payments
    group by all
),

bases as (
    select
        p.period, p.entity, p.shop, p.provider, p.transaction_id, max(p.order_id) as order_id, p.currency, k.kind,
        '' as category, '' as sku, false as is_refund, sum(p.amount)::decimal(28, 4) as amount,
        min(p.occurred_at) as occurred_at, p.source, p.file, min(p.line) as line
    from payments as p
    inner join kinds as k on p.provider = k.provider and not k.by_category and p.period >= k.from_day
    group by p.period, p.entity, p.shop, p.provider, p.transaction_id, p.currency, k.kind, p.source, p.file
    union all
    select
        o.period, o.entity, o.shop, s.provider, coalesce(u.transaction_id, o.order_id), o.order_id, o.currency, k.kind,
        coalesce(c.category, ''), o.sku, false, o.amount, o.occurred_at, o.source, o.file, o.line
    from orders as o
    inner join shops as s on o.shop = s.shop
    inner join sides as d
        on o.period = d.period and o.entity = d.entity and o.shop = d.shop
        and o.origin = case when d.has_platform then 'platform' else 'books' end
    inner join kinds as k on s.provider = k.provider and k.by_category and o.period >= k.from_day
    left join paid_under as u
        on o.period = u.period and o.entity = u.entity and o.shop = u.shop and s.provider = u.provider and o.order_id = u.order_id
    asof left join skus as c on o.sku = c.sku and o.period >= c.period
    union all
    select
        r.period, r.entity, r.shop, r.provider, r.transaction_id, r.order_id, r.currency, k.kind,
        '', r.sku, true, r.amount, r.occurred_at, r.source, r.file, r.line
    from refunds as r
    inner join kinds as k on r.provider = k.provider and r.period >= k.from_day
),

carded as (
    select b.*, coalesce(c.card, g.card, d.card, a.card) as card
    from bases as b
    asof left join cards as c
        on b.provider = c.provider and b.kind = c.kind and b.category = c.category and b.currency = c.currency and b.period >= c.from_day
    asof left join cards as g
        on b.provider = g.provider and b.kind = g.kind and '' = g.category and b.currency = g.currency and b.period >= g.from_day
    asof left join cards as d
        on b.provider = d.provider and b.kind = d.kind and b.category = d.category and '' = d.currency and b.period >= d.from_day
    asof left join cards as a
        on b.provider = a.provider and b.kind = a.kind and '' = a.category and '' = a.currency and b.period >= a.from_day
),

shared as (
    select
        b.period, b.entity, b.shop, b.provider, b.transaction_id, b.order_id, b.currency, b.kind, b.sku, b.is_refund,
        b.amount, b.occurred_at, b.source, b.file, b.line, b.card,
        sum(
            greatest(least(b.amount, t.upper) - t.lower, 0)::decimal(28, 4)
            * t.percent
        )::decimal(36, 8) * 0.01 as share
    from carded as b
    inner join tiers as t on b.card = t.card
    group by all
),

bounded as (
    select
        s.*,
        -- a bound that a card does not have is null, which greatest and least leave out
        case
            when s.is_refund then -least(s.share, c.cap)
            else least(greatest(s.share + c.fixed, c.minimum, 0), c.cap)
        end::decimal(36, 10) as fee
    from shared as s
    inner join cards as c on s.card = c.card
    where c.on_refund or not s.is_refund
),

final as (
    select
        b.* exclude (fee, share, card),
        (round(b.fee * coalesce(u.units, 100), 0) * coalesce(u.unit, 0.01))::decimal(28, 4) as fee
    from bounded as b
    left join minor_units as u on b.currency = u.currency
)

select * from final
