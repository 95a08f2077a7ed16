"""What a model may ask over the Model Context Protocol: tools that read what is published, and the docs. Nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from duizhang import __version__
from duizhang.cli.answers import plain
from duizhang.cli.status import status_of
from duizhang.errors import DuizhangError
from duizhang.home.published import open_published, run_select
from duizhang.layout import DOCS
from duizhang.report.order_life import events_of, items_of, near_keys, not_held_against

MOST_ROWS = 1000
SECONDS = 20.0
_NEWEST = 31
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS = """Reconciled books of an e-commerce company. difference = left - right; amounts add up only within one currency (PCS
are pieces) and one period (day). Call `tables` before the first query; `docs` has ready queries in the page `questions`. Only
read; decisions are made by people in the command line or the review page."""

P = ParamSpec("P")


def server(home: Path) -> MCPServer:
    """A server over the home; every call opens what is published anew, so it sees the newest publication."""
    made = MCPServer("duizhang", version=__version__, instructions=_INSTRUCTIONS, log_level="ERROR")

    @_tool(made)
    def tables(name: str = "") -> Any:
        """The published tables and views with what they mean; of the table `name`, its columns as well."""
        with open_published(home) as con:
            listed = con.execute(
                "select view_name, comment from duckdb_views() where not internal union all "
                "select table_name, comment from duckdb_tables() where not internal order by all").fetchall()
            if not name:
                return [{"table": table, "meaning": meaning or ""} for table, meaning in listed]
            columns = con.execute(
                "select column_name, data_type, comment from duckdb_columns() where not internal and table_name = ? order by column_index",
                [name]).fetchall()
        if not columns:
            raise ToolError(f"there is no table {name!r}; there are {', '.join(table for table, _ in listed)}")
        return {"table": name, "meaning": dict(listed).get(name) or "",
                "columns": [{"column": c, "type": t, "meaning": m or ""} for c, t, m in columns]}

    @_tool(made)
    def query(sql: str) -> Any:
        """One select (DuckDB SQL) over the published tables. At most 1,000 rows; `more` tells that there are more."""
        with open_published(home) as con:
            names, rows = run_select(con, sql, most=MOST_ROWS, seconds=SECONDS)
        return {"columns": names, "rows": [list(row) for row in rows[:MOST_ROWS]], "more": len(rows) > MOST_ROWS}

    @_tool(made)
    def explain(key: str) -> Any:
        """The life of an order, transaction, payout or parcel across all sources, and the open items that it is in."""
        events, items = events_of(home, key), items_of(home, key)
        if not events and not items:
            near = near_keys(home, key)
            raise ToolError(f"nothing is known of {key!r}" + (f"; did you mean {', '.join(map(repr, near))}?" if near else ""))
        return {"events": events, "items": items, "not_run": not_held_against(home, events)}

    @_tool(made)
    def status(every_day: bool = False) -> Any:  # noqa: FBT001, FBT002 - named by the protocol
        """Which days are published, held or missing and why, which files were not read, and which legs were not run. The newest 31
        days, or every one."""
        found = status_of(home)
        return found if every_day else {**found, "periods": found["periods"][-_NEWEST:]}

    @_tool(made)
    def docs(page: str = "") -> Any:
        """The documentation: the names of its pages, or one page."""
        pages = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in sorted(DOCS.rglob("*.md"))}
        if not page:
            return sorted(pages)
        if page not in pages:
            raise ToolError(f"there is no page {page!r}; there are {', '.join(sorted(pages))}")
        return pages[page].read_text(encoding="utf-8")

    return made


def _tool(made: MCPServer) -> Callable[[Callable[P, Any]], Callable[P, str]]:
    """Make a tool of a function: its answer as JSON, amounts as text; what a person would be told as the tool's error."""
    def tool(ask: Callable[P, Any]) -> Callable[P, str]:
        @wraps(ask)
        def answered(*arguments: P.args, **more: P.kwargs) -> str:
            try:
                found = ask(*arguments, **more)
            except DuizhangError as error:
                advice = getattr(error, "advice", "")
                raise ToolError(f"{error}. {advice}" if advice else str(error)) from error
            return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=_shown)

        answered.__annotations__["return"] = str
        made.tool(annotations=_READS, structured_output=False)(answered)
        return answered

    return tool


def _shown(value: object) -> object:
    try:
        return plain(value)
    except TypeError:
        return str(value)


__all__ = ["MOST_ROWS", "SECONDS", "server"]
