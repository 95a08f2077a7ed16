"""Corrections for the systems that keep our records: what was decided since the last feed, each once, as a file and to a webhook.

A feed follows from the event log alone: which numbers there are, up to which event each goes, and what was delivered. So the same
feed again is the same file with the same ids, and nothing is lost or sent as new by a kill. What was taken back before it left is in
no feed; what was taken back since is reversed in the next one.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import hmac
import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from duizhang.close.decisions import ADJUST, DECIDED, RECLASSIFY, TAKEN_BACK
from duizhang.close.workbook import safe_cell
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.disk import written
from duizhang.home.events import append_event, events
from duizhang.home.identity import identity
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.spelling import meant

if TYPE_CHECKING:
    from duizhang.books import Books
    from duizhang.books.books_entries import Feed, Webhook

FOLDER = "feeds"
COLUMNS = ("id", "reverses", "decision", "period", "entity", "leg", "key", "shop", "order_id", "currency", "change", "value",
           "quantity_change", "to", "cause", "reason", "by")
ATTEMPTS = 5
_SECONDS = 30  # for one attempt
_AGAIN = (408, 425, 429)  # and every 5xx: the same may be accepted later
_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Made:
    """A feed. after, through: the events that it lies between; rows: how many corrections; problem: why it was not delivered the last
    time that somebody tried, '' where nobody has."""

    name: str
    number: int
    after: int
    through: int
    rows: int
    sha256: str
    format: str
    legs: tuple[str, ...]
    decisions: tuple[str, ...]
    is_delivered: bool = False
    problem: str = ""

    def path(self, home: Path) -> Path:
        """Its file."""
        return home / FOLDER / self.name / f"{self.number:06d}.{self.format}"


class NotDelivered(Exception):
    """A webhook did not take a feed. is_final: it never will."""

    def __init__(self, text: str, *, is_final: bool) -> None:
        super().__init__(text)
        self.is_final = is_final


def feed_of(books: Books, name: str) -> Feed:
    """What books.yaml says of a feed. UserError where it has none of this name."""
    if name not in books.feeds:
        raise UserError(f"books.yaml has no feed {name!r}{meant(name, sorted(books.feeds))}", advice="Feeds stand there under `feeds`.")
    return books.feeds[name]


def made_feeds(state: State, name: str = "") -> list[Made]:
    """The feeds that were made, by name and number."""
    found: dict[tuple[str, int], Made] = {}
    kinds = (EventKind.FEED_MADE, EventKind.FEED_DELIVERED, EventKind.FEED_FAILED)
    for event in sorted((e for kind in kinds for e in events(state, kind)), key=lambda e: int(e["seq"])):
        said = event["payload"]
        place = str(said["feed"]), int(said["number"])
        if event["kind"] == EventKind.FEED_MADE:
            found[place] = Made(*place, said["after"], said["through"], said["rows"], said["sha256"], said["format"], tuple(said["legs"]),
                                tuple(said["decisions"]))
        elif event["kind"] in (EventKind.FEED_DELIVERED, EventKind.FEED_FAILED) and place in found:
            problem = str(said.get("problem", ""))
            found[place] = replace(found[place], is_delivered=not problem, problem=problem)
    return [found[place] for place in sorted(found) if not name or place[0] == name]


def make_feed(home: Path, state: State, name: str, feed: Feed) -> Made | None:
    """The next feed of a system, as a file below the home; None where nothing was decided for it since the last."""

    def go() -> Made | None:
        before = made_feeds(state, name)
        after = before[-1].through if before else 0
        log = events(state)
        through = int(log[-1]["seq"]) if log else 0
        made = Made(name, len(before) + 1, after, through, 0, "", feed.format, feed.legs, feed.decisions)
        rows = _rows(home, log, made)
        if not rows:
            return None
        body = _body(home, made, rows)
        made = replace(made, rows=len(rows), sha256=hashlib.sha256(body).hexdigest())
        _write(home, made, body)
        append_event(state, actor="feed", kind=EventKind.FEED_MADE, payload={
            "feed": name, "number": made.number, "after": after, "through": through, "rows": made.rows, "sha256": made.sha256,
            "format": made.format, "legs": list(made.legs), "decisions": list(made.decisions),
        })
        return made

    with acquire(home):
        return state.change(go)


def feed_again(home: Path, state: State, made: Made) -> bytes:
    """The bytes of a feed that was made, from the log; its file is written anew. UserError where the log gives something else now."""
    body = _body(home, made, _rows(home, events(state), made))
    if hashlib.sha256(body).hexdigest() != made.sha256:
        raise UserError(f"feed {made.number} of {made.name} cannot be made again as it was",
                        advice="`duizhang verify` says what was changed.")
    _write(home, made, body)
    return body


def deliver(home: Path, state: State, name: str, webhook: Webhook, *, seconds: float = 1) -> list[Made]:
    """Send what was not delivered yet, in order, and stop at the first that is not taken: it stays, and is told until it is. What was
    tried. seconds: the wait before the second attempt, doubled before each further one. UserError where the address or secret is missing.
    """
    url, secret = _address(webhook)
    tried = []
    for made in [m for m in made_feeds(state, name) if not m.is_delivered]:
        body, problem = feed_again(home, state, made), ""
        try:
            _sent(url, secret, feed_id(home, made), body, made.format, seconds)
        except NotDelivered as error:
            problem = str(error)
        told = {"feed": name, "number": made.number, "sha256": made.sha256, **({"problem": problem} if problem else {})}
        append_event(state, actor="feed", kind=EventKind.FEED_FAILED if problem else EventKind.FEED_DELIVERED, payload=told)
        tried.append(replace(made, is_delivered=not problem, problem=problem))
        if problem:
            break
    return tried


def feed_id(home: Path, made: Made) -> str:
    """What a feed is known by where it is sent; the same however often it is sent."""
    return f"{identity(home).id[:12]}-{made.name}-{made.number:06d}"


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """How a feed is signed (Standard Webhooks): HMAC-SHA256 of id, time and body, in base64 behind `v1,`."""
    text = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def _rows(home: Path, log: Sequence[Mapping[str, Any]], made: Made) -> list[dict[str, str]]:
    decided: dict[int, tuple[int, Mapping[str, Any]]] = {}
    rows: list[dict[str, str]] = []
    undone = {int(e["payload"]["id"]) for e in log if e["kind"] == TAKEN_BACK and e["seq"] <= made.through}
    mine = identity(home).id[:12]
    for event in log:
        if event["seq"] > made.through:
            break
        said = event["payload"]
        if event["kind"] == DECIDED and _is_for(made, said):
            decided[int(said["id"])] = event["seq"], {**said, "by": event["actor"]}
            if event["seq"] > made.after and int(said["id"]) not in undone:
                rows.append(_row(mine, decided[int(said["id"])][1]))
        elif event["kind"] == TAKEN_BACK and event["seq"] > made.after:
            seq, before = decided.get(int(said["id"]), (0, {}))
            if before and seq <= made.after:
                rows.append(_row(mine, {**before, "by": event["actor"]}, undo=said))
    return rows


def _is_for(made: Made, said: Mapping[str, Any]) -> bool:
    legs = {item["leg"] for item in said.get("items", ()) if item["is_booked"]} or {said["leg"]}
    return said["decision"] in made.decisions and not legs.isdisjoint(made.legs)


def _row(home_id: str, said: Mapping[str, Any], undo: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What a system has to do: `change` is to be added to what our record says, so that the sides agree."""
    name = f"{home_id}-C{int(said['id']):06d}"
    return {
        "id": f"{name}-back" if undo else name, "reverses": name if undo else "", "decision": said["decision"],
        "period": undo["period"] if undo else said["period"], "entity": said["entity"], "leg": said["leg"], "key": said["key"],
        "shop": said["shop"], "order_id": said["order_id"], "currency": said["currency"],
        "change": said["amount"] if undo else _negated(said["amount"]), "value": said.get("to", "") if said["decision"] == ADJUST else "",
        "quantity_change": said["quantity"] if undo else _negated(said["quantity"]),
        "to": said.get("to", "") if said["decision"] == RECLASSIFY else "", "cause": said["cause"],
        "reason": undo["reason"] if undo else said["reason"], "by": said["by"],
    }


def _negated(amount: str) -> str:
    return amount[1:] if amount.startswith("-") else amount if not amount.strip("0.") else f"-{amount}"


def _body(home: Path, made: Made, rows: Sequence[Mapping[str, str]]) -> bytes:
    if made.format == "csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        # a negative amount is a number and no formula
        writer.writerows([[row[c] if c in ("change", "quantity_change", "value") else safe_cell(row[c]) for c in COLUMNS] for row in rows])
        return text.getvalue().encode("utf-8-sig")
    said = {"id": feed_id(home, made), "feed": made.name, "number": made.number, "corrections": list(rows)}
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


def _write(home: Path, made: Made, body: bytes) -> None:
    path = made.path(home)
    if not path.is_file() or path.read_bytes() != body:
        with written(path, mode=0o600) as partial:
            partial.write_bytes(body)


def _address(webhook: Webhook) -> tuple[str, str]:
    missing = [name for name in (webhook.url_env, webhook.secret_env) if not os.environ.get(name)]
    if missing:
        raise UserError(f"the environment has no {' and no '.join(missing)}", advice="books.yaml says so of the feed's webhook.")
    url = os.environ[webhook.url_env]
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise UserError(f"{webhook.url_env} is no https address", advice="Corrections are sent over https; http only on this machine.")
    return url, os.environ[webhook.secret_env]


def _sent(url: str, secret: str, message_id: str, body: bytes, kind: str, seconds: float) -> None:
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    for attempt in Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, NotDelivered) and not error.is_final), reraise=True,
        stop=stop_after_attempt(ATTEMPTS), wait=wait_exponential(multiplier=seconds, max=60),
    ):
        with attempt:
            _send(url, secret, message_id, body, kind)


class _Stays(urllib.request.HTTPRedirectHandler):
    """What is signed for one address is not sent to another."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _send(url: str, secret: str, message_id: str, body: bytes, kind: str) -> None:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    request = urllib.request.Request(url, body, {  # noqa: S310 - https, or this machine
        "Content-Type": "text/csv; charset=utf-8" if kind == "csv" else "application/json", "webhook-id": message_id,
        "webhook-timestamp": str(now), "webhook-signature": signature(secret, message_id, now, body),
    })
    try:
        with urllib.request.build_opener(_Stays()).open(request, timeout=_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        final = error.code < 500 and error.code not in _AGAIN
        raise NotDelivered(f"the address answered {error.code} {error.reason}", is_final=final) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NotDelivered(f"the address cannot be reached: {reason}", is_final=False) from error
