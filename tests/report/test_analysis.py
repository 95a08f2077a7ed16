"""What is unusual is found, with its size and what would be normal; quiet data give nothing."""

from __future__ import annotations

import datetime as dt
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duizhang.report import write_report
from duizhang.report.analysis import break_of, in_common, unusual_on
from tests.report.conftest import LAST, business, item, put, summary

DAYS = [LAST - dt.timedelta(days=n) for n in reversed(range(43))]
WEEKDAYS = (1.0, 1.0, 1.0, 1.0, 1.1, 1.6, 1.5)  # a shop that sells more at the end of the week
KINDS: dict[str, tuple[Any, Callable[[random.Random, dt.date], float], float]] = {
    "count": ("count", lambda r, d: float(round(r.gauss(60, 8) * WEEKDAYS[d.weekday()])), 2.5),
    "amount": ("amount", lambda r, d: r.gauss(10_000, 800) * WEEKDAYS[d.weekday()], 2.0),
    "rate": ("rate", lambda r, _: r.gauss(0.006, 0.0002), 1.5),
}
SEEDS = range(20)


@pytest.mark.parametrize("name", KINDS)
def test_what_was_put_in_is_found_over_twenty_seeds_and_quiet_data_give_nothing(name: str) -> None:
    kind, value, factor = KINDS[name]
    found = false = 0
    for seed in SEEDS:
        made = random.Random(seed)  # noqa: S311 - a test's numbers
        series = {day: value(made, day) for day in DAYS}
        false += unusual_on(series, DAYS[-1], kind=kind) is not None
        odd = unusual_on({**series, DAYS[-1]: series[DAYS[-1]] * factor}, DAYS[-1], kind=kind)
        found += odd is not None and odd.high < odd.value
    assert false == 0 and found >= 0.95 * len(SEEDS), (found, false)


# how the days before go: what each does to the value of day n, counted back from the last one
COURSES: dict[str, Callable[[int], float]] = {
    "a trend": lambda n: 1.006 ** -n,
    "a lasting change two weeks ago": lambda n: 1.5 if n < 14 else 1.0,
    "promotions": lambda n: 2.8 if n in (11, 23, 32) else 1.0,
}


@pytest.mark.parametrize("course", COURSES)
def test_trend_change_and_promotions_before_hide_nothing_and_are_nothing(course: str) -> None:
    found = false = 0
    for seed in range(40, 60):
        made = random.Random(seed)  # noqa: S311 - a test's numbers
        going = COURSES[course]
        series = {day: made.gauss(10_000, 1_000) * WEEKDAYS[day.weekday()] * going((LAST - day).days) for day in DAYS}
        false += unusual_on(series, LAST, kind="amount") is not None
        for factor in (0.4, 2.0):
            odd = unusual_on({**series, LAST: series[LAST] * factor}, LAST, kind="amount")
            found += odd is not None and (odd.value < odd.low or odd.value > odd.high)
    assert false <= 1 and found >= 0.95 * 40, (found, false)


@pytest.mark.slow
def test_a_command_that_is_kept_from_pandas_judges_a_long_series() -> None:
    script = ("import datetime as dt\nfrom duizhang.kept_out import keep_out\nkeep_out(\"pandas\")\n"
              "from duizhang.report.seasonal import likely_on\n"
              "days = {dt.date(2026, 3, 1) + dt.timedelta(days=n): 100.0 + n % 7 for n in range(28)}\n"
              "print(round(likely_on(days, dt.date(2026, 3, 29), is_ratio=True).middle))")
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "100"


def test_a_rate_that_changed_twice_is_dated_by_its_last_change() -> None:
    made = random.Random(7)  # noqa: S311
    series = {day: made.gauss(0.006, 0.00005) * (1.1 if n >= 25 else 1) * (1.1 if n >= 36 else 1) for n, day in enumerate(DAYS)}
    change = break_of(series)
    assert change and change.since == DAYS[36] and 1.08 < change.after / change.before < 1.12


def test_a_rate_that_changed_is_dated_and_noise_or_one_odd_day_is_no_change() -> None:
    dated = false = 0
    for seed in SEEDS:
        made = random.Random(seed)  # noqa: S311
        series = {day: made.gauss(0.006, 0.0001) for day in DAYS}
        false += break_of(series) is not None or break_of({**series, DAYS[-1]: 0.02}) is not None
        change = break_of({**series, **{day: series[day] + 0.001 for day in DAYS[-5:]}})
        dated += change is not None and change.since == DAYS[-5] and round(change.after - change.before, 3) == 0.001
    assert false == 0 and dated >= 0.95 * len(SEEDS), (dated, false)


def test_what_most_differences_have_in_common_is_told_by_share() -> None:
    base = {"SF": 100.0, "YTO": 800.0, "ZTO": 100.0}
    mass = in_common(["SF"] * 49 + ["YTO"], base)
    assert mass and (mass.part, mass.share, round(mass.lift, 1)) == ("SF", 0.98, 9.8)
    assert in_common(["YTO"] * 45 + ["SF"] * 5, base) is None, "it carries most parcels anyway"
    assert in_common(["SF"] * 10, base) is None, "ten are no mass"


def test_the_page_says_what_is_unusual_and_what_would_be_normal(tmp_path: Path) -> None:
    tables = business()
    tables["channel_pnl"] = [
        {"period": day, "shop": "s", "currency": "CNY", "orders": 200 + n % 5 if day != LAST else 40, "revenue": "5000", "fee": "30"}
        for n, day in enumerate(DAYS)
    ]
    tables["freight_audit"] = [
        {"period": LAST, "carrier": carrier, "tracking_number": str(n), "currency": "CNY"}
        for carrier, count in (("SF", 3), ("YTO", 30)) for n in range(count)
    ]
    parcels = [item(LAST, "freight", f"SF/{n}", "overbilled_freight", "-2") for n in range(25)]
    tables["variances"] = tables["open_items"] = [*tables["variances"], *parcels]
    tables["recon_summary"].append(summary(LAST, "freight", matched=5, opened=25))
    page = write_report(put(tmp_path / "home", tables), language="en").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", " ", page)
    assert re.search(r"orders: 40; usually 1\d\d to 2\d\d \(42 days\)", text)
    assert "25 of Overbilled freight: 100% of them, 11.0 times its share of 9.1%" in text
