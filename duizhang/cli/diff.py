"""`duizhang diff`: what changed between two versions of a period, row by row, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import shown
from duizhang.cli.options import DAY, home_option
from duizhang.errors import UserError
from duizhang.speech.language import translated as _

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
    "bank_unclaimed": ("file", "line"),
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
@click.argument("period", type=DAY)
@click.option("--from", "old", type=int, help="Version to start from (default: the one before).")
@click.option("--to", "new", type=int, help="Version to end at (default: the newest).")
@home_option
@json_option
def command(period: dt.datetime, old: int | None, new: int | None, home: Path, *, as_json: bool) -> None:
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
    why = [str(reason) for reason in reasons_between(before, after)]
    tables = [
        found for name in sorted({*before["tables"], *after["tables"]})
        if (found := _table(home, name, before["tables"].get(name), after["tables"].get(name)))
    ]
    lines = [_("{day}: version {old} -> {new}", day=day, old=start, new=to), _("Why:"), *(f"  {line}" for line in why)]
    answer({"period": day, "from_version": start, "to_version": to, "why": why, "tables": [table.facts() for table in tables]},
           [*lines, *(line for table in tables for line in table.lines())], as_json=as_json)


def _known(home: Path, day: dt.date) -> list[int]:
    """The versions that have a manifest."""
    folder = home / "manifests" / day.isoformat()
    return sorted(int(p.stem) for p in folder.glob("*.json") if p.stem.isdigit())


@dataclass
class _Changed:
    """A table that is not the same in both versions. gone, come: rows of one of them alone, by what names a row; only: of a table that
    one version alone has, which."""

    name: str
    names: list[str] = field(default_factory=list)
    gone: dict[tuple[Any, ...], list[tuple[Any, ...]]] = field(default_factory=dict)
    come: dict[tuple[Any, ...], list[tuple[Any, ...]]] = field(default_factory=dict)
    only: str = ""

    @property
    def changed(self) -> set[tuple[Any, ...]]:
        """What names the rows that are one row on either side."""
        return {key for key, rows in self.gone.items() if len(rows) == 1 and len(self.come.get(key, [])) == 1}

    def facts(self) -> dict[str, Any]:
        """As a program reads it: rows as objects."""
        def listed(rows: dict[tuple[Any, ...], list[tuple[Any, ...]]]) -> list[dict[str, Any]]:
            return [dict(zip(self.names, row, strict=True)) for key in sorted(rows, key=_order) if key not in changed for row in rows[key]]

        changed = self.changed
        return {
            "table": self.name, "only_in": self.only, "added": listed(self.come), "removed": listed(self.gone),
            "changed": [{"was": dict(zip(self.names, self.gone[key][0], strict=True)),
                         "now": dict(zip(self.names, self.come[key][0], strict=True))} for key in sorted(changed, key=_order)],
        }

    def lines(self) -> list[str]:
        """As people read it."""
        if self.only:
            return ["", f"{self.name}: " + (_("new table") if self.only == "new" else _("no longer there"))]
        changed = self.changed
        removed = sum(len(rows) for key, rows in self.gone.items() if key not in changed)
        added = sum(len(rows) for key, rows in self.come.items() if key not in changed)
        lines = ["", _("{table}: {changed} changed, {added} added, {removed} removed", table=self.name, changed=len(changed), added=added,
                       removed=removed)]
        for key in sorted({*self.gone, *self.come}, key=_order):
            if key in changed:
                (was,), (now,) = self.gone[key], self.come[key]
                parts = [f"{c} {shown(a)!r} -> {shown(b)!r}" for c, a, b in zip(self.names, was, now, strict=True) if a != b]
                lines.append(f"  ~ {' '.join(shown(v) for v in key)}: {'; '.join(parts)}")
                continue
            lines += [f"  - {_row(self.names, row)}" for row in self.gone.get(key, [])]
            lines += [f"  + {_row(self.names, row)}" for row in self.come.get(key, [])]
        return lines


@contextmanager
def _told_when_damaged(table: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise UserError(
            _("{table} cannot be read: {why}", table=table, why=str(error).strip().splitlines()[0]),
            advice=_("`duizhang verify` says what is damaged; `duizhang run` writes it again."),
        ) from error


def _table(home: Path, name: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> _Changed | None:
    if before == after:
        return None
    if before is None or after is None:
        return _Changed(name, only="new" if before is None else "old")
    from duizhang.home.store import connect, named, quoted

    with connect() as con, _told_when_damaged(name):
        columns = {}
        for side, entry in (("was", before), ("now", after)):
            con.execute(
                f"create view {side} as select * from read_parquet({quoted(home / entry['object'])}, hive_partitioning = false)"
            )
            columns[side] = con.sql(f"select * from {side}").columns
        # a column that only the program of one of the versions wrote is empty in the other one
        names = list(dict.fromkeys([*columns["now"], *columns["was"]]))
        was, now = (
            f"select {', '.join(named(n) if n in columns[side] else f'null as {named(n)}' for n in names)} from {side}"
            for side in ("was", "now")
        )
        gone = con.sql(f"{was} except all {now} order by all").fetchall()
        come = con.sql(f"{now} except all {was} order by all").fetchall()
    places = [names.index(column) for column in _KEYS.get(name, ()) if column in names]

    def by_key(rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
        keyed: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for row in rows:
            keyed.setdefault(tuple(row[p] for p in places) if places else row, []).append(row)
        return keyed

    return _Changed(name, names, by_key(gone), by_key(come))


def _order(key: tuple[Any, ...]) -> list[tuple[bool, str]]:
    return [(value is not None, str(value)) for value in key]


def _row(names: list[str], row: tuple[Any, ...]) -> str:
    said = [(c, v) for c, v in zip(names, row, strict=True) if c not in ("period", "evidence")]
    return " ".join(f"{c}={shown(v)}" for c, v in said if v is not None and v != "")
