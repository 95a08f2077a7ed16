"""Whoever is to be told is told in figures and days, and what cannot be sent stops nothing."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from duizhang.books import Books
from duizhang.books.books_entries import Notify
from duizhang.declared.terms import Outcome
from duizhang.home.published import TABLES
from duizhang.home.store import Store
from duizhang.ingest.files import FileRecord
from duizhang.publish import PeriodOutcome
from duizhang.runs.notifying import news, send
from tests.close.test_feeds import Receiver, receiver

__all__ = ["receiver"]

DAY = dt.date(2026, 3, 29)
BOOKS = Books(root=Path(), entity="acme", start=DAY, language="en")


def test_what_is_told_are_days_and_figures_and_each_thing_once(tmp_path: Path) -> None:
    store, before = Store(tmp_path), DAY - dt.timedelta(days=1)
    empty = dict.fromkeys(TABLES["open_items"].names)
    standing = [(3, "open"), (4, "open"), (3, "waiting"), (3, "open"), (2, "open")]
    items = [
        {**empty, "period": DAY, "leg": "order_payment", "key": f"tb/{n}", "currency": "CNY", "difference": Decimal(n), "age_days": age,
         "sla_days": 3, "overdue": age >= 3, "status": status} for n, (age, status) in enumerate(standing)
    ]
    store.write("open_items", DAY, pa.Table.from_pylist(items, schema=TABLES["open_items"]))
    seen = ",".join(str(DAY - dt.timedelta(weeks=n)) for n in range(1, 5))
    files = [FileRecord(f"tb/{d}/a.csv", "sha", 1, 1, "read", "alipay_trade", "tb", "", {"days": [d]}) for d in seen.split(",")]
    outcomes = {before: PeriodOutcome(before, Outcome.PUBLISHED, 1), DAY: PeriodOutcome(DAY, Outcome.HELD, 0, ("Wang Wei 138****",))}
    assert news(BOOKS, store, files, outcomes) == {
        "held": "Held: 2026-03-29 (1 day). `duizhang status` says why.", "ready": "Ready for review: 2026-03-28 (1 day).",
        "overdue": "2026-03-28 to 2026-03-29: 2 differences are past the deadline: order_payment 2.",
        "silent": "Silent: alipay_trade of tb (2026-03-29).",
    }


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # a module that apprise loads
def test_everybody_is_told_what_they_want_and_what_fails_is_said_without_the_address(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise", reason="the extra `notify` is not installed")
    monkeypatch.setenv("HOOK", f"127.0.0.1:{receiver.server_port}/t0ken")
    wanted = [
        Notify(address="json://${HOOK}", on=("held",)), Notify(address="json://${HOOK}", on=("silent",)),
        Notify(address="json://${NOT_SET}"), Notify(address="nonsense://s3cret"), Notify(address="json://${HOOK}"),
    ]
    receiver.codes = [200, 500]
    problems = send(wanted, {"held": "Held: 2026-03-29", "ready": "Ready"}, entity="acme")
    assert [text.partition("was not sent: ")[2] for text in problems] == [
        "the environment has no NOT_SET", "the address is none that apprise knows", "the service did not take it"]
    assert "t0ken" not in str(problems) and "s3cret" not in str(problems)
    said = [json.loads(body) for _, body in receiver.came]
    assert {s["title"] for s in said} == {"duizhang acme"}
    assert [s["message"] for s in said] == ["Held: 2026-03-29", "Held: 2026-03-29\nReady"]
