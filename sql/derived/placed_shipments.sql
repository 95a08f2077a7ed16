-- Grain: one row of shipments. Meaning: rows of a shared account with the shop of their order (see order_places),
-- else that which a rule of books.yaml says, else under `unassigned/<account>`. A company with one shop has no other whose they may be.
with
shipments as (select * from shipments),
accounts as (select * from ruled_accounts where warehouse <> ''),
places as (select * from order_places),
only_shop as (select * from only_shop),

final as (
    select
        t.* replace (
            shop_of_row(coalesce(nullif(t.shop, ''), o.shop, ''), a.account, p.shop, a.rules, t.order_id, '') as shop,
            entity_of_row(case when t.shop = '' then coalesce(o.entity, t.entity) else t.entity end, p.entity, a.rules, t.order_id, '') as entity
        )
    from shipments as t
    left join accounts as a on t.shop = '' and t.warehouse = a.warehouse
    left join places as p
        on a.account = p.account and t.order_id = p.name and p.name = p.order_id and t.period between p.since and p.until
    left join only_shop as o on true
)

select * from final
