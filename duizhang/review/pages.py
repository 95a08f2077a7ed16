"""Pages that only show."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from starlette.responses import RedirectResponse, Response

from duizhang.close import record_of, rejected, signatures
from duizhang.close.commenting import comments
from duizhang.errors import UserError
from duizhang.home.events import events
from duizhang.home.state import State
from duizhang.ingest import FileRecord, records
from duizhang.ingest.files import ACCEPTED, READ, REFUSED, cell_corrections
from duizhang.ingest.typing import shape
from duizhang.publish.versions import HELD
from duizhang.report.figures import evidence_lines, with_currency
from duizhang.report.home_books import read_home_books
from duizhang.report.item_names import item_name
from duizhang.report.order_life import events_of, items_of, near_keys
from duizhang.review import asking
from duizhang.review.rendering import rendered
from duizhang.review.views import views
from duizhang.review.visiting import Visit, day_of
from duizhang.review.wording import say
from duizhang.speech.labels import Labels, Language
from duizhang.speech.phrases import in_language
from duizhang.standing.verdict import not_run, not_run_lines, verdicts

# kinds of events that a reader of a day's log wants to see
_LOG = ("decided", "taken_back", "cell_corrected", "cell_restored", "signed", "closed", "reopened", "accepted", "published", "held",
        "commented", "certified", "not_certified")
_FACTS = ("role", "decision", "leg", "key", "amount", "currency", "file", "line", "column", "was", "value", "table", "expectation",
          "reason", "reasons", "to", "text")

_LINES_OF_EVIDENCE = 8


def called_on(home: Path, con: duckdb.DuckDBPyConnection, visit: Visit, period: dt.date) -> Callable[[Mapping[str, Any]], str]:
    """What items of a day are called in the language of the page."""
    return partial(item_name, labels=Labels(_language(visit)), books=read_home_books(home), accounts=asking.account_names(con, period))


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
                "not_run": not_run_lines(
                    [r for r in not_run(con) if r["first_day"] <= period <= r["last_day"]], read_home_books(self._home).shop),
            }
        store = State(self._home, read_only=True)
        values["signatures"] = signatures(store, period, state["digest"]) if state["digest"] else {}
        values["log"] = [_told(e, _language(visit)) for e in reversed(events(store)) if _of_day(e, period)][:50]
        return rendered(visit, "day.html.j2", values)

    def queue(self, visit: Visit) -> Response:
        """What is open on a day, a page at a time."""
        period = visit.day()
        wanted = {name: visit.query(name) for name in (*asking.FILTERS, "timing")}
        order = visit.query("order") or "money"
        page = next((n for n in asking.PAGES if str(n) == visit.query("lines")), asking.PAGE)
        with asking.asked(self._home) as con:
            asking.day(con, period)
            found = asking.queue(con, period, wanted=wanted, words=visit.query("words"), order=order, after=visit.query("after"),
                                 limit=page)
            choices = asking.choices(con, period)
            called = called_on(self._home, con, visit, period)
        return rendered(visit, "queue.html.j2", {
            "called": called, "shop": read_home_books(self._home).shop,
            "period": period, "queue": found, "choices": choices, "wanted": wanted, "order": order, "orders": list(asking.ORDERS),
            "page": page, "pages": asking.PAGES,
            "views": views(State(self._home, read_only=True), visit.name),
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
                "beside": asking.beside(con, period, lines[0]["order_id"], lines[0]), "called": called_on(self._home, con, visit, period),
            }
        labels = Labels(_language(visit))
        for line in lines:
            line["told"] = evidence_lines(_own(line), labels, _LINES_OF_EVIDENCE)
            line["others"] = json.loads(line["candidates"] or "[]")
        decided = events(State(self._home, read_only=True), "decided")
        values["comments"] = comments(State(self._home, read_only=True), (leg, entity, key, currency))
        values["decided"] = [_told(e, _language(visit)) for e in reversed(decided) if _is_about(e["payload"], leg, entity, key, currency)]
        return rendered(visit, "item.html.j2", values)

    def files(self, visit: Visit) -> Response:
        """The files of a day, the cells of them that were not read, and those that are read as people corrected them.

        Of a day that is held: as its files were last taken in, since of its numbers nothing is published.
        """
        period, state = visit.day(), State(self._home, read_only=True)
        with asking.asked(self._home) as con:
            day = asking.day(con, period)
            found = asking.files(con, period)
        own = [r for r in records(state) if period in r.touched() or not r.days()]
        if day["state"] == HELD or not found:
            found = [_file(r) for r in own if r.status in (READ, REFUSED, ACCEPTED)]
        shas = {r.sha256 for r in own}
        corrected = [c for c in cell_corrections(state) if c.sha256 in shas and not c.taken_back]
        return rendered(visit, "files.html.j2", {
            "period": period, "files": found, "rejected": rejected(self._home, state, period), "corrected": corrected,
        })

    def record(self, visit: Visit) -> Response:
        """One record of a raw file, cell by cell, for whoever may correct it; texts in their shape, personal data not at all."""
        period, file, line = visit.day(), visit.query("file"), visit.query("line")
        if "decide" not in visit.duties or not line.isdigit():
            raise UserError("a record of a raw file is shown to whoever may correct it", advice="What a role may do stands in books.yaml.")
        found = record_of(self._home, State(self._home, read_only=True), file, int(line))
        cells = [
            {"column": c.column, "shown": shape(c.raw) if c.kind == "text" else c.raw, "is_personal": c.is_personal,
             "wrong": " ".join(found.wrong.get(c.column, ()))}
            for c in found.cells.values()
        ]
        return rendered(visit, "record.html.j2", {"period": period, "file": file, "line": int(line), "cells": cells,
                                                  "wrong": " ".join(found.wrong.get("", ()))})

    def life(self, visit: Visit) -> Response:
        """One order, payment or parcel across all sources."""
        key = visit.query("key")
        if not key:
            return RedirectResponse("/", status_code=303)
        found, items = events_of(self._home, key), items_of(self._home, key)
        if not found and not items:
            near = near_keys(self._home, key)
            raise UserError(f"nothing is known of {key!r}",
                            advice=f"Did you mean {', '.join(near)}?" if near else "Give an order, transaction, payout or tracking number.")
        books = read_home_books(self._home)
        called = partial(item_name, labels=Labels(_language(visit)), books=books, accounts={})
        return rendered(visit, "life.html.j2", {"key": key, "events": found, "items": items, "called": called, "books": books})


def _file(record: FileRecord) -> dict[str, Any]:
    counts = {name: record.detail.get(name, 0) for name in ("rows_read", "rows_parsed", "rows_quarantined", "rows_ignored")}
    return {"source": record.source, "shop": record.shop, "file": record.path, "status": record.status, **counts,
            "control_totals_ok": record.detail.get("control_totals_ok"), "problem": record.problem}


def _language(visit: Visit) -> Language:
    return "zh" if visit.language == "zh" else "en"


def _is_about(said: dict[str, Any], leg: str, entity: str, key: str, currency: str) -> bool:
    return bool((said.get("leg"), said.get("entity"), said.get("key"), said.get("currency")) == (leg, entity, key, currency))


def _of_day(event: dict[str, Any], period: dt.date) -> bool:
    said = event["payload"]
    return event["kind"] in _LOG and (said.get("period") == period.isoformat() or period.isoformat() in said.get("days", ()))


def _fact(value: object, language: Language) -> str:
    """Something of the log as a reader is told it."""
    return "; ".join(in_language(str(line), language) for line in value) if isinstance(value, list) else str(value)


def _own(line: Mapping[str, Any]) -> str:
    """The evidence of an item; of a part of it that is one order's, what tells of that order."""
    evidence: str = line["evidence"] or "[]"
    if line["whole"] == line["difference"] or not line["order_of_event"]:
        return evidence
    own = [entry for entry in json.loads(evidence) if line["order_of_event"] in str(entry.get("key", "")).split("/")]
    return json.dumps(own) if own else evidence


def _told(event: dict[str, Any], language: Language) -> dict[str, Any]:
    said, labels = event["payload"], Labels(language)
    shown = {name: _fact(said[name], language) for name in _FACTS if said.get(name)}
    for name in shown.keys() & {"role", "decision"}:
        shown[name] = say(shown[name], language)
    if "leg" in shown:
        shown["leg"] = labels.leg(shown["leg"])
    if {"amount", "currency"} <= shown.keys():
        shown["amount"] = with_currency(Decimal(shown["amount"]), shown.pop("currency"), labels)
    return {"at": event["at"][:16].replace("T", " "), "by": event["actor"], "what": event["kind"], "facts": " · ".join(shown.values())}
