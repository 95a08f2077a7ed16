-- Grain: one claim a payment, refund, fee or statement line. Meaning: every trade in the provider's trade bill (left, net
-- of the fee that it states) is booked on our account there (right), to the cent and once. What names no transaction goes by
-- its order, else it stands by itself, under its entry or line of its file. Fees of a provider that bills them once a month
-- stand under the month, and where shops share the account under that. Where an account books what a platform's statement says was released,
-- the statement's lines of a transaction add up (left) to what came in there (right), from the day on which the account is known.
with
payments as (select * from placed_payments),
given_back as (select * from given_back),
-- those that stand for it are there already
refunds as (
    select r.*
    from placed_refunds as r
    anti join given_back as g
        on g.what = 'order' and r.entity = g.entity and r.shop = g.shop and r.order_id = g.order_id and r.period > g.period
    where r.origin = 'provider'
),
settlements as (select * from placed_settlements where kind in ('sale', 'refund', 'fee')),
stated as (select * from placed_settlements where kind not in ('payout', 'released', 'transfer') and transaction_id <> ''),
released as (select * from placed_settlements where kind = 'released'),
accounts as (select * from supplied_sides where leg = 'accounts'),
billing as (select * from fee_billing),
places as (select * from fee_places),

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
        period, entity, shop, provider, transaction_id, order_id, currency, 'refund', -amount,
        occurred_at, '', '', null, null
    from given_back
    where what = 'payment'
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

-- what a statement says was released, by transaction, where an account books it
announced as (
    select
        s.period, s.entity, s.shop, a.channel as provider, s.transaction_id, max(s.order_id) as order_id, s.currency, 'released' as kind,
        sum(s.amount)::decimal(28, 4) as amount, min(s.occurred_at) as occurred_at, min(s.source) as source, s.file, min(s.line) as line,
        null as sequence
    from stated as s
    inner join accounts as a
        on s.provider = statement_of(a.channel) and s.provider <> a.channel and s.entity = a.entity and s.shop = a.shop and a.since <= s.period
    group by s.period, s.entity, s.shop, a.channel, s.transaction_id, s.currency, s.file
),

unioned as (
    select *, 'left' as side, '' as entry_id from traded
    union all
    select *, 'left', '' from announced
    union all
    select
        period, entity, shop, provider, transaction_id, order_id, currency, kind, amount, occurred_at, source, file, line, null, 'right',
        entry_id
    from released
    union all
    select
        period, entity, shop, provider, transaction_id, order_id, currency, kind, amount,
        occurred_at, source, file, line,
        case kind when 'sale' then dense_rank() over (partition by period, shop, source, kind order by occurred_at, order_id)
        end as sequence,
        'right' as side, entry_id
    from settlements
),

-- a bill at the beginning of a month is the one of the month before
billed as (
    select
        u.*, coalesce(f.account, nullif(u.shop, '')) as fee_place,
        strftime(
            case when u.side = 'right' and day(u.period) <= b.days then u.period - b.days::int else u.period end, '%Y-%m'
        ) as fee_month
    from unioned as u
    inner join billing as b on u.provider = b.provider and u.period between b.from_day and b.until_day
    left join places as f on u.provider = f.provider and u.shop = f.shop
    where u.kind = 'fee'
    union all by name
    select u.*
    from unioned as u
    left join billing as b on u.provider = b.provider and u.period between b.from_day and b.until_day
    where u.kind <> 'fee' or b.provider is null
),

final as (
    select
        period,
        'payment_settlement' as leg,
        entity,
        case
            when fee_month is not null then concat_ws('/', provider, 'fees', fee_place, fee_month)
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
        case when fee_month is null then order_id else '' end as order_id,
        '' as sku,
        0 as discount,
        null as unit_price,
        occurred_at,
        source,
        file,
        line,
        sequence
    from billed
)

select * from final
