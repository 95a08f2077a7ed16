"""Which files have to come, how often, and the days that one stands for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.books.books_expected import Calendar, Expected
from duizhang.errors import BooksError
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import FileRecord, build_canonical, records
from duizhang.ingest.inbox import collect
from duizhang.plan.foreseeing import preflight
from duizhang.speech.phrases import in_language
from duizhang.standing.quiet import quiet_sources

WEEK = [dt.date(2026, 3, day) for day in range(2, 9)]  # Monday to Sunday
CALENDARS = {"bank": Calendar(closed=(WEEK[1],), open=(WEEK[5],))}


@pytest.mark.parametrize(("expected", "due"), [
    (Expected(source="s"), "1111111"), (Expected(source="s", every="week"), "1111111"), (Expected(source="s", every="business_day"), "1111100"),
    (Expected(source="s", every="business_day", calendar="bank"), "1011110"), (Expected(source="s", every=("tue", "sun")), "0100001"),
    (Expected(source="s", every="business_day", from_day=WEEK[3]), "0001100"),
])
def test_a_file_is_due_on_its_days_alone(expected: Expected, due: str) -> None:
    assert "".join(str(int(expected.is_due(day, CALENDARS))) for day in WEEK) == due


@pytest.mark.parametrize(("every", "days", "first", "last", "count"), [
    ("day", ["2026-03-03", "2026-03-05"], "2026-03-03", "2026-03-05", 2), ("week", ["2026-03-03"], "2026-03-02", "2026-03-08", 7),
    ("week", ["2026-03-03", "2026-03-11"], "2026-03-02", "2026-03-15", 14), ("month", ["2026-02-03"], "2026-02-01", "2026-02-28", 28),
    ("month", ["2025-12-31", "2026-01-01"], "2025-12-01", "2026-01-31", 62), ("month", ["2020-01-01", "2026-01-01"], "2020-01-01", "2026-01-01", 2),
])
def test_a_file_stands_for_its_weeks_or_months(every: str, days: list[str], first: str, last: str, count: int) -> None:
    found = Expected.model_validate({"source": "s", "every": every}).stands_for(map(dt.date.fromisoformat, days))
    assert (str(min(found)), str(max(found)), len(found)) == (first, last, count)


def test_a_weekly_statement_stands_for_the_days_of_its_weeks(tmp_path: Path) -> None:
    """Fails if a day without a row of its own is missing although the week's file is there, or a week without a file is not."""
    (tmp_path / "books.yaml").write_text(
        "entity: e\nstart: 2026-03-01\nexpected:\n- {source: bank_generic, every: week}\n- {source: books_orders, every: [sun]}\n")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.csv").write_text("Date,Description,Amount,Balance\n2026-03-04,x,-1.00,9.00\n2026-03-06,Fee,-5.00,4.00\n")
    books, store, state = load_books(tmp_path / "books.yaml"), Store(tmp_path / "home"), State(tmp_path / "home")
    collect(books, store, state)
    days = [*WEEK, WEEK[-1] + dt.timedelta(days=1)]
    build_canonical(books, store, state, days)
    missing = {(day, row["source"]) for day in days for row in store.read("source_files", day).to_pylist() if row["status"] == "missing"}
    assert missing == {(WEEK[6], "books_orders"), (days[7], "bank_generic")}
    assert set(preflight(books, state, days).holds) == {WEEK[6], days[7]}


def _mt940(name: str, opening: str, *lines: str, closing: str) -> str:
    return "\r\n".join([f":20:{name}", ":25:DE1", f":28C:{name}", f":60F:{opening}", *lines, f":62F:{closing}", "-", ""])


def test_a_statement_tells_of_its_quiet_days_and_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    """Fails if a quiet account looks like a missing file, or a statement between two others may be missing without a word."""
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-03\nexpected: [{source: bank_mt940}]\n")
    (tmp_path / "inbox").mkdir()
    for name, text in (
        ("1", _mt940("1", "C260302EUR100,", ":61:2603030303D5,NTRFNONREF//B1", closing="C260305EUR95,")),
        ("2", _mt940("2", "C260305EUR95,", closing="C260306EUR95,")),  # no row at all
        ("4", _mt940("4", "C260307EUR90,", ":61:2603080308C2,NTRFNONREF//B2", closing="C260308EUR92,")),
    ):
        (tmp_path / "inbox" / f"{name}.sta").write_text(text)
    books, store, state = load_books(tmp_path / "books.yaml"), Store(tmp_path / "home"), State(tmp_path / "home")
    collect(books, store, state)
    build_canonical(books, store, state, WEEK[1:])
    missing = [day for day in WEEK[1:] if any(row["status"] == "missing" for row in store.read("source_files", day).to_pylist())]
    assert missing == [WEEK[5]]
    [(day, [gap])] = quiet_sources(records(state), WEEK).items()
    assert day == WEEK[6] and not gap.is_silent
    assert "opens with 90 EUR, and the one before it closed on 2026-03-06 with 95" in str(gap) and "期末" in in_language(str(gap), "zh")


def test_a_file_whose_dates_have_two_readings_is_there_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\nexpected: [{source: bank_generic}]\n")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.csv").write_text("Date,Description,Amount\n03/04/2026,x,-1.00\n")
    books, store, state = load_books(tmp_path / "books.yaml"), Store(tmp_path / "home"), State(tmp_path / "home")
    collect(books, store, state)
    build_canonical(books, store, state, WEEK[2:3])
    [row] = store.read("source_files", WEEK[2]).to_pylist()
    assert row["status"] == "missing" and "could not be read: a.csv: dates can be read in two ways" in row["problem"]
    assert "2026-03-04 (month first) or 2026-04-03 (day first)" in row["problem"] and "a.csv" in in_language(row["problem"], "zh")


@pytest.mark.parametrize("wrong", ["{source: bank_generic, every: fortnight}", "{source: bank_generic, every: business_day, calendar: ecb}",
                                   "{source: bank_generic, every: []}"])
def test_a_cadence_that_is_none_is_told(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "books.yaml").write_text(f"entity: e\nstart: 2026-03-01\nexpected:\n- {wrong}\n")
    with pytest.raises(BooksError, match="expected"):
        load_books(tmp_path / "books.yaml")


def _daily(counts: dict[dt.date, int]) -> list[FileRecord]:
    return [FileRecord(str(day), "", 0, 0, "read", "s", "", "", {"days": [str(day)], "rows_parsed": n}) for day, n in counts.items()]


@pytest.mark.parametrize(("on_the_day", "word"), [(None, "silent"), (3, "thin: 3 rows, where this weekday usually has 40"), (39, "")])
def test_a_silent_source_is_told(on_the_day: int | None, word: str) -> None:
    past = {WEEK[0] - dt.timedelta(weeks=n): 40 for n in range(1, 5)}
    quiet = quiet_sources(_daily({**past, **({WEEK[0]: on_the_day} if on_the_day else {})}), WEEK)
    assert [source.is_silent for sources in quiet.values() for source in sources] == ([word == "silent"] if word else [])
    found = {day: [str(source) for source in sources] for day, sources in quiet.items()}
    assert set(found) == ({WEEK[0]} if word else set()), "other weekdays never had one"
    assert word in found.get(WEEK[0], ("",))[0]
    assert all("的 " in in_language(line, "zh") and "周日" in in_language(line, "zh") for lines in found.values() for line in lines)
