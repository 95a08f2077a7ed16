-- Grain: one claim a fee by the rate card (left) or a fee charged (right), costs to us positive, fees given back negative.
-- Meaning: providers and platforms charge what the dated rate cards of books.yaml say. Providers without a card for the
-- kind of fee, and in its currency or any, take no part. unit_price is the amount that the fee is a share of. A fee that names
-- no transaction goes by its order, else it stands by itself, under its entry or line of its file. Fees of a provider that bills
-- them once a month stand under the month, and where shops share the account under that.
with
expected as (select * from fees_expected),
settlements as (select * from placed_settlements where kind in ('fee', 'commission')),
billing as (select * from fee_billing),
places as (select * from fee_places),
cards as (select * from rate_cards where kind in ('fee', 'commission')),

carded as (
    select provider, kind, currency, min(from_day) as from_day
    from cards
    group by all
),

rated as (
    select
        period, entity, shop, provider, transaction_id, kind as fee_type, order_id, sku, currency, 'left' as side,
        'rated' as kind, fee as amount, amount as unit_price, occurred_at, source, file, line, '' as entry_id
    from expected
),

charged as (
    select
        s.period, s.entity, s.shop, s.provider, s.transaction_id, s.kind as fee_type, s.order_id, '' as sku, s.currency,
        'right' as side, 'charged' as kind, -s.amount as amount, null as unit_price, s.occurred_at, s.source, s.file,
        s.line, s.entry_id
    from settlements as s
    semi join carded as c
        on s.provider = c.provider and s.kind = c.kind and c.currency in ('', s.currency) and s.period >= c.from_day
),

unioned as (
    select * from rated
    union all
    select * from charged
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
    where u.fee_type = 'fee'
    union all by name
    select u.*
    from unioned as u
    left join billing as b on u.provider = b.provider and u.period between b.from_day and b.until_day
    where u.fee_type <> 'fee' or b.provider is null
),

final as (
    select
        period, 'fee' as leg, entity,
        concat_ws('/', provider, case
            when fee_month is not null then concat_ws('/', 'fees', fee_place, fee_month)
            when transaction_id <> '' then transaction_id
            when order_id <> '' then concat_ws('/', 'order', nullif(shop, ''), order_id)
            when entry_id <> '' then concat('entry/', entry_id)
            else concat('row/', file, ':', line)
        end, fee_type) as "key", currency, side, kind, amount, 0 as quantity, null as attribute, shop, provider as channel,
        case when fee_month is null then order_id else '' end as order_id, sku, 0 as discount, unit_price,
        occurred_at, source, file, line
    from billed
)

select * from final
