"""Whoever starts a run, the same steps run: same numbers, same events, and what is closed or held is so for everybody."""

from __future__ import annotations

import datetime as dt
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dagster import (
    AssetKey,
    BetaWarning,
    DagsterInstance,
    DefaultSensorStatus,
    Definitions,
    RunRequest,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)

from assets.checks import ASSERTION
from assets.flow import NOTHING_HELD, PUBLISHED
from assets.partitions import asking_for, daily
from assets.workspace import over
from duizhang.books import load_books
from duizhang.close import events
from duizhang.digest import file_digest
from duizhang.errors import ConservationError
from duizhang.gate import load_suites
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.layout import SQL
from duizhang.plan import acquire
from duizhang.publish import read_manifest
from duizhang.runs import Run, yesterday
from pipelines.definitions import build_defs
from pipelines.job import run_job
from pipelines.run import run_range
from pipelines.schedules import build_schedule
from pipelines.sensors import build_sensor
from pipelines.triggers import JOB
from tests.pipelines.test_end_to_end import LAST, START, duizhang, query
from tests.thoroughness import THOROUGH

FIRST, SECOND = START, START + dt.timedelta(days=1)
PARTITIONS = daily(FIRST.isoformat(), "Asia/Shanghai")
VERSIONS = "select period, version, state, digest from period_status order by period"


def definitions(raw: Path, home: Path) -> Definitions:
    return build_defs(resources=over(str(raw / "books.yaml"), str(home)), partitions=PARTITIONS)


def by_command(raw: Path, home: Path) -> bool:
    return run_range(raw / "books.yaml", home, FIRST, SECOND) == 0


def by_ticks(raw: Path, home: Path) -> bool:
    """The schedule at 09:30 of each following day; what it asks for is executed."""
    defs, schedule, fine = definitions(raw, home), build_schedule(PARTITIONS), True
    for day in (FIRST, SECOND):
        asked = schedule(tick(raw, home, day + dt.timedelta(days=1)))
        for request in asked if isinstance(asked, list) else ():
            assert isinstance(request, RunRequest)
            with DagsterInstance.ephemeral() as instance:
                done = defs.resolve_job_def(JOB).execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
            fine = fine and done.success
    return fine


def by_backfill(raw: Path, home: Path) -> bool:
    """A range in a single run, from the page of the assets."""
    with DagsterInstance.ephemeral() as instance:
        return backfill(raw, home, instance)


def backfill(raw: Path, home: Path, instance: DagsterInstance, periods: tuple[dt.date, ...] = (FIRST, SECOND)) -> bool:
    job = definitions(raw, home).resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, tags=asking_for(periods), raise_on_error=False)
    return bool(done.success)


def by_job(raw: Path, home: Path) -> bool:
    """As `dagster job execute` with a partition."""
    job, fine = definitions(raw, home).resolve_job_def(JOB), True
    for day in (FIRST, SECOND):
        with DagsterInstance.ephemeral() as instance:
            done = job.execute_in_process(instance=instance, partition_key=day.isoformat(), raise_on_error=False)
        fine = fine and done.success
    return fine


def tick(raw: Path, home: Path, morning: dt.date) -> Any:
    at = dt.datetime.combine(morning, dt.time(9, 30), ZoneInfo("Asia/Shanghai"))
    return build_schedule_context(
        scheduled_execution_time=at, resources={"watched": over(str(raw / "books.yaml"), str(home))["watched"]}
    )


def on_record(home: Path) -> list[tuple[str, int, str]]:
    return [(e["payload"]["period"], e["payload"]["version"], e["payload"]["digest"]) for e in events(State(home), "published")]


@pytest.mark.slow  # that each way reaches the same run, and what a tick asks for, are the tests below
@pytest.mark.parametrize("way", [by_ticks, by_backfill, by_job], ids=lambda way: way.__name__)
def test_every_way_gives_the_same_numbers_events_and_replay(
    way: Callable[[Path, Path], bool], little: Path, done: Path, tmp_path: Path
) -> None:
    assert way(little, tmp_path / "home")
    assert query(tmp_path / "home", VERSIONS) == query(done, VERSIONS)
    assert on_record(tmp_path / "home") == on_record(done)
    runs = events(State(tmp_path / "home"), "run_started")
    assert runs[-1]["payload"]["to"] == SECOND.isoformat() and runs[-1]["payload"].keys() == (
        events(State(done), "run_started")[0]["payload"].keys()
    )
    assert "the same" in duizhang("replay", "--home", tmp_path / "home", "--period", FIRST)


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_a_closed_day_stays_closed_whoever_asks(raw: Path, made: Path, tmp_path: Path) -> None:
    mine, home = tmp_path / "raw", tmp_path / "home"
    shutil.copytree(raw, mine)
    shutil.copytree(made, home)
    for role, by in (("maker", "A"), ("checker", "B")):
        duizhang("approve", "--home", home, "--period", FIRST, "--to", LAST, "--as", role, "--by", by)
    duizhang("close", "--home", home, "--from", FIRST, "--to", LAST, "--by", "B")
    (orders,) = (mine / "inbox" / "company" / SECOND.isoformat()).glob("*books_orders*")
    orders.write_bytes(b"".join(orders.read_bytes().splitlines(keepends=True)[:-2]))

    def tables() -> dict[Path, str]:
        return {path: file_digest(path) for path in sorted((home / "tables").rglob("*.parquet"))}

    before = query(home, VERSIONS), tables()
    for way in (by_command, by_backfill, *([by_job] if THOROUGH else [])):
        assert not way(mine, home), way.__name__
        assert (query(home, VERSIONS), tables()) == before, way.__name__
    assert isinstance(build_schedule(PARTITIONS)(tick(mine, home, SECOND + dt.timedelta(days=1))), SkipReason)
    with DagsterInstance.ephemeral() as instance:
        watched = over(str(mine / "books.yaml"), str(home))["watched"]
        assert isinstance(build_sensor(PARTITIONS)(build_sensor_context(instance=instance, resources={"watched": watched})), SkipReason)


@pytest.mark.slow
def test_a_held_day_is_seen_as_held_and_rows_are_those_of_the_partition(little: Path, tmp_path: Path) -> None:
    raw, home = tmp_path / "raw", tmp_path / "home"
    shutil.copytree(little, raw)
    (orders,) = (raw / "inbox" / "company" / SECOND.isoformat()).glob("*books_orders*")
    orders.unlink()
    with DagsterInstance.ephemeral() as instance:
        assert not backfill(raw, home, instance)
        assert instance.get_materialized_partitions(AssetKey(PUBLISHED)) == {FIRST.isoformat()}
        (failed,) = [
            e.asset_check_evaluation_data for e in logged(instance, "ASSET_CHECK_EVALUATION")
            if e.asset_check_evaluation_data.check_name == NOTHING_HELD
        ]
        assert not failed.passed and f"{SECOND} is held" in failed.description and "books_orders" in failed.description
        seen = [e.asset_check_evaluation_data for e in logged(instance, "ASSET_CHECK_EVALUATION")]
        absent = {c.partition: c for c in seen if c.check_name == "expected_files_are_there"}
        assert (absent[None].passed, absent[FIRST.isoformat()].passed, absent[SECOND.isoformat()].passed) == (False, True, False)
        assert "books_orders" in absent[SECOND.isoformat()].metadata["first rows"].value
        # every check has its result, and one day that is held takes no other with it
        graph = definitions(raw, home).resolve_asset_graph()
        assert {c.asset_check_key for c in seen} == {*graph.asset_check_keys}
        (broken,) = logged(instance, "STEP_FAILURE")
        assert f"{SECOND} is held" in str(broken.step_failure_data.user_failure_data.description)
        rows = {
            (m.asset_key.to_user_string(), m.partition): m.metadata["rows"].value
            for e in logged(instance, "ASSET_MATERIALIZATION") if "rows" in (m := e.step_materialization_data.materialization).metadata
        }
    store = Store(home)
    assert {day for _, day in rows} == {FIRST.isoformat(), SECOND.isoformat()}
    assert all(store.rows(table, dt.date.fromisoformat(day)) == number for (table, day), number in rows.items())
    manifest = read_manifest(home, FIRST, 1)["tables"]
    assert read_manifest(home, FIRST, 1)["engine"].startswith("duckdb ")  # what computed it
    assert {t: rows[t, FIRST.isoformat()] for t in ("variances", "open_claims")} == {
        t: manifest[t]["rows"] for t in ("variances", "open_claims")
    }


def logged(instance: DagsterInstance, kind: str) -> list[Any]:
    (run,) = instance.get_run_ids()
    return [e.dagster_event for e in instance.all_logs(run) if e.dagster_event and e.dagster_event.event_type_value == kind]


def test_each_expectation_and_assertion_is_a_check(little: Path, tmp_path: Path) -> None:
    checks = {(k.asset_key.to_user_string(), k.name) for k in definitions(little, tmp_path / "home").resolve_asset_graph().asset_check_keys}
    assert {(t, e.name) for t, suite in load_suites().items() for e in suite.expectations} <= checks
    assert {ASSERTION + path.stem for path in (SQL / "assertions").glob("*.sql")} <= {name for _, name in checks}


@pytest.mark.slow
def test_a_broken_promise_of_the_engine_fails_its_check_and_the_run(
    little: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ConservationError("amounts_are_conserved: 1 rows, first (1,)")

    monkeypatch.setattr("duizhang.reconcile.engine.assert_conservation", broken)
    with DagsterInstance.ephemeral() as instance:
        assert not backfill(little, tmp_path / "home", instance, (FIRST,))
        (check,) = [e.asset_check_evaluation_data for e in logged(instance, "ASSET_CHECK_EVALUATION")]
    assert (check.check_name, check.passed, check.asset_key) == (ASSERTION + "amounts_are_conserved", False, AssetKey("recon_summary"))


def test_a_tick_in_the_morning_asks_for_the_day_before(raw: Path, home: Path, tmp_path: Path) -> None:
    books = load_books(raw / "books.yaml")
    morning = dt.datetime(2026, 3, 26, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert yesterday(books, morning) == dt.date(2026, 3, 25)
    assert yesterday(books, morning.astimezone(dt.UTC)) == dt.date(2026, 3, 25)
    # the business day of the 25th is not over before its cut-off
    late = books.model_copy(update={"cut_off": "10:00"})
    assert yesterday(late, morning) == dt.date(2026, 3, 24)

    schedule = build_schedule(PARTITIONS)
    fresh = tmp_path / "home"
    (asked,) = schedule(tick(raw, fresh, SECOND))
    assert asked.tags == asking_for([FIRST])
    # and for what else is not current
    (asked,) = schedule(tick(raw, fresh, SECOND + dt.timedelta(days=1)))
    assert asked.tags == asking_for([FIRST, SECOND])
    assert isinstance(schedule(tick(raw, home, SECOND)), SkipReason)
    assert isinstance(schedule(tick(raw, fresh, FIRST)), SkipReason)


def test_late_files_are_looked_for_unless_somebody_says_otherwise() -> None:
    assert build_sensor(PARTITIONS).default_status is DefaultSensorStatus.RUNNING


@pytest.mark.slow
def test_a_year_in_one_command_leaves_no_event_a_table_and_day(raw: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []

    class Instances:
        @staticmethod
        @contextmanager
        def ephemeral() -> Iterator[DagsterInstance]:
            with DagsterInstance.ephemeral() as instance:
                yield instance
                kept.append([len(logged(instance, kind)) for kind in ("ASSET_MATERIALIZATION", "STEP_SUCCESS")])

    monkeypatch.setattr("pipelines.job.DagsterInstance", Instances)
    assert run_range(raw / "books.yaml", home, FIRST, LAST) == 0
    assert kept == []  # nothing was to be computed, so no job was needed to say so
    with acquire(home):
        run = Run(raw / "books.yaml", home)
        run.begin([FIRST, LAST])
        assert run_job(run) == 0
    ((materialised, steps),) = kept
    assert (materialised, steps > 3) == (0, True)


def test_nothing_reaches_into_the_orchestrator() -> None:
    top = Path(__file__).resolve().parents[2]
    code = [p for folder in ("assets", "pipelines") for p in (top / folder).rglob("*.py")]
    assert [p.name for p in code if "dagster._" in p.read_text(encoding="utf-8")] == []
    with warnings.catch_warnings():
        warnings.simplefilter("error", BetaWarning)
        assert build_defs(partitions=PARTITIONS).resolve_job_def(JOB)
