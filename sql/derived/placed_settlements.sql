-- Grain: one row of settlements. Meaning: rows of a shared account with the shop of their order (see order_places),
-- else that which a rule of books.yaml says, else under `unassigned/<account>`; and the order's own number where the provider calls the
-- payment otherwise.
with
settlements as (select * from settlements),
accounts as (select * from ruled_accounts where is_provider),
places as (select * from order_places),

final as (
    select
        t.* replace (
            shop_of_row(t.shop, a.account, p.shop, a.rules, t.order_id, t.transaction_id) as shop,
            coalesce(p.order_id, t.order_id) as order_id,
            entity_of_row(t.entity, p.entity, a.rules, t.order_id, t.transaction_id) as entity
        )
    from settlements as t
    left join accounts as a on t.shop = a.account
    left join places as p
        on t.shop = p.account and coalesce(nullif(t.order_id, ''), t.transaction_id) = p.name and t.period between p.since and p.until
)

select * from final
