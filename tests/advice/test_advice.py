"""What history speaks against is found with its figures, what it does not speak against is left alone, and the past is the judge."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from duizhang.advice import AdviceKind, advice_of
from duizhang.books import Books
from duizhang.yaml_reading import load_yaml
from tests.pipelines.test_end_to_end import duizhang

DAY = dt.date(2026, 3, 1)
CARD = {"kind": "fee", "provider": "pay", "from_day": DAY, "percent": "0.6", "minimum": "0.10", "cap": "60"}
TABLES = """
create table fee_audit(period date, entity text, provider text, transaction_id text, currency text, base_amount decimal(28, 4),
    charged_fee decimal(28, 4));
create table variances(period date, leg text, entity text, "key" text, currency text, shop text, cause text, first_seen date,
    left_amount decimal(28, 4), right_amount decimal(28, 4), difference decimal(28, 4), left_quantity decimal(28, 4),
    right_quantity decimal(28, 4));
create table clearings(period date, leg text, entity text, "key" text, currency text, opened date, cleared_on date, age_days bigint);
create table open_items(period date, leg text, entity text, "key" text, currency text, sla_days bigint);
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        found.execute(TABLES)
        yield found


def books(**more: object) -> Books:
    return Books(root=Path(), entity="e", start=DAY, **{"rate_cards": (CARD,), **more})  # type: ignore[arg-type]


def charge(con: duckdb.DuckDBPyConnection, day: int, number: int, base: str, fee: str, currency: str = "CNY") -> None:
    on, name = DAY + dt.timedelta(day), f"T{day}-{number}"
    con.execute("insert into fee_audit values (?, 'e', 'pay', ?, ?, ?, ?)", [on, name, currency, base, fee])
    con.execute("insert into variances(period, leg, entity, \"key\", currency, cause) values (?, 'fee', 'e', ?, ?, 'fee_overcharge')",
                [on, f"pay/{name}/fee", currency])


def clear(con: duckdb.DuckDBPyConnection, leg: str, sla: int, ages: list[int]) -> None:
    for number, age in enumerate(ages):
        opened = DAY + dt.timedelta(number % 20)
        con.execute("insert into clearings values (?, ?, 'e', ?, 'CNY', ?, ?, ?)",
                    [opened + dt.timedelta(age), leg, f"k{number}", opened, opened + dt.timedelta(age), age])
        con.execute("insert into open_items values (?, ?, 'e', ?, 'CNY', ?)", [opened, leg, f"k{number}", sla])


def differ(con: duckdb.DuckDBPyConnection, leg: str, cause: str, differences: list[str], currency: str = "CNY") -> None:
    for number, difference in enumerate(differences):
        day = DAY + dt.timedelta(number % 5)
        con.execute("insert into variances values (?, ?, 'e', ?, ?, 's', ?, ?, 10, 10, ?, 1, 1)",
                    [day, leg, f"{cause}{number}", currency, cause, day, difference])


def test_a_rate_that_is_charged_from_a_day_on_is_found_with_its_day(con: duckdb.DuckDBPyConnection) -> None:
    charge(con, 1, 0, "100", "9.99")  # a mistake of another kind, before
    for day in (4, 5, 6):
        charge(con, day, 1, "1000", "5.50")
        charge(con, day, 2, "333.33", "1.83")
        charge(con, day, 3, "3", "0.10")  # the minimum
    [found] = advice_of(con, books())
    assert (found.kind, found.where) == (AdviceKind.RATE_CARD, "pay fee CNY")
    place, _, value = found.change.partition("=")
    assert place == "rate_cards.+" and load_yaml(value) == {**CARD, "from_day": "2026-03-05", "percent": "0.55"}
    assert found.seen["fees"] == found.seen["of"] == 9 and found.seen["amount"] == 3 * (Decimal("-0.50") + Decimal("-0.17"))


@pytest.mark.parametrize("wrong", ["scattered", "one day", "few", "tiers"])
def test_fees_that_no_other_rate_explains_are_no_drifted_card(con: duckdb.DuckDBPyConnection, wrong: str) -> None:
    days = (3,) if wrong == "one day" else (3, 4, 5)
    for day in days:
        for number in range(1 if wrong == "few" else 4):
            percent = Decimal("0.7") + (Decimal(number + day) / 10 if wrong == "scattered" else 0)
            charge(con, day, number, "1000", f"{percent * 10}")
    cards = {"rate_cards": ({**CARD, "percent": None, "tiers": [{"percent": "0.6"}]},)} if wrong == "tiers" else {}
    assert advice_of(con, books(**cards)) == []


def test_deadlines_are_held_against_when_items_really_cleared(con: duckdb.DuckDBPyConnection) -> None:
    clear(con, "payout_bank", 2, [1] * 60 + [3] * 30 + [4] * 9 + [9])  # 40% after the deadline, 99 of 100 within four days
    clear(con, "order_payment", 1, [1] * 100)  # as the deadline says
    clear(con, "freight", 9, [1] * 90 + [3] * 30)  # nothing after three days
    clear(con, "stock", 9, [1] * 20)  # too few to say
    early, late = advice_of(con, books(sla_days={"payout_bank": 2, "freight": 9, "stock": 9}))
    assert (early.kind, early.change) == (AdviceKind.EARLY_DEADLINE, "sla_days.payout_bank=4")
    assert (late.kind, late.change) == (AdviceKind.LATE_DEADLINE, "sla_days.freight=3")


def test_a_tolerance_that_shouts_or_hides_is_found_in_units_of_the_currency(con: duckdb.DuckDBPyConnection) -> None:
    differ(con, "fee", "unexplained", ["0.02", "-0.03"] * 6)
    differ(con, "order_payment", "rounding", ["0.01"] * 24 + ["-0.01"])
    differ(con, "freight", "rounding", ["0.01", "-0.01"] * 15)  # as rounding is
    differ(con, "payout_bank", "unexplained", ["0.02", "-0.03"] * 6, "JPY")  # no smallest units of a yen
    narrow, wide = advice_of(con, books())
    assert (narrow.kind, narrow.change) == (AdviceKind.NARROW_TOLERANCE, 'tolerances.fee="0.03"')
    assert (wide.kind, wide.change) == (AdviceKind.WIDE_TOLERANCE, 'tolerances.order_payment="0"')
    assert wide.seen["amount"] == Decimal("0.23") and wide.seen["same_sign"] == 24


@pytest.mark.slow
def test_a_card_that_nobody_entered_is_advised_and_the_past_speaks_for_it_alone(tmp_path: Path) -> None:
    raw, home = tmp_path / "raw", tmp_path / "home"
    duizhang("simulate", "--out", raw, "--start", DAY, "--days", 6, "--orders-per-day", 60, "--seed", 5, "--break-rate", 0)
    settings = load_yaml((raw / "books.yaml").read_text(encoding="utf-8"))
    new = [c for c in settings["rate_cards"] if c["provider"] == "alipay"][1]
    settings["rate_cards"].remove(new)
    (raw / "books.yaml").write_text(json.dumps(settings, default=str, ensure_ascii=False), encoding="utf-8")
    duizhang("run", "--books", raw / "books.yaml", "--home", home, "--from", DAY, "--to", DAY + dt.timedelta(5), "--quiet")
    advised = {a["where"]: a for a in json.loads(duizhang("advise", "--home", home, "--quiet", "--json"))["advice"]}
    card = advised.pop("alipay fee CNY")
    assert load_yaml(card["change"].partition("=")[2])["from_day"] == str(new["from_day"])
    assert card["holds"] and card["new"] == 0 and card["gone"] == card["seen"]["fees"]
    assert not any(other["holds"] for other in advised.values())
