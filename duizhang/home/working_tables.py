"""Working tables as they were when their day was computed; a day whose tables are not is computed again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import sqlalchemy as sa

from duizhang.digest import file_digest
from duizhang.home.integrity import Fingerprint, differing, fingerprints, read_rows
from duizhang.home.state import METADATA, State
from duizhang.home.store import Store

TABLE_FILES = sa.Table(
    "table_files", METADATA,
    sa.Column("period", sa.Date, primary_key=True),
    sa.Column("files", sa.Text, nullable=False),
)
# what each period was computed from (`duizhang.plan`). opening: BEGUN from the beginning of a computation until its end, in which the
# working tables may be of the inputs before or of the new ones
COMPUTED = sa.Table(
    "computed_periods", METADATA,
    sa.Column("period", sa.Date, primary_key=True),
    sa.Column("opening", sa.String, nullable=False),
    sa.Column("parts", sa.Text, nullable=False),
)
BEGUN = "begun"


def seal(store: Store, state: State, periods: Iterable[dt.date]) -> None:
    """Remember the tables of these periods as they are now: whole."""
    tables = list(store.iter_tables())
    found = {}
    for period in periods:
        paths = {_name(table, period): store.path(table, period) for table in tables if store.has(table, period)}
        found[period] = fingerprints(paths)
    _save(state, found)


def sealed(state: State, tables: Collection[str] = ()) -> dict[dt.date, dict[str, Fingerprint]]:
    """The fingerprints of each period's tables (of some tables alone where these are given), by their path below HOME/tables."""
    with state.read() as con:
        rows = con.execute(sa.select(TABLE_FILES).order_by(TABLE_FILES.c.period)).all()
    found = {}
    for row in rows:
        files = json.loads(row.files)
        found[row.period] = read_rows({n: f for n, f in files.items() if n.partition("/")[0] in tables} if tables else files)
    return found


def damaged(store: Store, state: State, tables: Collection[str] = ()) -> dict[dt.date, list[str]]:
    """The periods with tables that are not as they were when the period was computed, and the names of those tables."""
    found, moved = {}, {}
    for period, known in sealed(state, tables).items():
        wrong, renewed = differing(store.root, known)
        if wrong:
            found[period] = sorted(name.split("/")[0] for name in wrong)
        if renewed:
            moved[period] = {**known, **renewed}
    if moved and not tables:
        # a home that was copied: the same bytes with other times
        _save(state, moved)
    return found


def differences(home: Path, state: State) -> list[str]:
    """Working tables that are not as they were when their period was computed, in words; every byte is read and nothing written.
    Those of periods that are being computed, or were when a run ended before its end, are not looked at: they are made again."""
    query = sa.select(COMPUTED.c.period).where(COMPUTED.c.opening == BEGUN)
    with state.read() as con:
        unfinished = set(con.execute(query).scalars())
    found = []
    root = Store(home).root
    for period, known in sealed(state).items():
        if period not in unfinished:
            for name, fingerprint in known.items():
                path, table = root / name, name.partition("/")[0]
                if not path.is_file():
                    found.append(f"the working table {table} of {period} is missing; the next run makes it again")
                elif file_digest(path) != fingerprint.sha256:
                    found.append(f"the working table {table} of {period} was changed; the next run makes it again")
    return found


def digest_of(known: Mapping[dt.date, Mapping[str, Fingerprint]], table: str, period: dt.date) -> str:
    """The digest that a table's file had when its period was computed; '' where that is not known."""
    fingerprint = known.get(period, {}).get(_name(table, period))
    return fingerprint.sha256 if fingerprint else ""


def _name(table: str, period: dt.date) -> str:
    return Path(table, f"period={period.isoformat()}", "data.parquet").as_posix()


def _save(state: State, found: Mapping[dt.date, Mapping[str, Fingerprint]]) -> None:
    rows = [
        {"period": period, "files": json.dumps({name: f.row() for name, f in files.items()})} for period, files in found.items()
    ]
    with state.begin() as con:
        con.execute(sa.delete(TABLE_FILES).where(TABLE_FILES.c.period.in_(list(found))))
        if rows:
            con.execute(sa.insert(TABLE_FILES), rows)


