"""A value that a model cannot be computed with holds its day, by file, line and value; the other days go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from duizhang.errors import ConservationError
from duizhang.home.store import Store, days
from duizhang.reconcile import Session, Uncomputed, compute
from duizhang.reconcile import session as session_module
from tests.reconcile.test_engine import FIRST, KEPT, books, fill, order, payment

PERIODS = days(FIRST, FIRST + dt.timedelta(days=2))
HELD = PERIODS[1]


def settled(root: Path, data: dict[str, list[dict[str, Any]]]) -> tuple[Store, list[Uncomputed], list[int]]:
    store, asked = Store(root), []
    fill(store, PERIODS, data)

    def make(periods: Sequence[dt.date], kind: type[Session]) -> Session:
        asked.append(len(periods))
        return kind(books(root), store, periods)

    return store, compute(make, PERIODS), asked


def quiet() -> dict[str, list[dict[str, Any]]]:
    """Some orders a day, one of which is paid a day later."""
    orders = [
        {**order(period, origin, f"{n}{k}", "70"), "file": f"{origin}{n}.csv", "line": k + 2}
        for n, period in enumerate(PERIODS) for k in range(4) for origin in ("books", "platform")
    ]
    payments = [
        {**payment(period if k else period + dt.timedelta(days=1), f"{n}{k}", "70"), "file": f"paid{n}.csv", "line": k + 2}
        for n, period in enumerate(PERIODS) for k in range(4) if k or period < PERIODS[-1]
    ]
    return {"orders": orders, "payments": payments}


@pytest.mark.slow
def test_a_value_without_room_holds_its_day_by_file_line_and_value_and_no_other(tmp_path: Path) -> None:
    good, data = quiet(), quiet()
    wrong = order(HELD, "books", "w", "70")
    wrong.update(file="books2.csv", line=99, quantity=Decimal(10) ** 17, unit_price=Decimal(10) ** 18)
    data["orders"].append(wrong)
    store, uncomputed, asked = settled(tmp_path / "wrong", data)
    clean, nothing, once = settled(tmp_path / "clean", good)
    assert (nothing, once) == ([], [len(PERIODS)])
    assert asked
    (row,) = uncomputed
    assert (row.period, row.table, row.file, row.line) == (HELD, "orders", "books2.csv", 99)
    assert (row.column, row.value) == ("unit_price", "1" + "0" * 18 + ".0000")
    assert "sql/" in row.model
    assert "books2.csv line 99, unit_price 1000000000000000000.0000" in str(row)
    # the day without the row is the day without the row, and so is what the days behind it open with
    for table in KEPT:
        for period in PERIODS:
            assert store.read(table, period).equals(clean.read(table, period)), (table, period)


def test_a_query_that_the_database_cannot_plan_is_no_fault_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "LITTLE", 0)
    of_model = session_module.model_text

    def text(path: str) -> str:
        # without the setting that the store makes, DuckDB 2.0 has no plan for it
        unplanned = "select split_part(a, ' ', 1) <> 'x' as b from (select null::varchar as a from range(9))"
        return unplanned if path == "items/facts_of_order.sql" else of_model(path)

    class Unguarded(Session):
        def __post_init__(self) -> None:
            super().__post_init__()
            self.con.execute("set disabled_optimizers = ''")

    store = Store(tmp_path)
    fill(store, PERIODS, quiet())
    monkeypatch.setattr(session_module, "model_text", text)
    with pytest.raises(ConservationError, match=r"sql/items/facts_of_order\.sql has no plan"):
        compute(lambda periods, _: Unguarded(books(tmp_path), store, periods), PERIODS)
