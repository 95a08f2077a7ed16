"""What was decided leaves for each system once, and again only as it was; what a webhook does not take is kept and told."""

from __future__ import annotations

import csv
import datetime as dt
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from duizhang.books.books_entries import Feed, Webhook
from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice
from duizhang.close.deciding import take, take_back
from duizhang.close.decisions import Item
from duizhang.close.feeds import ATTEMPTS, deliver, feed_again, made_feeds, make_feed, signature
from duizhang.close.groups import Event
from duizhang.errors import UserError
from duizhang.home.state import State

DAY = dt.date(2026, 3, 2)
ORDERS = Feed(legs=("order_payment", "order_platform"))


def decide(state: State, key: str, decision: str = "correct", *, leg: str = "order_payment", amount: str = "12.50", to: str = "") -> None:
    item = Item(leg, "acme", key, "CNY", "amount_entry", Decimal(amount), Decimal(0), is_booked=True, shop="s", order_id=key)
    choice = Choice(Event(f"E{key}", DAY, (item,), DAY, frozenset({f"s/{key}"})), decision, "=a slip", to=to)
    take(state, [choice], by=Actor("Li"))


def test_every_decision_leaves_once_and_what_is_taken_back_is_reversed(tmp_path: Path) -> None:
    state = State(tmp_path)
    decide(state, "a")
    decide(state, "b", "adjust", amount="-3", to="60.00")
    decide(state, "c", "write_off")
    decide(state, "d", leg="stock")
    decide(state, "e")
    take_back(tmp_path, state, 5, by="Li", reason="never left")
    first = make_feed(tmp_path, state, "oms", ORDERS)
    assert first is not None and first.rows == 2 and make_feed(tmp_path, state, "oms", ORDERS) is None
    said = json.loads(first.path(tmp_path).read_bytes())
    assert [(r["id"][-7:], r["decision"], Decimal(r["change"]), r["value"]) for r in said["corrections"]] == [
        ("C000001", "correct", Decimal("-12.5"), ""), ("C000002", "adjust", 3, "60.00")]
    take_back(tmp_path, state, 1, by="Zhao", reason="was right")
    decide(state, "f")
    second = make_feed(tmp_path, state, "oms", Feed(legs=ORDERS.legs, format="csv"))
    assert second is not None
    rows = list(csv.DictReader(second.path(tmp_path).read_text(encoding="utf-8-sig").splitlines()))
    assert [(r["id"][13:], r["reverses"][13:], Decimal(r["change"]), r["by"]) for r in rows] == [
        ("C000001-back", "C000001", Decimal("12.5"), "Zhao"), ("C000006", "", Decimal("-12.5"), "Li")]
    assert rows[1]["reason"] == "'=a slip", "nothing runs in a spreadsheet"
    # the same feed again is the same file, whatever was decided since and wherever its file went
    decide(state, "g")
    for made in (first, second):
        before = made.path(tmp_path).read_bytes()
        made.path(tmp_path).unlink()
        assert feed_again(tmp_path, state, made) == before == made.path(tmp_path).read_bytes()
    assert [m.number for m in made_feeds(state, "oms")] == [1, 2] and made_feeds(state, "wms") == []


class Receiver(HTTPServer):
    """Answers with the codes that it is given, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.codes: list[int] = []
        self.came: list[tuple[Any, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.came.append((self.headers, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("OMS_URL", f"http://127.0.0.1:{server.server_port}/corrections")
    monkeypatch.setenv("OMS_SECRET", "a secret")
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_gets_each_feed_signed_and_in_order_and_what_it_does_not_take_is_kept(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, hook = State(tmp_path), Webhook(url_env="OMS_URL", secret_env="OMS_SECRET")
    decide(state, "a")
    first = make_feed(tmp_path, state, "oms", ORDERS)
    assert first is not None
    receiver.codes = [503, 429]
    assert [m.problem for m in deliver(tmp_path, state, "oms", hook, seconds=0)] == [""]
    assert len(receiver.came) == 3 and len({body for _, body in receiver.came}) == 1
    headers, body = receiver.came[-1]
    assert body == first.path(tmp_path).read_bytes() and headers["webhook-id"].endswith("-oms-000001")
    assert headers["webhook-signature"] == signature("a secret", headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert deliver(tmp_path, state, "oms", hook) == [], "what was delivered is not sent again"

    for key in ("b", "c"):
        decide(state, key)
        make_feed(tmp_path, state, "oms", ORDERS)
    receiver.codes, before = [400], len(receiver.came)
    assert [m.problem for m in deliver(tmp_path, state, "oms", hook, seconds=0)] == ["the address answered 400 Bad Request"]
    receiver.codes = [500] * ATTEMPTS
    assert len(receiver.came) == before + 1, "what it refuses is not sent five times, and nothing behind it is sent before it"
    assert [m.number for m in deliver(tmp_path, state, "oms", hook, seconds=0)] == [2]
    standing = [(m.number, m.is_delivered, bool(m.problem)) for m in made_feeds(state)]
    assert standing == [(1, True, False), (2, False, True), (3, False, False)]
    assert [m.problem for m in deliver(tmp_path, state, "oms", hook, seconds=0)] == ["", ""]
    assert all(m.is_delivered for m in made_feeds(state))

    monkeypatch.setenv("OMS_URL", "http://elsewhere.example/corrections")
    with pytest.raises(UserError, match="no https address"):
        deliver(tmp_path, state, "oms", hook)
    monkeypatch.delenv("OMS_SECRET")
    with pytest.raises(UserError, match="has no OMS_SECRET"):
        deliver(tmp_path, state, "oms", hook)
