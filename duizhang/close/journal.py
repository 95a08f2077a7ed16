"""Entries for what people decided: balanced, tied to their items, numbered without gaps, and reversed where a decision was taken back.

An entry is posted in the ledger by others. So what it books on an account that the books hold against a sub-ledger is claimed there: it
is open until the ledger that is read back has it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from duizhang.books import Books, JournalAccounts
from duizhang.close.decisions import RECLASSIFY, WRITE_OFF, Decision, Item, decision_claims, decisions
from duizhang.declared.schema import CLAIM, PIECES
from duizhang.home import published
from duizhang.home.state import State


@dataclass(frozen=True)
class Line:
    """One line of an entry. amount: + debit, - credit; item: what it is tied to."""

    account: str
    amount: Decimal
    item: Item


@dataclass(frozen=True)
class Entry:
    """One entry: its lines add up to nothing."""

    name: str
    period: dt.date
    summary: str
    origin: str
    lines: tuple[Line, ...]


def entries(books: Books, state: State, periods: Sequence[dt.date]) -> Iterator[Entry]:
    """The entries of the periods, once an event, and their reversals, by number.

    Ours less the counterpart's is the difference: where it is positive our record is too high and the account of the
    leg is credited. Of a ledger account ours is the sub-ledger: where it is higher, the account is debited. Pieces have no entry: their
    value depends on a cost that a person has to choose.
    """
    wanted = set(periods)
    found = []
    for d in decisions(state):
        if d.moves_money:
            if d.period in wanted:
                found.append((d.entry, _entry(books.journal, d, d.period, d.entry, sign=1)))
            if d.taken_back and d.taken_back.period in wanted:
                found.append((d.taken_back.entry, _entry(books.journal, d, d.taken_back.period, d.taken_back.entry, sign=-1)))
    yield from (entry for _, entry in sorted(found, key=lambda pair: pair[0]))


def journal_proposals(books: Books, state: State, periods: Sequence[dt.date]) -> pa.Table:
    """The entries of the periods as they are published."""
    rows: list[dict[str, Any]] = [
        {
            "period": entry.period, "entry": entry.name, "line_no": number, "entity": line.item.entity, "account": line.account,
            "summary": f"{entry.summary} {line.item.leg} {line.item.key}", "debit": max(line.amount, Decimal(0)),
            "credit": max(-line.amount, Decimal(0)), "currency": line.item.currency, "leg": line.item.leg, "key": line.item.key,
            "cause": line.item.cause, "origin": entry.origin,
        }
        for entry in entries(books, state, periods) for number, line in enumerate(entry.lines, 1)
    ]
    return pa.Table.from_pylist(rows, schema=published.TABLES["journal_proposals"])


def correction_claims(books: Books, state: State, periods: Sequence[dt.date]) -> pa.Table:
    """What was decided in the periods as claims of our side: minus the difference of every item, so that its key nets; plus
    it, on the day from which on a decision does not count any more; and what the entries book on accounts that a sub-ledger is held
    against, until the ledger has it."""
    rows = decision_claims(state, periods)
    posted: dict[tuple[dt.date, str, str, str], Decimal] = {}
    for entry in entries(books, state, periods):
        for line in entry.lines:
            if line.account in books.accounts:
                at = (entry.period, line.item.entity, line.account, line.item.currency)
                posted[at] = posted.get(at, Decimal(0)) + line.amount
    rows += [
        {
            "period": period, "leg": "ledger", "entity": entity, "key": f"{account}/{period}", "currency": currency, "side": "left",
            "kind": "subledger", "amount": amount, "quantity": Decimal(0), "attribute": None, "shop": "", "channel": "", "order_id": "",
            "sku": "", "discount": Decimal(0), "unit_price": None, "occurred_at": None, "source": "journal_proposals", "file": "",
            "line": None, "remark": "",
        }
        for (period, entity, account, currency), amount in sorted(posted.items()) if amount
    ]
    return pa.Table.from_pylist(rows, schema=CLAIM)


def _entry(accounts: JournalAccounts, d: Decision, period: dt.date, number: int, *, sign: int) -> Entry:
    lines: list[Line] = []
    for item in d.about:
        if item.is_booked and item.currency != PIECES and item.difference:
            lines.append(Line(own_account(accounts, item), (sign if item.leg == "ledger" else -sign) * item.difference, item))
    rest = -sum((line.amount for line in lines), Decimal(0))
    if lines and rest:
        other = accounts.by_cause.get(d.cause, accounts.write_off if d.decision == WRITE_OFF else accounts.suspense)
        item = lines[0].item
        if d.decision == RECLASSIFY:
            from duizhang.reconcile import load_causes  # which few entries need

            is_cause = d.to in load_causes()
            other = accounts.by_cause.get(d.to, accounts.suspense) if is_cause else d.to
            item = replace(item, cause=d.to) if is_cause else item
        lines.append(Line(other, rest, item))
    back = f"reversal of J{d.entry:06d}: {d.taken_back.reason}; " if sign < 0 and d.taken_back else ""
    return Entry(f"J{number:06d}", period, f"{back}{d.name} {d.decision}: {d.reason};", d.decision, tuple(lines))


def own_account(accounts: JournalAccounts, item: Item) -> str:
    """The account on which what an item is about stands."""
    if item.leg in ("payment_settlement", "payout_bank"):
        return accounts.clearing.get(item.key.split("/")[0], accounts.cash_in_transit)
    own = {"ledger": item.key.split("/")[0], "fee": accounts.fees, "freight": accounts.fees, "stock": accounts.inventory}
    return own.get(item.leg, accounts.receivable)
