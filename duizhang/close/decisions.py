"""What people decided about differences, and the claims and journal entries that follow from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlalchemy as sa

from duizhang import published
from duizhang.events import events
from duizhang.gate import accepted_by
from duizhang.schema import CLAIM, DAY, PIECES, TEXT
from duizhang.state import METADATA, State
from duizhang.store import days

if TYPE_CHECKING:
    from duizhang.books import Books

ACCEPT, WRITE_OFF, CORRECT, WAIT = DECISIONS = ("accept", "write_off", "correct", "wait")
# in the remark of a correction: which line of an item it is on, where the item is split by cause
CAUSE_MARK = "cause:"
# events: somebody decided something; a range was computed, and which of its days are held
DECIDED, COMPUTED = "decided", "computed"

CORRECTIONS = sa.Table(
    "corrections", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String, nullable=False, unique=True),
    sa.Column("period", sa.String, nullable=False),
    sa.Column("leg", sa.String, nullable=False),
    sa.Column("entity", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("amount", sa.String, nullable=False),
    sa.Column("quantity", sa.String, nullable=False),
    sa.Column("shop", sa.String, nullable=False),
    sa.Column("order_id", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.String, nullable=False),
    sa.Column("decided_by", sa.String, nullable=False),
)

DECISION_TABLE = pa.schema(
    [("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("from_period", DAY), ("until", DAY),
     ("status", TEXT)]
)


@dataclass(frozen=True)
class Decision:
    """One decision. amount and quantity are the difference (left - right) that it was taken on."""

    digest: str
    period: dt.date
    leg: str
    entity: str
    key: str
    currency: str
    cause: str
    decision: str
    amount: Decimal
    quantity: Decimal
    shop: str
    order_id: str
    reason: str
    until: dt.date | None
    decided_by: str
    id: int = 0


def store_decision(state: State, d: Decision) -> int:
    """Store one decision; its number. A digest that is known is an error of the caller."""
    with state.begin() as con:
        number = con.execute(sa.insert(CORRECTIONS).values(
            digest=d.digest, period=d.period.isoformat(), leg=d.leg, entity=d.entity, key=d.key,
            currency=d.currency, cause=d.cause, decision=d.decision, amount=str(d.amount), quantity=str(d.quantity),
            shop=d.shop, order_id=d.order_id, reason=d.reason, until=d.until.isoformat() if d.until else "",
            decided_by=d.decided_by, **({"id": d.id} if d.id else {}),
        )).inserted_primary_key
    return int(number[0]) if number else 0


def decisions(state: State) -> list[Decision]:
    """All decisions, in the order in which they were stored."""
    with state.read() as con:
        rows = con.execute(sa.select(CORRECTIONS).order_by(CORRECTIONS.c.id)).mappings().all()
    return [
        Decision(**{
            **row, "period": dt.date.fromisoformat(row["period"]), "amount": Decimal(row["amount"]),
            "quantity": Decimal(row["quantity"]), "until": dt.date.fromisoformat(row["until"]) if row["until"] else None,
        })
        for row in rows
    ]


def deciders(state: State, period: dt.date) -> set[str]:
    """Who has decided something of a period: about its items, or to let a failed check of it pass."""
    with state.read() as con:
        names = con.execute(sa.select(CORRECTIONS.c.decided_by).where(CORRECTIONS.c.period == period.isoformat())).scalars().all()
    return {*names, *accepted_by(state, period)}


def undone(state: State, period: dt.date) -> list[Decision]:
    """Decisions on items of a period that its published version does not have yet."""
    with state.read() as con:
        ids = set(con.execute(sa.select(CORRECTIONS.c.id).where(CORRECTIONS.c.period == period.isoformat())).scalars())
    if not ids:
        return []
    seen = shown_since(state).get(period, 0)
    waiting = {e["payload"]["id"] for e in events(state, DECIDED) if e["seq"] > seen}
    return [d for d in decisions(state) if d.id in ids and d.id in waiting]


def shown_since(state: State) -> dict[dt.date, int]:
    """The number of the event with which the version of each period that is to be seen was last computed."""
    found: dict[dt.date, int] = {}
    for event in events(state, COMPUTED):
        said = event["payload"]
        for period in days(dt.date.fromisoformat(said["from"]), dt.date.fromisoformat(said["to"])):
            if period.isoformat() not in said["held"]:
                found[period] = event["seq"]
    return found


def correction_claims(state: State, periods: Sequence[dt.date]) -> pa.Table:
    """Corrections and write-offs of the periods as claims of our side: minus the difference, so that the key nets."""
    wanted = set(periods)
    rows = [
        {
            "period": d.period, "leg": d.leg, "entity": d.entity, "key": d.key, "currency": d.currency, "side": "left",
            "kind": "correction" if d.decision == CORRECT else "write_off", "amount": -d.amount,
            "quantity": -d.quantity, "attribute": None, "shop": d.shop, "channel": "", "order_id": d.order_id,
            "sku": "", "discount": Decimal(0), "unit_price": None, "occurred_at": None, "source": "corrections",
            "file": "", "line": d.id, "remark": f"{CAUSE_MARK}{d.cause}",
        }
        for d in decisions(state) if d.decision in (CORRECT, WRITE_OFF) and d.period in wanted
    ]
    return pa.Table.from_pylist(rows, schema=CLAIM)


def item_decisions(state: State, *, up_to: int | None = None) -> pa.Table:
    """Items that somebody accepted or waits for; the latest decision on an item counts. up_to: the last that is known."""
    known = (d for d in decisions(state) if up_to is None or d.id <= up_to)
    latest = {(d.leg, d.entity, d.key, d.currency): d for d in known if d.decision in (ACCEPT, WAIT)}
    rows = [
        {
            "leg": d.leg, "entity": d.entity, "key": d.key, "currency": d.currency, "from_period": d.period,
            "until": d.until, "status": "accepted" if d.decision == ACCEPT else "waiting",
        }
        for d in latest.values()
    ]
    return pa.Table.from_pylist(rows, schema=DECISION_TABLE)


def journal_proposals(books: Books, state: State, periods: Sequence[dt.date]) -> pa.Table:
    """Balanced entries for the corrections and write-offs of the periods.

    Ours less the counterpart's is the difference: where it is positive our record is too high and the account of the
    leg is credited. Pieces have no entry: their value depends on a cost that a person has to choose.
    """
    accounts = books.journal
    own = {
        "payment_settlement": accounts.cash_in_transit, "payout_bank": accounts.cash_in_transit,
        "ledger": accounts.suspense, "fee": accounts.fees, "freight": accounts.fees, "stock": accounts.inventory,
    }
    wanted = set(periods)
    rows = []
    for d in decisions(state):
        if d.decision not in (CORRECT, WRITE_OFF) or d.period not in wanted or d.currency == PIECES or not d.amount:
            continue
        first = d.key.split("/")[0] if d.leg == "ledger" else own.get(d.leg, accounts.receivable)
        second = accounts.write_off if d.decision == WRITE_OFF else accounts.suspense
        debit, credit = (second, first) if d.amount > 0 else (first, second)
        for number, (account, side) in enumerate(((debit, "debit"), (credit, "credit")), 1):
            rows.append({
                "period": d.period, "entry": f"C{d.id:06d}", "line_no": number, "entity": d.entity, "account": account,
                "summary": f"{d.decision} {d.leg} {d.key}: {d.reason}",
                "debit": abs(d.amount) if side == "debit" else Decimal(0),
                "credit": abs(d.amount) if side == "credit" else Decimal(0),
                "currency": d.currency, "leg": d.leg, "key": d.key, "cause": d.cause, "origin": d.decision,
            })
    return pa.Table.from_pylist(rows, schema=published.TABLES["journal_proposals"])
