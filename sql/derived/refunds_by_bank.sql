-- Grain: one debit of a bank's statement that paid a refund. Meaning: no payout, and its words name an order of which our books say by then
-- that something was given back, or that refund: what was paid of it from our own account, whether it is as much or not. Marks and case do
-- not count, and a short number counts for a refund of exactly its amount. Where two orders are so named, it is of none. It is the refund of
-- its amount, where the order has several. A debit that names an order of a shop that keeps its refunds, of no more than the order is worth,
-- is one too: is_booked tells it from those that our books have.
with
bank_entries as (select * from named_entries where reference = '' and amount < 0),
booked_refunds as (select * from booked_refunds),
before as (select * from booked_before),
settings as (select * from matching_settings),
orders as (select * from own_orders where order_id <> ''),
past_claims as (select * from past_claims where leg = 'order_payment' and side = 'left' and kind = 'sale'),
waiting as (select * from waiting_before where leg = 'order_payment' and side = 'left' and kind = 'sale'),
sides as (select * from supplied_sides where leg = 'refunds' and side = 'left'),

-- what was known of orders by then, of shops whose refunds we keep
sold as (
    select
        greatest(o.period, s.since) as period, o.entity, o.shop, o.order_id, o.currency,
        sum(o.amount) over (partition by o.entity, o.shop, o.order_id, o.currency order by o.period)::decimal(28, 4) as amount
    from (
        select period, entity, shop, order_id, currency, amount from orders
        union all
        select period, entity, shop, substr("key", length(shop) + 2), currency, amount from past_claims
        union all
        select claimed, entity, shop, substr("key", length(shop) + 2), currency, amount from waiting
    ) as o
    inner join (select entity, shop, min(since) as since from sides group by entity, shop) as s
        on s.entity in ('', o.entity) and s.shop in ('', o.shop)
),

booked as (
    select period, entity, shop, order_id, refund_id, currency, amount, true as is_booked from booked_refunds
    union all
    select period, entity, shop, order_id, refund_id, currency, amount, true from before
    union all
    select period, entity, shop, order_id, '', currency, amount, false from sold
),

called as (
    select *, bare_reference(order_id) as bare_name from booked
    union all
    select *, bare_reference(refund_id) from booked
),

worded as (
    select
        file, line, period, entity, currency, amount,
        bare_reference(unnest(list_concat(remark_ids(concat(counterparty, ' ', remark)), short_ids(concat(counterparty, ' ', remark))))) as bare_word
    from bank_entries
),

named as (
    select distinct
        w.file, w.line, c.shop, c.order_id, c.refund_id, c.is_booked, c.amount = -w.amount as is_of_amount, c.bare_name = bare_reference(c.refund_id) as is_by_refund
    from worded as w
    inner join called as c
        on w.entity = c.entity and w.currency = c.currency and w.bare_word = c.bare_name
        and c.period between w.period - getvariable('repeat_horizon')::int and w.period
    cross join settings as s
    -- a short number could stand in the words by chance, and then with another amount
    where (length(c.bare_name) >= s.near_length or c.is_booked and c.amount = -w.amount)
        and (c.is_booked or c.amount >= -w.amount)
),

alone as (
    select file, line
    from named
    group by file, line
    having count(distinct concat_ws('/', shop, order_id)) = 1
),

final as (
    select
        b.period, b.entity, n.shop, n.order_id, n.refund_id, '' as sku, b.currency, -b.amount as amount, b.entry_id, b.bank_account,
        b.occurred_at, b.source, b.file, b.line, n.is_booked
    from named as n
    semi join alone as a on n.file = a.file and n.line is not distinct from a.line
    inner join bank_entries as b on n.file = b.file and n.line is not distinct from b.line
    qualify row_number() over (partition by n.file, n.line order by n.is_booked desc, n.is_by_refund desc, n.is_of_amount desc, n.refund_id) = 1
)

select * from final
