"""The pages over a published day: nothing is lost between pages of a list, nothing runs, nobody comes in who may not."""

from __future__ import annotations

import html
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from duizhang.cli.status import status_of
from duizhang.close import decisions
from duizhang.close.letter_sheets import _OPEN
from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.publish.metrics import DIFFERING, ON_ITS_WAY, with_events
from duizhang.review import asking
from duizhang.review.pages import _own
from tests.review.conftest import DAY, HOSTILE, ITEMS, Serving
from tests.thoroughness import some

PAGES = ("/", f"/day/{DAY}", f"/day/{DAY}/queue", f"/day/{DAY}/files", "/life?key=s/o001",
         f"/day/{DAY}/item?leg=order_payment&entity=acme&key=s/o001&currency=CNY")


@pytest.mark.parametrize("order", some(asking.ORDERS, "age"))
def test_the_pages_of_a_list_are_the_whole_list_once(reviewed: Path, order: str) -> None:
    seen, after, pages = [], "", 0
    with asking.asked(reviewed) as con:
        while True:
            page = asking.queue(con, DAY, wanted={}, order=order, after=after, limit=10)
            assert page.total == ITEMS and len(page.rows) <= 10
            seen += [row["key"] for row in page.rows]
            pages, after = pages + 1, page.after
            if not after:
                break
        assert len(seen) == len(set(seen)) == ITEMS and pages == 13
        with pytest.raises(UserError, match="begin at its first"):
            asking.queue(con, DAY, wanted={}, after="bm9uc2Vuc2U=")
        assert asking.queue(con, DAY, wanted={}, words="O00").total == 9, "and the one that would like to be a script"
        assert asking.queue(con, DAY, wanted={"cause": "timing"}).total == 0


@pytest.mark.slow
def test_the_queue_of_an_older_version_is_in_the_same_order(reviewed: Path) -> None:
    """Its events have neither age nor status, or there are none."""
    with asking.asked(reviewed) as con:
        tables = {name: con.sql(f"select * from {name}").to_arrow_table() for name in ("variances", "event_items")}
    ages = pa.array([n % 7 for n in range(ITEMS)])
    nothing = {"age_days": pa.nulls(ITEMS, pa.int64()), "status": pa.nulls(ITEMS, pa.string())}
    every = {}
    for name, changed in (("now", {"age_days": ages}), ("older", nothing)):
        with duckdb.connect() as con:
            for table, columns in (("variances", {"age_days": ages}), ("event_items", changed)):
                rows = tables[table].sort_by("key")
                for column, values in columns.items():
                    rows = rows.set_column(rows.schema.get_field_index(column), column, values)
                con.register(table, rows)
            wishes = ({}, {"status": "open"}, {"status": "chased"})
            pages = [asking.queue(con, DAY, wanted=wished, order=order) for order in asking.ORDERS for wished in wishes]
            every[name] = [[{k: v for k, v in row.items() if k != "event"} for row in page.rows] for page in pages]
            if name == "older":
                con.register("event_items", rows.slice(0, 0))
                alone = [asking.queue(con, DAY, wanted={}, order=o).rows for o in asking.ORDERS]
    assert every["now"] == every["older"] and len(every["now"][0]) == 50 and every["now"][2] == []
    assert [row["age_days"] for row in every["now"][3]][:18] == [6] * 17 + [5]
    assert [[row["key"] for row in page] for page in alone] == [[row["key"] for row in page] for page in every["now"][::3]]


def test_a_line_of_the_queue_names_what_else_differs_by_its_order(reviewed: Path) -> None:
    with asking.asked(reviewed) as source, duckdb.connect() as con:
        for name in ("variances", "event_items"):
            shared = "select * replace (if(key = 's/o001', 'o000', order_id) as order_id)"
            con.register(name, source.sql(f"{shared} from {name}").to_arrow_table())
        also = {row["key"]: row["also"] for row in asking.queue(con, DAY, wanted={}, order="key").rows}
    assert [(o["event"], o["cause"]) for o in also["s/o000"]] == [("E000000000001", "amount_entry")]
    assert [o["event"] for o in also["s/o001"]] == ["E000000000000"] and not also["s/o002"]


def test_a_part_of_an_item_has_the_evidence_of_its_own_order() -> None:
    told = '[{"key": "s/o1/a", "difference": 5}, {"key": "s/o12/a", "difference": 7}]'
    line = {"evidence": told, "whole": 12, "difference": 5, "order_of_event": "o1"}
    assert _own(line) == '[{"key": "s/o1/a", "difference": 5}]'
    assert _own({**line, "difference": 12}) == _own({**line, "order_of_event": "o3"}) == told, "the whole item, or nothing told of it"


def test_a_day_has_one_number_of_differences_wherever_it_is_told(reviewed: Path) -> None:
    told = status_of(reviewed)
    to_do, days = told["to_do"], {p["period"]: p["differences"] for p in told["periods"]}
    with asking.asked(reviewed) as con:
        shown = {row["period"]: row["differences"] for row in asking.days(con)}
        queued = asking.queue(con, to_do[0]["period"], wanted={})
    assert shown == days and shown[to_do[0]["period"]] == queued.total == sum(row["differences"] for row in to_do) > 0


def test_every_page_is_there_in_both_languages_and_nothing_in_it_runs(reviewed: Path, serving: Serving) -> None:
    server = serving(reviewed)
    server.enter()
    for path in PAGES:
        for language, word in (("zh", "对账"), ("en", "duizhang")):
            status, text, headers = server.ask(path, **{"Accept-Language": language})
            assert status == 200 and word in text and "Undefined" not in text and "None" not in text, path
            assert "default-src 'none'" in headers["content-security-policy"] and headers["cache-control"] == "no-store"
    _, text, _ = server.ask(f"/day/{DAY}/queue?words=script")
    assert HOSTILE not in text and html.escape(HOSTILE) in text
    assert server.ask("/nothing")[0] == 404
    for wrong in ("/day/nonsense", "/day/2030-01-01", "/life?key=nobody", f"/day/{DAY}/queue?order=x", f"/day/{DAY}/queue?after=x"):
        status, text, _ = server.ask(wrong)
        assert status == 400 and 'role="alert"' in text and "Traceback" not in text, wrong


def test_nobody_comes_in_without_signing_in_and_no_form_from_elsewhere(reviewed: Path, serving: Serving) -> None:
    server = serving(reviewed)
    for path in PAGES:
        status, _, headers = server.ask(path)
        assert status == 303 and headers["location"].startswith("/sign-in"), path
    assert server.ask("/sign-in?secret=wrong")[0] == 200 and "duizhang_session" not in server.cookies
    csrf = server.enter()
    sign = {"role": "maker", "digest": "00000000"}
    assert server.ask(f"/day/{DAY}/sign", sign)[0] == 403
    assert server.ask(f"/day/{DAY}/sign", {**sign, "csrf": csrf}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert server.ask("/", Host="elsewhere.example")[0] == 400, "a foreign name that leads here"
    assert server.ask("/sign-in?next=//elsewhere.example&secret=x")[0] == 200
    assert server.ask("/sign-out", {"csrf": csrf})[0] == 303
    assert server.ask("/")[0] == 303


def test_a_decision_is_previewed_taken_once_and_taken_back(home: Path, serving: Serving) -> None:
    server = serving(home)
    csrf = server.enter()
    events = ["E000000000001", "E000000000004"]
    chosen = {"csrf": csrf, "event": events, "decision": "write_off", "reason": "agreed", "until": ""}
    status, text, _ = server.ask(f"/day/{DAY}/decide", chosen)
    assert status == 200 and re.search(r">2 件差异，.*<b>3\.00</b></td><td>CNY", text), "1 and 2, once each"
    state = State(home, read_only=True)
    assert decisions(state) == []
    assert server.ask(f"/day/{DAY}/decided", chosen)[0] == 303
    assert [(d.decision, str(d.amount), d.decided_by) for d in decisions(state)] == [
        ("write_off", "1.0000", "Li Na"), ("write_off", "2.0000", "Li Na")]
    status, text, _ = server.ask(f"/day/{DAY}/decided", chosen)
    assert status == 400 and "decided write_off on it" in text
    log = server.ask(f"/day/{DAY}?lang=en")[1]
    assert re.search(r"<td>decided</td><td>write off · [^·<]*[A-Z][^·<]* · [^<]* · 1\.00 CNY · agreed<", log)
    split = {**chosen, "event": ["E00000000000C"], "decision": "split", "to": "1.50 write_off: lost; 3.50 accept"}
    status, text, _ = server.ask(f"/day/{DAY}/decide", split, **{"Accept-Language": "en"})
    assert status == 200 and "<b>1.50</b>" in text and "<b>3.50</b>" in text and ">write off · lost<" in text and "<b>5.00</b>" in text
    assert server.ask(f"/day/{DAY}/decided", split)[0] == 303
    assert [(d.decision, str(d.amount)) for d in decisions(state)[2:]] == [("write_off", "1.50"), ("accept", "3.5000")]
    wrongs = ({"decision": "split", "to": "1 write_off; 1 accept"}, {"decision": "accept", "to": "1"}, {"event": []},
              {"event": ["E999"]}, {"decision": "nonsense"}, {"decision": "wait", "until": "2020-01-01"}, {"reason": ""})
    for wrong in wrongs:
        assert server.ask(f"/day/{DAY}/decided", {**chosen, "event": ["E000000000007"], **wrong})[0] == 400, wrong
    number = str(decisions(state)[0].id)
    assert server.ask(f"/day/{DAY}/taken-back", {"csrf": csrf, "number": number, "reason": "was right"})[0] == 303
    assert [bool(d.taken_back) for d in decisions(state)] == [True, False, False, False]
    last = str(decisions(state)[-1].id)
    assert server.ask(f"/day/{DAY}/taken-back", {"csrf": csrf, "number": last, "reason": "not so"})[0] == 303
    assert [bool(d.taken_back) for d in decisions(state)] == [True, False, True, True], "the parts of a split go together"


@pytest.mark.slow
def test_more_lines_than_a_page_has_are_decided_at_once(home: Path, serving: Serving) -> None:
    server = serving(home)
    token = server.enter()
    page = server.ask(f"/day/{DAY}/queue?lines=200")[1]
    events = re.findall(r'name="event" value="(\w+)"', page)
    assert len(events) == ITEMS and 'value="200" selected' in page
    assert server.ask(f"/day/{DAY}/queue?lines=7")[1].count("<tr data-row") == asking.PAGE
    form = {"csrf": token, "event": events, "decision": "accept", "reason": "known", "until": "", "to": ""}
    assert server.ask(f"/day/{DAY}/decide", form)[0] == 200
    assert server.ask(f"/day/{DAY}/decided", form)[0] == 303
    assert len(decisions(State(home, read_only=True))) == ITEMS


def test_a_person_keeps_views_and_what_is_said_of_an_item_stays_with_it(home: Path, serving: Serving) -> None:
    server, other = serving(home), serving(home, "Wang Wei")
    csrf, others = server.enter(), other.enter()
    view = {"csrf": csrf, "name": " large  ones ", "cause": "amount_entry", "order": "age", "words": HOSTILE, "shop": "", "secret": "x"}
    status, _, headers = server.ask(f"/day/{DAY}/view", view)
    assert status == 303 and "secret" not in headers["location"]
    text = server.ask(f"/day/{DAY}/queue")[1]
    kept = re.search(r'<a href="(\?cause=amount_entry[^"]*)">large ones<', text)
    assert kept and HOSTILE not in text and "large ones" not in other.ask(f"/day/{DAY}/queue")[1]
    assert server.ask(f"/day/{DAY}/queue{html.unescape(kept[1])}")[0] == 200
    assert server.ask(f"/day/{DAY}/view", {**view, "name": " "})[0] == 400
    assert server.ask(f"/day/{DAY}/view", {"csrf": csrf, "remove": "large ones"})[0] == 303
    assert "large ones" not in server.ask(f"/day/{DAY}/queue")[1]

    said = {"csrf": others, "leg": "order_payment", "entity": "acme", "key": "s/o001", "currency": "CNY", "text": f"asked {HOSTILE}"}
    status, _, headers = other.ask(f"/day/{DAY}/commented", said)
    assert status == 303
    text = server.ask(headers["location"])[1]
    assert "Wang Wei" in text and html.escape(f"asked {HOSTILE}") in text and HOSTILE not in text
    for wrong in ({"text": " "}, {"text": "x" * 2001}, {"key": "s/none"}):
        assert other.ask(f"/day/{DAY}/commented", {**said, **wrong})[0] == 400
    assert "asked" in server.ask(f"/day/{DAY}")[1], "and in the log of the day"


def test_two_people_sign_and_close_what_they_saw(home: Path, serving: Serving) -> None:
    maker, checker = serving(home, "Li Na"), serving(home, "Wang Wei")
    tokens = {maker: maker.enter(), checker: checker.enter()}
    found = re.search(r'name="digest" value="([^"]+)"', maker.ask(f"/day/{DAY}")[1])
    assert found
    digest = found[1]

    def sign(who: object, role: str, seen: str = digest) -> int:
        return who.ask(f"/day/{DAY}/sign", {"csrf": tokens[who], "role": role, "digest": seen})[0]  # type: ignore[attr-defined,index]

    assert sign(maker, "maker", "0" * 64) == 400, "another version than the one that was seen"
    assert sign(maker, "maker") == 303 and sign(maker, "checker") == 400 and sign(checker, "checker") == 303
    assert checker.ask(f"/day/{DAY}/close", {"csrf": tokens[checker], "digest": digest, "reason": ""})[0] == 303
    text = maker.ask(f"/day/{DAY}?lang=en")[1]
    assert 'class="state closed"' in text and "maker: Li Na" in text and "checker: Wang Wei" in text
    assert maker.ask(f"/day/{DAY}/decided", {
        "csrf": tokens[maker], "event": ["E000000000007"], "decision": "accept", "reason": "late", "until": ""})[0] == 400


def test_the_lines_of_an_event_stand_together_and_one_that_is_on_its_way_is_told_by_the_leg_that_differs() -> None:
    """Where the booked item is timing, nobody would see without the other that anything differs."""
    rows = [("E1", "order_platform", "timing", 5, True), ("E1", "payment_settlement", "duplicate", -5, False),
            ("E2", "order_platform", "timing", 7, True), ("E3", "order_payment", "duplicate", 3, True),
            ("E3", "customer", "duplicate", 3, False), ("E4", "order_payment", "missing_source", 4, True),
            ("E4", "order_payment", "rounding", 2, True)]
    with duckdb.connect() as con:
        con.execute("create table event_items (event varchar, leg varchar, cause varchar, difference decimal(28, 4), is_booked boolean)")
        con.executemany("insert into event_items values (?, ?, ?, ?, ?)", rows)
        con.execute(
            f"create or replace table event_items as select *, date '{DAY}' as period, 'acme' as entity, event as \"key\", "
            "'CNY' as currency, "
            "'s' as shop, event as order_id, 1 as age_days, 'open' as status from event_items")
        con.execute("create view variances as select * exclude (event, is_booked), difference as left_amount, 0 as right_amount, "
                    "'' as proposal from event_items")
        to_do = asking.queue(con, DAY, wanted={})
        assert [(row["event"], row["leg"], row["cause"]) for row in to_do.rows] == [
            ("E4", "order_payment", "missing_source"), ("E4", "order_payment", "rounding"), ("E1", "payment_settlement", "duplicate"),
            ("E3", "order_payment", "duplicate")], "the lines of an event together, where its money of 6 puts them"
        assert [(row["together"], row["is_second"]) for row in to_do.rows] == [(6, False), (None, True), (None, False), (None, False)]
        assert to_do.total == 3 and asking.queue(con, DAY, wanted={"timing": "yes"}).total == 4
        assert asking.queue(con, DAY, wanted={}, limit=1).rows == to_do.rows[:1]
        found = [(row["cause"], row["items"], row["amount"]) for row in asking.causes(con, DAY)]
        with_events(con)
        signed = con.execute(_OPEN, [DAY]).fetchall()
    assert found == [("duplicate", 2, 8), ("missing_source", 1, 6), ("timing", 1, 7)], "each event once, as the list has it"
    assert [(cause, items, amount) for cause, _, items, amount, _ in signed] == found, "who signs sees what the list has"


def test_what_was_decided_of_an_event_tells_it_before_what_is_on_its_way() -> None:
    with duckdb.connect() as con:
        con.execute(
            f"create table event_items as select date '{DAY}' as period, 'E1' as event, leg, 'acme' as entity, 's/1' as \"key\", "
            "'CNY' as currency, cause, amount::decimal(28, 4) as difference, leg = 'order_platform' as is_booked, 's' as shop, "
            "'1' as order_id, 1 as age_days, status from (values ('order_platform', 'timing', 9, 'open'), "
            "('customer', 'fee_rate', -4, 'accepted')) as t(leg, cause, amount, status)")
        with_events(con)
        told = con.execute("select leg, cause, amount, status, items from events").fetchall()
        counted = con.execute(f"select {DIFFERING}, {ON_ITS_WAY} from event_items").fetchall()
    assert told == [("customer", "fee_rate", 4, "accepted", 2)] and counted == [(1, 0)]
