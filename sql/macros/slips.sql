-- What slips of the hand, deposits and discounts leave behind: digits that changed places, a decimal point that moved, a round share.
-- A difference alone proves nothing (one in nine can be divided by nine), so each test asks whether one slip of the hand turns what
-- was meant into what stands there. Amounts are whole numbers of 1/10000 (`units`), so that nothing is rounded.

create macro units(amount) as (amount * 10000)::hugeint;

-- two neighbouring digits exchanged; a leading zero is not typed
create macro digits_swapped(typed, meant) as
    typed <> meant and length(typed::varchar) = length(meant::varchar)
    and list_contains(
        list_transform(
            range(1, length(typed::varchar)),
            lambda i: concat(
                substr(typed::varchar, 1, i - 1), substr(typed::varchar, i + 1, 1), substr(typed::varchar, i, 1),
                substr(typed::varchar, i + 2)
            )
        ),
        meant::varchar
    );

create macro mistyped(typed, meant) as
    meant > 0
    and (
        typed in (meant * 10, meant * 100, meant * 1000) or meant in (typed * 10, typed * 100, typed * 1000)
        or digits_swapped(typed, meant)
    );

-- lines: {price, quantity} as they stand in the record; a slip in the price or quantity of one of them makes up the rest
create macro misentered(rest, lines) as
    len(list_filter(
        coalesce(lines, []),
        lambda l: rest % l.quantity = 0 and mistyped(l.price, l.price - rest // l.quantity)
            or rest % l.price = 0 and mistyped(l.quantity, l.quantity - rest // l.price)
    )) > 0;

-- some but not all pieces of a line are worth the rest
create macro lacks_pieces(rest, lines) as
    rest > 0 and len(list_filter(coalesce(lines, []), lambda l: rest % l.price = 0 and rest // l.price < l.quantity)) > 0;

-- what was paid is a round share of what is due, as deposits are; half and more is none
create macro deposit_share(paid, due, unit) as
    due > 0 and len(list_filter([5, 10, 15, 20, 25, 30, 35, 40], lambda p: abs(paid * 100 - due * p) < unit * 100)) > 0;

-- what was not paid is a round share of the goods, as discounts are
create macro round_discount(rest, goods, unit) as
    rest > unit
    and len(list_filter([5, 10, 15, 20, 25, 30], lambda p: abs(rest * 100 - goods * p) < unit * 100)) > 0;
