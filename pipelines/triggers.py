"""What schedule and sensor share: the job they ask for, and the runs that make stale days current."""

import datetime as dt

from dagster import DailyPartitionsDefinition, RunRequest

from assets.partitions import asking_for
from duizhang.plan import Plan
from duizhang.runs import stretches

JOB = "reconcile_periods"


def requests(plan: Plan) -> list[RunRequest]:
    """A run for every stretch of stale days; the key says what they are to be made from, so none is asked for twice."""
    return [
        RunRequest(run_key=f"{days[0]}:{days[-1]}:{plan.digest(days)}", tags=asking_for(days))
        for days in stretches(plan.stale)
    ]


def newest(partitions: DailyPartitionsDefinition, end: dt.date) -> dt.date:
    """`end`, or the last day that there is a partition of."""
    last = partitions.get_last_partition_key()
    return min(end, dt.date.fromisoformat(last)) if last else end
