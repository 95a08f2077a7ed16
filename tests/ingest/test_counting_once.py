"""What every row of an order repeats counts once, wherever its rows stand, and a row that contradicts it is told."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from duizhang.ingest.reading.counting_once import Repeated
from duizhang.ingest.rows import Broken
from duizhang.ingest.specification import Repeats

NAMES = ["Order", "Item", "Shipping", "Voucher"]
Row = tuple[str, str, str, str]


def counted(*batches: list[Row]) -> tuple[list[tuple[str, ...]], list[Broken]]:
    found = Repeated.of(Repeats(by="No|Order", columns=("Shipping", "Voucher", "Gift")), NAMES)
    assert found is not None
    rows, broken, line = [], list[Broken](), 2
    for batch in batches:
        lines = np.arange(line, line + len(batch))
        line += len(batch)
        _, columns = found.counted_once(lines, [pa.array(cells, pa.string()) for cells in zip(*batch, strict=True)], broken)
        rows += list(zip(*(column.to_pylist() for column in columns), strict=True))
    return rows, broken


def test_what_is_the_orders_counts_on_its_first_row_across_batches() -> None:
    rows, broken = counted(
        [("1", "a", "5", "2"), ("2", "b", "5", "2"), ("1", "c", " 5", "2")], [("2", "d", "", ""), ("1", "e", "5", "2"), ("3", "f", "7", "")])
    assert [row for row in rows if row[2] or row[3]] == [("1", "a", "5", "2"), ("2", "b", "5", "2"), ("3", "f", "7", "")]
    assert (len(rows), broken) == (6, [])


def test_a_row_that_repeats_something_else_is_told_and_does_not_count() -> None:
    rows, broken = counted([("1", "a", "5", "2"), ("1", "b", "6", "2")], [("1", "c", "5", "3")])
    assert rows == [("1", "a", "5", "2")]
    assert [(b.line, b.reason.partition(",")[0]) for b in broken] == [(3, "Shipping 6"), (4, "Shipping 5")]


def test_a_row_without_an_order_repeats_nothing() -> None:
    assert counted([("", "a", "5", ""), ("", "b", "6", "")])[0] == [("", "a", "5", ""), ("", "b", "6", "")]


def test_a_file_without_such_columns_has_nothing_to_count() -> None:
    assert Repeated.of(Repeats(by="Order", columns=("Gift",)), NAMES) is None and Repeated.of(None, NAMES) is None
