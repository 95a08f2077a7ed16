"""`duizhang status`: what is published, held or missing, and why."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from duizhang.cli.sql import home_option, open_published, shown, table_text


@click.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(home: Path, *, as_json: bool) -> None:
    """What is published, held or missing, and why."""
    found = _status(home)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1, default=_plain))
        return
    if not found["periods"]:
        click.echo("No period was run yet.")
        return
    rows = []
    for p in found["periods"]:
        causes = ", ".join(f"{c['cause']} {c['items']} ({shown(c['amount'])} {c['currency']})" for c in p["causes"][:3])
        first, *rest = [*p["held_reasons"], ""][: 1 + max(len(p["held_reasons"]) - 1, 0)]
        more = f" (+{len(rest)} more)" if rest else ""
        rows.append([p["period"], p["state"], p["version"], p["variances"], causes, first + more])
    click.echo(table_text(["period", "state", "version", "variances", "main causes", "held because"], rows))
    for p in found["periods"]:
        if len(p["held_reasons"]) > 1:
            click.echo(f"\n{p['period']} is held because")
            for reason in p["held_reasons"]:
                click.echo(f"  - {reason}")
    if found["files"]:
        click.echo("\nFiles that were not read:")
        for f in found["files"]:
            click.echo(f"  {f['period'] or ''} {f['status']}: {f['file'] or f['source']} {f['problem']}".rstrip())


def _status(home: Path) -> dict[str, list[dict[str, Any]]]:
    with open_published(home) as con:
        names = ["period", "version", "state", "held_reasons", "approved_by", "digest"]
        periods = [
            dict(zip(names, row, strict=True))
            for row in con.execute(f"select {', '.join(names)} from period_status order by period").fetchall()
        ]
        causes: dict[dt.date, list[dict[str, Any]]] = {}
        for period, cause, currency, items, amount in con.execute(
            "select period, cause, currency, count(*), sum(difference) from variances group by all "
            "order by period, count(*) desc, cause, currency"
        ).fetchall():
            causes.setdefault(period, []).append(
                {"cause": cause, "currency": currency, "items": items, "amount": amount}
            )
    for p in periods:
        p["held_reasons"] = [line for line in p["held_reasons"].splitlines() if line]
        p["causes"] = causes.get(p["period"], [])
        p["variances"] = sum(c["items"] for c in p["causes"])
    return {"periods": periods, "files": _unread(home, [p["period"] for p in periods])}


def _unread(home: Path, periods: list[dt.date]) -> list[dict[str, Any]]:
    """Files of the periods that were missing, refused or not recognised, as the last run saw them (also when held)."""
    from duizhang.store import Store

    store = Store(home)
    found = []
    for period in periods:
        if store.has("source_files", period):
            for r in store.read("source_files", period).to_pylist():
                if r["status"] in ("missing", "refused", "unrecognised", "unrecognized", "unknown"):
                    found.append({k: r[k] for k in ("period", "source", "shop", "file", "status", "problem")})
    return found


def _plain(value: object) -> object:
    return str(value) if isinstance(value, dt.date | Decimal) else repr(value)
