"""A company with shared accounts, mapped codes, sets and two warehouses: quiet where all is well, each fault found with its amount."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.test_end_to_end import START, duizhang, query

Item = tuple[str, str, str]
Found = tuple[str, Decimal]


def company(
    root: Path, days: int, orders: int, rate: str, start: dt.date = START, *, throughout: bool = False, without: tuple[str, ...] = (),
) -> dict[Item, Found]:
    """What is open on the last day, or on any, and no timing, or overdue: leg, key and currency; cause and difference."""
    duizhang("simulate", "--out", root / "raw", "--start", start, "--days", days, "--orders-per-day", orders, "--break-rate", rate,
             "--company", "real", "--seed", 6)
    last = start + dt.timedelta(days=days - 1)
    for name in without:
        (root / "raw" / "inbox" / "company" / str(start) / name).unlink()
    duizhang("run", "--quiet", "--books", root / "raw" / "books.yaml", "--home", root / "home", "--from", start, "--to", last)
    return {(leg, key, currency): (cause, difference) for leg, key, currency, cause, difference in query(root / "home", f"""
        select leg, key, currency, cause, difference from open_items
        where (cause <> 'timing' or overdue) and period >= date '{start if throughout else last}' order by period
    """)}


@pytest.mark.slow
@pytest.mark.parametrize(("days", "orders", "rate"), [(6, 16, "0.5"), (30, 8, "0.3")])
def test_each_fault_of_a_real_company_is_found_with_its_amount_and_nothing_else(tmp_path: Path, days: int, orders: int, rate: str) -> None:
    found = company(tmp_path, days, orders, rate)
    truth = pl.read_parquet(tmp_path / "raw" / "truth.parquet").group_by("leg", "key", "currency").agg(
        pl.col("difference").sum(), pl.col("cause").first())
    made = {(leg, key, currency): (cause, difference) for leg, key, currency, difference, cause in truth.iter_rows()}
    assert {item: difference for item, (_, difference) in found.items()} == {item: difference for item, (_, difference) in made.items()}
    assert {cause for cause, _ in made.values()} == {
        "missing_right", "substitution", "refund_unrecorded", "discount_unrecorded", "chargeback", "fx_difference", "sku_unmapped",
        "lost_in_transit"}
    assert {(cause, made[item][0]) for item, (cause, _) in found.items() if cause not in (made[item][0], "unexplained")} == set()


@pytest.mark.slow
def test_a_month_of_a_real_company_without_faults_is_nothing_but_timing(tmp_path: Path) -> None:
    assert company(tmp_path, 30, 60, "0", dt.date(2026, 3, 10), throughout=True) == {}  # a monthly bill comes within it


@pytest.mark.slow
def test_a_real_company_without_its_map_and_sets_is_told_the_codes_that_are_missing(tmp_path: Path) -> None:
    found = company(tmp_path, 30, 8, "0", without=("sku_map.csv", "bundles.csv"))
    assert {cause for cause, _ in found.values()} == {"sku_unmapped"}
    ((events, items),) = query(tmp_path / "home", """
        select count(distinct event), count(*) filter (where leg <> 'stock') from event_items
        where cause = 'sku_unmapped' and period = (select max(period) from event_items)
    """)
    # the maps of three systems and the list of sets: an item in each shop, and one for each of the codes that were there before three were
    assert (events, items <= 20) == (4, True)
