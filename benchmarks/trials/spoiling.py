"""Damage to a file as a loss of power, a bad disk or somebody might do it; for trials and tests."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq


def spoil(path: Path, how: str) -> None:
    """Damage a file. how: empty, cut, flipped (one byte), rows (a good Parquet file with fewer rows, else cut), gone, folder, dangling."""
    whole = path.read_bytes()
    rows = pq.ParquetFile(path).read() if how == "rows" and path.suffix == ".parquet" else None
    path.unlink()
    if rows is not None:
        pq.write_table(rows.slice(0, max(rows.num_rows - 1, 0)), path)
    elif how == "empty":
        path.touch()
    elif how in ("cut", "rows"):
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "flipped":
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    elif how == "folder":
        path.mkdir()
    elif how == "dangling":
        path.symlink_to(path.with_name("nowhere"))
