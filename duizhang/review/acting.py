"""What the pages change: decisions, signatures, closing and reopening, each by the function that its command uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from duizhang.close import (
    CellChoice,
    approve,
    close_periods,
    correct,
    decide,
    events_of,
    prepared,
    reopen,
    take_back,
    take_back_cell,
)
from duizhang.close.commenting import PLACE, comment
from duizhang.close.groups import Event
from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.plan import not_current
from duizhang.review.asking import FILTERS, PAGES, asked
from duizhang.review.pages import called_on
from duizhang.review.rendering import rendered
from duizhang.review.views import forget, keep
from duizhang.review.visiting import Visit, day_of

MOST_AT_ONCE = PAGES[-1]
SIGNING = {"maker": "make", "checker": "check"}  # role of a signature: the duty that it needs


class Acting:
    """What may be done to one home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def preview(self, visit: Visit) -> Response:
        """What a decision on the chosen events would be: all of their lines, and their money once. Nothing is stored."""
        _may(visit, "decide")
        chosen = self._chosen(visit)
        if not visit.sent("decision") or not visit.sent("reason"):
            raise UserError("a decision and a reason are needed")
        choices = prepared(
            self._home, State(self._home), visit.day(), [event.id for event in chosen], visit.sent("decision"), reason=visit.sent("reason"),
            until=_until(visit), to=visit.sent("to"),
        )
        with asked(self._home) as con:
            called = called_on(self._home, con, visit, visit.day())
        return rendered(visit, "preview.html.j2", {
            "called": lambda item: called(vars(item)), "period": visit.day(), "chosen": chosen, "choices": choices,
            "totals": _totals([c.whole or c.event for c in choices]),
            "decision": visit.sent("decision"), "reason": visit.sent("reason"), "until": visit.sent("until"), "to": visit.sent("to"),
        })

    def decide(self, visit: Visit) -> Response:
        """Store a decision on events, all of them or none."""
        _may(visit, "decide")
        decide(
            self._home, State(self._home), visit.day(), [event.id for event in self._chosen(visit)], visit.sent("decision"), by=visit.name,
            reason=visit.sent("reason"), until=_until(visit), to=visit.sent("to"), key=visit.key,
        )
        return RedirectResponse(f"/day/{visit.day()}/queue", status_code=303)

    def take_back(self, visit: Visit) -> Response:
        """Take a decision back; its number stands in the form."""
        _may(visit, "decide")
        number = _number(visit, "number", "decision")
        take_back(self._home, State(self._home), number, by=visit.name, reason=visit.sent("reason"), key=visit.key)
        return self._back(visit)

    def correct(self, visit: Visit) -> Response:
        """Read another value in a cell of a raw file, from the next run on; what the page showed has to stand there."""
        _may(visit, "decide")
        choice = CellChoice(visit.sent("file"), _number(visit, "line", "line"), visit.sent("column"), visit.sent("was"),
                            visit.sent("value"), visit.sent("reason"), visit.sent("sha256"))
        correct(self._home, State(self._home), [choice], by=visit.name, key=visit.key)
        return RedirectResponse(f"/day/{visit.day()}/files", status_code=303)

    def restore(self, visit: Visit) -> Response:
        """Take the correction of a cell back; its number stands in the form."""
        _may(visit, "decide")
        number = _number(visit, "number", "correction")
        take_back_cell(self._home, State(self._home), number, by=visit.name, reason=visit.sent("reason"), key=visit.key)
        return RedirectResponse(f"/day/{visit.day()}/files", status_code=303)

    def comment(self, visit: Visit) -> Response:
        """Say something about an item."""
        leg, entity, key, currency = (visit.sent(name) for name in PLACE)
        place = leg, entity, key, currency
        comment(self._home, State(self._home), visit.day(), place, visit.sent("text"), by=visit.name, key=visit.key)
        named = urlencode(dict(zip(PLACE, place, strict=True)))
        return RedirectResponse(f"/day/{visit.day()}/item?{named}", status_code=303)

    def keep_view(self, visit: Visit) -> Response:
        """Keep the filters of the queue under a name, or remove a view."""
        parts = {name: visit.sent(name) for name in (*FILTERS, "timing", "order", "words")}
        if visit.sent("remove"):
            forget(State(self._home), visit.name, visit.sent("remove"))
        else:
            keep(State(self._home), visit.name, visit.sent("name"), parts)
        return RedirectResponse(f"/day/{visit.day()}/queue?{urlencode({n: v for n, v in parts.items() if v})}", status_code=303)

    def sign(self, visit: Visit) -> Response:
        """Sign the version whose digest the page showed."""
        role = visit.sent("role")
        _may(visit, SIGNING.get(role, role))
        approve(self._home, State(self._home), [visit.day()], role=role, by=visit.name, digests=[visit.sent("digest")], key=visit.key,
                stale=not_current)
        return self._back(visit, to="#close")

    def close(self, visit: Visit) -> Response:
        """Close the version whose digest the page showed."""
        _may(visit, "close")
        close_periods(
            self._home, State(self._home), [visit.day()], by=visit.name, digests=[visit.sent("digest")], reason=visit.sent("reason"),
            key=visit.key, stale=not_current,
        )
        return self._back(visit, to="#close")

    def reopen(self, visit: Visit) -> Response:
        """Open a closed day again."""
        _may(visit, "reopen")
        reopen(self._home, State(self._home), visit.day(), by=visit.name, reason=visit.sent("reason"), key=visit.key)
        return self._back(visit, to="#close")

    def _chosen(self, visit: Visit) -> list[Event]:
        wanted = list(dict.fromkeys(visit.all_sent("event")))
        if not wanted:
            raise UserError("nothing was chosen", advice="Tick the lines that the decision is about.")
        if len(wanted) > MOST_AT_ONCE:
            raise UserError(f"{len(wanted)} at once; at most {MOST_AT_ONCE}")
        known = events_of(self._home, visit.day())
        gone = [event for event in wanted if event not in known]
        if gone:
            raise UserError(f"{', '.join(gone[:5])} is not open on {visit.day()} any more", advice="Look at the list again.")
        return [known[event] for event in wanted]

    @staticmethod
    def _back(visit: Visit, *, to: str = "") -> Response:
        return RedirectResponse(f"/day/{visit.day()}{to}", status_code=303)


def _totals(events: Iterable[Event]) -> dict[str, tuple[int, Decimal]]:
    """By currency, how many events there are and their money without sign: each counted once, however many legs show it, as the list and
    the report have it."""
    found: dict[str, tuple[int, Decimal]] = {}
    for event in {event.id: event for event in events}.values():
        number, total = found.get(event.lead.currency, (0, Decimal(0)))
        found[event.lead.currency] = number + 1, total + abs(event.amount)
    return dict(sorted(found.items()))


def _until(visit: Visit) -> dt.date | None:
    until = visit.sent("until")
    return day_of(until) if until else None


def _number(visit: Visit, name: str, what: str) -> int:
    """A number that stands in the form. what: of what it is the number, for the message."""
    sent = visit.sent(name)
    if not sent.isdigit():
        raise UserError(f"{sent!r} is the number of no {what}")
    return int(sent)


def _may(visit: Visit, duty: str) -> None:
    if duty not in visit.duties:
        raise UserError(f"{visit.name} may not {duty}", advice="What a role may do stands in books.yaml, under `roles`.")
