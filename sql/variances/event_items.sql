-- Grain: one row a period, event and item (leg, entity, key, currency, cause). Meaning: the items that show one fault, so that
-- whoever decides about it decides once. difference: what of the item is of this event; the rows of an item add up to it.
-- is_booked: whether its amount is the event's money, which the legs beside it show again. age_days and status are the item's, so that
-- whoever pages through events need not read the items.
-- What was sold and paid is one event an order, in every leg that shows it. Its causes are events of their own where the legs
-- that show fewer of them show the same ones in the same amounts. The provider's side, and what is returned or carried, belong
-- to it where they differ by its amount; two accounts of the ledger where one has what the other lacks; an account of sales
-- where it has what our records of the day lack, of one order or of all that differ. The codes without a SKU of a system are one event, in
-- whatever shops and legs they stand, with the transfers that came in under them: it is the map of that system that lacks them. Everything
-- else is an event by itself.
with
items as (select * from variances),
parts as (select * from sum_parts),
accounts as (select * from account_map),
claims as (select * from open_claims where kind in ('unmapped', 'transfer')),

lines as (
    select
        period, leg, entity, "key", currency, cause, difference, left_quantity - right_quantity as quantity, shop, order_id,
        first_seen,
        case
            when leg = 'order_payment' then "key"
            when order_id <> '' then concat_ws('/', shop, order_id)
            else "key"
        end as subject
    from items
    where leg not in ('finance', 'customer')
),

of_line as (
    select period, leg, entity, "key", currency, max(shop) as shop, max(order_id) as order_id, max(subject) as subject
    from lines
    group by period, leg, entity, "key", currency
),

-- what an order has in the sums
in_sums as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause, l.subject, max(l.shop) as shop, max(l.order_id) as order_id,
        sum(p.left_amount - p.right_amount)::decimal(28, 4) as difference
    from parts as p
    inner join of_line as l
        on p.period = l.period and p.detail_leg = l.leg and p.entity = l.entity and p.detail = l."key" and p.currency = l.currency
    semi join items as i
        on p.period = i.period and p.leg = i.leg and p.entity = i.entity and p."key" = i."key" and p.currency = i.currency
        and p.cause = i.cause
    group by p.period, p.leg, p.entity, p."key", p.currency, p.cause, l.subject
    having sum(p.left_amount - p.right_amount) <> 0
),

rests as (
    select
        i.period, i.leg, i.entity, i."key", i.currency, i.cause, i.shop, i.first_seen,
        (i.difference - coalesce(s.difference, 0))::decimal(28, 4) as difference, s.difference is null as is_whole
    from items as i
    left join (
        select period, leg, entity, "key", currency, cause, sum(difference) as difference
        from in_sums
        group by all
    ) as s using (period, leg, entity, "key", currency, cause)
    where i.leg in ('finance', 'customer')
),

sales as (
    select * exclude (first_seen) from lines where leg in ('order_platform', 'order_payment') and cause <> 'sku_unmapped'
    union all by name
    select *, 0 as quantity from in_sums
),

-- what each leg says of an order: its causes with their amounts
shown as (
    select period, entity, subject, currency, leg, list(concat_ws(' ', cause, difference) order by cause) as said
    from (
        select period, entity, subject, currency, leg, cause, sum(difference)::decimal(28, 4) as difference
        from sales
        where leg <> 'finance'
        group by all
    ) as c
    group by all
),

known as (select distinct period, entity, subject, currency, cause from sales where leg <> 'finance'),

inseparable as (
    select a.period, a.entity, a.subject, a.currency
    from shown as a
    inner join shown as b using (period, entity, subject, currency)
    where a.leg < b.leg
        and len(list_filter(a.said, lambda s: not list_contains(b.said, s))) > 0
        and len(list_filter(b.said, lambda s: not list_contains(a.said, s))) > 0
    union
    select s.period, s.entity, s.subject, s.currency
    from sales as s
    anti join known as k using (period, entity, subject, currency, cause)
),

several as (
    select period, entity, subject, currency
    from known
    group by all
    having count(*) > 1
),

of_orders as (
    select
        s.* exclude (subject), s.subject,
        concat_ws(
            '|', 'order', s.entity, s.subject, s.currency,
            case when m.subject is not null and i.subject is null then s.cause end
        ) as event_key
    from sales as s
    left join several as m using (period, entity, subject, currency)
    left join inseparable as i using (period, entity, subject, currency)
),

ranked as (
    select
        *,
        min(
            case leg when 'order_payment' then 1 when 'order_platform' then 2 when 'customer' then 3 else 4 end
        ) over (partition by period, event_key) as first_leg,
        case leg when 'order_payment' then 1 when 'order_platform' then 2 when 'customer' then 3 else 4 end as leg_rank
    from of_orders
),

-- the money of the orders' events
totals as (
    select
        period, entity, subject, currency, event_key, max(shop) as shop,
        sum(difference) filter (where leg_rank = first_leg) as difference, bool_and(cause = 'timing') as is_timing
    from ranked
    group by all
),

-- what else differs by an order: the provider's side as a whole, and each other item by itself
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

beside_events as (
    select b.period, b.entity, b.subject, b.currency, b.as_one, min(t.event_key) as event_key
    from beside_totals as b
    inner join totals as t using (period, entity, subject, currency)
    where b.difference <> 0 and abs(b.difference) = abs(t.difference)
    group by all
    having count(*) = 1
),

-- a fee that the trade detail and the card see with opposite signs
of_transaction as (
    select
        period, entity, currency, concat_ws('/', split_part("key", '/', 1), split_part("key", '/', 2)) as transaction,
        sum(difference) = 0 and count(distinct leg) = 2 as is_one
    from beside
    anti join beside_events using (period, entity, subject, currency, as_one)
    where as_one = 'provider'
    group by all
),

of_ledger as (
    select *, split_part("key", '/', 1) as account, try_cast(split_part("key", '/', 2) as date) as booked_on
    from lines
    where leg = 'ledger'
),

-- how many accounts have a cause in an amount: there may be very many of one
ledger_amounts as (
    select period, entity, currency, difference, cause, count(*) as items, min("key") as least_key
    from of_ledger
    where difference <> 0 and cause in ('wrong_account', 'wrong_period')
    group by period, entity, currency, difference, cause
),

pairs as (
    select
        a.period, a.entity, a."key", a.currency, concat_ws('|', 'accounts', a.entity, least(a."key", min(b.least_key)),
        greatest(a."key", min(b.least_key)), a.currency) as event_key
    from of_ledger as a
    inner join ledger_amounts as b
        on a.period = b.period and a.entity = b.entity and a.currency = b.currency and a.difference = -b.difference and a.cause = b.cause
    group by a.period, a.entity, a."key", a.currency
    having sum(b.items) = 1
),

mutual as (
    select *
    from pairs
    qualify count(*) over (partition by period, event_key) = 2
),

-- sales that an account has and our records of its day lack, or the other way round: the ledger has what the platform says
in_ledger as (
    select
        g.period, g.entity, g."key", g.currency, g.cause, t.event_key, t.shop, (-t.difference)::decimal(28, 4) as difference,
        sum(-t.difference) over of_account = g.difference as is_all,
        -t.difference = g.difference as is_one,
        count(*) filter (where -t.difference = g.difference) over of_account as ones
    from of_ledger as g
    inner join accounts as a on g.account = a.account and a.measure = 'sales' and a.shop <> ''
    inner join (
        select period, event_key, min(first_seen) as first_seen
        from ranked
        inner join lines using (period, leg, entity, "key", currency, cause)
        group by all
    ) as s on g.period = s.period and g.booked_on = s.first_seen
    inner join totals as t on g.period = t.period and g.entity = t.entity and g.currency = t.currency and s.event_key = t.event_key and a.shop = t.shop
    anti join mutual as m on g.period = m.period and g.entity = m.entity and g."key" = m."key" and g.currency = m.currency
    where g.difference <> 0 and not t.is_timing
    window of_account as (partition by g.period, g.entity, g."key", g.currency)
),

unmapped as (
    select period, leg, entity, "key", min(counterparty) as system
    from claims
    where kind = 'unmapped'
    group by all
),

-- which of the warehouses of a transfer has codes without a SKU; where neither is known to, each SKU is one event
transfers as (
    select t.period, t.entity, t.transfer, coalesce(min(u.system), string_agg(distinct t.sku, ' ' order by t.sku)) as system
    from (
        select l.period, l.entity, split_part(l."key", '/', 2) as transfer, split_part(l."key", '/', -2) as sku, c.counterparty as warehouse
        from lines as l
        inner join claims as c on l.period = c.period and l.leg = c.leg and l.entity = c.entity and l."key" = c."key"
        where l.leg = 'stock' and l.cause = 'sku_unmapped'
    ) as t
    left join unmapped as u on t.period = u.period and t.entity = u.entity and t.warehouse = u.system
    group by t.period, t.entity, t.transfer
),

of_codes as (
    select l.*, concat_ws('|', 'codes', l.entity, coalesce(u.system, t.system)) as event_key
    from lines as l
    left join unmapped as u
        on l.period = u.period and l.leg = u.leg and l.entity = u.entity and l."key" = u."key"
    left join transfers as t
        on l.leg = 'stock' and l.period = t.period and l.entity = t.entity and split_part(l."key", '/', 2) = t.transfer
    where l.cause = 'sku_unmapped'
),

placed as (
    select
        period, event_key, leg, entity, "key", currency, cause, difference, quantity, leg_rank = first_leg as is_booked, shop, order_id
    from ranked
    union all by name
    select
        b.period, e.event_key, b.leg, b.entity, b."key", b.currency, b.cause, b.difference, b.quantity, false as is_booked, b.shop,
        b.order_id
    from beside as b
    inner join beside_events as e using (period, entity, subject, currency, as_one)
    union all by name
    select
        b.period, concat_ws('|', 'transaction', b.entity, t.transaction, b.currency) as event_key, b.leg, b.entity, b."key", b.currency,
        b.cause, b.difference, b.quantity, b.leg = 'payment_settlement' as is_booked, b.shop, b.order_id
    from beside as b
    anti join beside_events as e using (period, entity, subject, currency, as_one)
    inner join of_transaction as t
        on b.period = t.period and b.entity = t.entity and b.currency = t.currency and t.is_one and b.as_one = 'provider'
        and t.transaction = concat_ws('/', split_part(b."key", '/', 1), split_part(b."key", '/', 2))
    union all by name
    select
        g.period, m.event_key, g.leg, g.entity, g."key", g.currency, g.cause, g.difference, g.quantity, true as is_booked, g.shop,
        g.order_id
    from of_ledger as g
    inner join mutual as m using (period, entity, "key", currency)
    union all by name
    select
        period, event_key, 'ledger' as leg, entity, "key", currency, cause, difference, 0 as quantity, false as is_booked, shop,
        '' as order_id
    from in_ledger
    where ones = 1 and is_one or ones <> 1 and is_all
    union all by name
    select period, event_key, leg, entity, "key", currency, cause, difference, quantity, true as is_booked, shop, order_id
    from of_codes
    union all by name
    select
        period, concat_ws('|', 'sum', leg, entity, "key", currency, cause) as event_key, leg, entity, "key", currency, cause, difference,
        0 as quantity, true as is_booked, shop, '' as order_id
    from rests
    where difference <> 0 or is_whole
),

every as (
    select * from placed
    union all by name
    select
        l.period, concat_ws('|', 'item', l.leg, l.entity, l."key", l.currency, l.cause) as event_key, l.leg, l.entity, l."key",
        l.currency, l.cause, l.difference, l.quantity, true as is_booked, l.shop, l.order_id
    from lines as l
    anti join placed as p
        on l.period = p.period and l.leg = p.leg and l.entity = p.entity and l."key" = p."key" and l.currency = p.currency
        and l.cause = p.cause
),

final as (
    select
        e.period, concat('E', upper(substr(md5(e.event_key), 1, 12))) as event, e.leg, e.entity, e."key", e.currency, e.cause,
        e.difference::decimal(28, 4) as difference, e.quantity::decimal(28, 4) as quantity, e.is_booked, e.shop, e.order_id, i.age_days, i.status
    from every as e
    inner join items as i
        on e.period = i.period and e.leg = i.leg and e.entity = i.entity and e."key" = i."key" and e.currency = i.currency
        and e.cause = i.cause
)

select * from final
