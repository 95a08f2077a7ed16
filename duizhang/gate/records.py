"""What the gate found, in the state database: results for exact digests, and failures accepted by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa

from duizhang.digest import mapping_digest, sort_rows
from duizhang.errors import UserError
from duizhang.home.published import TABLES
from duizhang.home.state import METADATA, State

RESULTS = sa.Table(
    "quality_results",
    METADATA,
    sa.Column("period", sa.Date, primary_key=True),
    sa.Column("table_name", sa.String, primary_key=True),
    sa.Column("expectation", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("column_name", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("success", sa.Boolean, nullable=False),
    sa.Column("unexpected", sa.BigInteger, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
)

ACCEPTED = sa.Table(
    "accepted_failures",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("period", sa.Date, nullable=False, index=True),
    sa.Column("table_name", sa.String, nullable=False),
    sa.Column("expectation", sa.String, nullable=False),
    sa.Column("unexpected", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("accepted_by", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("accepted_at", sa.DateTime, nullable=False),
)


@dataclass(frozen=True)
class Result:
    """The outcome of one expectation on one table and period, for content of exactly `digest`.

    unexpected: rows that break it; detail: the first of them, deterministic. accepted_by, accepted_because: who lets a
    failure pass, '' when nobody does.
    """

    period: dt.date
    table: str
    digest: str
    expectation: str
    column: str
    severity: str
    success: bool
    unexpected: int
    message: str
    detail: str
    accepted_by: str = ""
    accepted_because: str = ""

    @property
    def holds(self) -> bool:
        """Whether it keeps the period from being published."""
        return not self.success and self.severity == "critical" and not self.accepted_by


@dataclass(frozen=True)
class Failure:
    """Why a period is held: an expectation of a table that failed and that nobody accepted."""

    period: dt.date
    table: str
    expectation: str
    column: str
    unexpected: int
    message: str
    detail: str

    def __str__(self) -> str:
        return f"{self.table}: {self.message}" + (f" - {self.detail}" if self.detail else "")


def record(state: State, periods: Sequence[dt.date], results: Iterable[Result]) -> None:
    """Replace all that is recorded of the periods, in one transaction, so that it always is of one look at them."""
    rows = [
        {
            "period": r.period, "table_name": r.table, "expectation": r.expectation, "digest": r.digest,
            "column_name": r.column, "severity": r.severity, "success": r.success, "unexpected": r.unexpected,
            "message": r.message, "detail": r.detail,
        }
        for r in results
    ]
    with state.begin() as connection:
        connection.execute(RESULTS.delete().where(RESULTS.c.period.in_(list(periods))))
        if rows:
            connection.execute(RESULTS.insert(), rows)


def recorded_results(state: State, periods: Sequence[dt.date]) -> list[Result]:
    """What is recorded of the periods, by period, table and expectation, with what was accepted."""
    listed = list(periods)
    with state.begin() as connection:
        rows = connection.execute(
            sa.select(RESULTS)
            .where(RESULTS.c.period.in_(listed))
            .order_by(RESULTS.c.period, RESULTS.c.table_name, RESULTS.c.expectation)
        ).all()
        accepted = connection.execute(
            sa.select(ACCEPTED).where(ACCEPTED.c.period.in_(listed)).order_by(ACCEPTED.c.id)
        ).all()
    said = {(a.period, a.table_name, a.expectation, a.unexpected, a.detail): a for a in accepted}
    found = []
    for r in rows:
        acceptance = None if r.success else said.get((r.period, r.table_name, r.expectation, r.unexpected, r.detail))
        found.append(
            Result(
                r.period, r.table_name, r.digest, r.expectation, r.column_name, r.severity, r.success, r.unexpected,
                r.message, r.detail,
                acceptance.accepted_by if acceptance else "", acceptance.reason if acceptance else "",
            )
        )
    return found


def failure_of(result: Result) -> Failure:
    """The failure that a result stands for."""
    return Failure(
        result.period, result.table, result.expectation, result.column, result.unexpected, result.message, result.detail
    )


def failures(state: State, periods: Sequence[dt.date]) -> dict[dt.date, list[Failure]]:
    """The recorded failures that hold each of the periods; an empty list where nothing does."""
    found: dict[dt.date, list[Failure]] = {period: [] for period in periods}
    for result in recorded_results(state, periods):
        if result.holds:
            found[result.period].append(failure_of(result))
    return found


def quality_table(results: Iterable[Result]) -> pa.Table:
    """The published form of results (see published.TABLES), in total order; an accepted failure says by whom."""
    columns = TABLES["quality_results"]
    rows = [
        {
            "period": r.period, "table_name": r.table, "expectation": r.expectation, "column_name": r.column,
            "success": r.success, "unexpected": r.unexpected,
            "detail": r.detail + (f" [accepted by {r.accepted_by}: {r.accepted_because}]" if r.accepted_by else ""),
        }
        for r in results
    ]
    return sort_rows(pa.Table.from_pylist(rows, schema=columns))


def accepted(state: State, periods: Sequence[dt.date]) -> list[tuple[dt.date, str, str]]:
    """What was let pass in the periods, in order: period, table and expectation, digest of what was found."""
    with state.begin() as connection:
        rows = connection.execute(
            sa.select(ACCEPTED).where(ACCEPTED.c.period.in_(list(periods))).order_by(ACCEPTED.c.id)
        ).all()
    return [
        (a.period, f"{a.table_name} {a.expectation} ({a.id})",
         mapping_digest({"unexpected": a.unexpected, "detail": a.detail, "by": a.accepted_by, "reason": a.reason}))
        for a in rows
    ]


def accepted_by(state: State, period: dt.date) -> list[str]:
    """Who let a failure of the period pass."""
    with state.read() as connection:
        found = connection.execute(sa.select(ACCEPTED.c.accepted_by).where(ACCEPTED.c.period == period).order_by(ACCEPTED.c.id))
        return list(found.scalars())


def copy_acceptances(state: State, other: State, until: dt.date, at: dt.datetime) -> None:
    """Let pass in another database what was let pass in this one: in periods up to `until`, not later than `at`."""
    with state.read() as connection:
        rows = connection.execute(
            sa.select(ACCEPTED).where(ACCEPTED.c.period <= until, ACCEPTED.c.accepted_at <= at).order_by(ACCEPTED.c.id)
        ).mappings().all()
    with other.begin() as connection:
        for row in rows:
            connection.execute(ACCEPTED.insert().values(**row))


def acceptances(state: State) -> set[tuple[str, str, str, str, str]]:
    """Everything that was let pass: period, table, expectation, by whom, why."""
    with state.read() as connection:
        rows = connection.execute(sa.select(ACCEPTED)).all()
    return {(a.period.isoformat(), a.table_name, a.expectation, a.accepted_by, a.reason) for a in rows}


def accept_failure(
    state: State, period: dt.date, table: str, expectation: str, by: str, reason: str
) -> bool:
    """Let a recorded failure pass, by name and with a reason; False where somebody has let just this pass before.

    The acceptance is of what was found (number and rows): when that changes, the failure holds the period again.
    Raises UserError when there is no such failure, or `by` or `reason` is empty.
    """
    if not by.strip() or not reason.strip():
        raise UserError("an acceptance needs a name and a reason")
    recorded = recorded_results(state, [period])
    for result in recorded:
        if (result.table, result.expectation) == (table, expectation) and not result.success:
            if result.accepted_by:
                return False
            with state.begin() as connection:
                connection.execute(
                    ACCEPTED.insert().values(
                        period=period, table_name=table, expectation=expectation, unexpected=result.unexpected,
                        detail=result.detail, accepted_by=by.strip(), reason=reason.strip(),
                        accepted_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
                    )
                )
            return True
    failed = "; ".join(f"--table {r.table} --expectation {r.expectation} ({r.message})" for r in recorded if r.holds)
    raise UserError(
        f"{period}: {table} has no recorded failure of {expectation!r}",
        advice=f"What failed that day: {failed}." if failed else "No check of that day failed and still holds it.",
    )
