"""`duizhang run`: the job in this process. The command line finds it by its entry point."""

import datetime as dt
from pathlib import Path

import click
from dagster import DagsterExecutionInterruptedError, DagsterInstance

from assets.flow import Held
from assets.partitions import DEFER_EVENTS, asking_for, daily
from assets.workspace import over
from duizhang.books import load_books
from duizhang.runner import check_range
from pipelines.definitions import build_defs
from pipelines.triggers import JOB


def run_range(
    books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = False, force: bool = False,
    memory: str = "", engine: str = "",
) -> int:
    """Collect, then compute, check and publish what is not current from `start` to `end`, and what follows from that.

    Returns the exit code: 0 everything is published, 2 something is held, or a file was refused of which no day is known
    and about which nobody decided. Raises UserError where the range or the books are impossible. Where another run uses
    this home, it waits for it to end.
    """
    books = load_books(books_path)
    check_range(books, start, end)
    partitions = daily(books.start.isoformat(), books.time_zone, last=end)
    resources = over(str(books_path.resolve()), str(home.resolve()), progress=progress, force=force, memory=memory, engine=engine)
    job = build_defs(resources=resources, partitions=partitions).resolve_job_def(JOB)
    try:
        with DagsterInstance.ephemeral() as instance:
            job.execute_in_process(
                instance=instance,
                tags={**asking_for([start, end]), DEFER_EVENTS: "true"},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
    except Held:
        return 2
    except (DagsterExecutionInterruptedError, KeyboardInterrupt) as error:
        if progress:
            click.echo("  what is published stands; the same command goes on from here", err=True)
        raise KeyboardInterrupt from error
    return 0
