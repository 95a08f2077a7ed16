"""Files that were not read, as the last run saw them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duizhang.published import TABLES, open_published
from duizhang.store import Store, connect, told_when_damaged


def unread_files(home: Path) -> list[dict[str, Any]]:
    """Files that were missing, refused or not recognised as the last run saw them (also of days that are held), and those
    of which no day is known, which stand beside the newest one."""
    return _files(home, "status in ('missing', 'refused')")


def noted_files(home: Path) -> list[dict[str, Any]]:
    """Files that were read and of which something is to be known, such as a total that does not tie, a column that is not read, or rows
    that another file has as well, or says otherwise."""
    return _files(home, "status in ('read', 'twice', 'contradictory') and problem <> ''")


def _files(home: Path, which: str) -> list[dict[str, Any]]:
    store = Store(home)
    with open_published(home) as published:
        periods = [row[0] for row in published.execute("select period from period_status order by period").fetchall()]
        names = ["period", "source", "shop", "file", "status", "problem"]
        asked = f"select {', '.join(names)} from source_files where {which}"
        undated = published.execute(f"{asked} and status = 'refused'").fetchall()
    with connect() as con, told_when_damaged(home):
        store.view(con, "source_files", periods, TABLES["source_files"])
        dated = con.execute(asked).fetchall()
    return [dict(zip(names, row, strict=True)) for row in sorted({*dated, *undated})]
