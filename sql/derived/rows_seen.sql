-- Grain: one row a leg, entity, shop, channel and side. Meaning: since when there are rows that show a side by themselves: orders of our own
-- system (left) and of the platform (right), with `orders` as leg; our own refunds, with `refunds` as leg; an account that books what a
-- platform's statement says was released, with `accounts` as leg and the account as channel; receipts of returned goods that say what they
-- are worth (left) and that do not (right), with `returns` as leg; and any line of a bank statement, though it is no payout.
with
orders as (select * from orders),
refunds as (select * from placed_refunds where origin = 'books'),
settlements as (select * from placed_settlements where kind = 'released'),
returns as (select * from placed_returns),
bank_entries as (select * from bank_entries),
owners as (select * from bank_account_owners),
carried as (select * from carried_sides where leg in ('orders', 'refunds', 'accounts', 'returns') or leg = 'payout_bank' and side = 'right'),

seen as (
    select 'orders' as leg, case origin when 'books' then 'left' else 'right' end as side, entity, shop, '' as channel, min(period) as since
    from orders
    group by all
    union all
    select 'refunds' as leg, 'left' as side, entity, shop, '' as channel, min(period) as since
    from refunds
    group by all
    union all
    select 'accounts' as leg, 'right' as side, entity, shop, provider as channel, min(period) as since
    from settlements
    group by all
    union all
    select 'returns' as leg, case when amount is null then 'right' else 'left' end as side, entity, shop, '' as channel, min(period) as since
    from returns
    group by all
    union all
    select 'payout_bank' as leg, 'right' as side, coalesce(w.entity, b.entity) as entity, '' as shop, '' as channel, min(b.period) as since
    from bank_entries as b
    left join owners as w on b.bank_account = w.bank_account
    group by all
    union all
    select leg, side, entity, shop, channel, since from carried
),

final as (
    select leg, side, entity, shop, channel, min(since) as since
    from seen
    group by leg, side, entity, shop, channel
)

select * from final
