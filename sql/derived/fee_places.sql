-- Grain: one provider and shop that shares an account there, or the rows of the account whose shop is not known. Meaning: the account
-- that fees stand under which are billed once a month: the bill is the account's, and names none of its shops.
with
accounts as (select * from shared_accounts where is_provider),
shops as (select * from shared_account_shops),

named as (
    select a.provider, s.shop, a.account
    from accounts as a
    inner join shops as s on a.account = s.account
    union all
    select provider, concat('unassigned/', account), account
    from accounts
),

final as (
    select provider, shop, min(account) as account
    from named
    group by provider, shop
)

select * from final
