"""One query, model or day on DuckDB and on Spark, and what differs."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import Any

import pytest


def local_spark() -> Any:
    """A Spark on this machine; the test skips, and says why, where there is none."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Java is not installed")
    from pyspark.sql import SparkSession

    from duizhang.spark import start

    if SparkSession.getActiveSession() is None:
        # generated code costs more than it saves where a table has twenty rows
        small = {"spark.sql.shuffle.partitions": "1", "spark.driver.memory": "1g", "spark.sql.codegen.wholeStage": "false"}
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "OFF")
        for name, value in small.items():
            builder = builder.config(name, value)
        builder.getOrCreate()
    return start("local[2]")


def multiset(rows: list[tuple[Any, ...]]) -> Counter[tuple[str, ...]]:
    """Rows in any order, each value with its type: 1 is not 1.0, and 1.0 is not 1.00."""
    return Counter(tuple(f"{type(v).__name__} {v!r}" for v in row) for row in rows)
