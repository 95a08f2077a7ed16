-- Grain: one line of a bank's statement that no leg claims. Meaning: money that moved on our account and is neither a payout nor a refund of
-- an order that we know: rent, wages, suppliers, interest, and what nobody knows. That nothing is held against it is all that is said of it.
-- kind: out | in.
with
named_entries as (select * from named_entries),
payout_bank as (select * from payout_bank where side = 'right'),
refunds_by_bank as (select * from refunds_by_bank),

final as (
    select
        b.period, b.entity, b.bank_account, b.entry_id, b.currency,
        case when b.amount < 0 then 'out' else 'in' end as kind,
        b.amount, b.reference, b.occurred_at, b.source, b.file, b.line
    from named_entries as b
    anti join payout_bank as p on b.file = p.file and b.line is not distinct from p.line
    anti join refunds_by_bank as r on b.file = r.file and b.line is not distinct from r.line
    where b.amount <> 0
)

select * from final
