"""`duizhang status`: what is published, held or missing, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import in_currency, screen_width, table_text, wrapped
from duizhang.cli.options import home_option
from duizhang.errors import UserError
from duizhang.language import counted
from duizhang.language import translated as _
from duizhang.phrases import spoken
from duizhang.spoken_names import spoken_cause
from duizhang.terms import PeriodStatus

if TYPE_CHECKING:
    import duckdb

_NEWEST = 31
_REASONS = 5
_NOTED = 20


@click.command()
@home_option
@click.option("--all", "everything", is_flag=True, help="Every day and every reason.")
@json_option
def command(home: Path, *, everything: bool, as_json: bool) -> None:
    """What is published, held or missing, and why."""
    found = status_of(home)
    answer(found, () if as_json else _text(found, everything=everything), as_json=as_json)


def _text(found: dict[str, list[dict[str, Any]]], *, everything: bool) -> Iterator[str]:
    periods = found["periods"]
    if not periods:
        yield _("No period was run yet.")
        return
    counts: dict[str, int] = {}
    for p in periods:
        counts[p["state"]] = counts.get(p["state"], 0) + 1
    told = ", ".join(f"{number} {_(state)}" for state, number in sorted(counts.items()))
    yield _("{n} days, {first} to {last}: {states}", n=len(periods), first=periods[0]["period"], last=periods[-1]["period"], states=told)
    empty = [p for p in periods if p["verdict_text"]]
    if empty:
        yield _("On {n} of them nothing agrees in some leg: see below", n=len(empty))
    firm = (PeriodStatus.RECONCILED, PeriodStatus.APPROVED, PeriodStatus.CLOSED)
    last = periods if everything else periods[-_NEWEST:]
    listed = [p for p in periods if p in last or p["state"] not in firm or p["verdict_text"]]
    yield ""
    rows = []
    for p in listed:
        state = f"{_(p['state'])}, {p['verdict_text']}" if p["verdict_text"] else _(p["state"])
        rows.append([p["period"], state, p["version"], p["variances"], _causes(p["causes"])])
    width = screen_width()
    yield table_text([_("period"), _("state"), _("version"), _("open"), _("causes")], rows, width=width)
    if len(listed) < len(periods):
        yield _("{n} earlier days are in order (--all lists them)", n=len(periods) - len(listed))
    if found["to_do"]:
        day = found["to_do"][0]["period"]
        yield "\n" + _("To be dealt with at the end of {day}, each difference once, in whatever legs it shows:", day=day)
        amounts = [
            [spoken_cause(t["cause"]), t["differences"], t["amount"], t["currency"], t["overdue"], t["deadline"]] for t in found["to_do"]
        ]
        heads = ["cause", "differences", "amount", "currency", "overdue", "deadline"]
        yield table_text([_(head) for head in heads], in_currency(heads, amounts))
    for p in periods if everything else []:
        if p["open_by_leg"]:
            yield "\n" + _("Open at the end of {day}:", day=p["period"])
            lines = [[o["leg"], spoken_cause(o["cause"]), o["items"], o["amount"], o["currency"]] for o in p["open_by_leg"]]
            heads = ["leg", "cause", "items", "amount", "currency"]
            yield table_text([_(head) for head in heads], in_currency(heads, lines))
    for p in periods:
        if p["held_reasons"]:
            day, why = p["period"], len(p["held_reasons"])
            yield "\n" + (
                counted("{day} is closed and refuses: {n} reason", "{day} is closed and refuses: {n} reasons", why, day=day)
                if p["state"] == PeriodStatus.CLOSED else counted("{day} is held: {n} reason", "{day} is held: {n} reasons", why, day=day)
            )
            for reason in p["held_reasons"] if everything else p["held_reasons"][:_REASONS]:
                yield from wrapped(spoken(reason), width, lines=None if everything else 8 if why == 1 else 3)
            if not everything and len(p["held_reasons"]) > _REASONS:
                yield _("  and {n} more (--all, or --json for the whole text)", n=len(p["held_reasons"]) - _REASONS)
    for c in found["not_certified"] if everything else found["not_certified"][-_NOTED:]:
        yield "\n" + _("{day} was not certified by the machine:", day=c["period"])
        for reason in c["reasons"]:
            yield from wrapped(spoken(reason), width, lines=3)
    if not everything and len(found["not_certified"]) > _NOTED:
        yield _("  and {n} days before (--all)", n=len(found["not_certified"]) - _NOTED)
    if found["not_run"]:
        from duizhang.verdict import not_run_lines

        yield "\n" + _("Not reconciled, for want of the other side:")
        for line in not_run_lines(found["not_run"]):
            yield from wrapped(line, width, lines=3)
    if found["files"]:
        yield "\n" + counted("{n} file was not read:", "{n} files were not read:", len(found["files"]))
        for f in found["files"]:
            name = f["file"] or f["source"]
            problem = spoken(f["problem"])
            what = problem if problem.startswith(name) else f"{name} {problem}"
            yield from wrapped(f"{f['period']} {f['status']}: {what}".rstrip(), width, lines=3)
    if found["quiet"]:
        yield "\n" + _("unusual against their own weeks, which holds nothing: {n} days", n=len(found["quiet"]))
        for q in found["quiet"] if everything else found["quiet"][-_NOTED:]:
            yield from wrapped(f"  {q['period']} {'; '.join(map(spoken, q['sources']))}", width, lines=3)
    if found["feeds"]:
        yield "\n" + _("Corrections that a system has not taken:")
        for f in found["feeds"]:
            yield from wrapped(_("{feed} {number}: {n} corrections, {problem}", feed=f["feed"], number=f["number"], n=f["corrections"],
                                 problem=f["problem"]), width, lines=3)
    noted = _told_once(found["noted"])
    if noted:
        yield "\n" + counted("{n} file was read, but:", "{n} files were read, but:", len(noted))
        for period, problem in noted if everything else noted[:_NOTED]:
            yield from wrapped(f"{period} {spoken(problem)}", width, lines=3)
        if not everything and len(noted) > _NOTED:
            yield _("  and {n} more (--all, or --json)", n=len(noted) - _NOTED)


def _told_once(noted: Sequence[Mapping[str, Any]]) -> list[tuple[object, str]]:
    """(newest day, what is to be known of a file) of each file: what other days of it say as well stands there once."""
    told: dict[str, set[str]] = {}
    found = []
    for f in sorted(noted, key=lambda f: (f["period"], len(f["problem"])), reverse=True):
        name = f"{f['file']}: "
        parts = f["problem"].removeprefix(name).split("; ")
        news = [part for part in parts if part not in told.setdefault(f["file"], set())]
        told[f["file"]].update(parts)
        if news:
            found.append((f["period"], (name if f["problem"].startswith(name) else "") + "; ".join(news)))
    return found


def _causes(causes: list[dict[str, Any]]) -> str:
    """The most frequent causes, with how often each is there."""
    items: dict[str, int] = {}
    for c in causes:
        items[c["cause"]] = items.get(c["cause"], 0) + c["items"]
    first = sorted(items.items(), key=lambda item: (-item[1], item[0]))
    more = _(", {n} more", n=len(first) - 3) if len(first) > 3 else ""
    return ", ".join(f"{spoken_cause(cause)} {number}" for cause, number in first[:3]) + more


def status_of(home: Path) -> dict[str, list[dict[str, Any]]]:
    """The days that were run, the files that were not read, and the legs that were not run."""
    from duizhang.published import open_published
    from duizhang.store import connect
    from duizhang.unread import unread_and_noted
    from duizhang.verdict import Verdict, verdicts

    # each opened once: to open a database takes longer than what is asked of it
    with open_published(home) as con, connect() as working:
        names = ["period", "version", "state", "held_reasons", "approved_by", "digest"]
        periods = [
            dict(zip(names, row, strict=True))
            for row in con.execute(f"select {', '.join(names)} from period_status order by period").fetchall()
        ]
        by_leg = _open_by_leg(con)
        judged = verdicts(con)
        to_do = _to_do(con, max((p["period"] for p in periods if p["version"]), default=None))
        listed = [p["period"] for p in periods]
        try:
            files, noted = unread_and_noted(home, con, working)
        except UserError as error:
            # what is published is told all the same
            noted = []
            files = [
                {"period": None, "source": "", "shop": "", "file": "", "status": "unknown", "problem": f"{error}; {error.advice}"}]
        missing_sides = _not_run(home, working, listed)
    for p in periods:
        verdict = judged.get(p["period"], Verdict()) if p["version"] else None
        p["verdict"] = verdict.name if verdict else ""
        p["verdict_text"] = verdict.text if verdict else ""
        p["held_reasons"] = [line for line in p["held_reasons"].splitlines() if line]
        p["open_by_leg"] = by_leg.get(p["period"], [])
        p["causes"] = _over_legs(p["open_by_leg"])
        p["variances"] = sum(c["items"] for c in p["causes"])
    return {"periods": periods, "to_do": to_do, "files": files, "noted": noted, **_of_state(home, listed), "not_run": missing_sides}


def _open_by_leg(con: duckdb.DuckDBPyConnection) -> dict[dt.date, list[dict[str, Any]]]:
    """By day, the items that are open at its end and their amounts (net) by leg, cause and currency."""
    from duizhang.store import rows

    found: dict[dt.date, list[dict[str, Any]]] = {}
    for row in rows(con, "select period, leg, cause, currency, count(*) as items, sum(difference) as amount from variances group by all "
                         "order by period, leg, count(*) desc, cause, currency"):
        found.setdefault(row.pop("period"), []).append(row)
    return found


def _over_legs(by_leg: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same by cause and currency, the most frequent first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in by_leg:
        named = {"cause": row["cause"], "currency": row["currency"]}
        one = found.setdefault((row["cause"], row["currency"]), {**named, "items": 0, "amount": 0})
        one["items"] += row["items"]
        one["amount"] += row["amount"]
    return sorted(found.values(), key=lambda one: (-one["items"], one["cause"], one["currency"]))


def _to_do(con: duckdb.DuckDBPyConnection, period: dt.date | None) -> list[dict[str, Any]]:
    """What has to be dealt with at the end of a day by cause, each fault once: an order is in several legs, whose items and amounts do not
    add up. amount: gross; overdue: how many have outlived the time that their leg gives them; deadline: the first to do so. Without what is
    on its way."""
    from duizhang.report.faults import gather
    from duizhang.store import rows

    if period is None:
        return []
    gather(con, period, period)
    return rows(
        con, "select period, cause, currency, count(*) as differences, sum(amount) as amount, "
        "count(*) filter (where due <= period) as overdue, min(due) as deadline from report_faults group by period, cause, currency "
        "order by amount desc, cause, currency"
    )


def _of_state(home: Path, periods: list[dt.date]) -> dict[str, list[dict[str, Any]]]:
    """What the state knows beside the files: feeds of corrections that a webhook was to take and has not, days that wait for signatures
    and that the machine has looked at, sources that are silent or thin against their own weeks (they hold nothing)."""
    from duizhang.close.feeds import made_feeds
    from duizhang.ingest import records
    from duizhang.quiet import quiet_sources
    from duizhang.state import State
    from duizhang.uncertified import why_not

    try:
        state = State(home, read_only=True)
        return {
            "feeds": [
                {"feed": m.name, "number": m.number, "corrections": m.rows, "problem": m.problem} for m in made_feeds(state) if m.problem
            ],
            "not_certified": [{"period": day, "reasons": list(reasons)} for day, reasons in sorted(why_not(state).items())],
            "quiet": [{"period": day, "sources": [str(one) for one in said]}
                      for day, said in quiet_sources(records(state), periods).items()],
        }
    except UserError:  # told with the files
        return {"feeds": [], "not_certified": [], "quiet": []}


def _not_run(home: Path, con: duckdb.DuckDBPyConnection, periods: list[dt.date]) -> list[dict[str, Any]]:
    """Legs of which one side was never supplied, as the last run saw them (also when held)."""
    from duizhang.published import TABLES
    from duizhang.store import Store, told_when_damaged
    from duizhang.verdict import not_run

    with told_when_damaged(home):
        Store(home).view(con, "legs_not_run", periods, TABLES["legs_not_run"])
        return not_run(con)
