"""Who is told what a run has found, where books.yaml says so: days that are held or ready to be signed, deadlines that passed, sources
that fell silent. Figures, days and names of legs, shops and sources only: no key, no value of a cell, nobody's name.

The extra `notify` (apprise) knows the services. What cannot be sent is said in the log of the run and stops nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from duizhang.declared.terms import Outcome
from duizhang.home.published import TABLES
from duizhang.home.store import connect
from duizhang.runs.passes import spans
from duizhang.speech.language import of_one
from duizhang.standing.quiet import quiet_sources

if TYPE_CHECKING:
    import datetime as dt

    from duizhang.books import Books
    from duizhang.books.books_entries import Notify
    from duizhang.home.store import Store
    from duizhang.ingest import FileRecord
    from duizhang.publish import PeriodOutcome

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SAID = {
    "held": ("暂挂：{days}（{n} 天）。duizhang status 说明原因。", "Held: {days} ({n} days). `duizhang status` says why."),
    "ready": ("可以复核签署：{days}（{n} 天）。", "Ready for review: {days} ({n} days)."),
    "overdue": ("{days}：{n} 笔差异超过期限：{what}。", "{days}: {n} differences are past the deadline: {what}."),
    "silent": ("没有来文件：{what}（{days}）。", "Silent: {what} ({days})."),
}


def news(
    books: Books, store: Store, files: Sequence[FileRecord], outcomes: Mapping[dt.date, PeriodOutcome]
) -> dict[str, str]:
    """What there is to tell of the days that a run computed, by kind, in the language of the books."""
    found: dict[str, str] = {}

    def say(kind: str, days: Sequence[dt.date], n: int, what: str = "") -> None:
        found[kind] = of_one(_SAID[kind][books.language == "en"], {"n": n}).format(days=spans(days), n=n, what=what)

    for kind, outcome in (("held", Outcome.HELD), ("ready", Outcome.PUBLISHED)):
        if own := sorted(day for day, o in outcomes.items() if o.state == outcome):
            say(kind, own, len(own))
    computed = sorted(outcomes)
    with connect() as con:
        store.view(con, "open_items", [day for day in computed if store.has("open_items", day)], TABLES["open_items"])
        # on the day on which they become so, told once
        rows = con.execute(
            "select leg, count(*) from open_items where overdue and age_days = sla_days and status = 'open' group by leg order by leg"
        ).fetchall()
    if rows:
        say("overdue", computed, sum(n for _, n in rows), ", ".join(f"{leg} {n}" for leg, n in rows))
    quiet = {day: [source.name for source in sources if source.is_silent] for day, sources in quiet_sources(files, computed).items()}
    if names := sorted({name for own in quiet.values() for name in own}):
        say("silent", sorted(day for day, own in quiet.items() if own), len(names), ", ".join(names))
    return found


def send(wanted: Sequence[Notify], found: Mapping[str, str], *, entity: str) -> list[str]:
    """Tell everybody what they want to be told; what could not be sent, a line each, without the address."""
    problems = []
    for number, entry in enumerate(wanted, 1):
        lines = [found[kind] for kind in entry.on if kind in found]
        if not lines:
            continue
        missing = sorted({name for name in _VARIABLE.findall(entry.address) if not os.environ.get(name)})
        problem = f"the environment has no {', '.join(missing)}" if missing else _sent(
            _VARIABLE.sub(lambda at: os.environ[at[1]], entry.address), f"duizhang {entity}", "\n".join(lines))
        if problem:
            problems.append(f"notification {number} of books.yaml ({entry.address.partition(':')[0]}) was not sent: {problem}")
    return problems


def _sent(address: str, title: str, body: str) -> str:
    """Why it could not be sent; '' where it was."""
    try:
        import apprise
    except ImportError:
        return "the extra `notify` is not installed: pip install 'duizhang[notify]'"
    service = apprise.Apprise()
    if not service.add(address):
        return "the address is none that apprise knows"
    try:
        return "" if service.notify(title=title, body=body) else "the service did not take it"
    except (OSError, ValueError, TypeError) as error:
        return f"{type(error).__name__}"
