-- Grain: one row of freight_charges. Meaning: rows of a shared account with the shop of their order (see order_places),
-- else that which a rule of books.yaml says, else under `unassigned/<account>`.
with
freight_charges as (select * from freight_charges),
accounts as (select * from ruled_accounts where carrier <> ''),
places as (select * from order_places),

final as (
    select
        t.* replace (
            shop_of_row(t.shop, a.account, p.shop, a.rules, t.order_id, t.tracking_number) as shop,
            entity_of_row(t.entity, p.entity, a.rules, t.order_id, t.tracking_number) as entity
        )
    from freight_charges as t
    left join accounts as a on t.shop = '' and t.carrier = a.carrier
    left join places as p
        on a.account = p.account and t.order_id = p.name and p.name = p.order_id and t.period between p.since and p.until
)

select * from final
