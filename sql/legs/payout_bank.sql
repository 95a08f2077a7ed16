-- Grain: one claim a payout or bank line. Meaning: every payout that a provider announces (left) reaches our bank (right).
-- A platform's statement announces by payout_id: its lines add up to the payout. Bank credits without a payout id stand
-- under a key of their own; debits without one are no payouts.
with
payouts as (select * from payouts),
settlements as (select * from settlements where payout_id <> '' and kind <> 'payout'),
bank_entries as (select * from bank_entries where reference <> '' or amount > 0),

announced as (
    select
        period, entity, shop, provider, payout_id, currency, amount, occurred_at, source, file, line
    from payouts
    union all
    select
        period, entity, shop, provider, payout_id, currency, sum(amount)::decimal(18, 4),
        min(occurred_at), min(source), file, min(line)
    from settlements
    group by period, entity, shop, provider, payout_id, currency, file
),

final as (
    select
        period, 'payout_bank' as leg, entity, payout_id as "key", currency, 'left' as side, 'payout' as kind,
        amount, 0 as quantity, null as attribute, shop, provider as channel, '' as order_id, '' as sku,
        0 as discount, null as unit_price, occurred_at, source, file, line
    from announced
    union all
    select
        period, 'payout_bank', entity,
        case when reference <> '' then reference else concat_ws('/', 'bank', bank_account, entry_id) end,
        currency, 'right', 'bank', amount, 0, null, shop, '', '', '', 0, null, occurred_at, source, file, line
    from bank_entries
)

select * from final
