"""`duizhang status`: what is published, held or missing, and why."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import in_currency, indented, screen_width, table_text, wrapped
from duizhang.cli.options import home_option
from duizhang.declared.terms import PeriodStatus
from duizhang.errors import UserError
from duizhang.report import spoken_currency
from duizhang.speech.language import counted
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken
from duizhang.speech.spoken_names import spoken_cause, spoken_leg, spoken_list

if TYPE_CHECKING:
    import duckdb

_NEWEST = 31
_REASONS = 5
_NOTED = 20
# what differs between lines that say the same of other files and days: names of files, numbers
_WORD, _NUMBER = re.compile(r"[^\s,:;()（），：；]+"), re.compile(r"\d+")
_FIRM = (PeriodStatus.RECONCILED, PeriodStatus.APPROVED, PeriodStatus.CLOSED)


@click.command()
@home_option
@click.option("--all", "everything", is_flag=True, help="Every day and every reason.")
@json_option
def command(home: Path, *, everything: bool, as_json: bool) -> None:
    """What is published, held or missing, and why."""
    found = status_of(home)
    answer(found, () if as_json else _text(found, home, everything=everything), as_json=as_json)


def _text(found: dict[str, list[dict[str, Any]]], home: Path, *, everything: bool) -> Iterator[str]:
    if not found["periods"]:
        yield _("No period was run yet.")
        return
    yield from _not_on_record(found["record"])
    yield from _days(found["periods"], everything=everything)
    yield from _assumed(found["periods"], home)
    yield from _to_deal_with(found["to_do"])
    yield from _not_claimed(found["bank_unclaimed"])
    if everything:
        yield from _open_on(found["periods"])
    yield from _held(found["periods"], everything=everything)
    yield from _not_certified(found["not_certified"], everything=everything)
    yield from _one_sided(found["not_run"], home, max((p["period"] for p in found["periods"]), default=None))
    yield from _unread(found["files"], everything=everything)
    yield from _silent(found["quiet"], everything=everything)
    yield from _not_taken(found["feeds"])
    yield from _read_but(found["noted"], everything=everything)


def _not_on_record(problems: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for found in problems:
        yield from wrapped(_("What follows is what was published, and is not what the record says any more: {problem}",
                             problem=spoken(found["problem"])), screen_width(), lines=3)


def _days(periods: Sequence[Mapping[str, Any]], *, everything: bool) -> Iterator[str]:
    """How many days stand how, then a line for each of the newest and of those that want something."""
    states = Counter(p["state"] for p in periods)
    told = spoken_list([_("{n} {state}", n=number, state=_(state)) for state, number in sorted(states.items())])
    yield _("{n} days, {first} to {last}: {states}", n=len(periods), first=periods[0]["period"], last=periods[-1]["period"], states=told)
    if empty := sum(bool(p["verdict_text"]) for p in periods):
        yield _("On {n} of them nothing agrees in some leg: see below", n=empty)
    newest = 0 if everything else len(periods) - _NEWEST
    listed = [p for at, p in enumerate(periods) if at >= newest or p["state"] not in _FIRM or p["verdict_text"]]
    rows = [[p["period"], ", ".join(filter(None, [_(p["state"]), p["verdict_text"]])), p["version"], p["differences"], p["in_transit"],
             _causes(p["by_cause"])] for p in listed]
    yield ""
    yield table_text([_("period"), _("state"), _("version"), _("differences"), _("in transit"), _("causes")], rows, width=screen_width())
    if len(listed) < len(periods):
        yield _("{n} earlier days are in order (--all lists them)", n=len(periods) - len(listed))


def _assumed(periods: Sequence[Mapping[str, Any]], home: Path) -> Iterator[str]:
    """By which terms that nobody declared what is in transit waits."""
    if any(p["in_transit"] for p in periods):
        from duizhang.report import read_home_books
        from duizhang.standing.assumed_terms import assumed_of

        books = read_home_books(home)
        for what, advice in assumed_of(books.providers, books.waits):
            yield ""
            yield from indented(f"{what} ({advice})", screen_width())


def _to_deal_with(to_do: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if to_do:
        yield ""
        told = _("To be dealt with at the end of {day}, each difference once, in whatever legs it shows:", day=to_do[0]["period"])
        yield from indented(told, screen_width())
        yield _amounts(to_do, ["differences", "amount", "currency", "overdue", "deadline", "cause"])


def _not_claimed(moved: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Rent, wages, suppliers, and what nobody knows: no rule tells them apart, so they are added up and not judged."""
    if moved:
        yield ""
        yield from indented(_("Lines of bank statements that are neither payouts nor refunds of known orders, held against nothing "
                              "(table bank_unclaimed):"), screen_width())
        yield _amounts(moved, ["entity", "kind", "lines", "amount", "currency"])


def _open_on(periods: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for p in periods:
        if p["open_by_leg"]:
            yield "\n" + _("Open at the end of {day}:", day=p["period"])
            yield _amounts(p["open_by_leg"], ["leg", "items", "amount", "currency", "cause"])


def _amounts(rows: Sequence[Mapping[str, Any]], heads: list[str]) -> str:
    """A table of these columns, causes as people call them."""
    cells = in_currency(heads, [[row[head] for head in heads] for row in rows])
    said: dict[str, Callable[[str], str]] = {"cause": spoken_cause, "leg": spoken_leg, "currency": spoken_currency, "kind": _}
    named = [[said[head](cell) if head in said else cell for head, cell in zip(heads, row, strict=True)] for row in cells]
    return table_text([_(head) for head in heads], named, width=screen_width())


def _held(periods: Sequence[Mapping[str, Any]], *, everything: bool) -> Iterator[str]:
    for p in periods:
        reasons, day = p["held_reasons"], p["period"]
        if not reasons:
            continue
        n = len(reasons)
        if p["state"] == PeriodStatus.CLOSED:
            yield "\n" + counted("{day} is closed and refuses: {n} reason", "{day} is closed and refuses: {n} reasons", n, day=day)
        else:
            yield "\n" + counted("{day} is held: {n} reason", "{day} is held: {n} reasons", n, day=day)
        shown = reasons if everything else reasons[:_REASONS]
        for reason in shown:
            yield from _line(reason, lines=None if everything else 8 if n == 1 else 3)
        if len(shown) < n:
            yield _("  and {n} more (--all, or --json for the whole text)", n=n - len(shown))


def _not_certified(days: Sequence[Mapping[str, Any]], *, everything: bool) -> Iterator[str]:
    shown = days if everything else days[-_NOTED:]
    for one in shown:
        yield "\n" + _("{day} was not certified by the machine:", day=one["period"])
        for reason in one["reasons"]:
            yield from _line(reason)
    if len(shown) < len(days):
        yield _("  and {n} days before (--all)", n=len(days) - len(shown))


def _one_sided(not_run: list[dict[str, Any]], home: Path, until: dt.date | None) -> Iterator[str]:
    if not_run:
        from duizhang.report import read_home_books
        from duizhang.standing.verdict import not_run_lines

        yield "\n" + _("Not reconciled, for want of the other side:")
        for line in not_run_lines(not_run, read_home_books(home).shop, until):
            yield from wrapped(line, screen_width(), lines=3)


def _unread(files: Sequence[Mapping[str, Any]], *, everything: bool) -> Iterator[str]:
    if files:
        yield "\n" + counted("{n} file was not read:", "{n} files were not read:", len(files))
    told = []
    for f in files:
        name, problem = f["file"] or f["source"], spoken(f["problem"])
        what = problem if problem.startswith(name) else f"{name} {problem}"
        told.append((f"{f['source']} {f['shop']}", f"{f['period'] or ''} {_(f['status'])}: {what}".strip()))
    yield from _each_kind_once(told, everything=everything)


def _silent(days: Sequence[Mapping[str, Any]], *, everything: bool) -> Iterator[str]:
    if days:
        yield "\n" + _("unusual against their own weeks or balances, which holds nothing: {n} days", n=len(days))
    for one in days if everything else days[-_NOTED:]:
        yield from wrapped(f"  {one['period']} {'; '.join(map(spoken, one['sources']))}", screen_width(), lines=3)


def _not_taken(feeds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if feeds:
        yield "\n" + _("Corrections that a system has not taken:")
    for f in feeds:
        named = {name: f[name] for name in ("feed", "number", "problem")}
        yield from wrapped(_("{feed} {number}: {n} corrections, {problem}", n=f["corrections"], **named), screen_width(), lines=3)


def _read_but(files: Sequence[Mapping[str, Any]], *, everything: bool) -> Iterator[str]:
    noted = _told_once(files)
    if noted:
        yield "\n" + counted("{n} file was read, but:", "{n} files were read, but:", len(noted))
    yield from _each_kind_once([("", f"{period} {spoken(problem)}") for period, problem in noted], everything=everything)


def _each_kind_once(told: Sequence[tuple[str, str]], *, everything: bool) -> Iterator[str]:
    """(what it is of, a line) each: of lines that say the same of several files or days the first, and how many more there are."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for at, (of, line) in enumerate(told):
        kinds.setdefault((of, str(at) if everything else _firm_words(line)), []).append(line)
    for first, *more in list(kinds.values())[: None if everything else _NOTED]:
        yield from wrapped(first, screen_width(), lines=None if everything else 3)
        if more:
            yield "    " + _("and {n} more like it (--all)", n=len(more))
    if not everything and (left := sum(map(len, list(kinds.values())[_NOTED:]))):
        yield _("  and {n} more (--all, or --json)", n=left)


def _line(text: str, *, lines: int | None = 3) -> Iterator[str]:
    yield from wrapped(spoken(text), screen_width(), lines=lines)


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
    return spoken_list([f"{spoken_cause(cause)} {number}" for cause, number in first[:3]]) + more


def status_of(home: Path) -> dict[str, list[dict[str, Any]]]:
    """The days that were run, the files that were not read, and the legs that were not run."""
    from duizhang.home.published import open_published
    from duizhang.home.store import connect
    from duizhang.standing.unread import unread_and_noted
    from duizhang.standing.verdict import Verdict, verdicts

    # each opened once: to open a database takes longer than what is asked of it
    with open_published(home) as con, connect() as working:
        names = ["period", "version", "state", "held_reasons", "approved_by", "digest"]
        periods = [
            dict(zip(names, row, strict=True))
            for row in con.execute(f"select {', '.join(names)} from period_status order by period").fetchall()
        ]
        by_leg, by_event = _open_by_leg(con), _by_event(con)
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
        moved = _moved_unclaimed(con)
    for p in periods:
        verdict = judged.get(p["period"], Verdict()) if p["version"] else None
        p["verdict"] = verdict.name if verdict else ""
        p["verdict_text"] = verdict.text if verdict else ""
        p["held_reasons"] = [line for line in p["held_reasons"].splitlines() if line]
        p["open_by_leg"] = by_leg.get(p["period"], [])
        p["causes"] = _over_legs(p["open_by_leg"])
        p["variances"] = sum(c["items"] for c in p["causes"])
        # of a version that was published before there were events, its items
        events = by_event.get(p["period"]) or p["causes"]
        p["by_cause"] = [{"cause": c["cause"], "items": c["items"]} for c in events if c["cause"] != "timing"]
        p["differences"] = sum(c["items"] for c in p["by_cause"])
        p["in_transit"] = sum(c["items"] for c in events if c["cause"] == "timing")
    return {"periods": periods, "to_do": to_do, "bank_unclaimed": moved, "files": files, "noted": noted, **_of_state(home, listed),
            "not_run": missing_sides}


def _open_by_leg(con: duckdb.DuckDBPyConnection) -> dict[dt.date, list[dict[str, Any]]]:
    """By day, the items that are open at its end and their amounts (net) by leg, cause and currency."""
    from duizhang.home.store import rows

    found: dict[dt.date, list[dict[str, Any]]] = {}
    for row in rows(con, "select period, leg, cause, currency, count(*) as items, sum(difference) as amount from variances group by all "
                         "order by period, leg, count(*) desc, cause, currency"):
        found.setdefault(row.pop("period"), []).append(row)
    return found


def _by_event(con: duckdb.DuckDBPyConnection) -> dict[dt.date, list[dict[str, Any]]]:
    """By day, how many events are open at its end by cause, each once in whatever legs it shows, as pages and reports count them."""
    from duizhang.home.store import rows
    from duizhang.publish.metrics import ON_ITS_WAY

    found: dict[dt.date, list[dict[str, Any]]] = {}
    # what the view `events` says, for all days at once: it would take fifty times as long, for what is not asked here
    for row in rows(con, f"""
        with differing as (
            select period, event, max(((coalesce(status, 'open') = 'open'), is_booked, abs(difference), cause)) as lead
            from event_items where cause <> 'timing' group by period, event
        )
        select period, lead[4] as cause, count(*) as items from differing group by period, cause
        union all
        select period, 'timing', {ON_ITS_WAY} as items
        from event_items group by period having items > 0
        order by period, items desc, cause
    """):
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


def _firm_words(line: str) -> str:
    """A line without names of files and without numbers."""
    return _WORD.sub(lambda word: "" if "/" in word[0] or "." in word[0] else _NUMBER.sub("", word[0]), line)


def _to_do(con: duckdb.DuckDBPyConnection, period: dt.date | None) -> list[dict[str, Any]]:
    """What has to be dealt with at the end of a day by cause, each fault once: an order is in several legs, whose items and amounts do not
    add up. amount: gross; overdue: how many have outlived the time that their leg gives them; deadline: the first to do so. Without what is
    on its way."""
    from duizhang.home.store import rows
    from duizhang.report.faults import gather

    if period is None:
        return []
    gather(con, period, period)
    return rows(
        con, "select period, cause, currency, count(*) as differences, sum(amount) as amount, "
        "count(*) filter (where due <= period) as overdue, min(due) as deadline from report_faults group by period, cause, currency "
        "order by amount desc, cause, currency"
    )


def _moved_unclaimed(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Of all published days, how many lines of bank statements no leg claims, and their sum."""
    from duizhang.home.store import has_view, rows

    if not has_view(con, "bank_unclaimed"):
        return []
    return rows(con, "select entity, kind, currency, count(*) as lines, sum(amount) as amount from bank_unclaimed group by all "
                     "order by abs(sum(amount)) desc, entity, kind, currency")


def _of_state(home: Path, periods: list[dt.date]) -> dict[str, list[dict[str, Any]]]:
    """What the state knows beside the files: feeds of corrections that a webhook was to take and has not, days that wait for signatures
    and that the machine has looked at, sources that are silent or thin against their own weeks (they hold nothing), and why what is
    shown may be no more what is on record."""
    from duizhang.close.feeds import made_feeds
    from duizhang.home.events import cut_off
    from duizhang.home.state import State
    from duizhang.ingest import records
    from duizhang.standing.quiet import quiet_sources
    from duizhang.standing.uncertified import why_not

    try:
        state = State(home, read_only=True)
        lost = cut_off(state)
        return {
            "record": [{"problem": lost}] if lost else [],
            "feeds": [
                {"feed": m.name, "number": m.number, "corrections": m.rows, "problem": m.problem} for m in made_feeds(state) if m.problem
            ],
            "not_certified": [{"period": day, "reasons": list(reasons)} for day, reasons in sorted(why_not(state).items())],
            "quiet": [{"period": day, "sources": [str(one) for one in said]}
                      for day, said in quiet_sources(records(state), periods).items()],
        }
    except UserError as error:
        return {"record": [{"problem": str(error)}], "feeds": [], "not_certified": [], "quiet": []}


def _not_run(home: Path, con: duckdb.DuckDBPyConnection, periods: list[dt.date]) -> list[dict[str, Any]]:
    """Legs of which one side was never supplied, as the last run saw them (also when held)."""
    from duizhang.home.published import TABLES
    from duizhang.home.store import Store, told_when_damaged
    from duizhang.standing.verdict import not_run

    with told_when_damaged(home):
        Store(home).view(con, "legs_not_run", periods, TABLES["legs_not_run"])
        return not_run(con)
