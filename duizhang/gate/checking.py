"""Runs the suites over a range of periods and records the results."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from duizhang.declared import schema
from duizhang.errors import UserError
from duizhang.gate.first_look import Checks, FirstLook
from duizhang.gate.records import Failure, Result, failures, quality_table, record, recorded_results
from duizhang.gate.suites import Expectation, Suite, load_suites
from duizhang.home import published
from duizhang.home.state import State
from duizhang.home.store import WORKERS, Store, connect, quoted
from duizhang.reconcile import Uncomputed, load_causes
from duizhang.spelling import meant

log = logging.getLogger(__name__)

TABLE_EXISTS = "table_exists"
ROWS_OF_PERIOD = "rows_of_period"
COLUMNS = "columns_are_as_declared"
COMPUTED = "every_value_is_computed"
SHOPS = "every_shop_is_known"
SHOPS_TEXT = "every shop, or account of several, is one of books.yaml / 店铺（或共用账户）均在 books.yaml 中"
# rows that are named one by one
_NAMED = 5
# runs over more days say how far they are
SEVERAL = 31


def run_gate(
    store: Store, state: State, periods: Sequence[dt.date], *, expectations: Path | None = None,
    uncomputed: Sequence[Uncomputed] = (), places: Collection[str] = (),
) -> dict[dt.date, list[Failure]]:
    """Check the stored tables of the periods and record every result, for the digests that were checked.

    Each table is checked over the whole range at once; where an expectation fails there, period by period, so that what
    is recorded of a period does not depend on the range. uncomputed: rows that were left out of their day, which holds it. places:
    the shops and shared accounts that rows of files may name; what is of another would be held against nothing.
    Also writes the store's table `quality_results`. The failures that hold each period are given back; an empty list lets
    it pass. Raises SpecError for a suite that is not valid.
    """
    ordered = sorted(set(periods))
    suites = load_suites(expectations)
    if not ordered:
        return {}
    results: list[Result] = []
    con = store.connect()
    checks = FirstLook(con, parameters())
    try:
        _context(store, con, ordered)
        for number, suite in enumerate(suites.values(), 1):
            if len(ordered) > SEVERAL:
                log.info("gate: %s, table %d of %d", suite.table, number, len(suites))
            results += _check_table(store, checks, suite, ordered, places)
    finally:
        checks.close()
        con.close()
        store.clear_spill()
    record(state, ordered, [*results, *_left_out(uncomputed)])
    said: dict[dt.date, list[Result]] = {period: [] for period in ordered}
    for result in recorded_results(state, ordered):
        said[result.period].append(result)
    for period in ordered:
        store.write("quality_results", period, quality_table(said[period]))
    return failures(state, ordered)


def write_data_docs(store: Store, period: dt.date, folder: Path) -> Path:
    """Great Expectations' own pages about the tables of a period, as the store holds them; the page to open.

    Raises UserError where the period was never computed.
    """
    from duizhang.gate.validation import Validation  # seconds to load; not where nothing breaks

    suites = {name: suite for name, suite in load_suites().items() if store.has(name, period)}
    if not suites:
        raise UserError(f"{period} was never computed, so there is nothing to show of it")
    folder.mkdir(parents=True, exist_ok=True)
    with connect() as con:
        _context(store, con, [period])
        validation = Validation(con, parameters())
        try:
            _checked(validation, [period])
            return validation.data_docs({name: _select(store, name, [period]) for name in suites}, folder, suites)
        finally:
            validation.close()


def parameters() -> dict[str, list[str]]:
    """What suites may name as {"$PARAMETER": name}: the closed list of causes, the currencies of ISO 4217."""
    import iso4217

    return {"causes": sorted(load_causes()), "currencies": sorted(c.code for c in iso4217.Currency)}


def _context(store: Store, con: object, periods: Sequence[dt.date]) -> None:
    """Views that a query may join: each published table with the day before each period, causes, periods."""
    around = sorted({*periods, *(period - dt.timedelta(days=1) for period in periods)})
    for name, columns in published.TABLES.items():
        store.view(con, name, around, columns)  # type: ignore[arg-type]
    stored = [period for period in around if store.has("recon_summary", period)]
    con.register("stored_periods", pa.table({"period": pa.array(stored, schema.DAY)}))  # type: ignore[attr-defined]


def _select(store: Store, table: str, periods: Sequence[dt.date]) -> str:
    listed = ", ".join(quoted(store.path(table, period)) for period in periods)
    return f"select * from read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"


def _checked(checks: Checks, periods: Sequence[dt.date]) -> None:
    listed = ", ".join(f"(date {quoted(period)})" for period in periods)
    checks.con.execute(f"create or replace view checked_periods as select * from (values {listed}) as p(period)")


def names_shops(table: str) -> bool:
    """Whether rows of a table come from files and name a shop."""
    return table in schema.TABLES and "shop" in schema.TABLES[table].names


def _check_table(
    store: Store, checks: Checks, suite: Suite, periods: Sequence[dt.date], places: Collection[str]
) -> list[Result]:
    results: list[Result] = []
    digests: dict[dt.date, str] = {}
    empty: set[dt.date] = set()
    with ThreadPoolExecutor(WORKERS) as pool:
        looked = pool.map(lambda period: _look(store, suite, period, places), periods)
    for period, seen in zip(periods, looked, strict=True):
        if seen is not None:
            digests[period] = seen.digest
            empty |= set() if seen.rows else {period}
            results += [
                Result(period, suite.table, seen.digest, ROWS_OF_PERIOD, "period", "critical", seen.foreign_rows == 0,
                       seen.foreign_rows, "every row is of the period / 每行都属于本期间", ""),
                Result(period, suite.table, seen.digest, COLUMNS, ", ".join(suite.filled), "critical", not seen.departures,
                       len(seen.departures), "columns are as declared, and filled where they have to be / 列与声明一致且必填列不为空",
                       "; ".join(seen.departures)),
            ]
            if places and names_shops(suite.table):
                results.append(Result(period, suite.table, seen.digest, SHOPS, "shop", "critical", not seen.strange, len(seen.strange),
                                      SHOPS_TEXT, _strangers(seen.strange, places)))
        elif not suite.optional:
            results.append(
                Result(period, suite.table, "", TABLE_EXISTS, "", "critical", False, 1,
                       "the table was not written / 缺少该表", f"{suite.table} of {period} is missing")
            )
    present = list(digests)
    if not present:
        return results
    outcomes: dict[tuple[dt.date, str], tuple[bool, int, str]] = {}
    quick = [e for e in suite.expectations if e.by_row]
    slow = [e for e in suite.expectations if not e.by_row]

    def look(part: Sequence[dt.date], listed: Sequence[Expectation]) -> None:
        """Check a stretch at once; what fails there is looked for in its halves, down to single periods."""
        if empty.issuperset(part):
            # of no rows no value is wrong, and Great Expectations takes as long to say so as for a thousand
            outcomes.update({(period, e.name): (True, 0, "") for e in listed if e.by_value for period in part})
            listed = [e for e in listed if not e.by_value]
        if not listed:
            return
        _checked(checks, part)
        found = checks.check(_select(store, suite.table, part), suite, listed)
        failing = []
        for e, o in zip(listed, found, strict=True):
            if o.success or len(part) == 1:
                outcomes.update({(period, e.name): (o.success, o.unexpected, o.detail) for period in part})
            else:
                failing.append(e)
        if failing:
            look(part[: len(part) // 2], failing)
            look(part[len(part) // 2 :], failing)

    if len(present) == 1:
        look(present, [*quick, *slow])
    else:
        look(present, quick)
        for period in present:
            look([period], slow)
    for period in present:
        results += [
            _result(period, suite.table, digests[period], e, *outcomes[period, e.name]) for e in (*quick, *slow)
        ]
    return results


def _left_out(uncomputed: Sequence[Uncomputed]) -> list[Result]:
    """A failure of each day that rows were left out of."""
    days: dict[dt.date, list[Uncomputed]] = {}
    for row in uncomputed:
        days.setdefault(row.period, []).append(row)
    return [
        Result(
            period, "claims", "", COMPUTED, "", "critical", False, len(rows),
            "every value can be computed; rows that cannot are left out of the day / 每个数值都能参与计算，不能计算的行未计入当日",
            "; ".join(str(row) for row in rows[:_NAMED]) + (f"; and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""),
        )
        for period, rows in sorted(days.items())
    ]


@dataclass(frozen=True)
class _Seen:
    """A stored table: digest of its content, its rows and those of another period, what is not as its schema declares it, and the rows
    of shops that books.yaml does not know: file, line and shop."""

    digest: str
    rows: int
    foreign_rows: int
    departures: tuple[str, ...]
    strange: tuple[tuple[str, int, str], ...] = ()


def _strangers(rows: Sequence[tuple[str, int, str]], places: Collection[str]) -> str:
    """Rows of unknown shops in words, the first few of them."""
    rows = list(dict.fromkeys(rows))  # a line may have given several of them
    told = [f"{file}:{line} is of the shop {shop!r}{meant(shop, sorted(places))}" for file, line, shop in rows[:_NAMED]]
    more = [f"and {len(rows) - _NAMED} more"] if len(rows) > _NAMED else []
    return "; ".join([*told, *more]) + (" (Name the shop in books.yaml, or correct the cell.)" if rows else "")


def _look(store: Store, suite: Suite, period: dt.date, places: Collection[str]) -> _Seen | None:
    """What a stored table is like, without a query; None where it is not there."""
    if not store.has(suite.table, period):
        return None
    columns = store.columns(suite.table, period)
    declared = {column.name: column.type for column in suite.columns}
    filled = [name for name in suite.filled if name in columns.names]
    empty, count = dict.fromkeys(filled, 0), {"rows": 0, "of_period": 0}
    known = pa.array(["", *places], pa.string()) if places and names_shops(suite.table) and "shop" in columns.names else None
    strange: list[tuple[str, int, str]] = []

    def look(part: pa.Table) -> None:
        count["rows"] += part.num_rows
        if "period" in columns.names:
            of_period = pc.fill_null(pc.equal(part["period"], pa.scalar(period, pa.date32())), False)
            count["of_period"] += pc.sum(of_period).as_py() or 0
        for name in filled:
            empty[name] += part[name].null_count
        if known is not None:
            rows = part.filter(pc.invert(pc.is_in(pc.fill_null(part["shop"], ""), known))).select(["file", "line", "shop"])
            strange.extend((str(row["file"]), int(row["line"] or 0), str(row["shop"])) for row in rows.to_pylist())

    digest = store.digest(suite.table, period, look)
    departures = [f"column {name} is missing" for name in declared if name not in columns.names]
    departures += [
        f"column {c.name} is {c.type}, declared {declared[c.name]}" if c.name in declared else f"column {c.name} is not declared"
        for c in columns if declared.get(c.name) != c.type
    ]
    departures += [f"column {name} is empty in {number} rows" for name, number in empty.items() if number]
    return _Seen(digest, count["rows"], count["rows"] - count["of_period"], tuple(departures), tuple(sorted(strange)))


def _result(
    period: dt.date, table: str, digest: str, e: Expectation, success: bool = True, unexpected: int = 0,  # noqa: FBT001, FBT002
    detail: str = "",
) -> Result:
    return Result(
        period, table, digest, e.name, e.column, e.meta.severity, success, unexpected, f"{e.meta.en} / {e.meta.zh}",
        detail,
    )
