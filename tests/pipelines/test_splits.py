"""A range, its days, any split of it and a forced second run give the same rows, whatever the business."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.pipelines.test_end_to_end import COMPARED, START, duizhang, query
from tests.thoroughness import PHASES
from tests.unchecked import trust


def check(seed: int, days: int, orders: int, cuts: set[int], again: int, start: dt.date = START) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as always:
        trust(always)
        root = Path(folder)
        duizhang("simulate", "--out", root / "raw", "--start", start, "--days", days, "--orders-per-day", orders,
                 "--seed", seed, "--break-rate", "0.1")

        def go(home: str, first: int, last: int, *more: str) -> None:
            duizhang("run", "--quiet", "--books", root / "raw" / "books.yaml", "--home", root / home, "--from",
                     start + dt.timedelta(days=first), "--to", start + dt.timedelta(days=last), *more)

        with pytest.MonkeyPatch.context() as patch:  # a long range is judged in stretches, here of two days
            patch.setattr("duizhang.reconcile.session.STRETCH", 2)
            go("range", 0, days - 1)
        bounds = [0, *sorted(c for c in cuts if 0 < c < days), days]
        for first, after in itertools.pairwise(bounds):
            go("split", first, after - 1)
        go("split", again % days, days - 1, "--force")
        for table in COMPARED:
            sql = f'select * from "{table}" order by all'
            assert query(root / "split", sql) == query(root / "range", sql), table
        sql = "select period, version, state, digest from period_status order by 1"
        assert query(root / "split", sql) == query(root / "range", sql)


@pytest.mark.slow  # the models in any split: tests/reconcile/test_engine.py and test_oracle.py; day by day: test_one_path.py
@settings(max_examples=4, phases=PHASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@example(4711, 2, 15, {1}, 1)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(3, 25), st.sets(st.integers(1, 3)), st.integers(0, 3))
def test_any_split_gives_the_rows_of_the_range(seed: int, days: int, orders: int, cuts: set[int], again: int) -> None:
    check(seed, days, orders, cuts, again)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.integers(20, 40), st.sets(st.integers(1, 39), max_size=6), st.integers(0, 39))
def test_any_split_of_a_month_across_the_year_end(seed: int, days: int, cuts: set[int], again: int) -> None:
    check(seed, days, 150, cuts, again, dt.date(2025, 12, 10))
