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
)

from assets import partitions as books_partitions
from assets.flow import build_assets
from assets.workspace import from_environment

JOB = "reconcile_periods"


def build_defs(
    *, resources: Mapping[str, Any] | None = None, partitions: DailyPartitionsDefinition | None = None
) -> Definitions:
    """Assets, checks, the job for a day or a range, and the daily schedule (09:30, once the T+1 bills are there)."""
    days = partitions or books_partitions.from_environment()
    with warnings.catch_warnings():
        # single-run backfills are Dagster's beta; the lock file pins what was tried
        warnings.simplefilter("ignore", BetaWarning)
        assets, checks = build_assets(days)
        job = define_asset_job(JOB, selection=AssetSelection.all())
        schedule = build_schedule_from_partitioned_job(job, hour_of_day=9, minute_of_hour=30, name="every_morning")
        return Definitions(
            assets=assets, asset_checks=checks, jobs=[job], schedules=[schedule],
            resources={"workspace": from_environment(), **(resources or {})},
        )
