-- Grain: one claim an order line, payment or refund. Meaning: what a customer ordered less what we granted back (left) is
-- what the customer paid less what was paid back (right). The key is the customer's pseudonym as our own records of the
-- day, or the order while it is still open, name it; what belongs to no order of ours stands under shop and order number.
with
made as (select * from order_payment),
opening as (select * from opening_claims where leg = 'order_payment'),
corrections as (select * from corrections where leg = 'order_payment'),

-- what people corrected or wrote off of an order is so in the account of its customer as well, where they did not say so of that
-- itself
claims as (
    select * from made
    union all by name
    select
        period, leg, entity, "key", currency, side, kind, amount, shop, channel, order_id, sku, discount, unit_price, customer,
        occurred_at, source, file, line
    from corrections
    where not starts_with(coalesce(remark, ''), 'event:')
),

named as (
    select period, entity, shop, order_id, max(customer) as customer
    from claims
    where side = 'left' and customer <> '' and order_id <> ''
    group by all
),

looked_up as (
    select c.*, coalesce(nullif(case c.side when 'left' then c.customer end, ''), n.customer) as buyer
    from claims as c
    left join named as n on c.period = n.period and c.entity = n.entity and c.shop = n.shop and c.order_id = n.order_id
),

unnamed as (
    select distinct entity, "key", currency, period
    from looked_up
    where buyer is null
),

said as (
    select entity, "key", currency, period, side, amount, customer from claims
    union all
    select entity, "key", currency, getvariable('period_from') - 1, side, amount, customer from opening
),

daily as (
    select
        entity, "key", currency, period, sum(case side when 'left' then amount else -amount end) as amount,
        max(nullif(customer, '')) filter (where side = 'left') as customer
    from said
    semi join unnamed using (entity, "key", currency)
    group by all
),

running as (
    select *, sum(amount) over (partition by entity, "key", currency order by period) as balance
    from daily
),

cleared as (
    select u.entity, u."key", u.currency, u.period, max(r.period) as cleared_on
    from unnamed as u
    inner join running as r using (entity, "key", currency)
    where r.period < u.period and r.balance = 0
    group by u.entity, u."key", u.currency, u.period
),

remembered as (
    select u.entity, u."key", u.currency, u.period, max(r.customer) as customer
    from unnamed as u
    inner join running as r using (entity, "key", currency)
    left join cleared as c
        on u.entity = c.entity and u."key" = c."key" and u.currency = c.currency and u.period = c.period
    where r.period < u.period and (c.cleared_on is null or r.period > c.cleared_on)
    group by u.entity, u."key", u.currency, u.period
),

final as (
    select
        l.period,
        'customer' as leg,
        l.entity,
        coalesce(l.buyer, r.customer, l."key") as "key",
        l.currency,
        l.side,
        l.kind,
        l.amount,
        0 as quantity,
        null as attribute,
        l.shop,
        l.channel,
        l.order_id,
        l.sku,
        l.discount,
        l.unit_price,
        coalesce(l.buyer, r.customer, '') as customer,
        l.occurred_at,
        l.source,
        l.file,
        l.line
    from looked_up as l
    left join remembered as r
        on l.entity = r.entity and l."key" = r."key" and l.currency = r.currency and l.period = r.period
)

select * from final
