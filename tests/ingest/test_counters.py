"""What is counted of a file does not depend on which files of its kind were counted before it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from duizhang.ingest import Setting, load_specs
from duizhang.ingest.landing import extract, tally

HEAD = "Account Number,Currency,Date,Description,Amount,Balance\n"


def statement(folder: Path, account: str, currency: str, month: int, step: int, rows: int) -> Path:
    """A bank's list whose account and currency are the same in all rows, and in no other file."""
    lines = [f"{account},{currency},2026-{month:02d}-{1 + n % 28:02d},row {n},{step}.05,{(n + 1) * (step * 100 + 5) / 100:.2f}\n"
             for n in range(rows)]
    path = folder / f"{account}.csv"
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
    return path


def counted(path: Path, into: Path) -> dict[str, object]:
    [found] = extract(path, load_specs(), Setting(currency="CNY"), file="x.csv", into=into)
    rows = sum(pq.read_metadata(part).num_rows for part in found.folder.glob("rows*.parquet"))
    return {"spec": found.spec.name, "read": found.rows_read, "parsed": found.rows_parsed, "days": found.days, "totals": found.totals,
            "summary": found.summary("bank_entries"), "rows": rows}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [tally.MANY_ROWS + 4, 3])
def test_a_file_is_counted_as_if_it_were_the_first(tmp_path: Path, rows: int) -> None:
    files = [statement(tmp_path, "6222000000000001", "USD", 2, 7, rows), statement(tmp_path, "6222000000000002", "JPY", 3, 9, rows),
             statement(tmp_path, "6222000000000003", "KWD", 4, 1, 2 * rows)]
    after_others = [counted(path, tmp_path / f"a{n}") for n, path in enumerate(files)]
    assert tally._IDLE, "a counter of the files before was kept"
    first = []
    for n, path in enumerate(files):
        tally._IDLE.clear()
        first.append(counted(path, tmp_path / f"b{n}"))
    assert after_others == first
    assert [one["parsed"] for one in first] == [rows, rows, 2 * rows]
