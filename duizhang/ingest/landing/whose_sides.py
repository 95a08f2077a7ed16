"""Whether a file has debits and credits as a bank or as a ledger of one's own: by what the books say, its running balance, else what it
says besides."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from duizhang.ingest.landing.landed import typed_schema
from duizhang.ingest.landing.side_evidence import is_of_ledger
from duizhang.ingest.landing.tally import Balance
from duizhang.ingest.rows import Batch
from duizhang.ingest.specification import Sides, normalised
from duizhang.ingest.typing import ColumnTyper, Way, undecided_sides

_ENOUGH = 2  # steps between balances that speak against what the names of the columns say


def settle_sides(typer: ColumnTyper, batch: Batch) -> None:
    """Find out from the first rows which way debits and credits are to be read. Raises RefusedFile where it can be either."""
    rule, spec = typer.spec.sides, typer.spec
    if rule is None:
        return
    debit, credit, after = (typer.positions[name] for name in (rule.debit, rule.credit, spec.balance.after if spec.balance else rule.debit))
    has_columns = debit is not None and credit is not None
    words = [name for name in rule.words if typer.positions[name] is not None]
    if not has_columns and not words:
        return
    name = typer.names[debit] if debit is not None and has_columns else ""
    asks = normalised(name) in {normalised(column) for column in rule.ask}
    if typer.said.sides:
        typer.way = Way(ledger=typer.said.sides == "ledger")
        return
    if spec.balance is None or after is None:
        if has_columns:
            _by_evidence(typer, batch, rule, name, asks=asks)
        return
    if not asks and not words and _follows(typer, batch, rule, spec.balance.after):
        return
    below = bool(words) and typer.positions[rule.amount] is not None and bool((typer.signs(rule.amount, batch)[0] < 0).any())
    ways = [Way(ledger, reversing) for reversing in ((False, True) if below else (False,)) for ledger in (False, True)]
    best = _best(typer, batch, Balance(spec.balance, typed_schema(spec)), ways, asks=asks)
    if best is None:
        typer.way = Way()
        _by_evidence(typer, batch, rule, name, asks=asks)
        return
    typer.way = best
    if asks or best.ledger:
        what = f"{name!r}" if has_columns else "debit"
        typer.told.append(f"{what} is read as {_WHOSE[best.ledger]} has it: so the balance tells")
    if best.reversing:
        typer.told.append("amounts with a minus are read as reversals of their side: so the balance tells")


def _by_evidence(typer: ColumnTyper, batch: Batch, rule: Sides, name: str, *, asks: bool) -> None:
    """Settle sides of which no balance tells. Raises RefusedFile where nothing tells of names that must be told, or what tells is against
    what the names of the others say."""
    ledger = is_of_ledger(typer, batch, rule)
    if ledger if not asks else ledger is None:
        raise undecided_sides(name)
    if asks:
        typer.way = Way(ledger=bool(ledger))
        typer.told.append(f"{name!r} is read as {_WHOSE[bool(ledger)]} has it: so its rows or columns tell")
    elif ledger is None and normalised(name) in {normalised(column) for column in rule.tell}:
        typer.told.append(f"{name!r} is read as {_WHOSE[False]} has it: there is no balance to tell")


_WHOSE = {True: "money in, as a ledger of one's own", False: "money out, as a bank"}


def _best(typer: ColumnTyper, batch: Batch, balance: Balance, ways: Sequence[Way], *, asks: bool) -> Way | None:
    """The way by which the balance follows; none where that cannot be told and must be."""
    usual = Way()
    breaks: dict[Way, int] = {}
    for typer.way in ways:
        led = balance.led(typer.type(batch)[0])
        if led.steps < (1 if asks else _ENOUGH):
            return None if asks else usual
        breaks[typer.way] = led.breaks
        if typer.way == usual and not breaks[usual] and not asks:
            return usual
    fewest = [way for way, count in breaks.items() if count == min(breaks.values())]
    if len(fewest) > 1:
        return None if asks else usual
    # where a row is missing, what breaks once is right rather than what breaks everywhere
    return fewest[0] if asks or 2 * breaks[fewest[0]] < breaks[usual] else usual


def _follows(typer: ColumnTyper, batch: Batch, rule: Sides, after: str) -> bool:
    """Whether the balance plainly follows as a bank writes it, oldest or newest row first: so it mostly does, and that is soon seen."""
    [debit, credit, balance] = [typer.amounts(name, batch) for name in (rule.debit, rule.credit, after)]
    if balance.null_count():
        return False
    moved = credit.fill_null(0) - debit.fill_null(0)
    steps = pl.DataFrame({"step": balance.diff(), "own": moved, "above": moved.shift(1)}).slice(1)
    return bool((steps["step"] == steps["own"]).all() or (steps["step"] == -steps["above"]).all())
