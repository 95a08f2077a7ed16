"""The keys that differ, as a file a person opens: CSV, XLSX or Parquet by its suffix."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from duizhang.errors import UserError
from duizhang.speech.harmless import for_spreadsheet

_SHEET_ROWS = 1_048_575


def check_suffix(out: Path) -> None:
    """Raise `UserError` unless `out` is a kind of file that can be written, in a folder that exists."""
    if out.suffix.lower() not in (".csv", ".xlsx", ".parquet"):
        raise UserError(f"--out {out}: unknown kind of file", advice="Name it .csv, .xlsx or .parquet.")
    if not out.resolve().parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.resolve().parent}")


def write_keys(con: duckdb.DuckDBPyConnection, out: Path, names: list[str], scale: int) -> int:
    """Write the keys of the table `differing` (on one side only, or different); returns how many.

    Columns: the key columns, status (left_only, right_only, different), left_rows, right_rows, left_amount,
    right_amount, difference (= left - right). Ordered by key. The file appears whole or not at all.
    """
    check_suffix(out)
    taken = {"status", "left_rows", "right_rows", "left_amount", "right_amount", "difference"}
    header = [f"key_{n}" if n in taken else n for n in names]
    keys = ", ".join(f"k{n}" for n in range(len(names)))
    table = con.sql(f"""
        select {keys},
            case when right_rows = 0 then 'left_only' when left_rows = 0 then 'right_only' else 'different' end as status,
            left_rows, right_rows,
            cast(coalesce(l, 0) as decimal(38,{scale})) as left_amount,
            cast(coalesce(r, 0) as decimal(38,{scale})) as right_amount,
            cast(coalesce(l, 0) - coalesce(r, 0) as decimal(38,{scale})) as difference
        from differing
        order by {keys}
    """).to_arrow_table()
    table = table.rename_columns([*header, *table.column_names[len(names):]])
    partial = out.with_name(f".{out.name}.partial")
    try:
        suffix = out.suffix.lower()
        if suffix == ".parquet":
            pq.write_table(table, partial)
        elif suffix == ".csv":
            _write_csv(table, partial)
        else:
            _write_sheet(table, partial, len(names), out)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return int(table.num_rows)


def _rows(table: pa.Table) -> Iterator[list[object]]:
    for batch in table.to_batches(max_chunksize=10_000):
        columns = [column.to_pylist() for column in batch.columns]
        yield from (list(row) for row in zip(*columns, strict=True))


def _write_csv(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([for_spreadsheet(name) for name in table.column_names])
        for row in _rows(table):
            writer.writerow([for_spreadsheet(v) if isinstance(v, str) else f"{v:f}" if isinstance(v, Decimal) else v for v in row])


def _write_sheet(table: pa.Table, path: Path, width: int, out: Path) -> None:
    if table.num_rows > _SHEET_ROWS:
        raise UserError(f"--out {out}: {table.num_rows} rows do not fit a sheet", advice="Write .csv or .parquet.")
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False,
                                           "strings_to_urls": False, "strings_to_numbers": False})
    sheet = book.add_worksheet("differences")
    money = book.add_format({"num_format": "#,##0.00##"})
    text = book.add_format({"num_format": "@"})
    for n, name in enumerate(table.column_names):
        sheet.write_string(0, n, name)
    for r, row in enumerate(_rows(table), start=1):
        for n, value in enumerate(row):
            if isinstance(value, Decimal):
                # A sheet holds floats of 15 digits; an amount that has more is written as text, to lose nothing.
                if len(value.as_tuple().digits) <= 15:
                    sheet.write_number(r, n, float(value), money)
                else:
                    sheet.write_string(r, n, f"{value:f}", text)
            elif isinstance(value, int):
                sheet.write_number(r, n, value)
            else:
                sheet.write_string(r, n, str(value), text if n < width else None)
    sheet.freeze_panes(1, 0)
    book.close()
