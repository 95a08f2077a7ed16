"""The schedule: every morning, once the bills of the day before are there."""

from dagster import (
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    schedule,
)

from assets.partitions import asking_for
from assets.workspace import Workspace
from duizhang.errors import Retryable
from duizhang.plan import acquire
from duizhang.runs import plan_until, yesterday
from pipelines.triggers import JOB, newest, requests


def build_schedule(partitions: DailyPartitionsDefinition) -> ScheduleDefinition:
    """The schedule over the given partitions, at 09:30 in the books' time zone."""

    @schedule(
        name="every_morning", job_name=JOB, cron_schedule="30 9 * * *", execution_timezone=partitions.timezone,
        default_status=DefaultScheduleStatus.STOPPED,
    )
    def every_morning(context: ScheduleEvaluationContext, watched: Workspace) -> list[RunRequest] | SkipReason:
        """The business day that is over, and every other day that is not current."""
        books = watched.books()
        day = yesterday(books, context.scheduled_execution_time)
        if day < books.start:
            return SkipReason(f"the books begin on {books.start}")
        try:
            with acquire(watched.home, wait=False):
                plan = plan_until(books, watched.store(), watched.state(), newest(partitions, day))
        except Retryable as error:
            # that run may not go as far as yesterday, and this one waits for it
            context.log.info(f"{error}; what else is not current, the sensor asks for")
            return [RunRequest(run_key=f"{day}:morning", tags=asking_for([day]))]
        return requests(plan) or SkipReason(f"everything up to {day} is current")

    return every_morning
