-- What several models ask of an order.

-- whether its money is due: paid, or sent without having been paid, as cash on delivery and on account
create macro is_due(paid_at, status) as paid_at is not null or coalesce(status in ('paid', 'shipped', 'completed'), false);

-- what was given away of a line: its list value less what it brings; a discount on the order as a whole is a line without pieces
create macro given_away(quantity, unit_price, amount, shop_discount) as
    case when quantity = 0 then shop_discount else (unit_price * quantity)::decimal(28, 4) - amount end;
