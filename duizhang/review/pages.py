"""Pages that only show."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response

from duizhang.close import signatures
from duizhang.errors import UserError
from duizhang.events import events
from duizhang.evidence import in_words
from duizhang.order_life import events_of, items_of
from duizhang.review import asking
from duizhang.review.rendering import rendered
from duizhang.review.visiting import Visit, day_of
from duizhang.state import State
from duizhang.verdict import not_run, not_run_lines, verdicts

# kinds of events that a reader of a day's log wants to see
_LOG = ("decided", "signed", "closed", "reopened", "accepted", "published", "held")


class Pages:
    """The pages of one home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def days(self, visit: Visit) -> Response:
        """Every day with its state, the newest first."""
        before = visit.query("before")
        with asking.asked(self._home) as con:
            found = asking.days(con, before=day_of(before) if before else None, limit=asking.DAYS + 1)
            judged = verdicts(con)
        more = len(found) > asking.DAYS
        shown = found[: asking.DAYS]
        for row in shown:
            row["verdict"] = judged[row["period"]] if row["period"] in judged and row["version"] else None
        return rendered(visit, "days.html.j2", {"days": shown, "before": shown[-1]["period"] if more else None})

    def day(self, visit: Visit) -> Response:
        """One day: its verdict, its legs, what is open by cause, who has signed."""
        period = visit.day()
        with asking.asked(self._home) as con:
            state = asking.day(con, period)
            values: dict[str, Any] = {
                "day": state, "summary": asking.summary(con, period), "causes": asking.causes(con, period),
                "verdict": verdicts(con).get(period),
                "not_run": not_run_lines([r for r in not_run(con) if r["first_day"] <= period <= r["last_day"]]),
            }
        store = State(self._home, read_only=True)
        values["signatures"] = signatures(store, period, state["digest"]) if state["digest"] else {}
        values["log"] = [_told(e) for e in reversed(events(store)) if _of_day(e, period)][:50]
        return rendered(visit, "day.html.j2", values)

    def queue(self, visit: Visit) -> Response:
        """What is open on a day, a page at a time."""
        period = visit.day()
        wanted = {name: visit.query(name) for name in (*asking.FILTERS, "timing")}
        order = visit.query("order") or "money"
        with asking.asked(self._home) as con:
            asking.day(con, period)
            found = asking.queue(con, period, wanted=wanted, words=visit.query("words"), order=order, after=visit.query("after"))
            choices = asking.choices(con, period)
        return rendered(visit, "queue.html.j2", {
            "period": period, "queue": found, "choices": choices, "wanted": wanted, "order": order, "orders": list(asking.ORDERS),
        })

    def item(self, visit: Visit) -> Response:
        """One open item: its lines with evidence, its history, what else the order has open, what was decided."""
        period = visit.day()
        place = tuple(visit.query(name) for name in ("leg", "entity", "key", "currency"))
        leg, entity, key, currency = place
        with asking.asked(self._home) as con:
            lines = asking.item(con, period, leg, entity, key, currency)
            values: dict[str, Any] = {
                "period": period, "lines": lines, "first": lines[0], "history": asking.history(con, leg, entity, key, currency),
                "beside": asking.beside(con, period, lines[0]["order_id"], lines[0]),
            }
        for line in lines:
            line["told"] = list(in_words(line["evidence"]))
            line["others"] = json.loads(line["candidates"] or "[]")
        decided = events(State(self._home, read_only=True), "decided")
        values["decided"] = [_told(e) for e in reversed(decided) if _is_about(e["payload"], leg, entity, key, currency)]
        return rendered(visit, "item.html.j2", values)

    def files(self, visit: Visit) -> Response:
        """The files of a day, and the values of them that were not read."""
        period = visit.day()
        with asking.asked(self._home) as con:
            asking.day(con, period)
            found, quarantined = asking.files(con, period)
        return rendered(visit, "files.html.j2", {"period": period, "files": found, "quarantine": quarantined})

    def life(self, visit: Visit) -> Response:
        """One order, payment or parcel across all sources."""
        key = visit.query("key")
        if not key:
            return RedirectResponse("/", status_code=303)
        found, items = events_of(self._home, key), items_of(self._home, key)
        if not found and not items:
            raise UserError(f"nothing is known of {key!r}", advice="Give an order, transaction, payout or tracking number.")
        return rendered(visit, "life.html.j2", {"key": key, "events": found, "items": items})


def _is_about(said: dict[str, Any], leg: str, entity: str, key: str, currency: str) -> bool:
    return bool((said.get("leg"), said.get("entity"), said.get("key"), said.get("currency")) == (leg, entity, key, currency))


def _of_day(event: dict[str, Any], period: dt.date) -> bool:
    return event["kind"] in _LOG and event["payload"].get("period") == period.isoformat()


def _told(event: dict[str, Any]) -> dict[str, Any]:
    said = event["payload"]
    facts = [str(said[name]) for name in ("role", "decision", "leg", "key", "amount", "currency", "table", "expectation", "reason")
             if said.get(name)]
    return {"at": event["at"][:16].replace("T", " "), "by": event["actor"], "what": event["kind"], "facts": " · ".join(facts)}
