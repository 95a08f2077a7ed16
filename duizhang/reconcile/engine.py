"""Runs the SQL models of `sql/` over a range of periods and writes their tables to the store.

A range is one pass: claims are made, summed up by key and traced through all its days at once. Folder by folder in the order of
the flow; within a folder the order of the models follows from what they read.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence

from duizhang.declared.legs import load_legs
from duizhang.declared.schema import CLAIM
from duizhang.errors import ConservationError, ModelFault
from duizhang.home import published
from duizhang.home.store import duck_type, named, quoted
from duizhang.layout import SQL
from duizhang.logs import Pace, fields
from duizhang.reconcile.goods import move_claims
from duizhang.reconcile.lineage import behind, models, order, tables_of, tables_of_assertions
from duizhang.reconcile.matching import match, normalise_keys
from duizhang.reconcile.outputs import EARLY_TABLES, ITEM_TABLES, KEPT_TABLES, OPEN_CLAIM, STATE_TABLES
from duizhang.reconcile.session import OF_VALUES, OPENING, Session

log = logging.getLogger(__name__)

# the rooms whose tables are of the items of a stretch of days, and those of them that are kept
_JUDGING = ("items", "matching", "causes", "variances")
_SHOWN = frozenset(ITEM_TABLES)


def reconcile(session: Session) -> dict[str, int]:
    """Run every model over the session's range and write the results to the store; rows a table.

    Raises ConservationError when amounts were lost or made up in any leg, entity, currency and period, ModelFault where a
    model cannot be computed with the values that it reads.
    """
    try:
        return _reconcile(session)
    except OF_VALUES as error:
        raise ModelFault(session.at, str(error).strip().splitlines()[0]) from error


def _reconcile(session: Session) -> dict[str, int]:
    rows = make_claims(session)
    trace(session)
    for name, columns in KEPT_TABLES.items():
        rows[name] = session.keep(name, columns)
    for name in ("stock_levels", "sides", "waiting_claims"):
        rows[name] = session.keep(name, STATE_TABLES[name])
    for name in EARLY_TABLES:
        rows[name] = session.keep(name, published.TABLES[name])
    session.con.execute("drop table clearings")
    pace = Pace(len(session.whole))
    for periods in session.stretches():
        if len(periods) < len(session.whole):
            day = (periods[0] - session.whole[0]).days
            log.info("open items: day %d of %d%s", day + 1, len(session.whole), pace.after(day))
        judge(session)
        assert_conservation(session)
        session.drop_unread(_JUDGING, _SHOWN | _read_by(order("marts")))
        done = {"open_claims": session.keep("open_claims", OPEN_CLAIM)}
        done |= {name: session.keep(name, published.TABLES[name]) for name in ITEM_TABLES if name not in EARLY_TABLES}
        marts = order("marts")
        for at, mart in enumerate(marts):
            session.run(f"marts/{mart}.sql")
            done[mart] = session.keep(mart, published.TABLES[mart])
            session.drop_unread((*_JUDGING, "marts"), _read_by(marts[at + 1 :]))
        for name, number in done.items():
            rows[name] = rows.get(name, 0) + number
    return rows


def make_claims(session: Session) -> dict[str, int]:
    """The claims of every leg, with the corrections: written to the store, and from there the view `claims`; rows a leg."""
    con = session.con
    rows: dict[str, int] = {}
    for name in order("derived"):
        session.run(f"derived/{name}.sql")
        if name == "rows_seen":  # what comes behind it asks which sides there are; every leg adds its own
            session.add_to("sides_known", name)
    legs = order("claims")
    there = _legs_before(session)
    read_by = {leg: [later for later in legs if leg in models()[later].parents] for leg in legs}
    for batch in _batches(legs, at_once=session.is_little):
        for number, leg in enumerate(batch, len(rows) + 1):
            with fields(leg=leg):
                log.info("claims: %s, leg %d of %d", leg, number, len(legs))
                session.run(f"claims/{leg}.sql")
        filled = _run_legs(session, batch, there | ({batch[0]} if not rows else set()))
        for leg in batch:
            with fields(leg=leg):
                rows[leg] = _keep_leg(session, leg, is_read_later=bool(read_by[leg]), is_filled=leg in filled)
        for made in rows:
            if (read_by[made] or [made])[-1] in batch:  # nobody reads it any more
                session.drop(made)
                con.execute(f"drop table if exists {_read_later(made)}")
    session.drop_claims()
    _run(session, order("sides"))
    con.execute("drop table fees_expected; drop table stock_observations; drop table own_orders")
    session.drop("run_claims", "scoped_claims", "made_claims")
    session.see_claims(session.periods)
    return rows


def _batches(legs: Sequence[str], *, at_once: bool) -> Iterator[list[str]]:
    """The legs in order, one by one, which needs the least memory, or as many at once as do not read each other: of few claims, what
    takes the time is that the same models are planned again for every leg."""
    batch: list[str] = []
    for leg in legs:
        if batch and (not at_once or not models()[leg].parents.isdisjoint(batch)):
            yield batch
            batch = []
        batch.append(leg)
    yield batch


def _legs_before(session: Session) -> set[str]:
    """The legs of which something is known from before the range: open claims, sides, what was open when the books began."""
    found = session.con.execute(
        "select leg from opening_items union select leg from carried_sides union select leg from waiting_before "
        f"union select leg from {OPENING}"
    ).fetchall()
    return {str(leg) for (leg,) in found}


def _run_legs(session: Session, batch: Sequence[str], there: Collection[str]) -> set[str]:
    """The view or table `run_claims` of what the models of these legs made, and where and since when their sides are supplied; the legs
    of which there is anything. A leg that the books do not have makes nothing. there: the legs of which something is known from before."""
    con = session.con
    kept = [leg for leg in batch if leg in session.books.legs]
    con.execute("set variable legs_made = ?", [list(batch)])
    con.execute("set variable legs_kept = ?", [kept or [""]])  # a list of nothing has no type
    made = " union all ".join(_cast_claims(session, leg) for leg in kept) or f"{_cast_claims(session, batch[0])} where false"
    con.execute(f"create or replace view made_claims as {made}")
    session.drop_claims()
    filled = {leg for leg in batch if leg in there or (leg in kept and con.execute(f'select 1 from "{leg}" limit 1').fetchall())}
    if filled:  # nothing comes of nothing, which a dozen models would take longer to say than a day of orders takes
        session.run("legs/scoped_claims.sql")
        session.run("legs/leg_scopes.sql")
        session.run("legs/sides_seen.sql")
        session.add_to("sides_known", "sides_seen")
        session.run("legs/leg_runs.sql")
        session.add_to("all_leg_runs", "leg_runs")
        session.run("legs/opened_with.sql")
        session.run("legs/run_claims.sql")
    return filled


def _keep_leg(session: Session, leg: str, *, is_read_later: bool, is_filled: bool) -> int:
    """Write the claims of a leg of those that were run: those that have another side, or stood open when the books began. The number
    of them. is_filled: there may be any."""
    con = session.con
    is_corrected = bool(con.execute("select 1 from corrections where leg = ? limit 1", [leg]).fetchall())
    if not is_filled and not is_corrected:
        return session.keep_no_claims(leg)
    con.execute("set variable leg_made = ?", [leg])
    if is_filled:
        session.see_claims_of_leg(f"run_claims where leg = {quoted(leg)}")
        _claim_what_waited(session, leg)
        move_claims(session, leg)
    else:
        session.see_claims_of_leg("made_claims where false")
    if is_read_later and leg in session.books.legs:
        # a leg that adds up the claims of an earlier one takes those that were kept, as they are what the next day opens with
        con.execute(f"create table {_read_later(leg)} as select * from leg_claims")
        session.see_claims_of_leg(_read_later(leg))
        session.drop(leg)
        con.execute(f'create view "{leg}" as select * from {_read_later(leg)}')
    if is_corrected:
        session.set_claims("leg_claims")
        con.execute(f"insert into leg_claims select * from ({_cast_claims(session, 'corrections')}) where leg = getvariable('leg_made')")
    normalise_keys(session)
    return session.keep_claims(leg)


def _read_later(leg: str) -> str:
    """The table of the claims of a leg for those that add them up."""
    return f"{leg}_read_later"


def _claim_what_waited(session: Session, leg: str) -> None:
    """Add to `leg_claims` what waited for its other side, on the day on which that is there, and keep what still waits."""
    con = session.con
    if load_legs()[leg].waits_days is None or not con.execute(
        "select 1 from leg_runs where leg = getvariable('leg_made') and not is_run and side = 'left' "
        "union all select 1 from waiting_before where leg = getvariable('leg_made') limit 1"
    ).fetchall():
        return
    session.run("legs/waiting.sql")
    session.add_to("all_waiting", "waiting")
    if con.execute("select 1 from waiting where said is not null limit 1").fetchall():
        session.set_claims("leg_claims")
        con.execute(
            "insert into leg_claims by name select * exclude (claimed, waits_days, said) replace (said as period) from waiting "
            "where said between getvariable('period_from') and getvariable('period_to')"
        )


def settle(session: Session) -> None:
    """From `claims` to open items, what cleared, causes and proposals."""
    trace(session)
    judge(session)


def trace(session: Session) -> None:
    """The keys that do not net to zero within their periods, through all days of the range, and what cleared."""
    log.info("open items")
    # most keys net within their day, and are never looked at again
    _run(session, [name for name in order("open") if name not in behind("open_claims")], scratch="movements")


def judge(session: Session) -> None:
    """What is open at the end of each day, why, and what could be its counterpart.

    The tables are wide, a row for every open item, so each is dropped behind the last model that reads it.
    """
    _run(session, [name for name in order("open") if name in behind("open_claims")])
    session.run("derived/fx_known.sql")
    causes = (*order("causes"), *order("variances"))
    last = _SHOWN | _read_by(order("marts")) | tables_of_assertions()
    _run_and_drop(session, order("items"), last | _read_by(("matchable", "paired", *causes)))
    session.run("matching/matchable.sql")
    match(session)
    session.run("matching/converted.sql")
    session.run("matching/paired.sql")
    _run_and_drop(session, causes, last)


def _run_and_drop(session: Session, names: Sequence[str], then: frozenset[str]) -> None:
    """Run models one after the other, without the tables that neither those ahead read nor what comes `then`."""
    for at, name in enumerate(names):
        session.run(models()[name].path)
        session.drop_unread(_JUDGING, then | _read_by(names[at + 1 :]))


def _read_by(names: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(tables_of(name) for name in names))


def _run(session: Session, names: Sequence[str], *, scratch: str = "") -> None:
    """Run models one after the other; scratch: a table that is dropped behind the last of them that reads it."""
    listed = models()
    last = max((at for at, name in enumerate(names) if scratch in listed[name].parents), default=-1)
    for at, name in enumerate(names):
        session.run(listed[name].path)
        if at == last:
            session.con.execute(f"drop table {scratch}")


def assert_conservation(session: Session) -> None:
    """Run sql/assertions: each returns the rows that break a promise; any row is a ConservationError."""
    for path in sorted((SQL / "assertions").glob("*.sql")):
        broken = session.con.execute(path.read_text(encoding="utf-8")).fetchall()
        if broken:
            raise ConservationError(f"{path.stem}: {len(broken)} rows, first {broken[0]}")


def _cast_claims(session: Session, name: str) -> str:
    """A select of claims in the declared columns and types; what a leg may leave out is empty."""
    given = {row[0] for row in session.con.execute(f'describe "{name}"').fetchall()}
    absent = {
        **dict.fromkeys(("customer", "counterparty", "remark", "record_id", "zone"), "''"),
        **dict.fromkeys(("sequence", "instalments", "weight"), "null"),
    }
    listed = (
        f'{absent[c.name] if c.name in absent and c.name not in given else named(c.name)}::{duck_type(c.type)} as {named(c.name)}'
        for c in CLAIM
    )
    return f'select {", ".join(listed)} from "{name}"'


__all__ = ["assert_conservation", "make_claims", "reconcile", "settle"]
