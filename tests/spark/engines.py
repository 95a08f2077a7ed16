"""One query, model or day on DuckDB and on Spark, and what differs."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import Any

import pytest


def local_spark_is_there() -> None:
    """The test skips, and says why, where no Spark can be started."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Java is not installed")


def local_spark() -> Any:
    """A Spark on this machine."""
    local_spark_is_there()
    from duizhang.spark import start

    return start("local[2]")


def multiset(rows: list[tuple[Any, ...]]) -> Counter[tuple[str, ...]]:
    """Rows in any order, each value with its type: 1 is not 1.0, and 1.0 is not 1.00."""
    return Counter(tuple(f"{type(v).__name__} {v!r}" for v in row) for row in rows)
