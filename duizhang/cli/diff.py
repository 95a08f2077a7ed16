"""`duizhang diff`: what changed between two versions of a period, row by row, and why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from duizhang.cli.cells import shown
from duizhang.cli.options import home_option
from duizhang.errors import UserError

# What names a row; a row whose key is on both sides is shown as a change of its other columns.
_KEYS: dict[str, tuple[str, ...]] = {
    "recon_summary": ("leg", "entity", "currency"),
    "variances": ("leg", "entity", "key", "currency", "cause"),
    "open_items": ("leg", "entity", "key", "currency", "cause"),
    "event_items": ("event", "leg", "entity", "key", "currency", "cause"),
    "clearings": ("leg", "entity", "key", "currency"),
    "order_trace": ("entity", "shop", "order_id", "currency"),
    "stock_rollforward": ("entity", "warehouse", "sku"),
    "order_pnl": ("entity", "shop", "order_id", "sku", "currency"),
    "cash_in_transit": ("entity", "shop", "provider", "stage", "since", "currency"),
    "channel_pnl": ("entity", "shop", "currency"),
    "customer_balances": ("entity", "customer", "currency"),
    "fee_audit": ("entity", "provider", "transaction_id", "currency"),
    "freight_audit": ("entity", "carrier", "tracking_number", "currency"),
    "ledger_tieout": ("entity", "account", "currency"),
    "journal_proposals": ("entry", "line_no"),
    "recurring_causes": ("leg", "entity", "shop", "cause", "currency"),
    "source_files": ("source", "shop", "file"),
    "quarantine": ("source", "file", "line", "column_name"),
    "corrected_cells": ("source", "file", "line", "column_name"),
    "quality_results": ("table_name", "expectation"),
}


@click.command()
@click.argument("period", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--from", "old", type=int, help="Version to start from (default: the one before).")
@click.option("--to", "new", type=int, help="Version to end at (default: the newest).")
@home_option
def command(period: dt.datetime, old: int | None, new: int | None, home: Path) -> None:
    """What changed between two versions of a period, and why."""
    from duizhang.publish.between import reasons_between
    from duizhang.publish.versions import read_manifest

    day = period.date()
    known = _known(home, day)
    if not known:
        raise UserError(f"{day} was never published", advice="`duizhang status` lists what is published.")
    to = new if new is not None else known[-1]
    start = old if old is not None else max((v for v in known if v < to), default=0)
    if start == 0:
        raise UserError(f"{day} has no version before {to}, so there is nothing to compare")
    before, after = read_manifest(home, day, start), read_manifest(home, day, to)
    click.echo(f"{day}: version {start} -> {to}")
    click.echo("Why:")
    for reason in reasons_between(before, after):
        click.echo(f"  {reason}")
    for name in sorted({*before["tables"], *after["tables"]}):
        for line in _table(home, name, before["tables"].get(name), after["tables"].get(name)):
            click.echo(line)


def _known(home: Path, day: dt.date) -> list[int]:
    """The versions that have a manifest."""
    folder = home / "manifests" / day.isoformat()
    return sorted(int(p.stem) for p in folder.glob("*.json") if p.stem.isdigit())


def _table(home: Path, name: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    if before == after:
        return []
    if before is None or after is None:
        return ["", f"{name}: {'new table' if before is None else 'no longer there'}"]
    from duizhang.store import connect, quoted

    with connect() as con:
        for side, entry in (("was", before), ("now", after)):
            path = home / entry["object"]
            con.execute(
                f"create view {side} as select * from read_parquet({quoted(path)}, hive_partitioning = false)"
            )
        gone = con.sql("select * from was except all select * from now order by all").fetchall()
        found = con.sql("select * from now except all select * from was order by all")
        names, come = list(found.columns), found.fetchall()
    return _lines(name, names, gone, come)


def _lines(name: str, names: list[str], gone: list[tuple[Any, ...]], come: list[tuple[Any, ...]]) -> list[str]:
    places = [names.index(column) for column in _KEYS.get(name, ()) if column in names]

    def by_key(rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
        found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for row in rows:
            found.setdefault(tuple(row[p] for p in places) if places else row, []).append(row)
        return found

    old, new = by_key(gone), by_key(come)
    changed = {key for key in old if len(old[key]) == 1 and len(new.get(key, [])) == 1}
    removed = sum(len(rows) for key, rows in old.items() if key not in changed)
    added = sum(len(rows) for key, rows in new.items() if key not in changed)
    lines = ["", f"{name}: {len(changed)} changed, {added} added, {removed} removed"]
    for key in sorted({*old, *new}, key=lambda k: [(value is not None, str(value)) for value in k]):
        if key in changed:
            (was,), (now,) = old[key], new[key]
            parts = [f"{c} {shown(a)!r} -> {shown(b)!r}" for c, a, b in zip(names, was, now, strict=True) if a != b]
            lines.append(f"  ~ {' '.join(shown(v) for v in key)}: {'; '.join(parts)}")
            continue
        lines += [f"  - {_row(names, row)}" for row in old.get(key, [])]
        lines += [f"  + {_row(names, row)}" for row in new.get(key, [])]
    return lines


def _row(names: list[str], row: tuple[Any, ...]) -> str:
    said = [(c, v) for c, v in zip(names, row, strict=True) if c not in ("period", "evidence")]
    return " ".join(f"{c}={shown(v)}" for c, v in said if v is not None and v != "")
