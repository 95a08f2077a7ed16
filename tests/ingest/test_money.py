"""Amounts that are read for a whole column at once are those read one by one."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duizhang.ingest.typing.money import fast_money, money_sql
from duizhang.store import scratch

PIECES = ["$", "¥", "€", "￥", "(", ")", "-", "+", ",", ".", "1", "234", "1,234", "12", "0", "5", "000", ",567", ".50", "e", "−", " ", "USD",
          "元", "1.234"]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), min_size=1, max_size=3), st.sampled_from(".,"), st.integers(0, 1))
def test_whatever_is_read_at_once_is_read_as_one_by_one(cells: list[str], decimal: str, sliced: int) -> None:
    texts = pa.array(["another"] * sliced + cells, pa.string()).slice(sliced)
    quick = fast_money(texts, decimal)
    if quick is not None:
        with scratch() as con:
            con.register("cells", pa.table({"x": texts}))
            slow = con.sql(f"select {money_sql(decimal)[0]} as v from cells").to_arrow_table()["v"]
            con.unregister("cells")
        assert quick.to_pylist() == slow.to_pylist()


@pytest.mark.parametrize(("cells", "decimal", "plain"), [
    (["1,234.50", "-12,345,678.9", "", "999"], ".", ["1234.5000", "-12345678.9000", None, "999.0000"]),
    (["1.234,50", "-7,01", "0"], ",", ["1234.5000", "-7.0100", "0.0000"]),
    (["$1,234.50", "-$3.00", "($5)", "€0.10", "￥7", "¥-8", ""], ".", ["1234.5000", "-3.0000", "-5.0000", "0.1000", "7.0000", "-8.0000", None]),
    (["", ""], ",", [None, None]),
])
def test_usual_ways_of_writing_amounts_are_read_at_once(cells: list[str], decimal: str, plain: list[str | None]) -> None:
    found = fast_money(pa.array(cells, pa.string()), decimal)
    assert [None if value is None else str(value) for value in found.to_pylist()] == plain


@pytest.mark.parametrize("cell", ["1,23", "12,3456", "1234,567", ",123", "1,234,56", "1.5,000", "$$5", "(5", "5)", "-(5)", "-$-5", "1e3", "--5", "$"])
def test_what_is_written_oddly_is_left_to_the_slow_way(cell: str) -> None:
    assert fast_money(pa.array(["1,000.00", cell], pa.string()), ".") is None
