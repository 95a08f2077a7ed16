-- Grain: one claim a payout or bank line. Meaning: every payout that a provider announces (left) reaches our bank (right).
-- A platform's statement announces by payout_id: its lines add up to the payout, which is sent some days after the last of them. Bank
-- credits without a payout id stand under a key of their own, but for those whose words say that nobody paid them out (interest, capital);
-- debits without one are no payouts, unless a negative payout of their amount, by which a platform draws from our bank what it is owed, is
-- open. A payout that the bank converted is matched in the currency
-- in which it was sent, and stands once more under <payout id>/fx: worth by the dated rate and the gain or loss on it, as a
-- line of its own (left), against what was credited (right). Accounts belong to the entities that books.yaml names.
with
payouts as (select * from payouts),
settlements as (select * from settlements where payout_id <> '' and kind <> 'payout'),
fx_results as (select * from fx_results),
opening as (select * from opening_claims where leg = 'payout_bank'),
corrections as (select * from corrections where leg = 'payout_bank'),
named_entries as (select * from named_entries),

-- what is known of payouts by their id
known as (
    select
        getvariable('period_from') - 1 as period, entity, currency, "key" as payout_id,
        case side when 'left' then amount else -amount end as amount
    from opening
    union all
    select period, entity, currency, payout_id, amount
    from payouts
    where payout_id <> ''
    union all
    select period, entity, currency, reference, -amount
    from named_entries
    where reference <> ''
    union all
    select period, entity, currency, "key", case side when 'left' then amount else -amount end
    from corrections
),

debits as (
    select distinct period, entity, currency, amount
    from named_entries
    where reference = '' and amount < 0
),

-- debits of what is open of a payout id on their day
drawn as (
    select distinct period, entity, currency, amount
    from (
        select d.period, d.entity, d.currency, d.amount
        from debits as d
        inner join known as k on d.entity = k.entity and d.currency = k.currency and k.period <= d.period
        group by d.period, d.entity, d.currency, d.amount, k.payout_id
        having sum(k.amount) = d.amount
    ) as o
),

payout_lines as (
    select b.*
    from named_entries as b
    where b.reference <> ''
        or b.amount > 0 and not (
            coalesce(is_no_payout(concat(b.counterparty, ' ', b.remark)), false) and party_of(concat(b.counterparty, ' ', b.remark)) is null
        )
    union all by name
    select b.*
    from named_entries as b
    semi join drawn as d using (period, entity, currency, amount)
    where b.reference = ''
),

received as (
    select
        b.period, b.entity, b.bank_account, b.entry_id, b.reference, b.shop, b.occurred_at, b.source, b.file, b.line,
        b.counterparty, b.remark,
        coalesce(x.original_currency, b.currency) as currency, coalesce(x.original_amount, b.amount) as amount
    from payout_lines as b
    left join fx_results as x
        on b.period = x.period and b.bank_account = x.bank_account and b.entry_id = x.entry_id and b.file = x.file
        and b.line = x.line
),

announced as (
    select
        'payout' as kind, period, entity, shop, provider,
        coalesce(nullif(payout_id, ''), concat_ws('/', provider, 'row', concat(file, ':', line))) as payout_id, currency,
        amount, occurred_at, source, file, line
    from payouts
    union all
    select
        'payout_lines', period, entity, shop, provider, payout_id, currency, sum(amount)::decimal(28, 4),
        min(occurred_at), min(source), file, min(line)
    from settlements
    group by period, entity, shop, provider, payout_id, currency, file
),

final as (
    select
        period, 'payout_bank' as leg, entity, payout_id as "key", currency, 'left' as side, kind,
        amount, 0 as quantity, null as attribute, shop, provider as channel, '' as order_id, '' as sku,
        0 as discount, null as unit_price, occurred_at, source, file, line, '' as counterparty, '' as remark
    from announced
    union all
    select
        period, 'payout_bank', entity,
        case
            when reference <> '' then reference
            when entry_id <> '' then concat_ws('/', 'bank', bank_account, entry_id)
            else concat_ws('/', 'bank', bank_account, 'row', concat(file, ':', line))
        end,
        currency, 'right', 'bank', amount, 0, null, shop, '', '', '', 0, null, occurred_at, source, file, line, counterparty,
        remark
    from received
    union all
    select
        period, 'payout_bank', entity, concat_ws('/', reference, 'fx'), currency, 'left', 'converted', converted, 0, null,
        shop, '', '', '', 0, null, occurred_at, source, file, line, '', ''
    from fx_results
    where converted is not null
    union all
    select
        period, 'payout_bank', entity, concat_ws('/', reference, 'fx'), currency, 'left', 'fx_gain_loss', gain_loss, 0,
        null, shop, '', '', '', 0, null, occurred_at, source, file, line, '', ''
    from fx_results
    where gain_loss is not null
    union all
    select
        period, 'payout_bank', entity, concat_ws('/', reference, 'fx'), currency, 'right', 'bank', amount, 0, null,
        shop, '', '', '', 0, null, occurred_at, source, file, line, '', ''
    from fx_results
)

select * from final
