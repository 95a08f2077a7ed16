"""Every query of two days, by DuckDB and of the same rows by Spark."""

from __future__ import annotations

from pathlib import Path

import pytest

from duizhang.layout import SQL
from tests.pipelines.test_end_to_end import START, duizhang
from tests.spark.engines import local_spark
from tests.spark.test_day import run


@pytest.mark.slow
def test_every_query_of_two_days_gives_on_spark_what_it_gives_on_duckdb(tmp_path: Path, unchecked: None) -> None:
    spark = local_spark()
    from tests.spark.beside import BesideBackend

    duizhang("simulate", "--out", tmp_path, "--start", START, "--days", 2, "--orders-per-day", 15, "--break-rate", "0.5", "--noise", "hard")
    backend = BesideBackend(spark)
    run(tmp_path / "books.yaml", tmp_path / "home", 0, 1, backend)
    assert [f"{one.name}: {one.differs}" for one in backend.found if one.differs] == []
    # of the others the pairs of rows are held against each other
    models = {path.stem for path in SQL.rglob("*.sql") if path.parent.name not in ("macros", "assertions")}
    assert len(models & {one.name for one in backend.found if one.rows}) > 75
