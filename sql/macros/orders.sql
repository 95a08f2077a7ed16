-- What several models ask of an order.

-- whether its money is due: paid, or sent without having been paid, as cash on delivery and on account
create macro is_due(paid_at, status) as paid_at is not null or coalesce(status in ('paid', 'shipped', 'completed'), false);
