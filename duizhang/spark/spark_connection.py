"""What models run on in Spark: a connection that understands DuckDB's statements.

A DuckDB in memory stands behind it that has every relation without its rows. It says which columns and types a statement gives, keeps
macros and session variables, and refuses what is no SQL; Spark computes the rows, and gives them in exactly these types.
"""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp, parse_one

from duizhang.errors import UserError, ValueFault
from duizhang.home.store import quoted
from duizhang.spark.distances import damerau_levenshtein
from duizhang.spark.macros import Macro, created, literal
from duizhang.spark.spark_faults import told
from duizhang.spark.spark_rows import HUGE, Result, called, result_of
from duizhang.spark.transpiling import Translation, transpile
from duizhang.spark.types import spark_type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MAKES = re.compile(r'\s*create\s+(?:or\s+replace\s+)?(?:temp\s+)?(table|view)\s+"?(\w+)"?\s+as\s+(.*)\Z', re.DOTALL | re.IGNORECASE)
_READS_FILES = re.compile(r"\s*select \* from read_parquet\(\[(.*)\], hive_partitioning = false\)\s*\Z", re.DOTALL)
_FILE = re.compile(r"'((?:[^']|'')*)'")
_UPDATES = re.compile(r"\s*update\s", re.IGNORECASE)
_EMPTIES = re.compile(r'\s*delete\s+from\s+"?(\w+)"?\s*\Z', re.IGNORECASE)
_RENAMES = re.compile(r'\s*alter\s+view\s+"?(\w+)"?\s+rename\s+to\s+"?(\w+)"?\s*\Z', re.IGNORECASE)
_VARIABLE = re.compile(r"getvariable\('(\w+)'\)")
_DECLARES = re.compile(r'\s*create\s+(?:or\s+replace\s+)?table\s+"?(\w+)"?\s*\((?!\s*select)', re.IGNORECASE)
_INSERTS = re.compile(r'\s*insert\s+into\s+"?(\w+)"?\s+(by\s+name\s+)?(select\s.*)\Z', re.DOTALL | re.IGNORECASE)
_VALUES = re.compile(r'\s*insert\s+into\s+"?(\w+)"?\s+values', re.IGNORECASE)
_DROPS = re.compile(r'\s*drop\s+(?:table|view)\s+(?:if\s+exists\s+)?"?(\w+)"?', re.IGNORECASE)
_COMMENTS = re.compile(r"--[^\n]*\n")
# what DuckDB keeps for itself: settings, variables, macros, the columns of a relation
_OWN = ("set ", "create macro", "describe ")
# Files of so many rows are handed to Spark as rows; of larger ones it is given the names.
_FEW = 10_000


@dataclass
class _Relation:
    """A relation as Spark has it, or before anybody asked for it what it is made of: rows, or files. text: of a view the query that it
    is, which sees what its relations have when it is read."""

    frame: Any = None
    rows: pa.Table | None = None
    files: tuple[str, ...] = ()
    text: str = ""
    version: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it is known to have no rows."""
        return self.rows is not None and not self.rows.num_rows


class SparkConnection:
    """The part of DuckDB's connection that models need, computed by Spark: queries, tables, views, rows that are added."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.shape = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
        self.shape.execute("set timezone = 'UTC'; set enable_progress_bar = false")
        self.macros: dict[str, Macro] = {}
        self._translations: dict[tuple[Any, ...], Translation] = {}
        self.relations: dict[str, _Relation] = {}
        self._names = f"duizhang_{uuid.uuid4().hex[:8]}"
        self._steps = 0
        self._put_there: set[str] = set()  # the names of relations in Spark
        # no two states of any relations share one, also where one is dropped and made again
        self._versions = count(1)
        spark.udf.register("damerau_levenshtein", damerau_levenshtein(), "bigint")

    # what is asked --------------------------------------------------------------------------------------------------------------

    def execute(self, text: str, values: Any = None) -> Result:
        """Run a statement. values: what stands for its `?`."""
        plain = _COMMENTS.sub("", f"{text}\n").strip().rstrip(";")
        if values is None and ";" in plain and plain.lower().startswith("drop"):
            for one in plain.split(";"):
                self.execute(one)
            return Result()
        if plain.lower().startswith(_OWN):
            if plain.lower().startswith("create macro"):
                self.macros |= created(text)
            found = self.shape.execute(text, values)
            return Result(found.fetchall() if plain.lower().startswith("describe") else ())
        return self._changing(plain, values) or self._asking(plain, values)

    def sql(self, text: str, params: Any = None) -> Result:
        """The rows of a query as an Arrow table."""
        return self._asking(text, params)

    def register(self, name: str, table: pa.Table) -> None:
        """Put a table of Arrow in place as a relation."""
        self.shape.register(f"_{name}_given", table.slice(0, 0))
        self.shape.execute(f'create or replace view "{name}" as select * from "_{name}_given"')
        self._set(name, _Relation(rows=table))

    def close(self) -> None:
        with suppress(UserError, ValueFault), told():  # of a Spark that is gone there is nothing to clear away
            for name in sorted(self._put_there):
                self.spark.catalog.dropTempView(name)
        self.shape.close()

    # statements that change what there is -------------------------------------------------------------------------------------

    def _changing(self, text: str, values: Any) -> Result | None:
        if made := _MAKES.match(text):
            self._make(made[1].lower(), made[2], made[3])
        elif declared := _DECLARES.match(text):
            self.shape.execute(text)
            self._set(declared[1], self._nothing(declared[1]))
        elif given := _VALUES.match(text):
            self._add_values(text, given[1], values)
        elif inserted := _INSERTS.match(text):
            self._add(text, inserted[1], inserted[3], by_name=bool(inserted[2]), values=values)
        elif _UPDATES.match(text):
            self._update(text)
        elif emptied := _EMPTIES.match(text):
            self._set(emptied[1], self._nothing(emptied[1]))
        elif renamed := _RENAMES.match(text):
            self.shape.execute(text)
            self.relations[renamed[2]] = replace(self.relations.pop(renamed[1]), frame=None, seen={})
        elif dropped := _DROPS.match(text):
            self.shape.execute(text)
            self.relations.pop(dropped[1], None)
        else:
            return None
        return Result()

    def _make(self, kind: str, name: str, query: str) -> None:
        if files := _READS_FILES.match(query):
            self._read(name, query, [path.replace("''", "'") for path in _FILE.findall(files[1])])
            return
        if not self._reads(query):  # of constants: a calendar
            self.shape.execute(f'create or replace {kind} "{name}" as {query}')
            rows = self._by_duckdb(f'select * from "{name}"')
            if kind == "table":
                self.shape.execute(f'delete from "{name}"')
            self._set(name, _Relation(rows=rows))
            return
        # what is made anew may be made of what it was
        translated, nothing = self._translated(query), self._of_nothing(query)
        self.shape.execute(f'create or replace {kind} "{name}" as {query}')
        if kind == "view":
            self.relations[name] = _Relation(text=query, version=next(self._versions))
        elif nothing is not None:
            self.shape.execute(f'delete from "{name}"')
            self._set(name, _Relation(rows=nothing))
        else:
            self._set(name, self._made(translated, name))

    def _read(self, name: str, query: str, paths: list[str]) -> None:
        """A relation of Parquet files, which Spark reads itself where their rows are more than a few."""
        self.shape.register(f"_{name}_given", self.shape.sql(f"{query} limit 0").to_arrow_table())
        self.shape.execute(f'create or replace view "{name}" as select * from "_{name}_given"')
        number = sum(pq.read_metadata(path).num_rows for path in paths)
        self._set(name, _Relation(rows=self.shape.sql(query).to_arrow_table()) if number <= _FEW else _Relation(files=tuple(paths)))

    def _update(self, text: str) -> None:
        """Rows of a table for which another relation has other values: `update t set a = ... from u where ...`, one row of u at most
        for each of t."""
        tree = parse_one(text, dialect="duckdb")
        self.shape.execute(text)  # and there is no row to change
        name, [other] = tree.this.name, tree.find_all(exp.From)
        columns = self._columns(name)
        changed = {one.this.name: one.expression.sql("duckdb") for one in tree.expressions}
        other_alias = other.this.alias_or_name
        condition = tree.args["where"].this.sql("duckdb")
        first = next(iter(self._columns(other.this.name)))
        listed = ", ".join(
            f'case when "{other_alias}"."{first}" is not null then {changed[c]} else "{name}"."{c}" end as "{c}"' if c in changed
            else f'"{name}"."{c}" as "{c}"' for c in columns
        )
        if self.relations[name].is_empty or self.relations[other.this.name].is_empty:
            return
        query = f'select {listed} from "{name}" left join {other.this.sql("duckdb")} on {condition}'
        self._set(name, self._made(self._translated(query), name))

    def _add_values(self, text: str, name: str, values: Any) -> None:
        self.shape.execute(text, values)
        self._put_behind(name, self._taken(name))

    def _put_behind(self, name: str, added: _Relation) -> None:
        """More rows of a table, in its columns. Rows behind rows stay rows: a union for each of a hundred would cost a plan that deep."""
        there = self.relations[name]
        if added.is_empty:
            return
        if there.is_empty:
            self._set(name, added)
        elif there.rows is not None and added.rows is not None:
            self._set(name, _Relation(rows=pa.concat_tables([there.rows, added.rows.cast(there.rows.schema)])))
        else:
            both = self._frame(name).unionAll(self._of(added, self._columns(name)))
            # a part for each of a hundred additions would be a task each time the table is read
            self._set(name, _Relation(frame=self._kept(both.coalesce(int(self.spark.conf.get("spark.sql.shuffle.partitions"))))))

    def _add(self, text: str, name: str, query: str, *, by_name: bool, values: Any) -> None:
        columns = self._columns(name)
        bound = self._bound(query, values)
        nothing = self._of_nothing(bound)
        self.shape.execute(text, values)
        if nothing is not None:
            self._put_behind(name, self._taken(name))
            return
        given = self._shape_of(bound)
        order = {column: column for column in given} if by_name else dict(zip(columns, given, strict=False))
        translated = self._translated(bound)
        taken = {column: f"`{order[column]}`" if column in order else "null" for column in columns}
        picked = [f"cast({taken[column]} as {spark_type(kind)}) as `{column}`" for column, kind in columns.items()]
        with told():
            added = called(self._run(translated), given).selectExpr(*picked)
        self._put_behind(name, self._known(added, name))

    # queries ------------------------------------------------------------------------------------------------------------------

    def _asking(self, text: str, values: Any) -> Result:
        query = self._bound(text, values)
        columns = self._shape_of(query)
        nothing = self._of_nothing(query)
        if nothing is not None:
            return result_of(nothing, columns)
        frame = self._computed(self._translated(query), columns)
        with told():
            table = frame.toArrow()
        return result_of(table, columns)

    def _bound(self, text: str, values: Any) -> str:
        if not values:
            return text
        tree = parse_one(text, dialect="duckdb")
        for mark, value in zip(sorted(tree.find_all(exp.Placeholder), key=_place), values, strict=True):
            mark.replace(literal(value))
        return tree.sql("duckdb")

    def _translated(self, query: str) -> Translation:
        known = {name: self._columns(name) for name in self._reads(query)}
        # views are read again and again; what they are depends on nothing else
        as_before = (query, tuple(self._variables(query).items()), tuple((name, tuple(known[name].items())) for name in sorted(known)))
        if as_before not in self._translations:
            self._translations[as_before] = transpile(query, known, macros=self.macros, variables=_Variables(self.shape))
        return self._translations[as_before]

    def _variables(self, query: str) -> dict[str, str]:
        """The values of the session's variables that a query asks for."""
        found = _Variables(self.shape)
        return {name: repr(found[name]) for name in sorted(set(_VARIABLE.findall(query)))}

    def _reads(self, query: str) -> set[str]:
        tree = parse_one(query, dialect="duckdb")
        named = {table.name for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)}
        # what is given to a table macro by its name
        named |= {text.name for call in tree.find_all(exp.Anonymous) if call.name in self.macros and self.macros[call.name].is_table
                  for text in call.find_all(exp.Literal)}
        return named & self.relations.keys()

    def _run(self, translated: Translation) -> Any:
        """The rows of a translated query."""
        for name in translated.reads:
            self._frame(name)
        made = {name: f"{self._names}_{name}" for name in translated.reads}
        for step, sql in translated.steps:
            self._steps += 1
            frame = self._kept(self._sql(sql, made))
            made[step] = f"{self._names}_step_{self._steps}"
            self._put(frame, made[step])
        return self._sql(translated.final, made)

    def _computed(self, translated: Translation, columns: dict[str, str]) -> Any:
        cast = [f"cast(`{name}` as {spark_type(kind)}) as `{name}`" for name, kind in columns.items()]
        with told():
            return called(self._run(translated), columns).selectExpr(*cast)

    def _sql(self, text: str, names: dict[str, str]) -> Any:
        """A query over relations by the names under which this session's are known to Spark."""
        tree = f"with {', '.join(f'`{name}` as (select * from `{view}`)' for name, view in names.items())} select * from ({text})"
        with told():
            return self.spark.sql(tree if names else text)

    def _made(self, translated: Translation, name: str) -> _Relation:
        return self._known(self._computed(translated, self._columns(name)), name)

    def _known(self, frame: Any, name: str) -> _Relation:
        """What is computed now; of a relation without rows that is known, since what reads it needs no Spark then."""
        kept = self._kept(frame)
        with told():
            return self._nothing(name) if kept.isEmpty() else _Relation(frame=kept)

    def _of_nothing(self, query: str) -> pa.Table | None:
        """The rows of a query that reads only relations without rows, which are those that the DuckDB behind this gives; None else."""
        reads = self._reads(query)
        if not reads or not all(self.relations[base].is_empty for name in reads for base in self._bases(name)):
            return None
        return self._by_duckdb(query)

    def _bases(self, name: str) -> set[str]:
        """The relations with rows of their own that a relation is made of."""
        relation = self.relations[name]
        return {base for read in self._reads(relation.text) for base in self._bases(read)} if relation.text else {name}

    def _by_duckdb(self, query: str) -> pa.Table:
        columns = self._shape_of(query)
        huge = ", ".join(
            f'"{name}"::{HUGE.sub("decimal(38, 0)", kind)} as "{name}"' for name, kind in columns.items() if HUGE.search(kind)
        )
        return self.shape.sql(f"select * replace ({huge}) from ({query})" if huge else query).to_arrow_table()

    def _taken(self, name: str) -> _Relation:
        """The rows that a statement has put into a table of the DuckDB behind this, where they do not stay."""
        rows = self._by_duckdb(f'select * from "{name}"')
        self.shape.execute(f'delete from "{name}"')
        return _Relation(rows=rows)

    def _frame(self, name: str) -> Any:
        """The rows that a relation has now, under its name in Spark."""
        relation = self.relations[name]
        if relation.text:
            translated = self._translated(relation.text)
            for read in translated.reads:
                self._frame(read)
            versions = {**self._variables(relation.text), **{read: self.relations[read].version for read in translated.reads}}
            if relation.frame is None or versions != relation.seen:
                frame = self._computed(translated, self._columns(name))
                # what is made in steps is worth keeping
                relation.frame = self._kept(frame) if translated.steps else frame
                relation.seen, relation.version = versions, next(self._versions)
                self._put(relation.frame, f"{self._names}_{name}")
        elif relation.frame is None:
            relation.frame = self._of(relation, self._columns(name))
            self._put(relation.frame, f"{self._names}_{name}")
        return relation.frame

    def _set(self, name: str, relation: _Relation) -> None:
        relation.version = next(self._versions)
        self.relations[name] = relation
        if relation.frame is not None:
            self._put(relation.frame, f"{self._names}_{name}")

    def _kept(self, frame: Any) -> Any:
        """Computed once, however often it is read."""
        with told():
            return frame.localCheckpoint(eager=True)

    # shapes -------------------------------------------------------------------------------------------------------------------

    def _columns(self, name: str) -> dict[str, str]:
        return self._described(f'"{name}"')

    def _shape_of(self, query: str) -> dict[str, str]:
        return self._described(query)

    def _described(self, what: str) -> dict[str, str]:
        # a view of NULL has a column of no type, which a table takes for a whole number
        rows = self.shape.execute(f"describe {what}").fetchall()
        return {str(row[0]): "INTEGER" if str(row[1]).strip('"') == "NULL" else str(row[1]) for row in rows}

    def _nothing(self, name: str) -> _Relation:
        return _Relation(rows=self.shape.sql(f'select * from "{name}" limit 0').to_arrow_table())

    def _of(self, relation: _Relation, columns: dict[str, str]) -> DataFrame:
        """The rows of a relation in the types of Spark."""
        if relation.frame is not None:
            return relation.frame
        kinds = {name: spark_type(kind) for name, kind in columns.items()}
        with told():
            if relation.files:
                return self.spark.read.schema(", ".join(f"`{name}` {kind}" for name, kind in kinds.items())).parquet(*relation.files)
            if relation.rows is None or not relation.rows.num_rows:
                listed = ", ".join(f"cast(null as {kind}) as `{name}`" for name, kind in kinds.items())
                return self.spark.sql(f"select {listed} where false")
            frame = self.spark.createDataFrame(relation.rows)
            return frame.selectExpr(*(f"cast(`{name}` as {kind}) as `{name}`" for name, kind in kinds.items()))

    def _put(self, frame: Any, name: str) -> None:
        """Give rows a name in Spark."""
        with told():
            frame.createOrReplaceTempView(name)
        self._put_there.add(name)


class _Variables(dict[str, Any]):
    """The session's variables by name, as DuckDB keeps them."""

    def __init__(self, shape: duckdb.DuckDBPyConnection) -> None:
        super().__init__()
        self.shape = shape

    def __missing__(self, name: str) -> Any:
        [(value,)] = self.shape.execute(f"select getvariable({quoted(name)})").fetchall()
        return value


def _place(mark: exp.Expr) -> int:
    """Where a `?` stands among the others."""
    root = mark.root()
    return [id(node) for node in root.dfs() if isinstance(node, exp.Placeholder)].index(id(mark))
