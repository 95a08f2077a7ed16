"""Every kind of file, against itself: in two parts that overlap it gives what it gives whole; with one amount changed it is held, or
where its source restates it is told, and never counted beside itself.

The parts are made of what was read of a sample, so that each layout is tried without knowing how to write it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duizhang.declared import schema
from duizhang.home.store import scratch
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.files import CountedFile, Overlaps, overlaps_of
from duizhang.ingest.landing import LandedFiles, extract, ranks
from duizhang.ingest.specification import SourceSpec
from tests.ingest.test_damage import SAMPLES

SETTING = Setting(shop="s")
Rows = Counter[tuple[str, ...]]


# one of each kind of table; all others are slow
QUICK = ("test_alipay/alipay_trade.csv", "test_books/refunds", "test_mt940/mt940_dialects", "test_wechat/wechat_fund.csv")
NAMES = sorted(SAMPLES)


class Files:
    """Landed files made of rows, and what they give."""

    def __init__(self, folder: Path, spec: SourceSpec) -> None:
        self.folder, self.spec, self.files = folder, spec, list[CountedFile]()

    def add(self, name: str, rows: pa.Table) -> None:
        into = self.folder / name
        into.mkdir(parents=True)
        names = pa.array([name] * rows.num_rows, pa.string())
        pq.write_table(rows.set_column(rows.schema.get_field_index("file"), "file", names), into / "rows.parquet")
        one = Files(self.folder, self.spec)
        one.files = [CountedFile(name, self.spec.name, "s", into, frozenset(), rows.num_rows, len(self.files))]
        days = frozenset(row["period"] for rows in one.tables(None).values() for row in rows.to_pylist())
        self.files.append(CountedFile(name, self.spec.name, "s", into, days, rows.num_rows, len(self.files)))

    def landed(self) -> LandedFiles:
        return LandedFiles({self.spec.name: self.spec}, {"s": SETTING}, ((f.source, f.shop, f.folder) for f in self.files))

    def overlaps(self) -> Overlaps:
        return overlaps_of(self.landed(), self.files, {day for file in self.files for day in file.days})

    def tables(self, found: Overlaps | None) -> dict[str, pa.Table]:
        """The canonical tables, as they are built."""
        answer, again = {}, found.again.get(self.spec.name) if found else None
        with scratch() as con:
            con.register("ranks", ranks([file.path for file in self.files]))
            if again is not None:
                con.register("again", again)
            for name in sorted({table.table for table in self.spec.tables if table.of == "rows"}):
                keys = ", ".join(f'c."{column}"' for column in self.spec.grain_of(name))
                newest = (f"select c.* from canonical as c inner join ranks as r on c.file = r.file "
                          f"qualify r.rank = max(r.rank) over (partition by {keys})")
                select = newest if self.spec.overlap == "latest" else "select * from canonical"
                answer[name] = self.landed().ask(con, name, self.spec.name, select, again="again" if again is not None else "").cast(
                    schema.TABLES[name])
        return answer


def counted(tables: dict[str, pa.Table]) -> Rows:
    """The rows of tables without their places, also where an id is made of one."""
    return Counter(
        (name, *(str(value) for column, value in row.items()
                 if column not in ("file", "line") and not (column.endswith(("_id", "line_no")) and str(row["line"]) in str(value))))
        for name, table in tables.items() for row in table.to_pylist())


def bills(folder: Path, name: str) -> list[Extraction]:
    """What is read of a sample, without carriers' bills, of which rows say nothing without the days around them."""
    (folder / "sample").write_bytes(SAMPLES[name])
    found = extract(folder / "sample", load_specs(), SETTING, file="x", into=folder / "out")
    return [one for one in found if one.days and not one.undated and {table.table for table in one.spec.tables} - {"freight_charges"}]


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in NAMES])
def test_a_file_against_itself(tmp_path: Path, name: str) -> None:
    for number, read in enumerate(bills(tmp_path, name)):
        spec = read.spec.model_copy(update={"tables": tuple(table for table in read.spec.tables if table.of == "rows")})
        against_itself(tmp_path / str(number), spec, pq.read_table(read.folder / "rows.parquet"))


def against_itself(folder: Path, spec: SourceSpec, rows: pa.Table) -> None:
    whole = Files(folder / "whole", spec)
    whole.add("a", rows)
    once = counted(whole.tables(None))

    parts, third = Files(folder / "parts", spec), rows.num_rows // 3
    parts.add("a", rows.slice(0, (2 * rows.num_rows + 2) // 3))
    parts.add("b", rows.slice(third))
    assert counted(parts.tables(parts.overlaps())) == once

    for field in (f for f in rows.schema if pa.types.is_decimal(f.type)):
        values = rows[field.name].to_pylist()
        at = next((n for n, value in enumerate(values) if value), None)
        if at is None:
            continue
        values[at] += 7
        changed = rows.set_column(rows.schema.get_field_index(field.name), field.name, pa.array(values, field.type))
        both, alone = Files(folder / f"both-{field.name}", spec), Files(folder / f"alone-{field.name}", spec)
        both.add("a", rows)
        both.add("b", changed)
        alone.add("b", changed)
        other = counted(alone.tables(None))
        if other == once:
            continue  # nothing that is counted depends on it
        found = both.overlaps()
        is_held, is_told = bool(found.contradicting or found.undecided), bool(found.noted)
        given = counted(both.tables(found))
        # a source that restates may do so by a row that was not there, or is not there any more
        assert is_held or (is_told and given == other) or (spec.overlap == "latest" and other <= given), field.name
        break
