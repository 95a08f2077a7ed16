"""What people decided about differences, and the claims and the standing of items that follow from it.

A decision is about an event: the items of several legs that show one fault. It clears all of them, and its money is that of the
items that are booked. It can be taken back: then it is as if it had never been, but for the two of them in the log and in the journal.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from duizhang.declared.schema import DAY, PIECES, TEXT
from duizhang.declared.terms import DecisionKind, EventKind
from duizhang.errors import StateError
from duizhang.gate import accepted_by
from duizhang.home.events import events
from duizhang.home.state import METADATA, State
from duizhang.home.store import days
from duizhang.ingest.files import OF_CELLS, deciders_of_cells

# what may be chosen; a split is stored as the decisions that it is made of
ACCEPT, WRITE_OFF, CORRECT, WAIT, LINK, RECLASSIFY, CHASE, ADJUST, SPLIT = DECISIONS = tuple(DecisionKind)
# those that clear what they are about, and whose amount is booked (that of a link is nothing); the others say how an item stands
MOVING = (WRITE_OFF, CORRECT, LINK, RECLASSIFY, ADJUST)
STANDING: dict[str, str] = {ACCEPT: "accepted", WAIT: "waiting", CHASE: "chased"}
# in the remark of a claim: what it was decided about
CAUSE_MARK, EVENT_MARK, ORDER_MARK = "cause:", "event:", "order:"
# events: somebody decided something, took it back; a range was computed, and which of its days are held
DECIDED, TAKEN_BACK, COMPUTED = EventKind.DECIDED, EventKind.TAKEN_BACK, EventKind.COMPUTED
# the legs that add up what others show line by line
SUMS = ("customer", "finance")

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
# the event of a decision and its items, as JSON
DECISION_ITEMS = sa.Table(
    "decision_items", METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("row", sa.String, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.Column("items", sa.Text, nullable=False),
)
# of a decision that names more than the others do: where to, and the split that it is a part of
DECISION_TERMS = sa.Table(
    "decision_terms", METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("to", sa.String, nullable=False),
    sa.Column("split", sa.String, nullable=False),
)
TAKEN = sa.Table(
    "decisions_taken_back", METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("period", sa.String, nullable=False),
    sa.Column("taken_back_by", sa.String, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

DECISION_TABLE = pa.schema(
    [("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("from_period", DAY), ("until", DAY),
     ("status", TEXT)]
)


@dataclass(frozen=True)
class Item:
    """What an event has of an item. difference: left - right; is_booked: it is the event's money, not shown again."""

    leg: str
    entity: str
    key: str
    currency: str
    cause: str
    difference: Decimal
    quantity: Decimal
    is_booked: bool
    shop: str = ""
    order_id: str = ""

    @property
    def place(self) -> tuple[str, str, str, str]:
        return self.leg, self.entity, self.key, self.currency

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {**self.__dict__, "difference": str(self.difference), "quantity": str(self.quantity)}

    @staticmethod
    def of(said: Mapping[str, Any]) -> Item:
        """From its JSON."""
        return Item(**{**said, "difference": Decimal(said["difference"]), "quantity": Decimal(said["quantity"])})


@dataclass(frozen=True)
class Undo:
    """A decision was taken back. period: the day from which on it does not count; its own, unless that was closed by then. entry: the
    number of the entry that reverses its own; 0 where it had none."""

    period: dt.date
    by: str
    reason: str
    entry: int = 0


@dataclass(frozen=True)
class Decision:
    """One decision. amount and quantity are the difference (left - right) that it was taken on: of an event, its money. leg to
    cause name the first of its booked items. row: the digest of what a workbook said. entry: the number of its journal entry, 0 where
    it moves no money; numbers have no gaps. to: the account or cause of a reclassification, the party that is chased, the amount that an
    adjusted record is to have. split: what the parts of one item that was split have in common."""

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
    event: str = ""
    row: str = ""
    entry: int = 0
    items: tuple[Item, ...] = ()
    taken_back: Undo | None = None
    to: str = ""
    split: str = ""

    @property
    def name(self) -> str:
        """Its number as people say it."""
        return f"C{self.id:06d}"

    @property
    def about(self) -> tuple[Item, ...]:
        """Its items; one that names none is about the item that it was taken on."""
        return self.items or (Item(self.leg, self.entity, self.key, self.currency, self.cause, self.amount, self.quantity,
                                   is_booked=True, shop=self.shop, order_id=self.order_id),)

    @property
    def moves_money(self) -> bool:
        return self.decision in MOVING and self.currency != PIECES and bool(self.amount)

    @property
    def is_gone(self) -> bool:
        """Whether its own day is to be as if it had not been taken."""
        return self.taken_back is not None and self.taken_back.period == self.period


def store_decision(state: State, d: Decision) -> int:
    """Store one decision, and that it was taken back where it was; its number. A digest that is known is an error of the
    caller."""
    with state.begin() as con:
        number = con.execute(sa.insert(CORRECTIONS).values(
            digest=d.digest, period=d.period.isoformat(), leg=d.leg, entity=d.entity, key=d.key,
            currency=d.currency, cause=d.cause, decision=d.decision, amount=str(d.amount), quantity=str(d.quantity),
            shop=d.shop, order_id=d.order_id, reason=d.reason, until=d.until.isoformat() if d.until else "",
            decided_by=d.decided_by, **({"id": d.id} if d.id else {}),
        )).inserted_primary_key
        stored = int(number[0]) if number else 0
        if d.event:
            con.execute(sa.insert(DECISION_ITEMS).values(
                id=stored, event=d.event, row=d.row, entry=d.entry, items=json.dumps([i.told() for i in d.items], ensure_ascii=False),
            ))
        if d.to or d.split:
            con.execute(sa.insert(DECISION_TERMS).values(id=stored, to=d.to, split=d.split))
    if d.taken_back:
        store_undo(state, stored, d.taken_back)
    return stored


def store_undo(state: State, number: int, undo: Undo) -> None:
    """Store that a decision was taken back."""
    with state.begin() as con:
        con.execute(sa.insert(TAKEN).values(
            id=number, period=undo.period.isoformat(), taken_back_by=undo.by, entry=undo.entry, reason=undo.reason,
        ))


def decisions(state: State) -> list[Decision]:
    """All decisions, in the order in which they were stored; those that were taken back say so."""
    with state.read() as con:
        rows = con.execute(sa.select(CORRECTIONS).order_by(CORRECTIONS.c.id)).mappings().all()
        more = {r["id"]: r for r in con.execute(sa.select(DECISION_ITEMS)).mappings()}
        terms = {r.id: r for r in con.execute(sa.select(DECISION_TERMS))}
        taken = {r.id: Undo(dt.date.fromisoformat(r.period), r.taken_back_by, r.reason, r.entry) for r in con.execute(sa.select(TAKEN))}
    found = []
    for row in rows:
        try:
            d = Decision(**{
                **row, "period": dt.date.fromisoformat(row["period"]), "amount": Decimal(row["amount"]),
                "quantity": Decimal(row["quantity"]), "until": dt.date.fromisoformat(row["until"]) if row["until"] else None,
            })
        except (ValueError, ArithmeticError) as error:
            raise StateError(
                f"decision C{row['id']:06d} was changed: its day, amount or quantity is none",
                advice="`duizhang verify` says what else was changed.",
            ) from error
        if d.id in more:
            items = tuple(Item.of(said) for said in json.loads(more[d.id]["items"]))
            d = replace(d, event=more[d.id]["event"], row=more[d.id]["row"], entry=more[d.id]["entry"], items=items)
        if d.id in terms:
            d = replace(d, to=terms[d.id].to, split=terms[d.id].split)
        found.append(replace(d, taken_back=taken.get(d.id)))
    return found


def next_entry(known: Iterable[Decision]) -> int:
    """The number of the next journal entry."""
    return 1 + max((number for d in known for number in (d.entry, d.taken_back.entry if d.taken_back else 0)), default=0)


def deciders(state: State, period: dt.date) -> set[str]:
    """Who has decided something of a period, or taken it back: about its items, cells of its files, or to let a failed check pass."""
    of_items = [d for d in decisions(state) if d.period == period]
    undone = {d.taken_back.by for d in decisions(state) if d.taken_back and d.taken_back.period == period}
    return {*(d.decided_by for d in of_items), *undone, *accepted_by(state, period), *deciders_of_cells(state, period)}


def not_computed(state: State, period: dt.date) -> list[Decision]:
    """Decisions on items of a period, taken or taken back, that its published version does not have yet."""
    own = {d.id: d for d in decisions(state) if d.period == period or (d.taken_back and d.taken_back.period == period)}
    if not own:
        return []
    seen = shown_since(state).get(period, 0)
    made = {e["payload"]["id"] for e in events(state, DECIDED) if e["seq"] > seen}
    back = {e["payload"]["id"] for e in events(state, TAKEN_BACK) if e["seq"] > seen}
    # of what was taken and taken back since there is nothing to see but entries
    return [d for number, d in own.items() if number in {*made, *back} and (d.moves_money or not (d.is_gone and number in made))]


def cells_not_computed(state: State, period: dt.date) -> list[str]:
    """Corrections of cells that touch a period, made or taken back, that its published version does not have yet: their numbers."""
    seen = shown_since(state).get(period, 0)
    since: dict[int, int] = {}
    for kind in OF_CELLS:
        for event in events(state, kind):
            if event["seq"] > seen and period.isoformat() in event["payload"].get("days", []):
                number = int(event["payload"]["id"])
                since[number] = since.get(number, 0) + 1
    # what was corrected and taken back since leaves nothing
    return [f"K{number:06d}" for number, times in sorted(since.items()) if times == 1]


def shown_since(state: State) -> dict[dt.date, int]:
    """The number of the event with which the version of each period that is to be seen was last computed."""
    found: dict[dt.date, int] = {}
    for event in events(state, COMPUTED):
        said = event["payload"]
        for period in days(dt.date.fromisoformat(said["from"]), dt.date.fromisoformat(said["to"])):
            if period.isoformat() not in said["held"]:
                found[period] = event["seq"]
    return found


def decision_claims(state: State, periods: Sequence[dt.date]) -> list[dict[str, Any]]:
    """What was decided in the periods as claims of our side: minus the difference of every item, so that its key nets; plus
    it, on the day from which on a decision does not count any more."""
    wanted = set(periods)
    rows: list[dict[str, Any]] = []
    for d in decisions(state):
        if d.decision not in MOVING:
            continue
        if d.period in wanted and not d.is_gone:
            rows += _claims(d, d.period, -1)
        if d.taken_back and d.taken_back.period in wanted and not d.is_gone:
            rows += _claims(d, d.taken_back.period, 1)
    return rows


def _claims(d: Decision, period: dt.date, sign: int) -> list[dict[str, Any]]:
    # what is claimed of an order is claimed of its customer as well, see sql/claims/customer, unless that is among the items
    mark = EVENT_MARK if any(item.leg == "customer" for item in d.about) else ORDER_MARK
    sums: dict[tuple[str, ...], list[Item]] = {}
    for item in d.about:
        sums.setdefault((*item.place, item.shop, item.order_id), []).append(item)
    return [
        {
            "period": period, "leg": leg, "entity": entity, "key": key, "currency": currency, "side": "left",
            "kind": "write_off" if d.decision == WRITE_OFF else "correction",
            "amount": sign * sum((i.difference for i in items), Decimal(0)),
            "quantity": sign * sum((i.quantity for i in items), Decimal(0)), "attribute": None, "shop": shop, "channel": "",
            "order_id": order_id if leg != "finance" else "", "sku": "", "discount": Decimal(0), "unit_price": None, "occurred_at": None,
            "source": "corrections", "file": "", "line": d.id, "remark": f"{mark}{d.event}" if d.event else f"{CAUSE_MARK}{d.cause}",
        }
        for (leg, entity, key, currency, shop, order_id), items in sums.items()
    ]


def item_decisions(state: State, *, up_to: int | None = None) -> pa.Table:
    """Items that somebody accepted, waits for or chases; the latest decision on an item counts. Lines of a sum stand as what they are
    made of stands. up_to: the last that is known."""
    latest: dict[tuple[str, str, str, str], Decision] = {}
    for d in decisions(state):
        if (up_to is None or d.id <= up_to) and d.decision in STANDING and not d.is_gone:
            for item in d.about:
                if item.is_booked or item.leg not in SUMS:
                    latest[item.place] = d
    rows = []
    for (leg, entity, key, currency), d in latest.items():
        ends = [day for day in (d.until, d.taken_back and d.taken_back.period - dt.timedelta(days=1)) if day]
        rows.append({
            "leg": leg, "entity": entity, "key": key, "currency": currency, "from_period": d.period,
            "until": min(ends, default=None), "status": STANDING[d.decision],
        })
    return pa.Table.from_pylist(rows, schema=DECISION_TABLE)
