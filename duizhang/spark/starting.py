"""How Spark is reached: on this machine, on a cluster, or through Spark Connect; and the settings under which it counts as DuckDB does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from duizhang.errors import UserError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# what results depend on: never the cluster's to choose
EXACT = {
    # what has no room is an error and never NULL
    "spark.sql.ansi.enabled": "true",
    # places after the point are never given up for room before it
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    # this rule makes plans of joins as of a day that Spark itself then refuses
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases",
    # names are what they are in the models
    "spark.sql.caseSensitive": "false",
}
# on this machine only: nothing to look at, and no more parts than processors
_LOCAL = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": str(os.cpu_count() or 1)}
_WAYS = ("local", "spark://", "sc://", "yarn", "k8s://")


def start(engine: str) -> SparkSession:
    """A session of Spark: `local[*]`, `spark://host:7077`, `yarn`, `k8s://...` or, by Spark Connect, `sc://host:15002`.

    Raises UserError where the extra is not installed, Java is missing or nothing answers.
    """
    if not engine.startswith(_WAYS):
        raise UserError(f"{engine}: no address of a Spark", advice="local[*], spark://HOST:7077 or sc://HOST:15002.")
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UserError("pyspark is not installed", advice="pip install 'duizhang[spark]', and Java 17 or later.") from error
    builder = SparkSession.builder.appName("duizhang")
    builder = builder.remote(engine) if engine.startswith("sc://") else builder.master(engine)
    for name, value in {**EXACT, **(_LOCAL if engine.startswith("local") else {})}.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
        for name, value in EXACT.items():
            spark.conf.set(name, value)
    except (PySparkException, OSError, RuntimeError) as error:
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UserError(f"Spark cannot be reached at {engine}: {text}", advice="Java 17 or later, and an address that answers?") from error
    return spark
