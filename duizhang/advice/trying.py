"""An advice is tried over the past: what a run with the change would have said, as `duizhang what-if` says it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.advice.candidates import Advice, AdviceKind, advice_of
from duizhang.books import Books
from duizhang.close.laid_out import archived_settings
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import last_before
from duizhang.home.published import open_published
from duizhang.home.state import State
from duizhang.what_if import Effect, Proposed, what_if
from duizhang.what_if.trial import Runner


@dataclass(frozen=True)
class Tried:
    """An advice and what it would have done. effect: None where it was not tried."""

    advice: Advice
    effect: Effect | None = None

    @property
    def gone(self) -> int:
        """Differences that would not have been told, or as timing alone."""
        return _count(self.effect.items, "gone") if self.effect else 0

    @property
    def new(self) -> int:
        """Differences that would have been told as well."""
        return _count(self.effect.items, "new") if self.effect else 0

    @property
    def holds(self) -> bool | None:
        """Whether the past speaks for it: a card and a wider tolerance make differences go and nearly none come; an earlier
        deadline names no more of what came by itself, a later one fewer. None: it was not tried."""
        if self.effect is None:
            return None
        match self.advice.kind:
            case AdviceKind.RATE_CARD | AdviceKind.NARROW_TOLERANCE:
                return self.gone > 0 and 20 * self.new <= self.gone
            case AdviceKind.EARLY_DEADLINE:
                return self.gone > self.new or self._moved(now="timing") > 0
            case AdviceKind.LATE_DEADLINE:
                return self._moved(was="timing") <= int(self.advice.seen["cleared"]) // 100
            case AdviceKind.WIDE_TOLERANCE:
                return bool(self.effect.days)

    def _moved(self, **cause: str) -> int:
        """Items whose cause `was` or would be `now` this one."""
        rows = self.effect.moved if self.effect else ()
        return sum(int(row["items"]) for row in rows if all(row[side] == name for side, name in cause.items()))

    def money_gone(self) -> dict[str, Decimal]:
        """By currency, gross."""
        found: dict[str, Decimal] = {}
        for row in self.effect.items if self.effect else ():
            if row["gone"]:
                found[row["currency"]] = found.get(row["currency"], Decimal(0)) + row["gone_amount"]
        return found


def try_out(
    home: Path, state: State, runner: Runner, *, first: dt.date | None = None, last: dt.date | None = None, key: Path | None = None,
    untried: bool = False,
) -> list[Tried]:
    """What history advises, each tried by itself from `first` to `last` (default: all days) in a copy; nothing is written to the home.

    untried: only say what it is. Raises UserError where nothing is published.
    """
    run = last_before(state, EventKind.RUN_STARTED)
    if run is None:
        raise UserError(f"nothing was run in {home} yet", advice="Run `duizhang run` first.")
    with open_published(home) as con:
        if not con.execute("select 1 from period_status where version is not null limit 1").fetchall():
            raise UserError(f"{home} has nothing published yet", advice="`duizhang status` says what is held, and why.")
        found = advice_of(con, Books(root=home, **archived_settings(home, run.payload)))
    if untried:
        return [Tried(advice) for advice in found]
    return [
        Tried(advice, what_if(home, state, Proposed(edits=(advice.change,)), runner, first=first, last=last, key=key)) for advice in found
    ]


def _count(items: Sequence[dict[str, Any]], name: str) -> int:
    return sum(int(row[name]) for row in items)
