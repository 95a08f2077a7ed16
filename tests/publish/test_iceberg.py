"""What is published is read by engines that know Iceberg, without a copy of a row."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from duizhang.books import Books
from duizhang.cli import cli
from duizhang.gate import run_gate
from duizhang.home.published import TABLES, open_published
from duizhang.publish import export_iceberg, publish, set_period_state, versions

sql = pytest.importorskip("pyiceberg.catalog.sql", reason="needs the extra `iceberg`: pip install 'duizhang[iceberg]'")
FIRST = dt.date(2026, 3, 1)


def tables(out: Path) -> Any:
    found = sql.SqlCatalog("duizhang", uri=f"sqlite:///{out / 'catalog.db'}")
    return found, {name[1]: found.load_table(name) for name in found.list_tables("duizhang")}


@pytest.mark.slow
def test_other_engines_read_what_is_published_and_all_tables_change_at_once(own: Any, tmp_path: Path) -> None:
    out = tmp_path / "lake"
    result = CliRunner().invoke(cli, ["export", "iceberg", "--home", str(own.home), "--out", str(out)], standalone_mode=False)
    assert result.exception is None and "3 days" in result.output
    catalogue, before = tables(out)
    with open_published(own.home) as con:
        for name in TABLES:
            rows = con.sql(f'select * exclude (version) from "{name}"').to_arrow_table().to_pylist()
            assert sorted(before[name].scan().to_arrow().to_pylist(), key=repr) == sorted(rows, key=repr), name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = pl.scan_iceberg(before["variances"].metadata_location).select(pl.col("difference").sum()).collect()
        asked = before["variances"].scan().to_duckdb("v").execute("select sum(difference) from v").fetchone()
    assert seen.item() == asked[0] and asked[0] > 0
    # nothing was copied, empty tables have no file, and each snapshot says what it shows
    files = [task.file.file_path for name in TABLES for task in before[name].scan().plan_files()]
    assert files and all(path.startswith((own.home / "objects").as_uri()) for path in files)
    assert not list((out / "tables" / "variances").rglob("*.parquet"))
    digests = {f"duizhang.period.{v.period}": f"{v.version} {v.digest}" for v in versions(own.state)}
    said = before["variances"].current_snapshot().summary.additional_properties
    assert {name: said[name] for name in digests} == digests
    # nothing new: no snapshot, and no other catalogue either
    assert export_iceberg(own.home, own.state, out).changed == ()
    set_period_state(own.state, FIRST, "approved")
    assert export_iceberg(own.home, own.state, out).changed == ("period_status",)
    # other numbers of the days: who has the old catalogue open sees the old tables, and the old snapshot stays
    own.fill([FIRST], amount="7")
    run_gate(own.store, own.state, [FIRST])
    publish(Books(root=own.home, entity="acme", start=FIRST), own.store, own.state, own.home, [FIRST], rules_digest="r2")
    changed = export_iceberg(own.home, own.state, out)
    assert {"variances", "period_status"} <= set(changed.changed) and "skus" not in changed.changed
    _, after = tables(out)
    assert after["variances"].scan().to_arrow()["difference"].to_pylist() != before["variances"].scan().to_arrow()["difference"].to_pylist()
    old = before["variances"].current_snapshot().snapshot_id
    rows = after["variances"].scan().to_arrow().num_rows
    assert after["variances"].scan(snapshot_id=old).to_arrow().num_rows == before["variances"].scan().to_arrow().num_rows
    assert sorted(p.name for p in out.iterdir()) == [".lock", "catalog.db", "tables"]
    catalogue.engine.dispose()
    # a folder that was moved begins anew, with paths that are true
    out.rename(tmp_path / "moved")
    assert len(export_iceberg(own.home, own.state, tmp_path / "moved").changed) > 3
    assert tables(tmp_path / "moved")[1]["variances"].scan().to_arrow().num_rows == rows
