-- Grain: one row a period, order that had an event in it, and currency. Meaning: what every source said about the order that
-- day. What has no currency (pieces, parcels) stands with the first one.
with
orders as (select * from orders where is_due(paid_at, status) and order_id <> ''),
payments as (select * from placed_payments where order_id <> ''),
refunds as (select * from placed_refunds where order_id <> ''),
refunds_by_bank as (select * from refunds_by_bank),
settlements as (select * from placed_settlements where order_id <> ''),
shipments as (select * from placed_shipments),
returns as (select * from placed_returns),
variances as (select * from variances where order_id <> ''),

events as (
    select
        period, entity, shop, order_id, currency,
        case origin when 'books' then amount end as books_amount,
        case origin when 'platform' then amount end as platform_amount,
        null as paid, null as books_refunded, null as refunded, null as settled, null as fees,
        case origin when 'books' then quantity end as quantity_ordered,
        null as quantity_shipped, null as quantity_returned,
        case origin when 'books' then status end as books_status,
        case origin when 'platform' then status end as platform_status,
        null as tracking_number
    from orders
    union all by name
    select period, entity, shop, order_id, currency, amount as paid from payments
    union all by name
    select
        period, entity, shop, order_id, currency,
        case origin when 'books' then amount end as books_refunded,
        case origin when 'provider' then amount end as refunded
    from refunds
    union all by name
    select period, entity, shop, order_id, currency, amount as refunded from refunds_by_bank
    union all by name
    select
        period, entity, shop, order_id, currency,
        case when kind in ('sale', 'refund') then amount end as settled,
        case when kind in ('fee', 'commission', 'service', 'freight') then -amount end as fees
    from settlements
    union all by name
    select
        period, entity, shop, order_id, null as currency, quantity as quantity_shipped, tracking_number
    from shipments
    where order_id <> ''
    union all by name
    select period, entity, shop, order_id, null as currency, quantity as quantity_returned
    from returns
    where order_id <> ''
),

open_legs as (
    select period, entity, shop, order_id, array_to_string(list_sort(list(distinct leg)), ', ') as open_legs
    from variances
    group by all
),

currencies as (
    select period, entity, shop, order_id, min(currency) as currency
    from events
    group by all
),

placed as (
    select * from events where currency is not null
    union all by name
    select e.* replace (coalesce(c.currency, '') as currency)
    from events as e
    inner join currencies as c
        on e.period = c.period and e.entity = c.entity and e.shop = c.shop and e.order_id = c.order_id
    where e.currency is null
),

summed as (
    select
        period, entity, shop, order_id, currency,
        sum(books_amount) as books_amount, sum(platform_amount) as platform_amount, sum(paid) as paid,
        sum(books_refunded) as books_refunded, sum(refunded) as refunded, sum(settled) as settled, sum(fees) as fees,
        sum(quantity_ordered) as quantity_ordered, sum(quantity_shipped) as quantity_shipped,
        sum(quantity_returned) as quantity_returned,
        min(books_status) as books_status, max(books_status) as last_books_status,
        min(platform_status) as platform_status, max(platform_status) as last_platform_status,
        min(tracking_number) as tracking_numbers, max(tracking_number) as last_tracking_number
    from placed
    group by period, entity, shop, order_id, currency
),

-- of most orders there is one of each; where there are several they are all told
several as (
    select period, entity, shop, order_id, currency
    from summed
    where books_status <> last_books_status or platform_status <> last_platform_status or tracking_numbers <> last_tracking_number
),

told as (
    select
        p.period, p.entity, p.shop, p.order_id, p.currency,
        string_agg(distinct p.books_status, ', ' order by p.books_status) as books_status,
        string_agg(distinct p.platform_status, ', ' order by p.platform_status) as platform_status,
        string_agg(distinct p.tracking_number, ', ' order by p.tracking_number) as tracking_numbers
    from placed as p
    semi join several as s using (period, entity, shop, order_id, currency)
    group by p.period, p.entity, p.shop, p.order_id, p.currency
),

final as (
    select
        s.* exclude (last_books_status, last_platform_status, last_tracking_number) replace (
            coalesce(t.books_status, s.books_status) as books_status,
            coalesce(t.platform_status, s.platform_status) as platform_status,
            coalesce(t.tracking_numbers, s.tracking_numbers) as tracking_numbers
        ),
        o.open_legs
    from summed as s
    left join told as t using (period, entity, shop, order_id, currency)
    left join open_legs as o
        on s.period = o.period and s.entity = o.entity and s.shop = o.shop and s.order_id = o.order_id
)

select * from final
