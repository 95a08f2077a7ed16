-- Grain: one shared account. Meaning: with the rules of books.yaml that name a shop for its rows, in the order in which they are tried.
with
accounts as (select * from shared_accounts),
rules as (select * from placing_rules),

listed as (
    select
        account,
        list({'shop': shop, 'entity': entity, 'of_order': order_prefix, 'of_transaction': transaction_prefix} order by number) as rules
    from rules
    group by account
),

final as (
    select a.*, l.rules
    from accounts as a
    left join listed as l on a.account = l.account
)

select * from final
