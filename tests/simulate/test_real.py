"""A company with shared accounts, mapped codes, sets and two warehouses: quiet where all is well, each fault found with its amount."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.test_end_to_end import START, duizhang, query


def company(root: Path, days: int, orders: int, rate: str, start: dt.date = START) -> set[tuple[str, str, str, object]]:
    """What is open on the last day and no timing, or overdue."""
    duizhang("simulate", "--out", root / "raw", "--start", start, "--days", days, "--orders-per-day", orders, "--break-rate", rate,
             "--company", "real", "--seed", 3)
    last = pl.select(pl.lit(start) + pl.duration(days=days - 1)).item()
    duizhang("run", "--quiet", "--books", root / "raw" / "books.yaml", "--home", root / "home", "--from", start, "--to", last)
    return set(query(root / "home", f"""
        select leg, key, cause, difference from open_items
        where (cause <> 'timing' or overdue) and period = date '{last}'
    """))


@pytest.mark.usefixtures("unchecked")
def test_each_fault_of_a_real_company_is_found_with_its_amount_and_nothing_else(tmp_path: Path) -> None:
    found = company(tmp_path, 6, 12, "0.2")
    truth = pl.read_parquet(tmp_path / "raw" / "truth.parquet").group_by("leg", "key").agg(pl.col("difference").sum())
    assert {(leg, key): difference for leg, key, _, difference in found} == {
        (leg, key): difference for leg, key, difference in truth.iter_rows()
    }
    assert {"sku_unmapped", "lost_in_transit", "missing_right"} <= {cause for _, _, cause, _ in found}
    (days,) = query(tmp_path / "home", "select count(*) from open_items where cause <> 'timing' and period = date '2026-03-01'")
    assert days[0] <= 4  # what is known at once: codes


@pytest.mark.slow
def test_a_month_of_a_real_company_without_faults_is_nothing_but_timing(tmp_path: Path) -> None:
    assert company(tmp_path, 30, 60, "0", dt.date(2026, 3, 10)) == set()  # a monthly bill comes within it
