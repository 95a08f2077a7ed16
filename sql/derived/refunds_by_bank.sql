-- Grain: one debit of a bank's statement that paid a refund. Meaning: no payout, and its words name an order of which our books say by then
-- that something was given back, or that refund: what was paid of it from our own account, whether it is as much or not. Marks and case do
-- not count. Where two orders are so named, it is of none. It is the refund of its amount, where the order has several.
with
bank_entries as (select * from named_entries where reference = '' and amount < 0),
booked_refunds as (select * from booked_refunds),
before as (select * from booked_before),
settings as (select * from matching_settings),

booked as (
    select period, entity, shop, order_id, refund_id, currency, amount from booked_refunds
    union all
    select period, entity, shop, order_id, refund_id, currency, amount from before
),

called as (
    select *, bare_reference(order_id) as bare_name from booked
    union all
    select *, bare_reference(refund_id) from booked
),

worded as (
    select
        file, line, period, entity, currency, amount, bare_reference(unnest(remark_ids(concat(counterparty, ' ', remark)))) as bare_word
    from bank_entries
),

named as (
    select distinct
        w.file, w.line, c.shop, c.order_id, c.refund_id, c.amount = -w.amount as is_of_amount, c.bare_name = bare_reference(c.refund_id) as is_by_refund
    from worded as w
    inner join called as c
        on w.entity = c.entity and w.currency = c.currency and w.bare_word = c.bare_name
        and c.period between w.period - getvariable('repeat_horizon')::int and w.period
    cross join settings as s
    where length(c.bare_name) >= s.near_length  -- a short number could stand in the words by chance
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
        b.occurred_at, b.source, b.file, b.line
    from named as n
    semi join alone as a on n.file = a.file and n.line is not distinct from a.line
    inner join bank_entries as b on n.file = b.file and n.line is not distinct from b.line
    qualify row_number() over (partition by n.file, n.line order by n.is_by_refund desc, n.is_of_amount desc, n.refund_id) = 1
)

select * from final
