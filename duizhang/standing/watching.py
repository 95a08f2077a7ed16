"""The state of a home as Prometheus metrics: what is old, held, open or refused. Amounts by currency; no name and no id of anybody."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import last_before
from duizhang.home.published import open_published
from duizhang.home.state import State
from duizhang.ingest import records
from duizhang.ingest.files import READ
from duizhang.publish import period_states, versions

_OPEN = "select leg, currency, count(*), sum(abs(difference))::double, count(*) filter (overdue) from open_items where period = ("
_NEWEST = "select max(period) from period_status where version > 0) group by all order by all"


def exposition(home: Path) -> str:
    """The metrics of a home in Prometheus's text format. UserError where prometheus_client is not installed or nothing was run."""
    try:
        from prometheus_client import CollectorRegistry, Gauge, generate_latest
    except ImportError as error:
        raise UserError("metrics need one more package", advice="pip install 'duizhang[metrics]'") from error
    registry = CollectorRegistry()

    def gauge(name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"duizhang_{name}", meaning, labels, registry=registry)

    state = State(home, read_only=True)
    run = last_before(state, EventKind.RUN_STARTED)
    gauge("last_run_timestamp_seconds", "When the last run began; 0: never.").set(
        dt.datetime.fromisoformat(run.at).timestamp() if run else 0)
    published = max((v.published_at.replace(tzinfo=dt.UTC) for v in versions(state)), default=None)
    gauge("last_publication_timestamp_seconds", "When a version was published last; 0: never.").set(
        published.timestamp() if published else 0)
    days = gauge("days", "Business days by state.", "state")
    states = period_states(state)
    for name in sorted({s.state for s in states.values()}):
        days.labels(name).set(sum(s.state == name for s in states.values()))
    current = [period for period, s in states.items() if s.version]
    gauge("newest_day_timestamp_seconds", "The newest published business day (its midnight, UTC); 0: none.").set(
        _seconds(max(current)) if current else 0)
    _files(state, gauge("files", "Raw files by status.", "status"),
           gauge("source_newest_day_timestamp_seconds", "The newest business day of a source and shop (midnight, UTC).", "source", "shop"))
    if current:
        items, amounts = gauge("open_items", "Open items of the newest day.", "leg", "currency"), gauge(
            "open_amount", "Sum of their absolute differences, in units of the currency.", "leg", "currency")
        overdue = gauge("overdue_items", "Those past the service level of their leg.", "leg", "currency")
        with open_published(home) as con:
            for leg, currency, count, amount, late in con.execute(_OPEN + _NEWEST).fetchall():
                items.labels(leg, currency).set(count)
                amounts.labels(leg, currency).set(amount)
                overdue.labels(leg, currency).set(late)
    return str(generate_latest(registry).decode())


def _files(state: State, files, newest) -> None:  # type: ignore[no-untyped-def] # gauges of a package that may be missing
    counts: dict[str, int] = {}
    last: dict[tuple[str, str], str] = {}
    for record in records(state):
        counts[record.status] = counts.get(record.status, 0) + 1
        listed = record.detail.get("days")
        if record.status == READ and isinstance(listed, list) and listed:
            place = record.source, record.shop
            last[place] = max(last.get(place, ""), *map(str, listed))
    for status, number in sorted(counts.items()):
        files.labels(status).set(number)
    for (source, shop), day in sorted(last.items()):
        newest.labels(source, shop).set(_seconds(dt.date.fromisoformat(day)))


def _seconds(day: dt.date) -> float:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()
