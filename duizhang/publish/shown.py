"""Whether published.duckdb shows what the state database says: it is made again in memory, and both are compared."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from duizhang.publish.pointer import connect_as_pointer, fill
from duizhang.published import POINTER
from duizhang.state import State

# where the home was when the file was written; it may have been moved since
_PLACES = re.compile(r"'/[^']*'")
_SHOWN = {
    "its view {}": "select view_name, sql from duckdb_views() where not internal",
    "its function {}": "select function_name, macro_definition from duckdb_functions() where not internal and schema_name = 'main'",
}
_STATUS = "select period, version, state, published_at, held_reasons, approved_by, digest from period_status"


def published_differs(home: Path, state: State) -> list[str]:
    """What readers are shown that is not on record; nothing in the home is written."""
    path = home / POINTER
    if not path.is_file():
        return [f"{POINTER} is missing; any run makes it again"]
    with connect_as_pointer(":memory:", home.resolve()) as again:
        fill(again, home.resolve(), state)
        now = _look(again)
    with connect_as_pointer(path, home.resolve(), read_only=True) as con:
        was = _look(con)
    problems = []
    for key in sorted({*was, *now}):
        if was.get(key) != now.get(key):
            what = "shows what is not on record" if key in was else "lacks what is on record"
            problems.append(f"{POINTER} {what}: {key}; any run makes it again")
    return problems


def _look(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    found: dict[str, object] = {f"state of {row[0]}": row[1:] for row in con.execute(_STATUS).fetchall()}
    for name, query in _SHOWN.items():
        for about, text in con.execute(query).fetchall():
            found[name.format(about)] = _PLACES.sub("'/'", str(text))
    return found | {f"its table {name}": True for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
