-- Grain: one row of freight_charges. Meaning: rows of a shared account with the shop of their order (see order_places),
-- else that which a rule of books.yaml says, else under `unassigned/<account>`.
with
freight_charges as (select * from freight_charges),
accounts as (select * from shared_accounts),
places as (select * from order_places),
rules as (select * from placing_rules),

told as (
    select t.*, a.account
    from freight_charges as t
    left join accounts as a on t.shop = '' and t.carrier = a.carrier and a.carrier <> ''
),

rules_of_account as (
    select
        account,
        list({'shop': shop, 'entity': entity, 'of_order': order_prefix, 'of_transaction': transaction_prefix} order by number) as rules
    from rules
    group by account
),

ruled as (
    select
        t.*,
        list_filter(
            r.rules,
            lambda x: (x.of_order = '' or starts_with(t.order_id, x.of_order))
                and (x.of_transaction = '' or starts_with(t.tracking_number, x.of_transaction))
        )[1] as rule
    from told as t
    left join rules_of_account as r on t.account = r.account
),

final as (
    select
        t.* exclude (account, rule) replace (
            case
                when t.account is null then t.shop
                else coalesce(p.shop, t.rule.shop, concat('unassigned/', t.account))
            end as shop,
            coalesce(p.entity, t.rule.entity, t.entity) as entity
        )
    from ruled as t
    left join places as p
        on t.account = p.account and t.order_id = p.order_id and t.period between p.since and p.until
)

select * from final
