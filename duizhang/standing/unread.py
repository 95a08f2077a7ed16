"""Files that were not read, as the last run saw them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from duizhang.home.published import TABLES, open_published
from duizhang.home.store import Store, connect, told_when_damaged

_NAMES = ("period", "source", "shop", "file", "status", "problem")
_ASKED = f"select {', '.join(_NAMES)} from source_files"


def unread_files(home: Path) -> list[dict[str, Any]]:
    """Files that were missing, refused or not recognised as the last run saw them (also of days that are held), and those
    of which no day is known, which stand beside the newest one."""
    with open_published(home) as published, connect() as con:
        return unread_and_noted(home, published, con)[0]


def unread_and_noted(
    home: Path, published: duckdb.DuckDBPyConnection, con: duckdb.DuckDBPyConnection
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The same, and files that were read and of which something is to be known, such as a total that does not tie, a column that is not
    read, or rows that another file has as well, or says otherwise.

    published, con: the published database, and a connection in which the working tables can be looked at.
    """
    periods = [row[0] for row in published.execute("select period from period_status order by period").fetchall()]
    undated = published.execute(f"{_ASKED} where status = 'refused'").fetchall()
    with told_when_damaged(home):
        Store(home).view(con, "source_files", periods, TABLES["source_files"])
        dated = con.execute(f"{_ASKED} where status in ('missing', 'refused')").fetchall()
        noted = con.execute(f"{_ASKED} where status in ('read', 'twice', 'contradictory') and problem <> ''").fetchall()
    unread, told = ([dict(zip(_NAMES, row, strict=True)) for row in sorted(set(found))] for found in ([*dated, *undated], noted))
    return unread, told
