"""published.duckdb: views over the immutable objects of the versions that readers are to see, swapped in one step."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from filelock import FileLock

from duizhang.publish.versions import period_states, read_manifest, versions
from duizhang.published import PERIOD_STATUS, TABLES
from duizhang.state import State
from duizhang.store import connect, quoted

POINTER = "published.duckdb"


def publication_lock(home: Path) -> FileLock:
    """One publication at a time for a home, across processes; re-entrant within one."""
    home.mkdir(parents=True, exist_ok=True)
    return FileLock(home / ".publish.lock", is_singleton=True)


def object_path(home: Path, digest: str) -> Path:
    """Where the Parquet file with this content digest is."""
    return home / "objects" / digest[:2] / f"{digest}.parquet"


def rebuild_published(home: Path, state: State) -> None:
    """Write a new published.duckdb from the state database and put it in place of the old one.

    A reader that has the old file open keeps reading the old one; nobody ever sees half of either.
    """
    with publication_lock(home):
        final = home / POINTER
        for left in home.glob(f"{POINTER}.*"):
            left.unlink()  # of a publication that was killed: only one has the lock
        partial = home / f"{POINTER}.{uuid.uuid4().hex}"
        try:
            _write(partial, home.resolve(), state)
            partial.replace(final)
        finally:
            for left in (partial, partial.with_name(f"{partial.name}.wal")):
                left.unlink(missing_ok=True)


def _write(path: Path, home: Path, state: State) -> None:
    states = period_states(state)
    published = {(v.period, v.version): v for v in versions(state)}
    manifests = {p: read_manifest(home, p, s.version) for p, s in states.items() if s.version}
    status = []
    for period, s in states.items():
        version = published.get((period, s.version))
        status.append(
            {
                "period": period, "version": s.version, "state": s.state,
                "published_at": version.published_at if version else None, "held_reasons": s.held_reasons,
                "approved_by": s.approved_by, "digest": version.digest if version else "",
            }
        )
    con = duckdb.connect(str(path), config={"autoinstall_known_extensions": "false"})
    try:
        con.register("status_rows", pa.Table.from_pylist(status, schema=PERIOD_STATUS))
        con.execute("create table period_status as select * from status_rows order by period")
        con.unregister("status_rows")
        for name, columns in TABLES.items():
            con.execute(_view(name, columns, manifests, home))
    finally:
        con.close()


def _view(name: str, columns: pa.Schema, manifests: dict[dt.date, dict[str, Any]], home: Path) -> str:
    """SQL of a table's view: period and version first, then its columns."""
    filled = [m["tables"][name] for m in manifests.values() if name in m["tables"]]
    paths = sorted({str(home / entry["object"]) for entry in filled if entry["rows"]})
    listed = ", ".join(f'r."{column.name}"' for column in columns if column.name != "period")
    if paths:
        files = ", ".join(quoted(path) for path in paths)
        source = f"read_parquet([{files}], hive_partitioning = false, union_by_name = true)"
    else:
        nothing = ", ".join(f'null::{kind} as "{column}"' for column, kind in duck_types(columns).items())
        source = f"(select {nothing} where false)"
    return (
        f'create view "{name}" as select r.period, s.version, {listed} '
        f"from {source} as r inner join period_status as s on s.period = r.period"
    )


def duck_types(columns: pa.Schema) -> dict[str, str]:
    """The DuckDB type of each column."""
    with connect() as con:
        con.register("columns_of", columns.empty_table())
        return {str(row[0]): str(row[1]) for row in con.execute("describe columns_of").fetchall()}
