"""published.duckdb: views over the immutable objects of the versions that readers are to see, swapped in one step."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from filelock import FileLock

from duizhang import __version__
from duizhang.declared.dictionary import load_dictionary, table_meaning
from duizhang.digest import file_digest, mapping_digest, schema_text
from duizhang.errors import Retryable
from duizhang.home.disk import READ_ONLY, written
from duizhang.home.published import CAUSES, PERIOD_STATUS, POINTER, TABLES
from duizhang.home.state import METADATA, State
from duizhang.home.store import quoted
from duizhang.publish.metrics import OF, VIEWS
from duizhang.publish.versions import PeriodState, period_states, read_manifest, versions

# The file that readers see, as it was last put in place: its bytes, digests of all that its views rest on and of how the days stand.
_SHOWN = sa.Table(
    "shown_file",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("views", sa.String, nullable=False),
    sa.Column("states", sa.String, nullable=False),
)

# Where a view finds its objects: beside the database that is asked, wherever that is now. DuckDB names the folder for its
# temporary files after the database that a connection was opened with, by its real path, and knows it when the view is bound. Of a
# database that was attached, or where somebody chose another folder, there is only the path of the day when the views were made:
# it counts as long as the database is still there, and is refused where it is not.
_MACROS = (
    "create macro published_is_open() as ends_with(current_setting('temp_directory'), $ending)",
    "create macro published_home() as case when published_is_open() then "
    "left(current_setting('temp_directory'), length(current_setting('temp_directory')) - length($ending)) || '/' else $home end",
    "create macro published_objects(names) as list_transform(names, lambda n: published_home() || 'objects/' || n)",
    "create macro published_here() as case when published_is_open() then true "
    "when (select count(*) from duckdb_databases() where path = $path) > 0 then true "
    "else error('this published.duckdb was moved or copied from ' || $home || ': connect to the file itself, or let "
    "`duizhang run` make it anew here') end",
)


@dataclass(frozen=True)
class Standing:
    """What readers see of the state database, read once: a file and what is noted of it are of the same moment."""

    states: Mapping[dt.date, PeriodState]
    status: pa.Table
    undated: str

    def views_digest(self, home: Path) -> str:
        """Digest of all that the views rest on. The objects of a version never change."""
        return mapping_digest({
            "home": str(home), "program": [__version__, duckdb.__version__, *_MACROS], "views": VIEWS,
            "tables": {name: schema_text(columns) for name, columns in TABLES.items()},
            "versions": {p.isoformat(): s.version for p, s in self.states.items()}, "undated": self.undated,
        })

    def states_digest(self) -> str:
        """Digest of how the days stand."""
        return mapping_digest({"rows": [[str(cell) for cell in row.values()] for row in self.status.to_pylist()]})


def standing(state: State) -> Standing:
    """How all days stand now."""
    states = period_states(state)
    return Standing(states, period_status(state, states), _undated(state, states))


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
        _put(home, state, standing(state), None)


def refresh_published(home: Path, state: State) -> None:
    """As `rebuild_published`, where nothing but how days stand may have changed since; nothing is written where that has not either.

    Views over the objects of a year take a thousand times as long to make as the rows of period_status. They are kept of a file that
    has the very bytes that were put there last; of any other nothing is.
    """
    with publication_lock(home):
        with state.read() as connection:
            shown = connection.execute(sa.select(_SHOWN).where(_SHOWN.c.name == POINTER)).one_or_none()
        now = standing(state)
        kept = shown is not None and shown.views == now.views_digest(home.resolve()) and _is(home / POINTER, shown.sha256)
        if not (shown and kept and shown.states == now.states_digest()):
            _put(home, state, now, home / POINTER if kept else None)


def _put(home: Path, state: State, now: Standing, kept: Path | None) -> None:
    """Put a new file in place, with the views of one that is kept."""
    final = home.resolve() / POINTER
    _tidy(home)
    # of somebody who wrote into what is replaced
    (home / f"{POINTER}.wal").unlink(missing_ok=True)
    try:
        with written(final, mode=READ_ONLY) as partial:
            if kept:
                shutil.copyfile(kept, partial)
            expected = _write(partial, home.resolve(), now, kept=bool(kept))
            _look(partial, home.resolve(), expected)
            _note(partial, home.resolve(), state, now)
    except duckdb.Error as error:
        raise Retryable(
            f"{final} could not be written: {str(error).strip().splitlines()[0]}; readers see what they saw before. "
            "Make room if the disk is full, and run the same command again."
        ) from error
    finally:
        _tidy(home)


def _is(path: Path, sha256: str) -> bool:
    try:
        return file_digest(path) == sha256
    except OSError:
        return False


def _note(path: Path, home: Path, state: State, now: Standing) -> None:
    """Put on record what is about to be in place; after a kill before it is there, that is another file."""
    row = {"sha256": file_digest(path), "views": now.views_digest(home), "states": now.states_digest()}
    with state.begin() as connection:
        connection.execute(sa.delete(_SHOWN))
        connection.execute(sa.insert(_SHOWN).values(name=POINTER, **row))


def _tidy(home: Path) -> None:
    """Remove what a publication that was killed has left: only one has the lock."""
    for left in home.glob(f".{POINTER}.*"):
        if not left.is_dir():
            left.unlink(missing_ok=True)


def connect_as_pointer(path: Path | str, home: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to a database that is to be HOME/published.duckdb, as if it were there already."""
    return duckdb.connect(str(path), read_only=read_only, config={
        "autoinstall_known_extensions": "false", "temp_directory": f"{home / POINTER}.tmp",
    })


def _look(path: Path, home: Path, expected: dict[str, int]) -> None:
    """Open what was written as a reader will, and ask everything in it: a database closes without a word where there is no
    room for its last pages. expected: rows of period_status, columns of the views."""
    if path.with_name(f"{path.name}.wal").exists():
        raise duckdb.IOException("its last pages are not in the file")
    with connect_as_pointer(path, home, read_only=True) as con:
        found = {name: len(con.sql(f'select * from "{name}" limit 0').columns) for name in expected if name != "period_status"}
        found["period_status"] = con.sql("select * from period_status").shape[0]
    if found != expected:
        raise duckdb.IOException("it does not hold what was written to it")


def _write(path: Path, home: Path, now: Standing, *, kept: bool) -> dict[str, int]:
    """Write the database, or how the days stand into one whose views are kept; what `_look` has to find in it."""
    con = connect_as_pointer(path, home)
    try:
        con.begin()  # hundreds of statements, and one sync of the disk
        if kept:
            _restate(con, now)
        else:
            fill(con, home, now)
        expected = {} if kept else _described(con)
        ((expected["period_status"],),) = con.execute("select count(*) from period_status").fetchall()
        con.commit()
        con.execute("checkpoint")
    finally:
        con.close()
    return expected


def period_status(state: State, states: Mapping[dt.date, PeriodState]) -> pa.Table:
    """The table `period_status`: how each period that was ever run stands, and the version that readers see of it."""
    published = {(v.period, v.version): v for v in versions(state)}
    rows = []
    for period, s in states.items():
        version = published.get((period, s.version))
        rows.append({
            "period": period, "version": s.version, "state": s.state,
            "published_at": version.published_at if version else None, "held_reasons": s.held_reasons,
            "approved_by": s.approved_by, "digest": version.digest if version else "",
        })
    return pa.Table.from_pylist(rows, schema=PERIOD_STATUS)


def _restate(con: duckdb.DuckDBPyConnection, now: Standing) -> None:
    con.register("status_rows", now.status)
    con.execute("delete from period_status")
    con.execute("insert into period_status select * from status_rows order by period")
    con.unregister("status_rows")


def fill(con: duckdb.DuckDBPyConnection, home: Path, now: Standing) -> None:
    """Make in an empty database all that readers of a home see, but for the words that describe it."""
    manifests = {p: read_manifest(home, p, s.version) for p, s in now.states.items() if s.version}
    places = {"ending": f"/{POINTER}.tmp", "home": f"{home}/", "path": str(home / POINTER)}
    for macro in _MACROS:
        for name, text in places.items():
            macro = macro.replace(f"${name}", quoted(text))  # a macro takes no parameters of a statement
        con.execute(macro)
    con.register("status_rows", now.status)
    con.execute("create table period_status as select * from status_rows order by period")
    con.unregister("status_rows")
    kinds = _duck_types(con)
    for name, columns in TABLES.items():
        con.execute(_view(home, name, columns, kinds, manifests) + (now.undated if name == "source_files" else ""))
    con.register("causes_rows", _causes())
    con.execute("create table causes as select * from causes_rows order by sequence")
    con.unregister("causes_rows")
    for name, query in VIEWS.items():
        con.execute(f'create view "{name}" as {query}')


def _described(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Say of everything what it means, where readers of any client find it; how many columns each view has."""
    described = con.execute("select table_name, list(column_name) from duckdb_columns() where not internal group by all").fetchall()
    con.execute(";\n".join(comment for name, columns in described for comment in _comments(name, columns)))
    widths = {name: len(columns) for name, columns in described}
    return {name: widths[name] for name in (*TABLES, *VIEWS, "causes")}


def _causes() -> pa.Table:
    """The closed list of causes as analysts read it."""
    from duizhang.reconcile import load_causes

    rows = [
        {"cause": c.name, "sequence": n, "label_en": c.en, "label_zh": c.zh, "owner": c.who, "action_en": c.action,
         "action_zh": c.action_zh}
        for n, c in enumerate(load_causes().values(), 1)
    ]
    return pa.Table.from_pylist(rows, schema=CAUSES)


def _comments(name: str, columns: Sequence[str]) -> Iterator[str]:
    """Statements that tell what a table or view and each of its columns mean."""
    kind = "table" if name in ("period_status", "causes") else "view"
    words = load_dictionary()
    yield f'comment on {kind} "{name}" is {quoted(table_meaning(name))}'
    for column in columns:
        yield f'comment on column "{name}"."{column}" is {quoted(words.column(OF.get(name, name), column) or "")}'


def _view(
    home: Path, name: str, columns: pa.Schema, kinds: Mapping[pa.DataType, str], manifests: dict[dt.date, dict[str, Any]]
) -> str:
    """SQL of a table's view: period and version first, then its columns, null where the program that wrote an object did not know them."""
    filled = [m["tables"][name] for _, m in sorted(manifests.items()) if name in m["tables"]]
    names = sorted({str(entry["object"]).removeprefix("objects/") for entry in filled if entry["rows"]})
    listed = ", ".join(f'r."{column.name}"' for column in columns if column.name != "period")
    where = ""
    nothing = ", ".join(f'null::{kinds[column.type]} as "{column.name}"' for column in columns)
    source = f"(select {nothing} where false)"
    if names:
        files = ", ".join(quoted(name) for name in names)
        source = f"read_parquet(published_objects([{files}]), hive_partitioning = false, union_by_name = true)"
        if _lacks_columns(home, columns, [entry["digest"] for entry in filled if entry["rows"]][-1]):
            source = f"(select {nothing} where false union all by name select * from {source})"
        where = " where published_here()"
    return (
        f'create view "{name}" as select r.period, s.version, {listed} '
        f"from {source} as r inner join period_status as s on s.period = r.period{where}"
    )


def _lacks_columns(home: Path, columns: pa.Schema, digest: str) -> bool:
    """Whether the newest object of a table is of an older program; what cannot be read is told by whoever reads its rows."""
    try:
        return not set(columns.names) <= set(pq.read_schema(object_path(home, digest)).names)
    except (OSError, pa.ArrowException):
        return False


def _undated(state: State, states: Mapping[dt.date, PeriodState]) -> str:
    """SQL of the files that were refused and of which no day is known: no period's numbers rest on them, so they stand
    beside the newest one, in no version of it."""
    from duizhang.ingest.files import ACCEPTED, REFUSED, records

    if not states:
        return ""
    newest = states[max(states)]
    rows = [r for r in records(state) if r.status in (REFUSED, ACCEPTED) and not r.days()]
    return "".join(
        f" union all select date {quoted(newest.period)}, {newest.version}, {quoted(r.source)}, {quoted(r.shop)}, {quoted(r.path)}, "
        f"{quoted(r.sha256)}, {quoted(r.status)}, 0, 0, 0, 0, false, {quoted(r.problem)}"
        for r in rows
    )


def _duck_types(con: duckdb.DuckDBPyConnection) -> dict[pa.DataType, str]:
    """The DuckDB type of each type that a column of a table has."""
    kinds = list(dict.fromkeys(column.type for columns in TABLES.values() for column in columns))
    con.register("columns_of", pa.schema([(str(n), kind) for n, kind in enumerate(kinds)]).empty_table())
    found = [str(row[1]) for row in con.execute("describe columns_of").fetchall()]
    con.unregister("columns_of")
    return dict(zip(kinds, found, strict=True))
