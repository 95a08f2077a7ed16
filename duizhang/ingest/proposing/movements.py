"""A bill that no source knows: the table that its columns look like, movements of a bank's, a carrier's or a provider's account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

import polars as pl

from duizhang.declared.currency import CODE_OF_SIGN
from duizhang.ingest.proposing.columns import NOBODY_KNOWS, Column, bare, mapping_of
from duizhang.ingest.proposing.order_lists import is_order_list, order_table
from duizhang.ingest.proposing.words import HEADER_CURRENCY, PENDING, VOID
from duizhang.ingest.texts import applied
from duizhang.ingest.typing import amounts

LOOK = 200  # different values of a column that are tried
_IN_CENTS = r"cents?\b|_cents|分）|\(分\)|minor"
_SIGNS_OF = {"freight_charges": "what the carrier wants is positive"}
_SELLERS_VIEW = "+ in, - out, from the seller's view"


def table_of(roles: Mapping[str, Column], columns: Sequence[Column], mark: str) -> list[str]:
    """The table that the columns look like; commented out where the amount or the day is not to be seen. mark: before the cents."""
    if is_order_list(roles):
        return order_table(roles, columns, lambda text: number(text, mark))
    table = _kind(roles)
    given, note = _columns(roles, table), ""
    if table == "bank_entries" and "fee" in roles and given["amount"] == "coalesce(amount, 0)":
        apart = _fee_apart(roles, mark)
        if apart:
            given["amount"] += " - abs(coalesce(fee, 0))"
        note = "; the balances do not tell whether the amount has the fee in it: check" if apart is None else ""
    moved = "state = 'done'" if "state" in roles else ""
    lines = [
        "tables:", f"  - table: {table}  # {_SIGNS_OF.get(table, _SELLERS_VIEW)}{note}",
        *([f"    where: {moved}  # what is pending or void has moved nothing"] if moved else []), *mapping_of(given),
    ]
    if "fee" in roles and table == "settlements":
        negative = any(value.startswith(("-", "(")) for value in bare(roles["fee"].cells))
        fee = _major(roles, "fee", "fee" if negative else "-fee", _currency(roles))
        of_fee = {"entry_id": f"concat({given['entry_id']}, '/fee')", "kind": "'fee'", "amount": fee}
        where = " and ".join(filter(None, ["fee <> 0", moved]))
        lines += ["  - table: settlements", f"    where: {where}", *mapping_of(given | of_fee)]
    if NOBODY_KNOWS in str(given):
        return [f"# {line}" for line in lines]
    return lines if columns else []


def _kind(roles: Mapping[str, Column]) -> str:
    if "tracking_number" in roles:
        return "freight_charges"
    return "bank_entries" if {"balance", "bank_account", "debit", "side"} & roles.keys() and "order_id" not in roles else "settlements"


def _columns(roles: Mapping[str, Column], table: str) -> dict[str, str]:
    """By column of the table, the SQL of what it is made of."""
    day = "occurred_at" if "occurred_at" in roles else NOBODY_KNOWS
    entry = "entry_id" if "entry_id" in roles else f"concat_ws('/', {day}_day, line)" if "occurred_at" in roles else "line"
    given = {"occurred_at": day, "period": f"{day}_day"}
    if table == "freight_charges":
        given |= {"carrier": "'CARRIER'", "tracking_number": "tracking_number"}
    elif table == "bank_entries":
        given |= {"bank_account": "bank_account" if "bank_account" in roles else "'ACCOUNT'", "entry_id": entry}
        given |= {"counterparty": "counterparty"} if "counterparty" in roles else {}
    else:
        given |= {"provider": "'PROVIDER'", "entry_id": entry, "transaction_id": entry, "kind": "'other'"}
    given |= {"order_id": "order_id"} if "order_id" in roles and table != "bank_entries" else {}
    currency = _currency(roles)
    return given | {"amount": _amount(roles, currency)} | ({"currency": currency} if currency else {})


def _currency(roles: Mapping[str, Column]) -> str:
    """The currency as SQL: that of its column, else of the name of a column of money; '' where neither tells."""
    if "currency" in roles:
        return "upper(currency)"
    named = (HEADER_CURRENCY.search(roles[role].name) for role in ("amount", "credit", "debit", "balance") if role in roles)
    stated = next((found[1] for found in named if found), None)
    return repr(CODE_OF_SIGN.get(stated, stated)) if stated else ""


def _amount(roles: Mapping[str, Column], currency: str) -> str:
    """The amount as SQL, + in."""
    if "amount" in roles:
        amount = "case side when 'in' then abs(amount) else -abs(amount) end" if "side" in roles else "coalesce(amount, 0)"
        return _major(roles, "amount", amount, currency)
    if not {"debit", "credit"} <= roles.keys():
        return NOBODY_KNOWS
    credit, debit = (_major(roles, role, f"abs(coalesce({role}, 0))", currency) for role in ("credit", "debit"))
    return f"{credit} - {debit}"


def _major(roles: Mapping[str, Column], role: str, value: str, currency: str) -> str:
    """A value in units of its currency, where the name of the column says that it is in cents."""
    return f"minor({value}, {currency or repr('CNY')})" if roles[role].says(_IN_CENTS) else value


def _fee_apart(roles: Mapping[str, Column], mark: str) -> bool | None:
    """Whether the balances move by the amount less the fee; None where they do not tell."""
    if "balance" not in roles:
        return None
    state = roles.get("state")
    moved = [
        n for n, _ in enumerate(roles["amount"].cells)
        if state is None or not (VOID.search(state.cells[n]) or PENDING.search(state.cells[n]))
    ]
    amounts, fees, balances = (
        [number(roles[role].cells[n], mark) for n in moved[: LOOK // 4]] for role in ("amount", "fee", "balance"))
    rows = list(zip(amounts, fees, balances, strict=True))
    for ordered in (rows, rows[::-1]):
        steps = [
            (balance - before, amount, abs(fee or Decimal(0))) for (_, _, before), (amount, fee, balance) in pairwise(ordered)
            if before is not None and balance is not None and amount is not None
        ]
        if any(fee for _, _, fee in steps):
            if all(step == amount - fee for step, amount, fee in steps):
                return True
            if all(step == amount for step, amount, _ in steps):
                return False
    return None


def number(text: str, mark: str) -> Decimal | None:
    """The number that a cell is; None where it is none."""
    found: Decimal | None = applied(amounts(mark).thorough, pl.Series("x", [text.strip("\t `'\"=")]))[0]
    return found


__all__ = ["LOOK", "number", "table_of"]
