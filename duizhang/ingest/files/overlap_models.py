"""The models of sql/overlaps, and the tables that they read: what files of one source and shop say, held against each other.

Who fills these tables writes SQL of the expressions of a specification; everything that follows from them is a file.
"""

from __future__ import annotations

from functools import cache

import duckdb

from duizhang.layout import SQL

_FACTS = (
    "part bigint, tbl varchar, file varchar, rank bigint, line bigint, day date, h ubigint, n bigint, name varchar, name_cut varchar, "
    "ids varchar, texts varchar, kind varchar, figures varchar, amount decimal(28, 4), currency varchar, occurred_at timestamp, "
    "balance decimal(28, 4), account varchar, statement varchar, about varchar")
TABLES = {
    "ranked": "file varchar, rank bigint",
    # a row of a part, its content, and how manieth of that content it is in its file
    "given": "part bigint, file varchar, rank bigint, line bigint, day date, h ubigint, n bigint",
    # rows that count in another file
    "again": "part bigint, file varchar, line bigint, day date, other varchar, reason varchar",
    # days of which files say different things, and these files
    "differ": "day date, file varchar",
    # what their rows say; `name_cut` as a spreadsheet leaves it
    "facts": _FACTS, "unsure": _FACTS,
    "part_ranges": "file varchar, account varchar, first timestamp, last timestamp",
    "redating": (
        "file varchar, real_line bigint, day date, occurred_at timestamp, name varchar, kind varchar, figures varchar, "
        "amount decimal(28, 4), account varchar, balance decimal(28, 4), rank bigint"),
    "redating_ranges": "file varchar, first timestamp, last timestamp",
}
MADE = ("ranges", "likely", "lacking", "met", "apart", "nameless")  # models that others read, in their order


def create(con: duckdb.DuckDBPyConnection, *tables: str) -> None:
    """Empty tables of these names."""
    for table in tables:
        con.execute(f"create or replace table {table} ({TABLES[table]})")


def make(con: duckdb.DuckDBPyConnection, *models: str) -> None:
    """Tables of what models say."""
    for model in models:
        con.execute(f"create or replace table {model} as {text(model)}")


@cache
def text(model: str) -> str:
    """The SQL of a model."""
    return (SQL / "overlaps" / f"{model}.sql").read_text(encoding="utf-8")


def overlap_relations(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Relation -> column -> DuckDB's type of all that the models may read. con: an empty database, in which they are made."""
    create(con, *TABLES)
    make(con, *MADE)
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute("select table_name, column_name, data_type from duckdb_columns() where not internal").fetchall():
        found.setdefault(table, {})[column] = kind
    return found
