"""From a raw file to canonical rows: recognised by content, typed, checked against its own totals, rows conserved."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa

from duizhang import schema
from duizhang.books import Books, pseudonym
from duizhang.errors import ConservationError, RefusedFile, SpecError
from duizhang.ingest.container import Document, documents
from duizhang.ingest.grid import HEAD_LINES, Grid, Text, decode, mt940_grid, sheet_grid, sheet_lines, text_grid
from duizhang.ingest.spec import TIME_FORMATS, Column, SourceSpec, normalised
from duizhang.store import connect, quoted

QUARANTINE = pa.schema(
    [("line", pa.int64()), ("column_name", pa.string()), ("value", pa.string()), ("reason", pa.string()),
     ("is_money", pa.bool_())]
)
HIDDEN = "***"


@dataclass(frozen=True)
class Setting:
    """What the rows of a file depend on besides the file: time zone, cut-off, shop, entities, pseudonym key."""

    zone: str = "Asia/Shanghai"
    cut_off_minutes: int = 0
    currency: str = "CNY"
    shop: str = ""
    entity: str = ""
    entities: Mapping[str, str] = field(default_factory=dict)
    key: bytes = b"inspect"

    @classmethod
    def of(cls, books: Books, shop: str) -> Setting:
        """The setting of a file of `shop` in these books."""
        return cls(
            books.time_zone, books.cut_off_minutes, books.currency, shop, books.entity,
            {name: books.entity_of(name) for name in books.shops}, books.key(),
        )


@dataclass(frozen=True)
class ControlTotal:
    """A total that the file states, and what its rows give. stated is None where the file should state it but does not."""

    name: str
    stated: str | None
    computed: str
    ok: bool


@dataclass(frozen=True)
class Extraction:
    """What a file gave. read = parsed + quarantined + ignored, always."""

    spec: SourceSpec
    encoding: str
    rows_read: int
    rows_parsed: int
    rows_quarantined: int
    rows_ignored: int
    tables: dict[str, pa.Table]
    quarantine: pa.Table
    totals: list[ControlTotal]
    captures: dict[str, str]

    @property
    def coverage(self) -> tuple[dt.date, dt.date] | None:
        """The days that the file says it covers, both included."""
        start, end = (_day(self.captures.get(name, "")) for name in ("coverage_from", "coverage_to"))
        if start is None:
            return None
        # an end of `next day 00:00` is exclusive
        last = end - dt.timedelta(days=1) if end and end > start else end or start
        return start, last


def _day(text: str) -> dt.date | None:
    digits = re.findall(r"\d+", text)
    try:
        return dt.date(*(int(d) for d in digits[:3])) if len(digits) >= 3 else None
    except (ValueError, TypeError):
        return None


def recognise(document: Document, specs: Mapping[str, SourceSpec]) -> tuple[SourceSpec, Text | None]:
    """The spec that fits the content best, and the decoded text. Raises RefusedFile saying what came closest."""
    text = decode(document) if document.kind == "text" else None
    rows = sheet_lines(document)[:HEAD_LINES] if document.kind == "sheet" else []
    lines = text.lines[:HEAD_LINES] if text else ["\t".join(row) for row in rows]
    heads: dict[str, list[set[str]]] = {}
    best: tuple[int, SourceSpec] | None = None
    close: tuple[float, SourceSpec, list[str]] | None = None
    for spec in specs.values():
        if (spec.reader == "xlsx") != (document.kind == "sheet"):
            continue
        if spec.recognise.preamble and not re.search(spec.recognise.preamble, "\n".join(lines), re.MULTILINE):
            continue
        wanted = {normalised(name): name for name in spec.recognise.header}
        delimiter = spec.delimiter if text else "\t"
        if delimiter not in heads:
            heads[delimiter] = [{normalised(cell) for cell in line.split(delimiter)} for line in lines]
        hits = max((len(wanted.keys() & cells) for cells in heads[delimiter]), default=0)
        if hits < len(wanted):
            if hits and (close is None or hits / len(wanted) > close[0]):
                here = set[str]().union(*heads[delimiter])
                close = (hits / len(wanted), spec, [name for key, name in wanted.items() if key not in here])
            continue
        score = len(wanted) + 100 * bool(spec.recognise.preamble)
        if best is None or score > best[0]:
            best = (score, spec)
    if best:
        return best[1], text
    hint = f"; closest is {close[1].name}, without the columns {', '.join(close[2])}" if close else ""
    raise RefusedFile(f"no source specification fits the content{hint}",
                      advice="Add a YAML file to assets/sources, or check that this is the file you meant.")


def extract(path: Path, specs: Mapping[str, SourceSpec], setting: Setting, *, file: str) -> Extraction:
    """Read one raw file. `file` is the name that its rows carry. Raises RefusedFile where nothing can be read."""
    found = []
    problem: RefusedFile | None = None
    for document in documents(path):
        try:
            found.append((document, *recognise(document, specs)))
        except RefusedFile as error:
            problem = error
    main = [entry for entry in found if entry[1].tables] or found
    if not main:
        raise problem or RefusedFile("there is nothing in it", advice="Download it again.")
    if len(main) > 1:
        names = ", ".join(f"{d.name} ({s.name})" for d, s, _ in main)
        raise RefusedFile(f"holds several bills: {names}", advice="Unpack it into the inbox.")
    if problem is not None:
        raise RefusedFile(f"a member of it is not readable: {problem}", advice=problem.advice)
    document, spec, text = main[0]
    return _extract(document, text, spec, setting, file)


def _extract(document: Document, text: Text | None, spec: SourceSpec, setting: Setting, file: str) -> Extraction:
    if spec.reader == "xlsx":
        grid, encoding = sheet_grid(document, spec), "xlsx"
    else:
        assert text is not None  # noqa: S101 - only workbooks have no text
        grid = mt940_grid(text, spec) if spec.reader == "mt940" else text_grid(text, spec)
        encoding = text.encoding
    captures = {}
    for name, pattern in spec.captures.items():
        match = re.search(pattern, grid.around, re.MULTILINE)
        captures[name] = match.group(1) if match else ""
    with connect() as con:
        raw = pa.table(
            [pa.array(grid.lines, pa.int64()), *grid.columns],
            names=["line", *(f"c{n}" for n in range(len(grid.columns)))],
        )
        con.register("raw", raw)
        problems = _type_fields(con, grid, spec, captures, setting)
        return _finish(con, grid, spec, setting, encoding, captures, problems, file)


def _positions(grid: Grid, spec: SourceSpec) -> dict[str, int | None]:
    index: dict[str, int] = {}
    for position, name in enumerate(grid.names):
        index.setdefault(normalised(name), position)
    found: dict[str, int | None] = {}
    for name, column in spec.fields.items():
        hits = [index[n] for n in (normalised(c) for c in (column.column, *column.also)) if n in index]
        if not hits and not column.optional_column:
            raise RefusedFile(
                f"{spec.name}: the column {column.column!r} is missing", advice="Export the file with all its columns."
            )
        found[name] = hits[0] if hits else None
    return found


_BLANKS = "' ' || chr(9) || chr(13) || chr(10) || chr(12288)"


def _text_sql(column: Column, position: int | None, spec: SourceSpec, captures: Mapping[str, str]) -> str:
    """SQL: a cell without the marks that platforms and spreadsheets put around ids, made ready for typing."""
    text = "''"
    if position is not None:
        bare = f"regexp_replace(trim(c{position}, {_BLANKS}), '^=\"(.*)\"$', '\\1')"
        text = f"trim(ltrim({bare}, '`' || chr(39)), {_BLANKS})"
    for null in spec.nulls:
        text = f"coalesce(nullif({text}, {quoted(null)}), '')"
    if column.extract:
        text = f"regexp_extract({text}, {quoted(column.extract)}, 1)"
    if column.template:
        before, _, after = column.template.partition("{value}")
        filled = [re.sub(r"\{(\w+)\}", lambda m: captures.get(m.group(1), ""), part) for part in (before, after)]
        text = f"coalesce({quoted(filled[0])} || nullif({text}, '') || {quoted(filled[1])}, '')"
    if column.default is not None:
        text = f"coalesce(nullif({text}, ''), {quoted(column.default)})"
    if column.type in ("money", "number"):
        # currency signs, and thousands separators where they stand as such
        text = f"regexp_replace({text}, '[¥￥$元 ]', '', 'g')"
        text = rf"case when regexp_full_match({text}, '[+-]?\d{{1,3}}(,\d{{3}})+(\.\d+)?') then replace({text}, ',', '') else {text} end"
    return text


def _value_sql(name: str, column: Column) -> tuple[str, str]:
    """(value, problem) of a field in SQL over its text `name`: the typed value, and why it has none."""
    text = f'"{name}"'
    missing = "'is empty; expected a value'" if column.required else "null"
    if column.type in ("money", "number"):
        good = rf"regexp_full_match({text}, '[+-]?\d{{1,14}}(\.\d{{0,4}}0*)?')"
        value = f"case when {good} then try_cast({text} as decimal(18, 4)) end"
        wrong = "is no amount; expected digits with at most four decimals, such as 1234.50"
    elif column.type == "time":
        formats = column.formats or TIME_FORMATS
        value = f"try_strptime({text}, [{', '.join(quoted(f) for f in formats)}])"
        good = f"{value} is not null"
        wrong = f"is no time; expected such as {formats[0]}"
    elif column.type == "id":
        good = rf"not regexp_full_match({text}, '\d(\.\d+)?[eE]\+?\d+')"
        value = f"case when {good} then {text} end"
        wrong = "is a number in scientific notation, its digits are lost; export again without a spreadsheet"
    elif column.values is not None:
        pairs = ", ".join(f"{quoted(k)}: {quoted(v)}" for k, v in column.values.items())
        fallback = "null" if column.otherwise is None else quoted(column.otherwise)
        value = f"coalesce((map {{{pairs}}})[{text}], {fallback})"
        good = f"{value} is not null"
        wrong = f"is not known; expected one of {', '.join(k for k in column.values if k)}"
        missing = "null" if column.otherwise is not None or "" in column.values else "'is empty; expected a value'"
    else:
        return text, f"case when {text} = '' then {missing} end" if column.required else "null"
    return value, f"case when {text} = '' then {missing} when not ({good}) then {quoted(wrong)} end"


def _type_fields(
    con: duckdb.DuckDBPyConnection, grid: Grid, spec: SourceSpec, captures: Mapping[str, str], setting: Setting
) -> pa.Table:
    """Create the table `typed` (line and fields of the good rows); the cells that are wrong come back as quarantine."""
    positions = _positions(grid, spec)
    texts = [f'{_text_sql(c, positions[name], spec, captures)} as "{name}"' for name, c in spec.fields.items()]
    con.execute(f"create table texts as select {', '.join(['line', *texts])} from raw")
    selected, checks = ["line"], []
    for name, column in spec.fields.items():
        value, problem = _value_sql(name, column)
        selected.append(f'{value} as "{name}"')
        if problem != "null":
            shown = quoted(HIDDEN) if column.personal else f'"{name}"'
            money = str(column.type in ("money", "number")).lower()
            checks.append(
                f"select line, {quoted(column.column)} as column_name, {shown} as value, {problem} as reason, "
                f"{money} as is_money from texts"
            )
    con.execute(f"create table fields as select {', '.join(selected)} from texts")
    con.execute("create table wrong (line bigint, column_name varchar, value varchar, reason varchar, is_money boolean)")
    if checks:
        con.execute(f"insert into wrong select * from ({' union all '.join(checks)}) where reason is not null")
    con.execute("create table typed as select * from fields where line not in (select line from wrong)")
    _localise(con, spec, setting)
    _hide(con, spec, setting)
    return con.sql("select * from wrong order by line, column_name").to_arrow_table().cast(QUARANTINE)


def _localise(con: duckdb.DuckDBPyConnection, spec: SourceSpec, setting: Setting) -> None:
    """Times to naive UTC, and beside every time field `x` its business day `x_day` in the books' zone and cut-off."""
    times = [name for name, column in spec.fields.items() if column.type == "time"]
    if not times:
        return
    zone = spec.zone or setting.zone
    ZoneInfo(zone)
    frame = pl.from_arrow(con.sql("select * from typed").to_arrow_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table never gives a series
    shift = pl.duration(minutes=setting.cut_off_minutes)
    for name in times:
        aware = pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        local = aware.dt.convert_time_zone(setting.zone).dt.replace_time_zone(None, ambiguous="earliest")
        frame = frame.with_columns(
            (local - shift).dt.date().alias(f"{name}_day"),
            aware.dt.convert_time_zone("UTC").dt.replace_time_zone(None).alias(name),
        )
    con.register("localised", frame.to_arrow())
    con.execute("create or replace table typed as select * from localised")
    con.unregister("localised")


def _hide(con: duckdb.DuckDBPyConnection, spec: SourceSpec, setting: Setting) -> None:
    """Replace personal values by keyed pseudonyms; every distinct value is hashed once."""
    for name, column in spec.fields.items():
        if not column.personal:
            continue
        values = [row[0] for row in con.execute(f'select distinct "{name}" from typed where "{name}" is not null').fetchall()]
        con.register("hidden", pa.table({
            "clear": pa.array(values, pa.string()),
            "pseudonym": pa.array([pseudonym(setting.key, str(v)) for v in values], pa.string()),
        }))
        con.execute(
            f'create or replace table typed as select t.* replace (h.pseudonym as "{name}") '
            f'from typed as t left join hidden as h on t."{name}" = h.clear'
        )
        con.unregister("hidden")


def _finish(
    con: duckdb.DuckDBPyConnection, grid: Grid, spec: SourceSpec, setting: Setting, encoding: str,
    captures: dict[str, str], wrong: pa.Table, file: str,
) -> Extraction:
    tables: dict[str, pa.Table] = {}
    try:
        for table in spec.tables:
            rows = con.sql(_table_sql(table.table, table.where, table.columns, spec, setting, file)).to_arrow_table()
            rows = rows.cast(schema.TABLES[table.table])
            tables[table.table] = pa.concat_tables([tables[table.table], rows]) if table.table in tables else rows
        feeds = " or ".join(f"coalesce({t.where}, false)" for t in spec.tables) or "false"
        parsed = _count(con, f"select count(*) from typed where {feeds}")
        totals = [_total(con, grid, spec, index) for index in range(len(spec.totals))]
    except duckdb.Error as error:
        raise SpecError(f"specification {spec.name}: {error}") from error
    totals += [ControlTotal(name, stated, computed, Decimal(stated) == Decimal(computed)) for name, stated, computed in grid.stated]
    read = len(grid.lines) + len(grid.broken)
    quarantined = _count(con, "select count(distinct line) from wrong") + len(grid.broken)
    ignored = _count(con, "select count(*) from typed") - parsed
    if read != parsed + quarantined + ignored:
        raise ConservationError(f"{file}: {read} rows read, {parsed} + {quarantined} + {ignored} accounted for")
    broken = pa.table(
        {
            "line": [b.line for b in grid.broken],
            "column_name": ["" for _ in grid.broken],
            "value": [HIDDEN for _ in grid.broken],
            "reason": [b.reason for b in grid.broken],
            "is_money": [True for _ in grid.broken],
        },
        schema=QUARANTINE,
    )
    return Extraction(
        spec, encoding, read, parsed, quarantined, ignored, tables, pa.concat_tables([wrong, broken]), totals, captures
    )


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _table_sql(
    name: str, where: str, columns: Mapping[str, str], spec: SourceSpec, setting: Setting, file: str
) -> str:
    """The select that turns typed fields into a canonical table; what a spec does not give is null, '' or the setting's."""
    shop = columns.get("shop") or quoted(setting.shop)
    entities = ", ".join(f"{quoted(k)}: {quoted(v)}" for k, v in setting.entities.items())
    known = f"(map {{{entities}}})[{shop}]" if entities else "null"
    given = {
        "entity": f"coalesce({known}, {quoted(setting.entity)})", "shop": shop, "source": quoted(spec.name),
        "file": quoted(file), "line": "line", "period": "occurred_at_day", "occurred_at": "occurred_at",
        "currency": quoted(setting.currency), **columns,
    }
    listed = []
    for column in schema.TABLES[name]:
        empty = "''" if pa.types.is_string(column.type) else "null"
        kind = "varchar" if pa.types.is_string(column.type) else None
        if pa.types.is_decimal(column.type):
            kind = f"decimal({column.type.precision}, {column.type.scale})"
        expression = given.get(column.name, empty)
        if kind:
            expression = f"cast({expression} as {kind})"
        if kind == "varchar":
            expression = f"coalesce({expression}, '')"
        listed.append(f'{expression} as "{column.name}"')
    return f"select {', '.join(listed)} from typed where {where} order by line"


def _total(con: duckdb.DuckDBPyConnection, grid: Grid, spec: SourceSpec, index: int) -> ControlTotal:
    total = spec.totals[index]
    stated: str | None = None
    if total.footer:
        match = re.search(total.footer, grid.around, re.MULTILINE)
        stated = match.group(1) if match else None
    elif total.summary:
        stated = grid.summary.get(normalised(total.summary))
    row = con.execute(f"select coalesce({total.computed}, 0) from typed").fetchone()
    computed = Decimal(str(row[0])) if row else Decimal(0)
    try:
        ok = stated is not None and Decimal(stated.replace(",", "")) == computed
    except InvalidOperation:
        ok = False
    return ControlTotal(total.name, stated, f"{computed.normalize():f}", ok or (stated is None and total.optional))
