"""How Spark is reached: on this machine, on a cluster, or through Spark Connect; and the settings under which it counts as DuckDB does."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from duizhang.books.engine_names import DUCKDB, named
from duizhang.errors import UserError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONNECT = "sc://"
# what results depend on: never the cluster's to choose
EXACT = {
    # what has no room is an error and never NULL
    "spark.sql.ansi.enabled": "true",
    # places after the point are never given up for room before it
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    # of these rules the first makes plans of joins as of a day that Spark itself then refuses, and the second does not find the columns
    # of a query that is asked for each row of a union
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in ("RemoveRedundantAliases", "PushProjectionThroughUnion")
    ),
    # names are what they are in the models
    "spark.sql.caseSensitive": "false",
}
# wherever the process that runs is part of it: a bar of its own between the lines of a run
_QUIET = {"spark.ui.showConsoleProgress": "false"}
# On this machine only, where Spark is tried and not needed: nothing to look at, and what small tables would take longer to plan, to
# compile and to divide than to compute.
LOCAL = {
    "spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.sql.shuffle.partitions": "1", "spark.default.parallelism": "1",
    "spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
_JAVA = 17
_ADVICE = "pip install 'duizhang[spark]', and Java 17 or later; without them `--engine duckdb` gives the same days."


def check(engine: str) -> str:
    """The version of Spark that would be used. Raises UserError where the name is none, or pyspark or Java is missing: nothing is
    started for that."""
    if named(engine) == DUCKDB:
        raise UserError(f"{engine}: no address of a Spark", advice="local[*], spark://HOST:7077 or sc://HOST:15002.")
    try:
        import pyspark
    except ImportError as error:
        raise UserError(f"engine {engine}: pyspark is not installed", advice=_ADVICE) from error
    if not engine.startswith(_CONNECT):
        _check_java(engine)
    elif find_spec("grpc") is None:  # Java is on the other side, and this is what is spoken with it
        raise UserError(f"engine {engine}: Spark Connect is not installed", advice="pip install 'pyspark[connect]'")
    return str(pyspark.__version__)


def _check_java(engine: str) -> None:
    home = os.environ.get("JAVA_HOME", "")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    try:
        told = _said_by(java or "java")
    except (OSError, subprocess.SubprocessError) as error:
        where = f"JAVA_HOME, {home}, has no Java that runs" if home else "Java is not installed"
        raise UserError(f"engine {engine}: {where}", advice=_ADVICE) from error
    found = re.search(r'version "(\d+)', told)
    if not found or int(found[1]) < _JAVA:
        raise UserError(f"engine {engine}: {told.strip().splitlines()[0] if told.strip() else java}, which is older than Java {_JAVA}",
                        advice=_ADVICE)


@cache
def _said_by(java: str) -> str:
    """What a Java says of itself: asked once, however often a command, a run and its sessions look whether it is there."""
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=60).stderr  # noqa: S603 - of the machine


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def start(engine: str) -> SparkSession:
    """A session of Spark: `local[*]`, `spark://host:7077`, `yarn`, `k8s://...` or, by Spark Connect, `sc://host:15002`.

    Raises UserError where the extra is not installed, Java is missing or nothing answers.
    """
    check(engine)
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    # nothing of it is used: rows come and go as Arrow
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    # py4j logs a traceback of what it raises as well, through the root itself
    logging.getLogger().addFilter(_is_not_of_py4j)
    builder = SparkSession.builder.appName("duizhang")
    builder = builder.remote(engine) if engine.startswith(_CONNECT) else builder.master(engine)
    settings = {**EXACT, **({} if engine.startswith(_CONNECT) else _QUIET), **(LOCAL if engine.startswith("local") else {})}
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
        for name, value in EXACT.items():
            spark.conf.set(name, value)
    except (PySparkException, OSError, RuntimeError) as error:
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UserError(f"Spark cannot be reached at {engine}: {text}", advice="Java 17 or later, and an address that answers?") from error
    return spark
