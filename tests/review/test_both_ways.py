"""A month is decided, signed and closed from the pages alone and from the workbook alone, and the log tells the same of both."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from duizhang.books import load_books
from duizhang.close import announce, append_event, approve, archive_books, close_periods, export_exceptions, import_decisions
from duizhang.gate import run_gate
from duizhang.home.events import events
from duizhang.publish import period_states, publish
from duizhang.review import acting
from tests.publish.conftest import _FAKES
from tests.review.conftest import Serving

FIRST = dt.date(2026, 3, 1)
DAYS = tuple(FIRST + dt.timedelta(n) for n in range(31))  # a whole month
BOOKS = {"entity": "acme", "start": str(FIRST), "shops": {"s": {"platform": "taobao", "provider": "alipay"}}}
# by order, nothing in all, so that each day opens as the one before closes: difference, decision, to, until
CHOSEN = {
    "o1": ("12.50", "write_off", "", ""), "o2": ("-3.00", "adjust", "", ""), "o3": ("40.00", "chase", "alipay", "2026-04-30"),
    "o4": ("7.00", "reclassify", "6603", ""), "o5": ("9.00", "wait", "", "2026-04-30"), "o6": ("1.00", "accept", "", ""),
    "o7": ("100.00", "split", "60 write_off: broken; 40 chase alipay: asked", ""), "o8": ("-166.50", "correct", "", ""),
}


class Office:
    """A home of a month with the differences above; running again clears what was decided."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.fake, path = _FAKES.Fake(folder / "home"), folder / "books.yaml"
        path.write_text(yaml.safe_dump(BOOKS), encoding="utf-8")
        self.home, self.state, self.books = self.fake.home, self.fake.state, load_books(path)
        archived = archive_books(self.home, path)
        append_event(self.state, actor="pipeline", kind="run_started", payload={"books": archived, "books_path": str(path)})
        self.fake.fill(DAYS)
        for day in DAYS:
            items = [
                {"leg": "order_payment", "key": f"s/{day:%d}{order}", "cause": "amount_entry", "left_amount": Decimal(50),
                 "right_amount": 50 - Decimal(money), "difference": Decimal(money), "first_seen": day, "status": "open",
                 "cause_confidence": "likely", "shop": "s", "order_id": f"{day:%d}{order}"} for order, (money, *_) in CHOSEN.items()
            ]
            self.show(day, items)
        self.publish()

    def show(self, day: dt.date, items: list[dict[str, Any]]) -> None:
        total = sum((item["difference"] for item in items), Decimal(0))
        summary = {"leg": "order_payment", "left_amount": total, "closing": total, "left_rows": 8, "open_keys": 8}
        self.fake.put("recon_summary", day, summary)
        for table in ("variances", "open_items"):
            self.fake.put(table, day, *items)
        self.fake.put("event_items", day, *({**item, "event": f"E{item['order_id']}", "is_booked": True} for item in items))

    def publish(self) -> None:
        run_gate(self.fake.store, self.state, DAYS)
        announce(self.state, publish(self.books, self.fake.store, self.state, self.home, DAYS, rules_digest="r"))

    def run_again(self) -> None:
        for day in DAYS:
            self.show(day, [])
        self.publish()

    def told(self) -> list[tuple[str, str, dict[str, Any]]]:
        """What the log tells of people, without what names the way it came."""
        kinds = ("decided", "signed", "closed")
        return [(e["kind"], e["actor"], {k: v for k, v in e["payload"].items() if k not in ("row", "digest")} | (
            {"digest": e["payload"]["digest"]} if e["kind"] != "decided" else {})) for e in events(self.state) if e["kind"] in kinds]


def on_the_pages(office: Office, serving: Serving) -> None:
    maker, checker = serving(office.home, "Li Na"), serving(office.home, "Wang Wei")
    li, wang = maker.enter(), checker.enter()
    for day in DAYS:
        for order, (_, decision, to, until) in CHOSEN.items():
            chosen = {"csrf": li, "event": [f"E{day:%d}{order}"], "decision": decision, "reason": "month's end", "to": to, "until": until}
            assert maker.ask(f"/day/{day}/decide", chosen)[0] == 200
            assert maker.ask(f"/day/{day}/decided", chosen)[0] == 303
    office.run_again()
    for who, token, act, role in ((maker, li, "sign", "maker"), (checker, wang, "sign", "checker"), (checker, wang, "close", "")):
        for day in DAYS:
            digest = re.search(r'name="digest" value="([^"]+)"', who.ask(f"/day/{day}")[1])
            assert digest
            status, text, _ = who.ask(f"/day/{day}/{act}", {"csrf": token, "role": role, "digest": digest[1], "reason": ""})
            assert status == 303, text
    known = len(events(office.state))
    for form in (chosen, {**chosen, "decision": "accept"}, {**chosen, "event": ["E0"]}):  # of a day that is closed
        assert maker.ask(f"/day/{DAYS[-1]}/decided", form)[0] == 400, form
    assert maker.ask(f"/day/{DAYS[-1]}/sign", {"csrf": li, "role": "checker", "digest": digest[1], "reason": ""})[0] == 400
    assert len(events(office.state)) == known


def in_the_workbook(office: Office, _serving: Serving) -> None:
    for day in DAYS:
        path = office.home.parent / f"{day}.xlsx"
        export_exceptions(office.home, office.state, day, path, "en")
        book = openpyxl.load_workbook(path)
        for sheet in book.worksheets[1:]:
            names = [str(cell.value) for cell in sheet[1]]
            rows = [dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=3)]
            for row in rows:
                _, row["decision"].value, row["to"].value, row["wait_until"].value = CHOSEN[str(row["order_id"].value)[2:]]
                row["reason"].value = "month's end"
        book.save(path)
        assert import_decisions(office.home, office.state, path, by="Li Na").rows == len(CHOSEN)
    office.run_again()
    approve(office.home, office.state, DAYS, role="maker", by="Li Na")
    approve(office.home, office.state, DAYS, role="checker", by="Wang Wei")
    close_periods(office.home, office.state, DAYS, by="Wang Wei")


@pytest.mark.slow
def test_a_month_is_closed_from_the_pages_alone_and_from_the_workbook_alone_with_the_same_events(
    tmp_path: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    # tables that were made up came of no run, so no plan knows them
    monkeypatch.setattr(acting, "not_current", lambda *_: {})
    found = []
    ways: dict[str, Callable[[Office, Serving], None]] = {"pages": on_the_pages, "workbook": in_the_workbook}
    for name, way in ways.items():
        office = Office(tmp_path / name)
        way(office, serving)
        assert {s.state for s in period_states(office.state).values()} == {"closed"}
        told = office.told()
        decided = sorted(((said["period"], said["event"], said["amount"], by, {**said, "id": 0, "entry": 0})
                          for kind, by, said in told if kind == "decided"), key=lambda row: row[:3])
        found.append((decided, [entry for entry in told if entry[0] != "decided"]))
    pages, workbook = found
    assert len(pages[0]) == len(DAYS) * (len(CHOSEN) + 1), "a split is two"
    assert pages == workbook
