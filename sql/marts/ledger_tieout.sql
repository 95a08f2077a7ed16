-- Grain: one row a period, declared account and currency. Meaning: the sub-ledger's total of the day against the ledger's.
with
claims as (select * from ledger),
accounts as (select * from account_map),

final as (
    select
        c.period, c.entity, a.account, a.name as account_name, c.currency,
        coalesce(sum(c.amount) filter (where c.side = 'left'), 0) as subledger,
        coalesce(sum(c.amount) filter (where c.side = 'right'), 0) as ledger,
        sum(case c.side when 'left' then c.amount else -c.amount end) as difference
    from claims as c
    inner join accounts as a on split_part(c."key", '/', 1) = a.account
    group by c.period, c.entity, a.account, a.name, c.currency
)

select * from final
