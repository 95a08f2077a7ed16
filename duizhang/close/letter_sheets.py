"""What is signed: a day as its published version shows it, on one sheet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from duizhang.close.decisions import Decision, decisions
from duizhang.close.groups import no_such_day
from duizhang.home.published import open_published
from duizhang.home.state import State
from duizhang.publish import read_manifest, versions
from duizhang.publish.metrics import with_events
from duizhang.report import read_home_books, spoken_amount
from duizhang.speech.language import counted
from duizhang.speech.language import translated as _
from duizhang.speech.spoken_names import spoken_cause
from duizhang.standing.verdict import not_run, not_run_lines

_OPEN = """
    select cause, currency, count(*), sum(amount), max(age_days)
    from events
    where period = ?
    group by cause, currency
    order by cause = 'timing', sum(amount) desc, cause, currency
"""


@dataclass(frozen=True)
class Open:
    """What is open for one cause: how many events, their money without sign, and the age of the oldest in days."""

    cause: str
    currency: str
    items: int
    amount: Decimal
    oldest: int


@dataclass(frozen=True)
class Sheet:
    """A published day as it is signed. open: booked items of its events by cause; changed: tables that differ from the version
    before; decided: what people decided about it, as far as it counts; not_run: legs without their other side, a line each."""

    period: dt.date
    state: str
    version: int
    digest: str
    matched: int
    open: tuple[Open, ...]
    changed: tuple[str, ...]
    decided: tuple[Decision, ...]
    not_run: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """As text, in the language that is spoken."""
        yield _("{day}: {state}, version {n}, digest {digest}; {keys} keys agree", day=self.period, state=_(self.state), n=self.version,
                digest=self.digest[:16], keys=self.matched)
        for o in self.open:
            amount = spoken_amount(o.amount, o.currency)
            yield counted("  open: {cause} {n} item, {amount}, the oldest {days} days",
                          "  open: {cause} {n} items, {amount}, the oldest {days} days", o.items, cause=spoken_cause(o.cause),
                          amount=amount, days=o.oldest)
        for d in self.decided:
            amount = spoken_amount(d.amount, d.currency)
            yield _("  decided: {name} {decision} {amount} by {who}: {reason}", name=d.name, decision=d.decision, amount=amount,
                    who=d.decided_by, reason=d.reason)
        for line in self.not_run:
            yield _("  not reconciled: {line}", line=line)
        if self.changed:
            yield _("  since version {n}: {tables} changed", n=self.version - 1, tables=", ".join(self.changed))


def sheets(home: Path, state: State, periods: Sequence[dt.date]) -> list[Sheet]:
    """What is to be signed of each period. Raises UserError where one was never published."""
    found = []
    with open_published(home) as con:
        with_events(con)
        missing = not_run(con)
        for period in periods:
            no_such_day(con, period)
            (name, version, digest), = con.execute(
                "select state, version, digest from period_status where period = ?", [period]
            ).fetchall()
            matched = con.execute("select coalesce(sum(matched_keys), 0) from recon_summary where period = ?", [period]).fetchone()
            rows = con.execute(_OPEN, [period]).fetchall()
            decided = tuple(d for d in decisions(state) if d.period == period and not d.is_gone)
            found.append(Sheet(
                period, name, version, digest, int(matched[0]) if matched else 0, tuple(Open(*row) for row in rows),
                _changed(home, state, period, version), decided,
                tuple(not_run_lines([
                    {**r, "first_day": period, "last_day": period} for r in missing if r["first_day"] <= period <= r["last_day"]
                ], read_home_books(home).shop)),
            ))
    return found


def _changed(home: Path, state: State, period: dt.date, version: int) -> tuple[str, ...]:
    before = [v.version for v in versions(state, period) if v.version < version]
    if not before:
        return ()
    old, new = (read_manifest(home, period, number)["tables"] for number in (before[-1], version))
    return tuple(sorted(name for name in {*old, *new} if old.get(name, {}).get("digest") != new.get(name, {}).get("digest")))
