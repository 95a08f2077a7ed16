"""The cases of cases.txt and causes.txt, each in an entity of its own: in one pass, in parts, and day by day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.reconcile.core import claim, run
from tests.thoroughness import some

LENGTH = 6
SIDES = {"L": "left", "R": "right"}
NUMBERS = ("quantity", "unit_price", "discount")


@dataclass
class Case:
    title: str
    claims: list[dict[str, Any]] = field(default_factory=list)
    variances: set[tuple[int, str, str, str, Decimal]] = field(default_factory=set)
    clearings: set[tuple[int, str, str, Decimal, int]] = field(default_factory=set)
    proposals: list[tuple[int, str, str]] = field(default_factory=list)
    candidates: list[tuple[int, str, str, str, list[str]]] = field(default_factory=list)


def value(column: str, text: str) -> Any:
    if column in NUMBERS:
        return Decimal(text)
    if column in ("line", "sequence", "instalments"):
        return int(text)
    return dt.datetime.fromisoformat(text) if column == "occurred_at" else text


def cases(name: str) -> Iterator[Case]:
    case = Case("")
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        mark, _, rest = line.partition(" ")
        if line.startswith("# title: "):
            if case.title:
                yield case
            case = Case(line.removeprefix("# title: "))
        elif not case.title or not line:
            continue
        elif mark == ">":
            day, side, leg, key, kind, amount, *more = rest.split()
            given = {column: value(column, text) for column, _, text in (m.partition("=") for m in more)}
            case.claims.append(claim(leg, key, SIDES[side], amount, int(day), kind=kind, entity=case.title, **given))
        elif mark == "=":
            day, leg, key, cause, amount = rest.split()
            case.variances.add((int(day), leg, key, cause, Decimal(amount)))
        elif mark == "+":
            day, leg, key, amount, age = rest.split()
            case.clearings.add((int(day), leg, key, Decimal(amount), int(age)))
        elif mark == "~":
            day, key, text = rest.split(" ", 2)
            case.proposals.append((int(day), key, text))
        elif mark == "?":
            day, leg, key, cause, *names = rest.split()
            case.candidates.append((int(day), leg, key, cause, names))
        else:
            raise ValueError(f"{name}: {line!r}")
    yield case


CASES = {case.title: case for name in ("cases.txt", "causes.txt") for case in cases(name)}


# by table and case: the day and the row
Found = dict[tuple[str, str], list[tuple[int, dict[str, Any]]]]
# after which days a part ends
ENDS = {"range": (), "parts": (0, 2), "days": range(LENGTH)}


@pytest.fixture(scope="module", params=some(ENDS, "parts"))
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    claims = [c for case in CASES.values() for c in case.claims]
    made = run(tmp_path_factory.mktemp("cases"), claims, LENGTH, ENDS[request.param])
    found: Found = {(table, title): [] for table in ("variances", "clearings") for title in CASES}
    for table in ("variances", "clearings"):
        for day in range(LENGTH):
            for row in made.rows(table, day):
                found[table, row["entity"]].append((day, row))
    return found


@pytest.mark.parametrize("title", CASES)
def test_case(outcome: Found, title: str) -> None:
    case, rows = CASES[title], outcome["variances", title]
    assert {(day, r["leg"], r["key"], r["cause"], r["difference"]) for day, r in rows} == case.variances
    cleared = {(day, r["leg"], r["key"], r["amount"], r["age_days"]) for day, r in outcome["clearings", title]}
    assert cleared == case.clearings
    for _, row in rows:
        named = [c["cause"] for c in json.loads(row["candidates"])]
        assert len(named) == len({*named}), named
    for day, leg, key, cause, names in case.candidates:
        [told] = {r["candidates"] for at, r in rows if (at, r["leg"], r["key"], r["cause"]) == (day, leg, key, cause)}
        assert [c["cause"] for c in json.loads(told)] == names
    for day, key, text in case.proposals:
        told = {r["proposal"] for at, r in rows if (at, r["key"]) == (day, key)}
        assert any(text in (t or "") for t in told), told


@pytest.mark.slow
def test_a_cause_that_the_lines_and_the_rest_of_a_sum_share_keeps_the_evidence_of_both(tmp_path: Path) -> None:
    rows = [claim(leg, key, side, amount, 0) for leg, key, left, right in (
        ("order_platform", "tb/1/x", "71.3", "30.2"), ("order_platform", "tb/2/x", "55.1", "50.8"), ("finance", "tb/revenue", "90", "20"),
    ) for side, amount in (("left", left), ("right", right))]
    variances = run(tmp_path, rows, 1).rows("variances", 0)
    assert {r["cause"] for r in variances} == {"unexplained"}
    [total] = [r for r in variances if r["leg"] == "finance"]
    told = json.loads(total["evidence"])
    assert total["difference"] == 70
    assert {e["key"]: e["difference"] for e in told if "key" in e} == {"tb/1/x": "41.1000", "tb/2/x": "4.3000"}
    assert {(e["side"], e["amount"]) for e in told if "side" in e} == {("left", "90.0000"), ("right", "20.0000")}


@pytest.mark.slow
def test_books_say_which_passes_a_leg_has_and_in_which_order(tmp_path: Path) -> None:
    rows = [
        claim("payout_bank", "PA1", "left", "60", 0, channel="alipay"), claim("payout_bank", "PA2", "left", "40", 0, channel="alipay"),
        claim("payout_bank", "PA3", "left", "100", 0, channel="alipay"), claim("payout_bank", "bank/1/9", "right", "100", 1),
        claim("order_payment", "tb/3202603010000012300", "left", "50", 0),
        claim("order_payment", "tb/3202603010000013200", "right", "50", 0),
    ]

    def told(name: str, **matching: list[str]) -> set[tuple[str, str, tuple[str, ...]]]:
        made = run(tmp_path / name, rows, 2, matching=matching).groups
        return {(g["leg"], g["pass"], tuple(sorted(g["members"]))) for g in made if g["period"] == max(g["period"] for g in made)}

    near = ("order_payment", "near_key", ("tb/3202603010000012300", "tb/3202603010000013200"))
    assert told("default") == {near, ("payout_bank", "keyless", ("PA3", "bank/1/9"))}
    assert told("own", payout_bank=["subset", "keyless"]) == {near, ("payout_bank", "subset", ("PA1", "PA2", "bank/1/9"))}
    assert told("none", order_payment=[]) == {("payout_bank", "keyless", ("PA3", "bank/1/9"))}


@pytest.mark.slow
def test_goods_that_were_refused_at_the_door_are_not_paid_back(tmp_path: Path) -> None:
    rows = [
        # cash on delivery: the whole of it, and one of three pieces; and an order that is said to have been paid
        claim("order_payment", "tb/1", "left", "80", 0, remark="unpaid"),
        claim("return_refund", "tb/R1", "left", "80", 1, kind="return", order_id="1"),
        claim("order_payment", "tb/2", "left", "150", 0, remark="unpaid", unit_price=Decimal(50), sku="A"),
        claim("order_payment", "tb/2", "right", "100", 1),
        claim("return_refund", "tb/R2", "left", "50", 1, kind="return", order_id="2"),
        claim("order_payment", "tb/3", "left", "70", 0), claim("return_refund", "tb/R3", "left", "70", 1, kind="return", order_id="3"),
        claim("order_payment", "tb/4", "left", "60", 0), claim("order_payment", "tb/4", "right", "60", 0),
        claim("return_refund", "tb/R4", "left", "60", 1, kind="return", order_id="4"),
    ]
    told = {r["key"]: (r["cause"], [c["cause"] for c in json.loads(r["candidates"])])
            for r in run(tmp_path, rows, 4, delivery_days=2, sla_days={"return_refund": 1}).rows("variances", 3)}
    assert told == {
        "tb/1": ("refused", []), "tb/R1": ("refused", []), "tb/2": ("refused", []), "tb/R2": ("refused", []),
        "tb/3": ("missing_right", ["refused"]), "tb/R3": ("unexplained", ["return_without_refund", "refused", "missing_right"]),
        "tb/R4": ("return_without_refund", []),
    }
