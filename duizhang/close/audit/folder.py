"""Writes the folder: the whole log with its signed checkpoint, and of each period its manifest, its published rows and, if wanted,
its raw files."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from duizhang.close.checkpoints import signed_checkpoint, verifier_key
from duizhang.declared.terms import PeriodStatus
from duizhang.digest import mapping_text, schema_text, write_rows
from duizhang.errors import UserError
from duizhang.home.events import event_log
from duizhang.home.state import State
from duizhang.publish import is_whole, object_path, period_states, read_manifest
from duizhang.secrecy.sealing import clear_blocks

CHECKER = Path(__file__).with_name("auditor.py")


def export_audit(home: Path, state: State, periods: Sequence[dt.date], out: Path, *, with_raw: bool = False) -> list[dt.date]:
    """Write the folder `out`, which must not be there; the days that are not closed, which it says as well.

    with_raw: copy the archived raw files, which name people. Raises UserError where a period was never published, something of
    it is damaged, or a raw file is gone from the archive.
    """
    if out.exists():
        raise UserError(f"{out} is there already", advice="Give the name of a new folder.")
    states = period_states(state)
    for period in periods:
        if period not in states or not states[period].version:
            raise UserError(f"{period} is not published", advice="`duizhang status` lists the days.")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        log = event_log(state)
        (partial / "log.jsonl").write_bytes(b"".join(event.record + b"\n" for event in log))
        (partial / "checkpoint.txt").write_text(signed_checkpoint(home, log), encoding="utf-8")
        (partial / "key.txt").write_text(verifier_key(home) + "\n", encoding="utf-8")
        shutil.copyfile(CHECKER, partial / "check.py")
        for period in periods:
            _write_period(home, period, states[period].version, partial, with_raw=with_raw)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [period for period in periods if states[period].state != PeriodStatus.CLOSED]


def _write_period(home: Path, period: dt.date, version: int, out: Path, *, with_raw: bool) -> None:
    folder = out / "periods" / period.isoformat()
    (folder / "tables").mkdir(parents=True)
    manifest = read_manifest(home, period, version)
    (folder / "manifest.json").write_text(mapping_text(manifest), encoding="utf-8")
    for name, entry in manifest["tables"].items():
        if not is_whole(home, entry["digest"]):
            raise UserError(f"{name} of {period} was changed or is missing among the published objects",
                            advice="`duizhang run` writes it again where it can be had.")
        rows = pq.ParquetFile(object_path(home, entry["digest"])).read()
        with (folder / "tables" / f"{name}.csv").open("wb") as file:
            # one line of column names and types, then the rows: without that line's end these are the bytes of the digest
            file.write(schema_text(rows.schema).encode() + b"\n")
            write_rows(rows, file)
    if with_raw:
        for entry in manifest["inputs"]:
            sha = str(entry["sha256"])
            source = home / "archive" / sha[:2] / sha
            if not source.is_file():
                raise UserError(f"the raw file {entry['file']} ({sha[:16]}) is gone from the archive")
            (out / "raw").mkdir(exist_ok=True)
            with (out / "raw" / sha).open("wb") as copy:
                copy.writelines(clear_blocks(source))
