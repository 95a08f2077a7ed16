-- Whose a row of a shared account is: the shop of its order, else the one that a rule of books.yaml names, else nobody's.

-- rules: of the row's account, in the order in which they are tried; the first that fits, empty where none does
create macro rule_of(rules, order_id, reference) as
    list_filter(
        rules,
        lambda x: (x.of_order = '' or starts_with(order_id, x.of_order))
            and (x.of_transaction = '' or starts_with(reference, x.of_transaction))
    )[1];

-- shop: as the file says; account: empty where the row is of no shared account; of_order: the shop of its order, where it is known
create macro shop_of_row(shop, account, of_order, rules, order_id, reference) as
    case
        when account is null then shop
        else coalesce(of_order, rule_of(rules, order_id, reference).shop, concat('unassigned/', account))
    end;

create macro entity_of_row(entity, of_order, rules, order_id, reference) as
    coalesce(of_order, rule_of(rules, order_id, reference).entity, entity);
