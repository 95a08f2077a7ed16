"""What Dagster loads: `build_defs` puts it together, and a test can put other resources in."""

import warnings
from collections.abc import Mapping
from typing import Any

from dagster import (
    AssetSelection,
    BetaWarning,
    DailyPartitionsDefinition,
    Definitions,
    build_schedule_from_partitioned_job,
    define_asset_job,
    in_process_executor,
)

from assets import partitions as books_partitions
from assets.flow import build_assets
from assets.workspace import from_environment
from pipelines.sensors import JOB, build_sensor

# as JOB, for where the inbox was just collected
TABLES_JOB = "reconcile_collected_periods"


def build_defs(
    *, resources: Mapping[str, Any] | None = None, partitions: DailyPartitionsDefinition | None = None
) -> Definitions:
    """Assets, checks, the job for a day or a range, the daily schedule (09:30, once the T+1 bills are there) and the
    sensor that sees files which come late. A run is one process: it holds the home's lock from end to end."""
    days = partitions or books_partitions.from_environment()
    with warnings.catch_warnings():
        # single-run backfills are Dagster's beta; the lock file pins what was tried
        warnings.simplefilter("ignore", BetaWarning)
        assets, checks = build_assets(days)
        job = define_asset_job(JOB, selection=AssetSelection.all(), executor_def=in_process_executor)
        collected = AssetSelection.all() - AssetSelection.assets("raw_files")
        tables = define_asset_job(TABLES_JOB, selection=collected, executor_def=in_process_executor)
        schedule = build_schedule_from_partitioned_job(job, hour_of_day=9, minute_of_hour=30, name="every_morning")
        return Definitions(
            assets=assets, asset_checks=checks, jobs=[job, tables], schedules=[schedule], sensors=[build_sensor(days)],
            resources={**from_environment(), **(resources or {})},
        )
