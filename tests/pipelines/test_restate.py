"""What has to be computed again is known before it runs, is computed, and nothing else is."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterInstance, SensorResult, SkipReason, build_sensor_context

from assets.partitions import daily
from assets.workspace import over
from pipelines.definitions import build_defs
from pipelines.sensors import build_sensor
from pipelines.triggers import JOB
from tests.pipelines.test_end_to_end import COMPARED, DAYS, START, duizhang, query, run

pytestmark = pytest.mark.usefixtures("unchecked")

VERSIONS = "select period, version, digest from period_status order by period"


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number - 1)


@pytest.fixture
def mine(raw: Path, home: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the raw files and of the home that was made of them."""
    shutil.copytree(raw, tmp_path / "raw")
    shutil.copytree(home, tmp_path / "home")
    return tmp_path / "raw", tmp_path / "home"


def plan(raw: Path, home: Path, *more: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        duizhang("plan", "--json", "--books", raw / "books.yaml", "--home", home, *more)
    )
    return found


def stale(raw: Path, home: Path) -> dict[str, list[str]]:
    return {p["period"]: [r["text"] for r in p["reasons"]] for p in plan(raw, home)["periods"]}


def versions(home: Path) -> list[int]:
    return [version for _, version, _ in query(home, VERSIONS)]


def same_rows(one: Path, other: Path) -> None:
    for table in COMPARED:
        sql = f'select * exclude (version) from "{table}" order by all'
        assert query(one, sql) == query(other, sql), table
    digests = "select period, state, digest from period_status order by period"
    assert query(one, digests) == query(other, digests)


def bill(raw: Path, number: int, words: str) -> Path:
    (found,) = (raw / "inbox" / "company" / day(number).isoformat()).glob(f"*{words}*")
    return found


def restate(file: Path) -> None:
    """Other bytes that say the same: the day is made from another file, but what it leaves open is the same."""
    file.write_bytes(file.read_bytes() + b"\n")


@pytest.mark.slow
def test_a_late_file_touches_its_day_and_what_opens_with_it(mine: tuple[Path, Path], tmp_path: Path) -> None:
    raw, home = mine
    late = bill(raw, 2, "books_orders")
    shutil.move(late, tmp_path / "late.csv")
    run(raw, tmp_path / "home2", exit_code=2)
    before = query(tmp_path / "home2", VERSIONS)
    assert plan(raw, tmp_path / "home2")["periods"] == []
    shutil.move(tmp_path / "late.csv", late)

    told = plan(raw, tmp_path / "home2")
    assert [p["period"] for p in told["periods"]] == [day(2).isoformat()]
    (reason,) = told["periods"][0]["reasons"]
    assert (reason["kind"], reason["subject"], reason["change"]) == ("file", late.relative_to(raw / "inbox").as_posix(), "new")
    assert told["may_follow"] == [day(n).isoformat() for n in range(3, DAYS + 1)]

    # the range is the late file's own day; what follows goes on by itself
    run(raw, tmp_path / "home2", day(2), day(2))
    same_rows(tmp_path / "home2", home)
    assert query(tmp_path / "home2", VERSIONS)[:1] == before[:1]
    assert plan(raw, tmp_path / "home2")["periods"] == []


@pytest.mark.slow
def test_the_same_content_under_another_name_changes_nothing(mine: tuple[Path, Path], tmp_path: Path) -> None:
    raw, home = mine
    before = query(home, VERSIONS)
    orders, refunds = bill(raw, 2, "books_orders"), bill(raw, 2, "books_refunds")
    orders.rename(orders.with_name("a-" + orders.name))
    shutil.move(refunds, raw / "inbox" / "company" / "late.csv")
    shutil.copy(bill(raw, 3, "books_orders"), raw / "inbox" / "company" / "0-copy.csv")
    assert plan(raw, home)["periods"] == []
    run(raw, home)
    duizhang("run", "--quiet", "--force", "--books", raw / "books.yaml", "--home", home, "--from", day(2), "--to", day(2))
    assert query(home, VERSIONS) == before


@pytest.mark.slow
def test_books_rules_and_decisions_say_which_days_they_touch(
    mine: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, home = mine
    books = raw / "books.yaml"
    text = yaml.safe_load(books.read_text(encoding="utf-8"))
    text["rate_cards"].append({"kind": "fee", "provider": "alipay", "from_day": day(2), "percent": "0.55"})
    books.write_text(yaml.safe_dump(text, allow_unicode=True), encoding="utf-8")
    assert stale(raw, home) == {day(n).isoformat(): ["books.yaml rate_cards changed"] for n in (2, 3)}
    run(raw, home)
    assert versions(home) == [1, 2, 2]
    assert "nothing to do" in duizhang("plan", "--books", books, "--home", home)

    sql = home.parent / "sql"
    shutil.copytree(Path("sql"), sql)
    with (sql / "marts" / "fee_audit.sql").open("a") as file:
        file.write("-- as agreed\n")
    for module in ("duizhang.plan.inputs", "duizhang.reconcile.models"):
        monkeypatch.setattr(f"{module}.SQL", sql)
    assert stale(raw, home) == {
        day(n).isoformat(): ["rule sql/marts/fee_audit.sql changed"] for n in range(1, DAYS + 1)
    }


@pytest.mark.slow  # a closed day refuses in tests/pipelines/test_one_path.py as well
def test_what_is_closed_refuses_and_says_so_and_a_cascade_stops_where_the_closing_did_not_change(mine: tuple[Path, Path]) -> None:
    raw, home = mine
    for role, by in (("maker", "A"), ("checker", "B")):
        duizhang("approve", "--home", home, "--period", day(2), "--as", role, "--by", by)
    duizhang("close", "--home", home, "--from", day(2), "--to", day(2), "--by", "B",
             "--reason", "the first day waits for its bank statement")
    before = query(home, VERSIONS)
    refunds = bill(raw, 2, "books_refunds")
    restate(refunds)
    told = plan(raw, home)
    assert told["periods"] == [] and [p["period"] for p in told["refused"]] == [day(2).isoformat()]
    run(raw, home, exit_code=2)
    assert query(home, VERSIONS) == before
    told_of = duizhang("status", "--home", home)
    assert f"{day(2)} is closed and refuses" in told_of and refunds.name in told_of
    duizhang("reopen", "--home", home, "--period", day(2), "--by", "A", "--reason", "late file")
    assert set(stale(raw, home)) == {day(2).isoformat()}
    run(raw, home)
    assert versions(home) == [1, 2, 1]


@pytest.mark.slow
def test_two_processes_on_one_home_give_the_rows_of_one(little: Path, done: Path, tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "duizhang", "run", "--quiet", "--books",
             str(little / "books.yaml"), "--home", str(tmp_path / "home"), "--from", str(first), "--to", str(last)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for first, last in ((START, day(2)), (day(2), day(2)))
    ]
    for process in started:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    same_rows(tmp_path / "home", done)


@pytest.mark.slow
def test_the_sensor_asks_for_the_days_that_a_file_touches_once(mine: tuple[Path, Path]) -> None:
    raw, home = mine
    days = daily(START.isoformat(), "Asia/Shanghai")
    sensor = build_sensor(days)
    resources = over(str(raw / "books.yaml"), str(home))

    def tick(cursor: str | None) -> Any:
        with DagsterInstance.ephemeral() as instance:
            context = build_sensor_context(
                instance=instance, cursor=cursor, resources={"watched": resources["watched"]}
            )
            return sensor(context)

    assert isinstance(tick(None), SkipReason)
    refunds = bill(raw, 2, "books_refunds")
    restate(refunds)
    asked = tick(None)
    assert isinstance(asked, SensorResult) and asked.run_requests
    (request,) = asked.run_requests
    assert {v for k, v in request.tags.items() if "asset_partition_range" in k} == {day(2).isoformat()}
    assert isinstance(tick(asked.cursor), SkipReason)
    again = tick(None)
    assert [r.run_key for r in again.run_requests] == [request.run_key]
    with DagsterInstance.ephemeral() as instance:
        job = build_defs(resources=resources, partitions=days).resolve_job_def(JOB)
        assert job.execute_in_process(instance=instance, tags=request.tags).success
    assert versions(home) == [1, 2, 1]
    assert isinstance(tick(asked.cursor), SkipReason)
    restate(refunds)
    assert tick(asked.cursor).run_requests[0].run_key != request.run_key
