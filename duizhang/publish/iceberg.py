"""The published tables as Apache Iceberg tables for other engines, over the published objects themselves: no row is copied.

FOLDER/catalog.db is the catalogue (SQLite), FOLDER/tables has the metadata. An export changes a copy of the catalogue and renames it
over the old one, so all tables change at once; a table of which nothing changed has no new snapshot, and older ones stay.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
from filelock import FileLock

from duizhang.errors import UserError
from duizhang.home.disk import sync_all
from duizhang.home.published import PERIOD_STATUS, TABLES
from duizhang.home.state import State
from duizhang.publish.pointer import object_path, period_status
from duizhang.publish.versions import PeriodState, period_states, read_manifest

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

CATALOGUE, NAMESPACE = "catalog.db", "duizhang"
# what a snapshot says of each period that it shows: VERSION DIGEST
PROPERTY = "duizhang.period."
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exported:
    """tables: name -> objects in it; changed: those with a new snapshot."""

    tables: dict[str, int]
    changed: tuple[str, ...]
    periods: int


def export_iceberg(home: Path, state: State, out: Path) -> Exported:
    """Let the Iceberg tables of a folder show what readers of the home see now.

    The objects are named by their absolute path: after the home was moved, an export names them anew. Raises UserError where nothing
    is published or the package is missing.
    """
    try:
        import pyiceberg.catalog.sql  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError("Iceberg tables need more packages", advice="pip install 'duizhang[iceberg]'") from error
    states = period_states(state)
    manifests = {period: read_manifest(home, period, seen.version) for period, seen in states.items() if seen.version}
    if not manifests:
        raise UserError(f"{home} has nothing published yet", advice="Run `duizhang run` first.")
    status = period_status(state, states)
    shown = {
        f"{PROPERTY}{row['period']}": f"{row['version']} {row['digest']}".strip() for row in status.to_pylist() if row["version"]
    }
    out.mkdir(parents=True, exist_ok=True)
    tables, changed = {}, []
    with FileLock(out / ".lock"), _catalogue(out) as catalogue:
        for name, columns in TABLES.items():
            entries = [manifest["tables"][name] for manifest in manifests.values() if name in manifest["tables"]]
            # one object may be shared by periods that have no rows, and says nothing
            wanted = {object_path(home.resolve(), str(entry["digest"])).as_uri() for entry in entries if entry["rows"]}
            table = _table(catalogue, out, name, columns)
            if _show(table, wanted, shown):
                changed.append(name)
            tables[name] = len(wanted)
        table = _table(catalogue, out, "period_status", PERIOD_STATUS)
        if changed or table.current_snapshot() is None or _said(table) != _status_said(states):
            write = table.append if table.current_snapshot() is None else table.overwrite
            write(status, snapshot_properties={**shown, **_status_said(states)})
            changed.append("period_status")
    return Exported(tables, tuple(changed), len(manifests))


@contextlib.contextmanager
def _catalogue(out: Path) -> Iterator[SqlCatalog]:
    """A copy of the catalogue, which takes the place of the old one if all went well."""
    from pyiceberg.catalog.sql import SqlCatalog

    final, fresh = out / CATALOGUE, out / f".{CATALOGUE}.new"
    fresh.unlink(missing_ok=True)
    if final.exists() and _is_here(final):
        shutil.copyfile(final, fresh)
    catalogue = SqlCatalog(NAMESPACE, uri=f"sqlite:///{fresh}", warehouse=(out / "tables").resolve().as_uri())
    try:
        catalogue.create_namespace_if_not_exists(NAMESPACE)
        yield catalogue
        catalogue.engine.dispose()
        sync_all([fresh])
        fresh.replace(final)
        sync_all([final])
    finally:
        catalogue.engine.dispose()
        fresh.unlink(missing_ok=True)


def _is_here(catalogue: Path) -> bool:
    """Whether the metadata that a catalogue names stands beside it: of a folder that was moved or copied the tables begin anew."""
    beside = (catalogue.parent / "tables").resolve()
    with contextlib.closing(sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True)) as con:
        named = [Path(url2pathname(urlsplit(location).path)) for (location,) in con.execute("select metadata_location from iceberg_tables")]
    if all(path.is_relative_to(beside) and path.is_file() for path in named):
        return True
    log.warning("%s names tables that are elsewhere or gone, so all of them begin anew", catalogue)
    return False


def _table(catalogue: SqlCatalog, out: Path, name: str, columns: pa.Schema) -> Table:
    """The table, with columns that it lacks."""
    table = catalogue.create_table_if_not_exists(
        (NAMESPACE, name), schema=columns, location=(out / "tables" / name).resolve().as_uri(),
    )
    if set(table.schema().column_names) != set(columns.names):
        with table.update_schema() as update:
            update.union_by_name(columns)
    return table


def _show(table: Table, wanted: set[str], shown: Mapping[str, str]) -> bool:
    """Let a table have these objects and no others, in one snapshot; whether it had to change."""
    from pyiceberg.io.pyarrow import parquet_file_to_data_file
    from pyiceberg.table import TableProperties

    there = {task.file.file_path: task.file for task in table.scan().plan_files()}
    if there.keys() == wanted:
        return False
    with table.transaction() as change:
        if change.table_metadata.name_mapping() is None:  # the objects know columns by name alone
            change.set_properties({TableProperties.DEFAULT_NAME_MAPPING: table.schema().name_mapping.model_dump_json()})
        with change.update_snapshot(snapshot_properties=dict(shown)).overwrite() as snapshot:
            for path in sorted(there.keys() - wanted):
                snapshot.delete_data_file(there[path])
            for path in sorted(wanted - there.keys()):
                snapshot.append_data_file(parquet_file_to_data_file(table.io, change.table_metadata, path))
    return True


def _status_said(states: Mapping[dt.date, PeriodState]) -> dict[str, str]:
    return {f"duizhang.state.{period}": f"{seen.version} {seen.state} {seen.approved_by}" for period, seen in states.items()}


def _said(table: Table) -> dict[str, str]:
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return {}
    return {name: text for name, text in snapshot.summary.additional_properties.items() if name.startswith("duizhang.state.")}
