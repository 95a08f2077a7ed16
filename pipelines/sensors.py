"""The sensor that sees a new, changed or late file and asks for a run of just the periods that it touches."""

import datetime as dt

from dagster import (
    DailyPartitionsDefinition,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.workspace import Workspace
from duizhang.errors import Retryable, UserError
from duizhang.ingest import collect
from duizhang.plan import OPENING, Plan, acquire, last_day, make_plan

JOB = "reconcile_periods"
# what follows a changed closing is asked for a week at a time: the cascade may stop on any day
FOLLOW = dt.timedelta(days=6)


def build_sensor(partitions: DailyPartitionsDefinition) -> SensorDefinition:
    """The sensor over the given partitions. Its cursor is the digest of what is stale and what it is to be made from,
    so a tick that sees nothing new asks for nothing; the keys of its runs follow from the same digests."""

    @sensor(name="late_files", job_name=JOB, minimum_interval_seconds=60, default_status=DefaultSensorStatus.STOPPED)
    def late_files(context: SensorEvaluationContext, watched: Workspace) -> SensorResult | SkipReason:
        """A run for every stretch of days that a new, changed or late file touches, or whose opening changed."""
        try:
            plan = _plan(watched, partitions)
        except (Retryable, UserError) as error:
            return SkipReason(str(error))
        if not plan.stale:
            return SkipReason("everything is current")
        digest = plan.digest()
        if digest == context.cursor:
            return SkipReason("nothing new since the last tick")
        return SensorResult(run_requests=[_request(plan, stretch) for stretch in _stretches(plan)], cursor=digest)

    return late_files


def _plan(workspace: Workspace, partitions: DailyPartitionsDefinition) -> Plan:
    books, store, state = workspace.books(), workspace.store(), workspace.state()
    with acquire(workspace.home, wait=False):
        collect(books, store, state)
        end = last_day(books, state)
        newest = partitions.get_last_partition_key()
        if newest:
            end = min(end, dt.date.fromisoformat(newest))
        return make_plan(books, store, state, books.start, max(end, books.start))


def _stretches(plan: Plan) -> list[list[dt.date]]:
    """Consecutive stale days, and behind one that is stale by its opening alone the days that may follow it."""
    wanted: set[dt.date] = set(plan.stale)
    for period, reasons in plan.stale.items():
        if all(r.kind == OPENING for r in reasons):
            wanted |= {p for p in plan.may_follow if period < p <= period + FOLLOW}
    found: list[list[dt.date]] = []
    for period in sorted(wanted):
        if found and period - found[-1][-1] == dt.timedelta(days=1):
            found[-1].append(period)
        else:
            found.append([period])
    return found


def _request(plan: Plan, stretch: list[dt.date]) -> RunRequest:
    first, last = stretch[0].isoformat(), stretch[-1].isoformat()
    return RunRequest(
        run_key=f"{first}:{last}:{plan.digest(stretch)}",
        tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last},
    )
