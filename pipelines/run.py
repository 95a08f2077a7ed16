"""`duizhang run`: the job in this process. The command line finds it by its entry point."""

import datetime as dt
from contextlib import ExitStack
from pathlib import Path

import click

from duizhang.books import load_books
from duizhang.home.store import days
from duizhang.logs import shown
from duizhang.plan import acquire
from duizhang.runner import check_range
from duizhang.runs import HELD, Run


def run_range(
    books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = False, force: bool = False,
    memory: str = "", engine: str = "",
) -> int:
    """Collect, then compute, check and publish what is not current from `start` to `end`, and what follows from that.

    Returns the exit code: 0 everything is published, 2 something is held, or a file was refused of which no day is known
    and about which nobody decided. Raises UserError where the range or the books are impossible. Where another run uses
    this home, it waits for it to end.
    """
    check_range(load_books(books_path), start, end)
    with ExitStack() as stack:
        if progress:
            stack.enter_context(shown())
        stack.enter_context(acquire(home))
        try:
            run = Run(books_path, home, force=force, memory=memory, engine=engine)
            run.begin(days(start, end))
            if run.periods:
                from pipelines.job import run_job  # Dagster takes longer to load than to find that nothing is to be computed

                return run_job(run)
            outcomes = run.end()
        except KeyboardInterrupt:
            if progress:
                click.echo("  what is published stands; the same command goes on from here", err=True)
            raise
    return 2 if run.pending or any(o.state == HELD for o in outcomes) else 0
