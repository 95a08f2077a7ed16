"""What reading a file leaves: its typed rows in Parquet, shaped as the file is. SQL makes the canonical rows of them.

A line of a bill may give six canonical rows, so they are not written when the file is read but made when they are wanted:
for a day's tables, over all files of a source at once, or for a preview.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from duizhang.books import Books
from duizhang.declared import schema
from duizhang.errors import SpecError
from duizhang.home.store import Store, connect, quoted, scratch
from duizhang.ingest.corrected import CellCorrection
from duizhang.ingest.specification import FIELD_TYPES, SourceSpec, Table
from duizhang.ingest.typing import reaches

# free texts that no model reads: names and numbers of people stand in them, so the books do not keep them
UNREAD_TEXTS = {
    "orders": ("product",), "skus": ("product",), "settlements": ("remark",), "freight_charges": ("product",),
    "journal_lines": ("summary", "account_name"),
}
ROWS, TOTALS = "rows.parquet", "totals.parquet"
KEPT = 256  # specifications of which what is compiled is kept
_REPEATED = 2  # parts that may each compute the same currency themselves
MANY = 200_000  # rows from which on all processors are worth starting
# tables of rows that somebody else states; our own ledger and orders are in the currency of the books
_OF_OTHERS = ("settlements", "payments", "refunds", "payouts", "bank_entries", "freight_charges", "orders")
_WORD = re.compile(r"\w+")
_TYPED = "(select '' as file, * from typed)"
# what no value makes fail; of other functions nothing is assumed
_TOTAL = {"coalesce", "nullif", "concat", "concat_ws", "upper", "lower", "trim", "abs", "greatest", "least", "minor", "month", "round",
          "regexp_full_match", "regexp_matches", "split_part", "strftime", "try_cast", "in", "and", "or", "not", "when", "then",
          "else", "case", "left", "right", "length", "replace", "contains", "starts_with", "ends_with"}
_CALLS = re.compile(r"(\w+)\s*\(")
_CASTS = re.compile(r"::|\bcast\s*\(|/")
_ELSE = re.compile(r"\belse\s+(?:'[^']*'|\w+)\s+end$")
_SCALING = re.compile(r"(?<![\w.])\d{1,4}(?:\.\d+)?\s*\*|\*\s*\d{1,4}(?:\.\d+)?(?![\w.])")


@dataclass(frozen=True)
class Setting:
    """What the rows of a file depend on besides the file: time zone, cut-off, shop, entities, pseudonym key.

    masked: quarantined values are kept in their shape alone, and of free texts only what matching reads: so in the books.
    currency: of rows that name none, where nothing else tells it, and whether somebody's books are in it (`is_of_books`);
    shop_currency, of_accounts, of_sources, of_shops: what the books say of that beside, of the shop, by bank account, by source, and by
    the shop that a row names itself.
    warehouses: those that are of several shops as the books say: an order tells whose a parcel of theirs is.
    corrections: of its cells, by people.
    """

    zone: str = "Asia/Shanghai"
    cut_off_minutes: int = 0
    currency: str = "CNY"
    shop: str = ""
    entity: str = ""
    entities: Mapping[str, str] = field(default_factory=dict)
    shops: Mapping[str, str] = field(default_factory=dict)  # by the name that books.yaml gives them
    key: bytes = b"inspect"
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by source: day or month first, decimal mark, fees, amounts
    is_of_books: bool = False
    shop_currency: str = ""
    of_accounts: Mapping[str, str] = field(default_factory=dict)
    of_sources: Mapping[str, str] = field(default_factory=dict)
    of_shops: Mapping[str, str] = field(default_factory=dict)
    warehouses: tuple[str, ...] = ()
    masked: bool = False
    corrections: tuple[CellCorrection, ...] = ()

    @classmethod
    def of(cls, books: Books, shop: str, *, key: bytes = b"") -> Setting:
        """The setting of a file of `shop` in these books. key: of pseudonyms, where theirs is not needed."""
        return cls(
            books.time_zone, books.cut_off_minutes, books.currency_of(shop), shop, books.entity,
            {name: books.entity_of(name) for name in books.shops}, books.shops_by_name(), key or books.key(), books.said_of_sources(),
            masked=True, warehouses=tuple(sorted({a.warehouse for a in books.shared_accounts.values() if a.warehouse})),
            **cls.currencies(books, shop),
        )

    @staticmethod
    def currencies(books: Books, shop: str = "") -> dict[str, Any]:
        """What the books say of the currency of rows that name none, as fields of a setting."""
        declared = books.shops.get(shop)
        return {"is_of_books": True, "shop_currency": (declared.currency if declared else None) or "",
                "of_accounts": books.bank_account_currencies, "of_sources": books.currencies_of_sources(),
                "of_shops": {name: one.currency for name, one in books.shops.items() if one.currency}}

    def said_currency(self, spec: SourceSpec) -> str:
        """The currency of rows of a source that name none, '' where neither its specification nor the books say it."""
        return self.of_sources.get(spec.name, "") or spec.currency or self.shop_currency


@lru_cache(KEPT)
def typed_schema(spec: SourceSpec) -> pa.Schema:
    """The columns of typed rows: `line`, every field, and the business day `x_day` of every time `x`."""
    columns = [("line", pa.int64())]
    for name, column in spec.fields.items():
        columns.append((name, FIELD_TYPES[column.type]))
        if column.type == "time":
            columns.append((f"{name}_day", schema.DAY))
    return pa.schema(columns)


@lru_cache(KEPT)
def landed_schema(spec: SourceSpec, *, masked: bool = False) -> pa.Schema:
    """The columns of landed rows: `file`, `line` and those that a table reads. masked: without texts that nothing reads."""
    setting = Setting(entities={"": ""}, masked=masked)
    said = " ".join(" ".join([t.where, *expressions_of(t, spec, setting).values()]) for t in spec.tables)
    words = {word.casefold() for word in _WORD.findall(said)}
    kept = [f for f in typed_schema(spec) if f.name == "line" or f.name.casefold() in words]
    return pa.schema([("file", pa.string()), *((f.name, f.type) for f in kept)])


def period_of(table: Table) -> str:
    """The expression of a row's business day."""
    return table.columns.get("period", "occurred_at_day").strip()


def scan_of(part: Table, folders: Sequence[Path]) -> str:
    """The landed rows that a part of a specification's tables reads, as a relation of SQL."""
    paths = ", ".join(quoted(folder / (ROWS if part.of == "rows" else TOTALS)) for folder in folders)
    return f"read_parquet([{paths}])"


def canonical_sql(spec: SourceSpec, setting: Setting, table: str, folders: Sequence[Path], *, again: str = "") -> str:
    """A query for the rows that landed files of one source and setting give to a canonical table, in their order.

    again: a table of rows (part, file, line) that count elsewhere, see `duizhang.ingest.files.overlaps`.
    """
    parts = [(number, part) for number, part in enumerate(spec.tables) if part.table == table]
    currency = _repeated_currency([part for _, part in parts], spec, setting)
    selects = []
    for number, part in parts:
        scan = "stated" if currency and part.of == "rows" else scan_of(part, folders)
        if again:
            scan = f"(from {scan} as r anti join (from {again} where part = {number}) as a on r.file = a.file and r.line = a.line)"
        selects.append(part_sql(part, spec, setting, scan, {currency: "stated_currency"} if currency and part.of == "rows" else {}))
    rows = " union all ".join(selects)
    if not currency:
        return rows
    scan = scan_of(next(part for _, part in parts if part.of == "rows"), folders)
    return f"from (with stated as (select *, {currency} as stated_currency from {scan}) {rows})"


def _repeated_currency(parts: Sequence[Table], spec: SourceSpec, setting: Setting) -> str:
    """The expression of the currency that most of several parts of rows repeat, to be computed once for a row; '' where none does."""
    found = Counter(expressions_of(part, spec, setting)["currency"] for part in parts
                    if part.of == "rows" and "currency" in schema.TABLES[part.table].names)
    [(expression, times)] = found.most_common(1) or [("", 0)]
    return expression if times > _REPEATED and "(" in expression else ""


def ranks(files: Sequence[str]) -> pa.Table:
    """Files from the oldest to the newest, each with its `rank`."""
    return pa.table({"file": pa.array(files, pa.string()), "rank": pa.array(range(len(files)), pa.int64())})


class LandedFiles:
    """Landed files of several sources and shops, and the canonical rows in them."""

    def __init__(
        self, specs: Mapping[str, SourceSpec], settings: Mapping[str, Setting], files: Iterable[tuple[str, str, Path]],
        *, store: Store | None = None,
    ) -> None:
        """files: (source, shop, folder). settings: by shop. store: of the run, whose memory work on many rows keeps to."""
        self.specs, self.settings, self.store = specs, settings, store
        self.folders: dict[str, dict[str, list[Path]]] = {}
        for source, shop, folder in files:
            self.folders.setdefault(source, {}).setdefault(shop, []).append(folder)

    @contextmanager
    def database(self, rows: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database for so many of their rows; for many within the memory of the run, where there is one, and with its spill."""
        if self.store is None or rows <= MANY:
            with database_for(rows) as con:
                yield con
            return
        with closing(self.store.connect()) as con:
            yield con
        self.store.clear_spill()

    def sources(self, table: str) -> list[str]:
        """The sources that feed a canonical table."""
        return [source for source in sorted(self.folders) if any(t.table == table for t in self.specs[source].tables)]

    def ask(self, con: duckdb.DuckDBPyConnection, table: str, source: str, select: str, *, again: str = "") -> pa.Table:
        """The answer to `select` over `canonical`, the rows that the files of a source give to a table, without those of `again`.

        Raises SpecError where the source's specification is no SQL over its fields.
        """
        with _told_of(source, table):
            return con.sql(self._with_canonical(table, source, again) + select).to_arrow_table()

    def put(self, con: duckdb.DuckDBPyConnection, table: str, source: str, select: str, *, again: str = "") -> None:
        """Put the answer to `select`, as `ask` gives it, into the database's table of that name."""
        with _told_of(source, table):
            con.execute(f'insert into "{table}" by name {self._with_canonical(table, source, again)}{select}')

    def _with_canonical(self, table: str, source: str, again: str) -> str:
        parts = [
            canonical_sql(self.specs[source], self.settings[shop], table, folders, again=again)
            for shop, folders in sorted(self.folders[source].items())
        ]
        return f"with canonical as ({' union all '.join(parts)}) "


@contextmanager
def database_for(rows: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for so many landed rows: all processors for many; to start them takes longer than to read small files."""
    with closing(connect()) if rows > MANY else scratch() as con:
        yield con


@contextmanager
def _told_of(source: str, table: str) -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise SpecError(f"specification {source}, table {table}: {error}") from error


class Hazard:
    """Tells where an expression of a specification might fail on a value, so that it is tried while the file is read.

    Rows are turned into canonical ones later, for many files at once; a value that cannot be must cost its own file only.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.tables = tables = [table for table in spec.tables if table.of == "rows"]
        said = ";".join(";".join([t.where, *t.columns.values()]) for t in tables).casefold()
        plain = re.sub(r"'(?:[^']|'')*'|::\s*varchar", "''", said)
        self.always = bool(_CASTS.search(plain)) or not set(_CALLS.findall(plain)) <= _TOTAL
        # in ten thousandths: a product of two amounts below it has room in a column of money; every sum has, and whatever is
        # scaled by four digits
        self.bound = 10**16 if "*" in _SCALING.sub("", plain) else None
        # an expression that lists the kinds it knows, and says nothing of the others
        self.kinds = {
            (table.where.strip(), kind): [name for name, column in spec.fields.items()
                                          if column.type in ("text", "id") and re.search(rf"\b{name}\b", kind)]
            for table in tables if "case" in (kind := table.columns.get("kind", "").strip()) and not _ELSE.search(kind)
        }
        self.amounts = [f.name for f in landed_schema(spec) if pa.types.is_decimal(f.type)]

    def trials(self, setting: Setting) -> list[str]:
        """Statements that fail where a row of `typed` cannot be turned into canonical ones."""
        return [f"select bit_xor(hash(columns(*))) from ({part_sql(t, self.spec, setting, _TYPED)})" for t in self.tables]

    def is_near(self, typed: pa.Table) -> bool:
        """Whether the expressions are to be tried on these typed rows."""
        if self.always or self.bound is None:
            return self.always
        return any(reaches(chunk, self.bound) for name in self.amounts for chunk in typed[name].chunks)


def expressions_of(table: Table, spec: SourceSpec, setting: Setting) -> dict[str, str]:
    """Column -> SQL over landed rows. What a specification does not give is null, '' or the setting's."""
    shop = _shop(table, setting)
    entity = quoted(setting.entities.get(setting.shop, setting.entity))
    if "shop" in table.columns and setting.entities:
        entity = f"coalesce({_mapped(setting.entities, shop)}, {quoted(setting.entity)})"
    given = {
        "entity": entity, "source": quoted(spec.name), "file": "file", "line": "line",
        "occurred_at": "occurred_at", **table.columns, "shop": shop, "period": period_of(table),
    }
    given["currency"] = f"coalesce({', '.join([*_currencies(table, spec, setting), quoted(setting.currency)])})"
    if setting.masked:
        given |= dict.fromkeys(UNREAD_TEXTS.get(table.table, ()), "''")
    return {
        c.name: given.get(c.name, "''" if pa.types.is_string(c.type) else "null").strip() for c in schema.TABLES[table.table]
    }


def _shop(table: Table, setting: Setting) -> str:
    shop = table.columns.get("shop") or quoted(setting.shop)
    # systems of a company call a shop by its name
    return f"coalesce({_mapped(setting.shops, shop)}, {shop})" if "shop" in table.columns and setting.shops else shop


def _mapped(values: Mapping[str, str], expression: str) -> str:
    """SQL: what a value is mapped to, else null."""
    return f"(map {{{', '.join(f'{quoted(k)}: {quoted(v)}' for k, v in values.items())}}})[{expression}]"


def _currencies(table: Table, spec: SourceSpec, setting: Setting) -> Iterator[str]:
    """What tells the currency of a row, in the order in which it counts; each is null where it says nothing."""
    if "currency" in table.columns:
        yield f"nullif({table.columns['currency']}, '')"
    if setting.of_accounts and "bank_account" in table.columns:
        yield _mapped(setting.of_accounts, table.columns["bank_account"])
    if setting.of_shops and "shop" in table.columns and not setting.of_sources.get(spec.name):
        yield _mapped(setting.of_shops, _shop(table, setting))
    if said := setting.said_currency(spec):
        yield quoted(said)


def unnamed_currency(spec: SourceSpec, setting: Setting) -> str:
    """A condition over landed rows: amounts whose currency is taken to be that of the books, as nothing tells it."""
    tables = [t for t in spec.tables if t.of == "rows" and t.table in _OF_OTHERS and t.columns.get("origin", "") != "'books'"]
    if setting.said_currency(spec):
        return ""
    amounts: dict[str, list[str]] = {}
    for t in tables:
        if not re.fullmatch(r"'[A-Z]{3}'", t.columns.get("currency", "")):
            said = ", ".join([*_currencies(t, spec, setting), "null"])
            amounts.setdefault(said, []).append(f"(({t.where}) and coalesce({t.columns.get('amount', '1')}, 0) <> 0)")
    return " or ".join(f"(coalesce({said}) is null and ({' or '.join(some)}))" for said, some in amounts.items())


def named_currency(spec: SourceSpec) -> set[str]:
    """What states the currency of a row itself, as expressions over landed rows."""
    return {t.columns["currency"] for t in spec.tables if t.of == "rows" and t.table in _OF_OTHERS and "currency" in t.columns}


def part_sql(table: Table, spec: SourceSpec, setting: Setting, scan: str, known: Mapping[str, str] | None = None) -> str:
    """A query for the canonical rows that one part of a specification's tables makes of landed rows.

    known: by expression, the column of `scan` that has its value.
    """
    found, known = expressions_of(table, spec, setting), known or {}
    expressions = {name: known.get(expression, expression) for name, expression in found.items()}
    listed = ", ".join(f'{_cast(expressions[c.name], c.type)} as "{c.name}"' for c in schema.TABLES[table.table])
    where = "" if table.where.strip() == "true" else f" where {table.where}"
    return f"select {listed} from {scan}{where}"


def _cast(expression: str, kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"cast({expression} as decimal({kind.precision}, {kind.scale}))"
    if pa.types.is_string(kind):
        return f"coalesce(cast({expression} as varchar), '')"
    if pa.types.is_timestamp(kind):
        return f"cast({expression} as timestamp)"
    return f"cast({expression} as {'date' if pa.types.is_date(kind) else 'bigint'})"
