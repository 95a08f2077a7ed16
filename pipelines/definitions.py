"""What Dagster loads: `build_defs` puts it together, and a test can put other resources in."""

import warnings
from collections.abc import Mapping
from typing import Any

from dagster import (
    AssetSelection,
    BetaWarning,
    DailyPartitionsDefinition,
    Definitions,
    PreviewWarning,
    define_asset_job,
    in_process_executor,
)

from assets import partitions as books_partitions
from assets.flow import build_assets
from assets.workspace import from_environment
from pipelines.schedules import build_schedule
from pipelines.sensors import build_sensor
from pipelines.triggers import JOB


def build_defs(
    *, resources: Mapping[str, Any] | None = None, partitions: DailyPartitionsDefinition | None = None
) -> Definitions:
    """Assets, checks, the one job for a day or a range, the daily schedule and the sensor that sees files which come late.

    Whoever starts it, a run is one process: it holds the home's lock from end to end, and its steps share the engine's run.
    """
    days = partitions or books_partitions.from_environment()
    with warnings.catch_warnings():
        # single-run backfills are Dagster's beta, checks with partitions its preview; the lock file pins what was tried
        warnings.simplefilter("ignore", BetaWarning)
        warnings.simplefilter("ignore", PreviewWarning)
        found = {**from_environment(), **(resources or {})}
        assets, checks = build_assets(days, found["watched"].sources())
        job = define_asset_job(JOB, selection=AssetSelection.all(), executor_def=in_process_executor)
        return Definitions(
            assets=assets, asset_checks=checks, jobs=[job], schedules=[build_schedule(days)], sensors=[build_sensor(days)],
            resources=found, executor=in_process_executor,
        )
