-- Grain: one row a day and bank account of which there is a line, though it be no payout. Meaning: until when a statement tells of the
-- account, whose it is, and whether it was credited on the day.
with
bank_entries as (select * from bank_entries),
owners as (select * from bank_account_owners),

final as (
    select b.period, coalesce(w.entity, b.entity) as entity, b.bank_account, bool_or(b.amount > 0 or b.reference <> '') as is_credited
    from bank_entries as b
    left join owners as w on b.bank_account = w.bank_account
    group by all
)

select * from final
