"""Whether published.duckdb shows what the state database says: it is made again in memory, and both are compared."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from duizhang.home.published import POINTER
from duizhang.home.state import State
from duizhang.home.store import quoted
from duizhang.publish.pointer import connect_as_pointer, fill, standing
from duizhang.publish.versions import period_states

_NAMES = {
    "its view {}": "select schema_name, view_name, sql from duckdb_views() where not internal",
    "its function {}": "select schema_name, function_name, macro_definition from duckdb_functions() where not internal",
}
# of a database's file, before its blocks
_HEADERS = 3 * 4096
_STATUS = "select period, version, state, published_at, held_reasons, approved_by, digest from period_status"
_TABLES = "select schema_name, table_name from duckdb_tables() where not internal"
# where the home was when the file was written, as the function `published_home` has it; it may have been moved since
_PLACE = re.compile(r" ELSE '((?:[^']|'')*)/' END$")


def published_differs(home: Path, state: State) -> list[str]:
    """What readers are shown that is not on record; nothing in the home is written."""
    path = home / POINTER
    if not path.is_file():
        return [f"{POINTER} is missing; any run makes it again"] if period_states(state) else []
    with connect_as_pointer(":memory:", home.resolve()) as again:
        fill(again, home.resolve(), standing(state))
        now = _look(again)
    with connect_as_pointer(path, home.resolve(), read_only=True) as con:
        was = _look(con)
        ((block, blocks, free),) = con.sql("select block_size, total_blocks, free_blocks from pragma_database_size()").fetchall()
    problems = []
    # of the blocks that nothing is in those at the end need not be there
    if path.stat().st_size not in [_HEADERS + block * (blocks - n) for n in range(free + 1)]:
        problems.append(f"{POINTER} has {path.stat().st_size} bytes, and should have {_HEADERS + block * blocks}; any run makes it again")
    for key in sorted({*was, *now}):
        if was.get(key) != now.get(key):
            what = "shows what is not on record" if key in was else "lacks what is on record"
            problems.append(f"{POINTER} {what}: {key}; any run makes it again")
    return problems


def _look(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Everything that a reader may be shown, by what it is."""
    found: dict[str, object] = {f"state of {row[0]}": row[1:] for row in con.execute(_STATUS).fetchall()}
    for name, query in _NAMES.items():
        for schema, about, text in con.execute(query).fetchall():
            found[name.format(_named(schema, about))] = str(text)
    for schema, table in con.execute(_TABLES).fetchall():
        if table != "period_status":
            found[f"its table {_named(schema, table)}"] = con.execute(f'from "{schema}"."{table}"').fetchall()
    return _wherever(found)


def _named(schema: str, name: str) -> str:
    return name if schema == "main" else f"{schema}.{name}"


def _wherever(found: dict[str, object]) -> dict[str, object]:
    """The functions as they are wherever the home was when they were written. They name the place of the file and of its objects, and
    only where both are the same place do they find these objects alone."""
    place = _PLACE.search(str(found.get("its function published_home", "")))
    if not place:
        return found
    where = place[1].replace("''", "'")
    spots = {quoted(f"{where}/"): "$home", quoted(f"{where}/{POINTER}"): "$path"}
    for key in [key for key in found if key.startswith("its function ")]:
        for spot, name in spots.items():
            found[key] = str(found[key]).replace(spot, name)
    return found
