"""The job over a run that has begun, in this process."""

from dagster import DagsterExecutionInterruptedError, DagsterInstance

from assets.flow import Held
from assets.partitions import DEFER_EVENTS, asking_for, daily
from assets.workspace import over
from duizhang.runs import Run
from pipelines.definitions import build_defs
from pipelines.triggers import JOB


def run_job(run: Run) -> int:
    """Take a run through the steps of the job; 0 where everything is published, 2 where something is held. Whoever made the run holds
    the lock of the home."""
    books = run.books
    partitions = daily(books.start.isoformat(), books.time_zone, last=run.asked[-1])
    watched = over(str(run.books_path), str(run.home))["watched"]
    job = build_defs(resources={"run": run, "watched": watched}, partitions=partitions).resolve_job_def(JOB)
    try:
        with DagsterInstance.ephemeral() as instance:
            job.execute_in_process(
                instance=instance,
                tags={**asking_for(run.asked), DEFER_EVENTS: "true"},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
    except Held:
        return 2
    except DagsterExecutionInterruptedError as error:
        raise KeyboardInterrupt from error
    return 0
