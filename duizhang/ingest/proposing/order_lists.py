"""A list of orders that no source knows, as a company's own system writes one: what its columns are, and its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from duizhang.ingest.proposing.columns import NOBODY_KNOWS, Column, bare, mapping_of
from duizhang.ingest.proposing.words import ITEM, ORDER_ROLES, ORDER_STATES, STATE

_MOST_WORDS = 20  # different values of a column that are listed
# what a bill has and a list of orders has not
_OF_BILLS = frozenset({"balance", "debit", "credit", "side", "fee", "bank_account"})


def named_of_orders(roles: dict[str, Column], columns: Sequence[Column]) -> None:
    """Add the columns that only a list of orders has; nothing is added to what is a bill."""
    if "order_id" not in roles or _OF_BILLS & roles.keys():
        return
    found: dict[str, Column] = {}
    price, pieces = ORDER_ROLES["unit_price"], ORDER_ROLES["quantity"]
    if "amount" in roles and roles["amount"].says(price[1]) and any(c.kind in pieces[0] and c.says(pieces[1]) for c in columns):
        roles.pop("amount").key = ""  # of a piece, not of a line
    for role, (kinds, pattern) in ORDER_ROLES.items():
        free = [c for c in columns if (not c.key or c.key == "state") and c not in found.values()]
        one = next((c for c in free if c.kind in kinds and c.says(pattern)), None)
        if one is not None:
            found[role] = one
    if not {"sku", "quantity", "shop"} & found.keys():
        return
    if "unit_price" in found and "amount" not in roles and "quantity" not in found:
        return
    for role, column in found.items():
        column.key = role
        roles[role] = column
    if "shop" in roles:
        _values(roles["shop"], {word: word for word in sorted(set(bare(roles["shop"].cells)))})
    if "sku" in roles:
        roles["sku"].field["type"] = "id"
    status = next((c for c in columns if c.key in ("", "state") and c.kind == "text" and STATE.search(c.name)), None)
    if status is not None:
        roles.pop("state", None)
        seen = sorted(set(bare(status.cells)))
        words = {word: _state(word) or "paid" for word in seen}
        _values(status, words)
        status.key = "status"
        roles["status"] = status
    roles["order_id"].field["required"] = True
    if "paid_at" in roles:
        roles["paid_at"].field.pop("required", None)  # that all orders of one file are paid tells nothing of the next


def _state(word: str) -> str:
    """What a word for the state of an order is called here; '' where nobody knows it."""
    return next((state for state, said in ORDER_STATES if said.search(word)), "")


def _values(column: Column, words: Mapping[str, str]) -> None:
    """Words of the file and what they are called here."""
    if len(words) <= _MOST_WORDS:
        column.field["values"] = dict(words)


def is_order_list(roles: Mapping[str, Column]) -> bool:
    """Whether it lists orders: goods, pieces or shops beside order numbers and amounts, and nothing that only bills have."""
    if not {"order_id", "occurred_at"} <= roles.keys() or not {"sku", "quantity", "shop"} & roles.keys():
        return False
    return "amount" in roles or {"unit_price", "quantity"} <= roles.keys()


def grain(roles: Mapping[str, Column]) -> list[str]:
    """What a later export repeats a line of an order by; all lines of the order where nothing but its place names one."""
    return ["shop", "order_id", *([] if _line_id(roles) == "line" else ["line_id"])]


def _line_id(roles: Mapping[str, Column]) -> str:
    orders = roles["order_id"].cells
    if len(set(orders)) == len(orders):
        return "'1'"
    if "sku" in roles and len(set(zip(orders, roles["sku"].cells, strict=True))) == len(orders):
        return "coalesce(nullif(sku, ''), 'other')"  # a line of shipping has no goods
    return "line"


def order_table(roles: Mapping[str, Column], columns: Sequence[Column], number: Callable[[str], Decimal | None]) -> list[str]:
    """The table `orders` of a list of orders, one row a line of it; commented out where no column says what a line comes to. number: a
    cell as a number."""
    line = _line_id(roles)
    day = "coalesce(paid_at_day, occurred_at_day)" if "paid_at" in roles else "occurred_at_day"
    amount, notes = _amount(roles, number)
    given = {"origin": "'books'"} | ({"shop": "shop"} if "shop" in roles else {})
    given |= {"order_id": "order_id", "line_id": line}
    given |= {name: name for name in ("sku", "product", "quantity", "unit_price") if name in roles}
    given |= {"quantity": "1"} if "quantity" not in roles else {}
    given |= {"amount": amount}
    given |= {"currency": "upper(currency)"} if "currency" in roles else {}
    given |= {"status": "status" if "status" in roles else "'paid'"}
    given |= {"customer": "counterparty"} if "counterparty" in roles else {}
    given |= {"ordered_at": "occurred_at", "paid_at": "paid_at" if "paid_at" in roles else "occurred_at"}
    given |= {"occurred_at": "coalesce(paid_at, occurred_at)" if "paid_at" in roles else "occurred_at", "period": day}
    told = ["# The company's own list of orders, so it belongs into inbox/company/; of a platform's own list: origin: \"'platform'\"."]
    told += ["# shop: to the right of each name, how books.yaml calls that shop."] if "shop" in roles else [
        "# It names no shop: put each shop's list into the folder of that shop."]
    told += [] if "currency" in roles else [
        "# It names no currency, so every row is in the books' own; of a shop that sells in another one, below columns:",
        "#   currency: \"case shop when 'SHOP' then 'USD' else 'CNY' end\"",
    ]
    told += ["# amount: what the seller is to receive for the line: goods less the discounts that the shop bears.", *notes]
    numbers = [c.name for c in columns if c.kind == "id" and c.key.startswith("f") and not ITEM.search(c.name)]
    known = f"# order_id: {roles['order_id'].name}, taken for the number by which platform and provider know the order"
    told += [f"{known}; others: {', '.join(numbers)}"] if numbers else []
    others = [c.name for c in columns if c.kind == "money" and c.key not in ("amount", "unit_price")]
    told += [f"# other columns of money: {', '.join(others)}"] if others else []
    unknown = [word for word in roles["status"].field.get("values", {}) if not _state(word)] if "status" in roles else []  # type: ignore[attr-defined]
    told += [f"# status: words that were not known are taken for paid: {', '.join(unknown)}"] if unknown else []
    table = ["tables:", "  - table: orders", *mapping_of(given)]
    return [*told, *(table if amount != NOBODY_KNOWS else [f"# {entry}" for entry in table])]


def _amount(roles: Mapping[str, Column], number: Callable[[str], Decimal | None]) -> tuple[str, list[str]]:
    """What a line comes to, as SQL, and what is to be known of it."""
    if "amount" not in roles:
        return "unit_price * quantity", []
    repeated = _stands_on_every_line(roles, number)
    if repeated is None:
        return "coalesce(amount, 0)", []
    order, lines, cell = repeated
    why = f"# {roles['amount'].name} is of the order: {cell} stands on each of the {lines} lines of order {order}"
    if {"unit_price", "quantity"} <= roles.keys():
        return "unit_price * quantity", [f"{why}. So a line is its pieces times {roles['unit_price'].name}; check discounts and shipping."]
    return NOBODY_KNOWS, [f"{why}. Name the column of the line, or an expression, instead of {NOBODY_KNOWS}."]


def _stands_on_every_line(roles: Mapping[str, Column], number: Callable[[str], Decimal | None]) -> tuple[str, int, str] | None:
    """(order, lines, amount) of an order of several lines where the amounts are of orders: on all lines of an order the same, and of
    some order not what its pieces come to. None where they are of lines, or nothing tells."""
    lines: dict[str, list[int]] = {}
    for at, order in enumerate(roles["order_id"].cells):
        lines.setdefault(order, []).append(at)
    several = {order: at for order, at in lines.items() if len(at) > 1}
    amounts = roles["amount"].cells
    if not several or any(len({amounts[n] for n in at}) > 1 for at in several.values()):
        return None

    def comes_to(n: int) -> Decimal | None:
        price, pieces = (number(roles[role].cells[n]) if role in roles else None for role in ("unit_price", "quantity"))
        return None if price is None or pieces is None else price * pieces

    for order, rows in several.items():
        if any(comes_to(n) != number(amounts[n]) for n in rows):
            return order, len(rows), amounts[rows[0]].strip()
    return None


__all__ = ["is_order_list", "named_of_orders", "order_table"]
