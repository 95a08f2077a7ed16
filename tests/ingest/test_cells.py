"""Cells become what the slow, obvious way makes of them."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import zoneinfo
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duizhang.home.store import connect, quoted
from duizhang.ingest import load_specs
from duizhang.ingest.reading.quotes import odd_quotes
from duizhang.ingest.reading.table import _Rows
from duizhang.ingest.rows import Batch
from duizhang.ingest.specification.spec import TIME_FORMATS, FillDown, SourceSpec
from duizhang.ingest.texts import bare
from duizhang.ingest.typing import ColumnTyper
from duizhang.ingest.typing.clock import TIME, business_day, to_utc
from duizhang.ingest.typing.field_texts import steps
from duizhang.ingest.typing.pseudonyms import pseudonyms
from duizhang.ingest.typing.times import rivals, times
from duizhang.ingest.typing.written_dates import respelled
from duizhang.secrecy.pseudonym_key import new_key, pseudonym
from tests.thoroughness import examples

FORMATS = [
    *sorted({field.formats for spec in load_specs().values() for field in spec.fields.values() if len(field.formats) > 1}),
    TIME_FORMATS, ("%m/%d/%Y", "%d/%m/%Y"), ("epoch", "%Y%m%d%H%M"), ("%Y年%m月%d日",), ("%y%m%d", "%d-%b-%y"), ("%Y-%m-%dT%H:%M:%S%z", "%d/%m/%Y"),
]
START = dt.datetime(1990, 1, 1)  # noqa: DTZ001 - what the clock on a wall shows
INSTANTS = st.integers(0, 47 * 365 * 86_400).map(lambda seconds: START + dt.timedelta(seconds=seconds))  # to 2036
NEAR = st.lists(st.integers(0, 40 * 86_400) | st.just(None), max_size=4)
QUICK = settings(deadline=None, max_examples=50)
SPEC = {
    "name": "x_y", "title": "x", "doc": "x", "recognise": {"header": ["at", "paid"]},
    "fields": {"occurred_at": {"column": "at", "type": "time", "required": True}, "amount": {"column": "paid", "type": "money"},
               "who": {"column": "paid", "personal": True}},
    "tables": [{"table": "payments", "columns": {"transaction_id": "line"}}],
}
CELL = st.text(" \t`'=\"aé0中", max_size=6)


def by_duckdb(texts: list[str], formats: tuple[str, ...]) -> list[dt.datetime | None]:
    tries = [
        "case when regexp_full_match(x, '\\d{9,11}') then make_timestamp(try_cast(x as bigint) * 1000000) end" if pattern == "epoch"
        else "case when regexp_full_match(x, '\\d{5}(\\.\\d+)?') then timestamp '1899-12-30' "
             "+ to_microseconds((round(try_cast(x as double) * 86400) * 1000000)::bigint) end" if pattern == "excel"
        else _by_strptime("replace(x, 'Z', '+00:00')" if "%z" in pattern else "x", pattern)
        for pattern in formats]
    with connect() as con:
        found = con.execute(f"select coalesce({', '.join(tries)}) from (select unnest(?::varchar[]) as x)", [texts]).fetchall()
    return [time for (time,) in found]


def _by_strptime(text: str, pattern: str) -> str:
    read = f"try_cast(try_strptime({text}, {quoted(pattern)}) as timestamp)"
    return f"case when year({read}) > 1899 then {read} end"  # DuckDB takes 90 for a year of four digits


def read(texts: list[str], formats: tuple[str, ...]) -> list[dt.datetime | None]:
    return times(formats).of(pl.Series("x", texts, pl.String))[0].to_list()  # type: ignore[no-any-return]


@pytest.mark.slow
@settings(deadline=None, max_examples=examples(20, 200))
@given(st.sampled_from(FORMATS), st.lists(INSTANTS | st.just(None), max_size=4), st.data())
def test_times_are_those_that_duckdb_reads(formats: tuple[str, ...], instants: list[dt.datetime | None], data: st.DataObject) -> None:
    zone = dt.timezone(dt.timedelta(minutes=data.draw(st.sampled_from([0, 60, -210, 330]))))
    patterns = st.sampled_from([f for f in formats if f not in ("epoch", "excel")][: data.draw(st.integers(1, 3))])
    cells = ["" if t is None else t.replace(tzinfo=zone).strftime(data.draw(patterns)) for t in instants]
    if data.draw(st.booleans()) and not any("%y" in f for f in formats):  # days and hours of one digit; no year has one
        cells = [re.sub(r"(?<!\d)0(\d)(?!\d)", r"\1", cell) for cell in cells]
    assert read(cells, formats) == by_duckdb(cells, formats)
    if cells:  # a cell that is damaged, or that is written in another way
        at = data.draw(st.integers(0, len(cells[0])))
        put = data.draw(st.sampled_from("0159 :/ZaA-é"))
        cells[0] = data.draw(st.sampled_from([
            "2026-02-30 10:00:00", "31/12/2026", "2026-1-5", cells[0][::-1], cells[0] + " ", cells[0].upper(),
            re.sub(r"[+-]\d{4}$", "Z", cells[0]), cells[0][:at] + put + cells[0][at:], cells[0][:at] + put + cells[0][at + 1 :]]))
        assert read(cells, formats)[0] in (None, by_duckdb(cells, formats)[0])


@pytest.mark.parametrize(("formats", "cells"), [
    (TIME_FORMATS, ["2016/5/23 22:02", "2016-05-24 08:00:01", ""]),
    (("%Y%m%d %H%M%S", "%Y%m%d"), ["20260101 123456", "20260103"]),
    (("%b %d, %Y %I:%M:%S %p",), ["Jan 1, 2026 12:03:44 AM", "Dec 31, 2026 1:03:44 PM"]),
    (("%B %d, %Y", "%b %d, %Y"), ["September 24, 2026", "Sep 23, 2026", "may 1, 2026"]),
    (("%d-%b-%y",), ["30-Apr-26", "1-May-70"]),
    (("%Y年%m月%d日",), ["2026年1月2日", "2026年11月12日"]),
    (("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"), ["2026-01-02T03:04:05+08:00", "2026-01-02T03:04:05-0330", "2026-01-02"]),
    (("%d/%m/%Y", "%m/%d/%Y"), ["1/2/2026", "31/12/2026", "12/31/2026"]),
])
def test_usual_ways_of_writing_times(formats: tuple[str, ...], cells: list[str]) -> None:
    found = read(cells, formats)
    assert found.count(None) == cells.count("") and found == by_duckdb(cells, formats)


@pytest.mark.parametrize(("names", "cells", "dates"), [
    (["日期"], ["115/03/05", "1150306", "民國115年3月7日"], ["2026-03-05", "2026-03-06", "2026-3-7"]), (["date"], ["115/03/05"], ["115/03/05"]),
    (["วันที่"], ["05/03/2569"], ["05/03/2026"]), (["x"], ["05/03/2569"], ["05/03/2569"]), (["x"], ["R8.3.5", "令和元年5月1日"], ["2026-3-5", "2019-5-1"]),
    (["kwota"], ["5 listopada 2026", "6 lip 2026"], ["2026-11-5", "2026-07-6"]), (["iznos"], ["5. listopada 2026.", "6. lip 2026."], ["2026-10-5", "2026-06-6"]),
    (["x"], ["5 listopada 2026", "6 grudnia 2026"], ["2026-11-5", "2026-12-6"]), (["x"], ["٢٠٢٦-٠٣-٠٥", "2026/03/05(木)"], ["2026-03-05", "2026-03-05"]),
    (["x"], ["05MAR2026", "March 5th, 2026", "2026. március 5.", "5 марта 2026", "2026/3/5 上午10:00"],
     ["2026-03-05", "2026-03-5", "2026-03-5", "2026-03-5", "2026-3-5 10:00 am"]),
])
def test_other_words_digits_and_calendars_are_the_days_that_they_are(names: list[str], cells: list[str], dates: list[str]) -> None:
    assert list(map(respelled(pl.Series("x", cells), names, "", []), cells)) == dates


@pytest.mark.parametrize("cell", ["20-01-05 10:11:12", "2026-01-0510:11:12", "0020-01-05 10:11:12", "2026-01-05 24:00:00", "2026-02-29 00:00:00"])
def test_what_is_not_written_as_the_format_says_is_no_time(cell: str) -> None:
    assert read([cell], ("%Y-%m-%d %H:%M:%S",)) == [None]


def test_fractions_of_seconds_are_read_whatever_the_format() -> None:
    assert read(["2026-01-05 10:11:12.125"], ("%Y-%m-%d %H:%M:%S",)) == [dt.datetime(2026, 1, 5, 10, 11, 12, 125_000)]  # noqa: DTZ001


@QUICK
@given(INSTANTS, NEAR, st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/Berlin"]))
def test_clocks_and_business_days(first: dt.datetime, after: list[int | None], zone: str) -> None:
    clock = zoneinfo.ZoneInfo(zone)
    local = [None if seconds is None else first + dt.timedelta(seconds=seconds) for seconds in after]
    utc = to_utc(pa.array(local, TIME), zone)
    for wall, found, day in zip(local, utc.to_pylist(), business_day(utc, zone, 90).to_pylist(), strict=True):
        if wall is None:
            assert found is None and day is None
            continue
        there = found.replace(tzinfo=dt.UTC).astimezone(clock).replace(tzinfo=None)
        skipped = wall.replace(tzinfo=clock).astimezone(dt.UTC).astimezone(clock).replace(tzinfo=None) != wall
        assert skipped or there == wall
        assert day == (there - dt.timedelta(minutes=90)).date()


@QUICK
@given(st.lists(CELL, max_size=8))
@example(['=""', '="', '="x\ny"'])  # an empty cell as a spreadsheet guards it; what only begins as a guarded one
def test_what_stands_around_a_cell_is_taken_off(cells: list[str]) -> None:
    def slowly(text: str) -> str:
        text = text.strip(" \t\r\n")
        if text.startswith('="') and text.endswith('"') and len(text) > 2:
            text = text[2:-1]
        return text.lstrip("`' \t\r\n").strip(" \t\r\n")

    assert bare(pa.array(cells, pa.string())).to_pylist() == [slowly(c) for c in cells]


@QUICK
@given(st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\n", b"")), max_size=8))
def test_lines_with_an_odd_number_of_quotation_marks(lines: list[bytes]) -> None:
    text = b"\n".join(lines)
    assert odd_quotes(text) == [n for n, line in enumerate(text.split(b"\n")) if line.count(b'"') % 2]


@pytest.mark.parametrize("by", ["k", None])
@QUICK
@given(rows=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "x", "y"]), st.sampled_from(["", "z"])), max_size=8),
       cut=st.integers(0, 8))
def test_cells_filled_from_above_in_batches(by: str | None, rows: list[tuple[str, str, str]], cut: int) -> None:
    class Part(_Rows):
        def __init__(self) -> None:
            self.spec = type("Spec", (), {"fill_down": FillDown(by=by, columns=("v", "w")), "nulls": ()})()  # type: ignore[assignment]
            self.index, self.last = {"k": 0, "v": 1, "w": 2}, None

    part, found = Part(), []
    for batch in (rows[:cut], rows[cut:]):
        columns = part._fill_down([pa.array(cells, pa.string()) for cells in zip(*batch, strict=True)] if batch else [pa.array([], pa.string())] * 3)
        found += list(zip(*(c.to_pylist() for c in columns), strict=True))
    expected: list[tuple[str, str, str]] = []
    for (key, *own), above in zip(rows, itertools.chain([None], expected), strict=False):
        follows = above is not None and (above[0] == key if by else not any(own))
        expected.append((key, *((cell or up) if follows and above else cell for cell, up in zip(own, above[1:] if above else own, strict=True))))  # type: ignore[arg-type]
    assert found == expected


BATCHES = st.lists(st.lists(st.tuples(
    st.sampled_from(["2026-03-01 10:00:00", " 2026-03-02 23:30:00", "", "20260303"]), st.sampled_from(["1.50", "-2", '="3,000.00"', "x", ""])),
    min_size=1, max_size=5), min_size=1, max_size=4)


@QUICK
@given(BATCHES)
def test_a_row_is_the_same_whatever_was_read_before_it(batches: list[list[tuple[str, str]]]) -> None:
    spec = SourceSpec.model_validate(SPEC)
    typers = [ColumnTyper(["at", "paid"], spec, {}, "Asia/Tokyo", 90, b"k") for _ in range(1 + len(batches))]
    for typer in typers:
        typer.settle(_batch([("2026-03-01 10:00:00", "1.50")]))
    for batch, fresh in zip(batches, typers[1:], strict=True):
        for found, alone in zip(typers[0].type(_batch(batch)), fresh.type(_batch(batch)), strict=True):
            assert found.equals(alone)


def _batch(rows: list[tuple[str, str]]) -> Batch:
    return Batch(pa.array(range(1, 1 + len(rows)), pa.int64()), [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)])


# around whole blocks of 16 bytes, and around the length from which on a cell is worked on alone
LENGTHS = st.integers(0, 70) | st.integers(1020, 1030)
# one of people, and one from which some were taken; the second has a cell that stands for one of them
_KEY = new_key()
PERSON_KEYS = [key.text().strip().encode() for key in (_KEY, _KEY.without(["", "x", "another"]).without(["x"]))]


@QUICK
@given(st.lists(st.text(max_size=5) | st.builds(lambda n, text: text * n, LENGTHS, st.sampled_from(["x", "é"])), max_size=5),
       st.binary(min_size=1, max_size=80) | st.sampled_from(PERSON_KEYS), st.integers(0, 2))
def test_pseudonyms_of_a_column_are_those_of_the_books(texts: list[str], key: bytes, sliced: int) -> None:
    column = pa.array(["another"] * sliced + texts, pa.string()).slice(sliced)
    assert pseudonyms(column, key).to_pylist() == [pseudonym(key, text) for text in texts]


def test_pseudonyms_are_made_in_several_threads_at_once() -> None:
    column, key = pa.array([f"person {n}" for n in range(8192)]), new_key().text().encode()
    expected = pseudonyms(column, key)
    with ThreadPoolExecutor(4) as pool:
        assert all(found.equals(expected) for found in pool.map(lambda _: pseudonyms(column, key), range(24)))


def test_what_stands_for_no_id_is_none_so_that_rows_share_no_key() -> None:
    """Rows with a dash for their order would net against each other."""
    spec = load_specs()["platform_settlement"]

    def ids(field: str, *texts: str) -> list[str]:
        steps_of = steps(spec.fields[field], spec, {})
        return [] if steps_of is None else pl.Series("x", texts).to_frame().select(steps_of.alias("x"))["x"].to_list()

    nothing = ("-", "--", "—", "－", "/", "//", "***", "?", "N/A", "n/a", "#N/A", "null", "NULL", "None", "nan", "nil", "无", "暂无")
    for field in ("order_id", "transaction_id", "entry_id", "customer"):
        assert set(ids(field, *nothing)) == {""}, field
    assert ids("order_id", "0", "0000", "1-", "/4711", "0-1", "无01", "NA", "None1", "10") == [
        "", "", "1-", "/4711", "0-1", "无01", "NA", "None1", "10"]
    assert ids("entry_id", "0", "-") == ["0", ""]  # the first row of a list that counts from 0


def test_a_pseudonym_hangs_on_its_key() -> None:
    assert pseudonym(b"k", "somebody") != pseudonym(b"l", "somebody")
    assert pseudonym(b"k", "") == ""


@pytest.mark.parametrize(("formats", "pairs"), [
    (("%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d"), {("%m/%d/%Y", "%d/%m/%Y")}), (("%y%m%d%H%M", "epoch"), {("%y%m%d%H%M", "epoch")}),
    (("%d.%m.%y", "%d.%m.%Y", "%Y/%m/%d", "%Y/%m/%d %H:%M"), set()), (("%y-%m-%d", "%d-%m-%y"), {("%y-%m-%d", "%d-%m-%y")}),
    (("%d %b %Y", "%d %B %Y", "excel"), set()),
])
def test_formats_that_read_one_text_as_two_times(formats: tuple[str, ...], pairs: set[tuple[str, str]]) -> None:
    assert rivals(formats) == {frozenset(pair) for pair in pairs}
