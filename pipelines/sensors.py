"""The sensor that sees a new, changed or late file and asks for a run of just the days that it touches."""

from dagster import (
    DailyPartitionsDefinition,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.workspace import Workspace
from duizhang.errors import Retryable, UserError
from duizhang.plan import Plan, acquire, last_day
from duizhang.runs import plan_until
from pipelines.triggers import JOB, newest, requests


def build_sensor(partitions: DailyPartitionsDefinition) -> SensorDefinition:
    """The sensor over the given partitions. Its cursor is the digest of what is stale and what it is to be made from,
    so a tick that sees nothing new asks for nothing; the keys of its runs follow from the same digests."""

    @sensor(name="late_files", job_name=JOB, minimum_interval_seconds=60, default_status=DefaultSensorStatus.RUNNING)
    def late_files(context: SensorEvaluationContext, watched: Workspace) -> SensorResult | SkipReason:
        """A run for every stretch of days that a new, changed or late file touches; what follows, the run does itself."""
        try:
            plan = _plan(watched, partitions)
        except (Retryable, UserError) as error:
            return SkipReason(str(error))
        if not plan.stale:
            return SkipReason("everything is current")
        digest = plan.digest()
        if digest == context.cursor:
            return SkipReason("nothing new since the last tick")
        return SensorResult(run_requests=requests(plan), cursor=digest)

    return late_files


def _plan(workspace: Workspace, partitions: DailyPartitionsDefinition) -> Plan:
    books, store, state = workspace.books(), workspace.store(), workspace.state()
    with acquire(workspace.home, wait=False):
        return plan_until(books, store, state, newest(partitions, last_day(books, state)))
