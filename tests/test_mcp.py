"""`duizhang mcp`: a model that asks gets what is published, and can change nothing; by the SDK's own client, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from duizhang.home.published import TABLES, open_published, run_select
from tests.pipelines.test_end_to_end import home, made, query, raw

mcp = pytest.importorskip("mcp", reason="the extra `mcp` is not installed")
__all__ = ["home", "made", "raw"]


def asked(home: Path, calls: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[bool, str]]:
    """(is an error, text) of calls of tools, one after the other."""
    from duizhang.cli.mcp_server import server

    async def ask() -> list[tuple[bool, str]]:
        async with mcp.Client(server(home)) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"tables", "query", "explain", "status", "docs"}
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
            found = [await client.call_tool(name, arguments) for name, arguments in calls]
            return [(bool(result.is_error), result.content[0].text) for result in found]

    return asyncio.run(ask())


def test_a_model_may_ask_and_change_nothing(home: Path) -> None:
    ((order,),) = query(home, "select min(order_id) from order_trace where order_id <> ''")
    before = (home / "published.duckdb").read_bytes()
    told = asked(home, [
        ("tables", {}), ("tables", {"name": "variances"}), ("query", {"sql": "select count(*) as n, sum(difference) from open_now"}),
        ("query", {"sql": "select * from range(1001)"}), ("explain", {"key": order}), ("status", {}), ("docs", {}),
        ("docs", {"page": "questions"}),
        ("query", {"sql": "copy open_now to 'x.csv'"}), ("query", {"sql": "select * from read_csv('/etc/passwd')"}),
        ("tables", {"name": "nothing"}), ("explain", {"key": "nothing-at-all"}), ("docs", {"page": "../pyproject"}),
    ])
    assert [error for error, _ in told] == [False] * 8 + [True] * 5
    listed, variances, counted, many, life, status, pages, page = (text for _, text in told[:8])
    assert {*TABLES, "open_now"} <= {table["table"] for table in json.loads(listed)}
    assert all(column["meaning"] for column in json.loads(variances)["columns"])
    assert json.loads(counted)["rows"][0][0] == query(home, "select count(*) from open_now")[0][0]
    assert json.loads(many)["more"] and len(json.loads(many)["rows"]) == 1000
    assert json.loads(life)["events"] and len(json.loads(status)["periods"]) == 3
    assert "questions" in json.loads(pages) and page.startswith("# ")
    assert "only one select" in told[8][1]
    assert (home / "published.duckdb").read_bytes() == before


def test_a_query_that_takes_too_long_is_stopped(home: Path) -> None:
    from duizhang.errors import UserError

    with open_published(home) as con, pytest.raises(UserError, match=r"took more than 0\.2 s"):
        run_select(con, "select sum(a.range * b.range) from range(10000000) a, range(10000000) b", seconds=0.2)
