"""What each column of a file that nobody knows is for, by its name and by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from duizhang.ingest.proposing.columns import Column, bare
from duizhang.ingest.proposing.order_lists import named_of_orders
from duizhang.ingest.proposing.words import (
    CURRENCY,
    GIVEN_NAME,
    INWARD,
    NO_ORDER_NUMBER,
    ORDER_NUMBERS,
    OUTWARD,
    PART,
    PENDING,
    ROLES,
    STATE,
    TEXT,
    VOID,
)

_REACHED = r"phone|电话|手机|mail|address|地址|postcode|\bzip\b|\bplz\b|stra[sß]"  # where somebody is reached, not who it is


def named(columns: Sequence[Column]) -> dict[str, Column]:
    """The columns by what they are for; every column gets its key: the name of its role, else f and its position."""
    naming = _Naming(columns)
    naming.times_and_amounts()
    naming.sides_and_currencies()
    naming.numbers()
    naming.states()
    naming.people()
    named_of_orders(naming.roles, columns)
    for column in columns:
        column.key = column.key or f"f{column.position + 1}"
    return naming.roles


class _Naming:
    """Roles are given one after the other; a role goes to one column, and a column has one role."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.roles: dict[str, Column] = {}

    def take(self, role: str, among: Iterable[Column]) -> None:
        """The first of some columns is for this, unless another one already is."""
        found = next((column for column in among if not column.key), None)
        if found is not None and role not in self.roles:
            self.roles[role], found.key = found, role

    def _first(self, pattern: str) -> list[Column]:
        """The first column that is called so, and no other: a second one may be the counterparty's."""
        return [column for column in self.columns if column.says(pattern)][:1]

    def times_and_amounts(self) -> None:
        self.take("occurred_at", (c for c in self.columns if c.kind == "time"))
        numbers = [c for c in self.columns if c.kind in ("money", "number")]
        for role, patterns in ROLES.items():
            for pattern in patterns:
                self.take(role, (c for c in numbers if c.says(pattern) and not (role == "amount" and PART.search(c.name))))
        if {"debit", "credit", "amount"} <= self.roles.keys() and not self.roles["amount"].says("^(交易|收支)?金额|^amount$"):
            self.roles.pop("amount").key = ""
        if not {"debit", "credit"} <= self.roles.keys():
            money = [c for c in numbers if c.kind == "money"]
            self.take("amount", [*(c for c in money if not PART.search(c.name)), *money])

    def sides_and_currencies(self) -> None:
        for column in self.columns:
            seen = {value.casefold() for value in bare(column.cells)}
            if column.kind == "text" and seen and seen <= INWARD | OUTWARD:
                self.take("side", [column])
                column.field["values"] = {v: "in" if v.casefold() in INWARD else "out" for v in sorted(set(bare(column.cells)))}
            elif CURRENCY.search(column.name) and all(re.fullmatch(r"[a-z]{3}", value) for value in seen):
                self.take("currency", [column])

    def numbers(self) -> None:
        """The numbers of parcels, orders, accounts and entries."""
        self.take("tracking_number", self._first(r"运单|快递单号|tracking|waybill"))
        # no time, no money, no words of a few kinds
        numbering = [c for c in self.columns if c.kind not in ("time", "money") and not NO_ORDER_NUMBER.search(c.name)]
        for pattern in ORDER_NUMBERS:
            self.take("order_id", (c for c in numbering if c.says(pattern)))
        self.take("bank_account", self._first(r"iban|^account|卡号|konto(nummer)?$"))
        self.take("entry_id", (c for c in self.columns if c.kind == "id" and _all_different(c) and not TEXT.search(c.name)))
        for role in {"order_id", "bank_account", "tracking_number"} & self.roles.keys():
            if not self.roles[role].field.get("personal"):
                self.roles[role].field["type"] = "id"
                self.roles[role].field.pop("required", None)

    def states(self) -> None:
        self.take("state", (c for c in self.columns if STATE.search(c.name) and _is_state(c)))
        if (column := self.roles.get("state")) is not None:
            seen = sorted(set(bare(column.cells)))
            words = {v: "void" if VOID.search(v) else "pending" if PENDING.search(v) else "done" for v in seen}
            column.field = {"column": column.name, "values": words}

    def people(self) -> None:
        people = [c for c in self.columns if c.field.get("personal") and not c.says(_REACHED)]
        self.take("counterparty", [*(c for c in people if not GIVEN_NAME.search(c.name)), *people])


def _is_state(column: Column) -> bool:
    """Few words, some of them for what has not moved money."""
    values = set(bare(column.cells))
    return 0 < len(values) <= 8 and any(PENDING.search(value) or VOID.search(value) for value in values)


def _all_different(column: Column) -> bool:
    values = bare(column.cells)
    return len(values) == len(column.cells) == len(set(values))


__all__ = ["named"]
