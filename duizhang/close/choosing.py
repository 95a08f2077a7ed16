"""What somebody wants decided about an event, and whether anybody could decide so, whatever was decided before.

Some decisions name more than a reason, in one text: `reclassify` an account or a cause, `chase` a party, `adjust` the amount that
our record is to have, `split` its parts. A split becomes a decision a part; the parts add up to the event exactly.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from duizhang.close.decisions import (
    ADJUST,
    CHASE,
    DECISIONS,
    LINK,
    RECLASSIFY,
    SPLIT,
    STANDING,
    WAIT,
)
from duizhang.close.groups import Event
from duizhang.declared.currency import in_places
from duizhang.declared.currency import unit as unit_of
from duizhang.declared.schema import PIECES
from duizhang.digest import mapping_digest
from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.spelling import meant

if TYPE_CHECKING:
    from duizhang.books import Books

CUSTOMER = "customer"
_CUSTOMER_IN_CHINESE = "客户"
# the legs whose left side is a price that somebody keeps a record of
PRICED = ("order_platform", "order_payment", "fee", "freight")
_PART = re.compile(r"(?P<amount>[-+]?[\d.,]+)\s+(?P<decision>\w+)(?P<terms>[^:：]*(?::\S+)?)(?:(?:\s*:\s|：)(?P<reason>.*))?", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Choice:
    """What somebody wants decided about an event. place: where it is said, for messages; row: the digest of that; to: see above;
    whole: the event of which `event` is a part; split: what the parts have in common."""

    event: Event
    decision: str
    reason: str
    until: dt.date | None = None
    place: str = ""
    row: str = ""
    to: str = ""
    split: str = ""
    whole: Event | None = None

    def digest(self, before: int) -> str:
        """What the decision is known by. before: how many were taken before it, so that it may be taken again after it was taken
        back."""
        return mapping_digest({
            "event": self.event.id, "period": self.event.period.isoformat(), "decision": self.decision, "reason": self.reason,
            "until": str(self.until), "row": self.row, "before": str(before), **({"to": self.to} if self.to else {}),
        })


class Ground:
    """What is known at a home that choices are held against; each thing is looked up when it is first asked for."""

    def __init__(self, home: Path, state: State) -> None:
        self._home, self._state = home, state

    @cached_property
    def newest(self) -> dt.date:
        """The last day of the books."""
        from duizhang.publish import period_states

        return max(period_states(self._state), default=dt.date.min)

    @cached_property
    def books(self) -> Books:
        """Those of the last run. UserError before any."""
        from duizhang.close.books_of_run import last_books

        found = last_books(self._home, self._state)
        if found is None:
            raise UserError("no run is on record, so its books.yaml is not known", advice="`duizhang run` first.")
        return found

    @cached_property
    def accounts(self) -> frozenset[str]:
        """The accounts that books.yaml or a file of the ledger names."""
        from duizhang.declared.schema import TABLES
        from duizhang.home.store import Store, connect

        journal, store = self.books.journal, Store(self._home)
        own = [journal.write_off, journal.suspense, journal.receivable, journal.cash_in_transit, journal.inventory, journal.fees]
        with connect() as con:
            store.view(con, "journal_lines", store.periods("journal_lines"), TABLES["journal_lines"])
            posted = {account for account, in con.execute("select distinct account from journal_lines").fetchall() if account}
        return frozenset({*own, *journal.by_cause.values(), *journal.clearing.values(), *self.books.accounts, *posted})

    def parties(self, period: dt.date) -> tuple[str, ...]:
        """Who can be asked for something: providers, platforms, carriers, and whom books.yaml names under `counterparties`."""
        from duizhang.close.disputes import parties

        return parties(self._home, self.books, period)

    def ours(self, event: Event) -> Decimal:
        """What our side says in the lines that have the money of an event."""
        from duizhang.home.published import open_published

        with open_published(self._home) as con:
            found: dict[tuple[str, ...], Decimal] = {
                tuple(row[:5]): row[5] for row in con.execute(
                    'select leg, entity, "key", currency, cause, left_amount from variances where period = ? and leg = ?',
                    [event.period, event.lead.leg],
                ).fetchall()
            }
        lines = [item for item in event.booked if item.leg == event.lead.leg]
        if any((*item.place, item.cause) not in found for item in lines):
            raise UserError(f"{event.lead.leg} {event.lead.key} is not open on {event.period}")
        return sum((found[(*item.place, item.cause)] for item in lines), Decimal(0))


def chosen(ground: Ground, choice: Choice) -> list[Choice]:
    """The choice with what it names looked up; of a split its parts. Raises UserError where nobody can decide so."""
    if choice.decision == SPLIT:
        if problem := _problem(replace(choice, to=""), ground.newest):
            raise UserError(problem)
        return _parts(ground, choice)
    if problem := _problem(choice, ground.newest):
        raise UserError(problem)
    if choice.decision == RECLASSIFY:
        return [replace(choice, to=_reclassified(ground, choice))]
    if choice.decision == CHASE:
        return [replace(choice, to=_chased(ground, choice))]
    return [_adjusted(ground, choice)] if choice.decision == ADJUST else [choice]


def _problem(choice: Choice, newest: dt.date) -> str:
    """What is wrong with a choice by itself; empty where nothing is. newest: the last day of the books."""
    if choice.decision not in DECISIONS:
        return f"decision {choice.decision!r}; expected one of {', '.join(DECISIONS)}"
    if not choice.reason:
        return "reason is empty; expected why this was decided"
    if choice.to and choice.decision not in (RECLASSIFY, CHASE, ADJUST):
        return f"to is {choice.to!r}, but the decision is {choice.decision}, which names nothing"
    if choice.decision not in (WAIT, CHASE):
        return f"wait_until is given, but the decision is {choice.decision}" if choice.until else ""
    if choice.until is None:
        return "wait_until is empty; expected a day such as 2026-03-31" if choice.decision == WAIT else ""
    if choice.until <= choice.event.period:
        return f"wait_until {choice.until} is not after the day of the difference ({choice.event.period}), so nobody would wait"
    return f"wait_until {choice.until} is past: the books have come to {newest}" if choice.until < newest else ""


def _reclassified(ground: Ground, choice: Choice) -> str:
    from duizhang.close.journal import own_account
    from duizhang.reconcile import load_causes

    event, to, journal = choice.event, choice.to, ground.books.journal
    if event.lead.currency == PIECES or not event.amount:
        raise UserError("there is no money in it that could be booked elsewhere")
    if not to:
        raise UserError("to is empty; expected the account or the cause that it is reclassified to")
    account = to
    if to in load_causes():
        if to == event.lead.cause:
            raise UserError(f"its cause is {to} already")
        account = journal.by_cause.get(to, "")
        if not account:
            raise UserError(f"`journal: by_cause` of books.yaml has no account for the cause {to}; name the account, or add it there")
    elif to not in ground.accounts:
        raise UserError(f"{to!r} is no cause, and no account of books.yaml or of the ledger's files{meant(to, sorted(ground.accounts))}")
    if account == journal.write_off:
        raise UserError(f"{account} is the account of what is written off; decide write_off")
    if own := [item for item in event.booked if own_account(journal, item) == account]:
        raise UserError(f"{own[0].leg} {own[0].key} is on the account {account} already")
    return to


def _chased(ground: Ground, choice: Choice) -> str:
    event, to = choice.event, choice.to
    if to.partition(":")[0].casefold() in (CUSTOMER, _CUSTOMER_IN_CHINESE):
        own = sorted({item.key for item in event.items if item.leg == "customer" and "/" not in item.key})
        if len(own) != 1:
            raise UserError(f"{len(own)} customers are known of it, so nobody can tell who is to be asked")
        if to.partition(":")[2] not in ("", own[0]):
            raise UserError(f"its customer is {own[0]}, not {to.partition(':')[2]}")
        return f"{CUSTOMER}:{own[0]}"
    known = ground.parties(event.period)
    found = next((name for name in known if name.casefold() == to.casefold()), "") or _as_called(to, known)
    if not found:
        raise UserError(f"to is {to!r}; expected whom to ask: customer, or a provider, platform, carrier or supplier"
                        f"{meant(to, known)}; others are named under `counterparties` of books.yaml")
    return found


def _as_called(to: str, known: Sequence[str]) -> str:
    """A party by the name that everybody knows it by, in any language; '' where none is called so."""
    from duizhang.speech.labels import load_labels

    every = {**load_labels()["channels"], **load_labels()["providers"]}
    return next((name for name in known if to.casefold() in (label.casefold() for label in every.get(name, {}).values())), "")


def _adjusted(ground: Ground, choice: Choice) -> Choice:
    event = choice.event
    if event.lead.leg not in PRICED or event.lead.currency == PIECES or not event.amount:
        raise UserError(f"a price is adjusted where one differs ({', '.join(PRICED)}), not in {event.lead.leg} {event.lead.currency}")
    was = ground.ours(choice.whole or event)
    value = was - event.amount if not choice.to else _amount(choice.to)
    cleared = was - value
    if not cleared or (cleared > 0) != (event.amount > 0) or abs(cleared) > abs(event.amount):
        raise UserError(f"{_plain(value)} instead of {_plain(was)} does not bring the sides nearer; "
                        f"expected an amount from {_plain(was)} to {_plain(was - event.amount)}")
    if cleared != event.amount:
        event = divided(event, [cleared, event.amount - cleared])[0]
    return replace(choice, event=event, to=str(in_places(value, event.lead.currency)), whole=choice.whole or choice.event)


def _parts(ground: Ground, choice: Choice) -> list[Choice]:
    event = choice.event
    said = [part.strip() for part in re.split(r"[;；\n]", choice.to) if part.strip()]
    if len(said) < 2:
        raise UserError("a split has at least two parts, such as `60 write_off; 40 wait 2026-04-30`")
    found = [_part(text) for text in said]
    total = sum((amount for amount, *_ in found), Decimal(0))
    if total != event.amount:
        raise UserError(f"the parts add up to {_plain(total)}, not to {_plain(event.amount)}")
    if any(not amount or (amount > 0) != (event.amount > 0) for amount, *_ in found):
        raise UserError(f"every part has the sign of the whole, {_plain(event.amount)}")
    if len(standing := [decision for _, decision, *_ in found if decision in STANDING]) > 1:
        raise UserError(f"{' and '.join(standing)} would stay open, and an item that is open stands in one way; put them into one part")
    name = mapping_digest({"event": event.id, "period": event.period.isoformat(), "parts": "; ".join(said)})[:12]
    choices: list[Choice] = []
    for number, (part, (_, decision, to, until, reason)) in enumerate(zip(divided(event, [a for a, *_ in found]), found, strict=True), 1):
        if decision in (SPLIT, LINK):
            raise UserError(f"a part cannot be decided {decision}")
        try:
            choices += chosen(ground, replace(
                choice, event=part, decision=decision, reason=reason or choice.reason, until=until, to=to, split=name, whole=event,
            ))
        except UserError as error:
            raise UserError(f"part {number}: {error}") from error
    return choices


def decision_named(word: str) -> str:
    """The name of a decision as any language has it; what is none stays as it is."""
    from duizhang.speech.labels import load_labels

    text = word.strip().casefold()
    for name, labels in load_labels()["decisions"].items():
        if text in (name, *(label.casefold() for label in labels.values())):
            return name
    return text


def _part(text: str) -> tuple[Decimal, str, str, dt.date | None, str]:
    """Amount, decision, where to, until when, and why, of `40 chase alipay 2026-04-30: asked twice`."""
    found = _PART.fullmatch(text)
    if found is None:
        raise UserError(f"the part {text!r} cannot be read; expected such as `60 write_off: damaged`")
    terms = found["terms"].split()
    until = dt.date.fromisoformat(terms.pop()) if terms and _DAY.fullmatch(terms[-1]) else None
    return _amount(found["amount"]), decision_named(found["decision"]), " ".join(terms), until, (found["reason"] or "").strip()


def divided(event: Event, amounts: Sequence[Decimal]) -> list[Event]:
    """An event in parts of these amounts, which add up to its own. In every leg the items are divided by the same shares, and the parts of
    an item add up to it exactly.

    Raises UserError where its money is in several items, none of which has all of it, or an amount is smaller than money is.
    """
    whole, unit = event.amount, Decimal(1) if event.lead.currency == PIECES else unit_of(event.lead.currency)
    if any(abs(item.difference) != abs(whole) for item in event.booked):
        raise UserError(f"{event.id} has its money in {len(event.booked)} items, so nobody can tell which of them a part is of")
    if small := [amount for amount in amounts if amount % unit and whole % unit == 0]:
        raise UserError(f"{_plain(small[0])} {event.lead.currency} is less than there is: the smallest is {unit:f}")
    largest = max(range(len(amounts)), key=lambda n: abs(amounts[n]))
    parts = []
    before = Decimal(0)
    for number, amount in enumerate(amounts):
        upto = before + amount
        items = tuple(
            replace(
                item, difference=_share(item.difference, upto, whole, unit) - _share(item.difference, before, whole, unit),
                quantity=_share(item.quantity, upto, whole, unit) - _share(item.quantity, before, whole, unit)
                if item.currency == PIECES and abs(item.quantity) == abs(whole) else item.quantity if number == largest else Decimal(0),
            )
            for item in event.items
        )
        parts.append(replace(event, items=items))
        before = upto
    return parts


def _share(difference: Decimal, amount: Decimal, whole: Decimal, unit: Decimal) -> Decimal:
    if abs(difference) == abs(whole) or amount == whole:
        return difference if amount == whole else amount if difference == whole else -amount
    return (difference * amount / whole).quantize(unit)


def _amount(text: str) -> Decimal:
    try:
        found = Decimal(text.strip().replace(",", ""))
    except InvalidOperation as error:
        raise UserError(f"{text!r} is no amount; expected such as 1234.50") from error
    if not found.is_finite():
        raise UserError(f"{text!r} is no amount; expected such as 1234.50")
    return found


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"

