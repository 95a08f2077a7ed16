"""Pairs of rows: what a model of `sql/` reads, and what it gives for that. The files are pairs/<folder of the model>.txt.

    # title: what the pair shows
    model: open/clearings
    set period_from = date '2026-03-01'         a variable that the model asks for
    positions: period date, "key" varchar       a relation that it reads: its columns with their types, and its rows; a column
                                                `leg varchar = fee` is that in all rows but those with a cell `leg = freight`
      2026-03-01 | tb/1
    gives: period, "key"                        all rows that it gives, in any order; other columns are not looked at
      2026-03-01 | tb/1

Models of the same folder that stand between what the pair gives its model to read and the model are run as well.

`~` is null and `''` an empty text. `python -m tests.reconcile.pairs FOLDER...` writes what the models give now into the files, for
whoever has changed a rule, to be read line by line before it is committed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from duizhang.home.store import connect, quoted
from duizhang.layout import SQL
from duizhang.reconcile.causes import candidates_expression, cause_expression, prepare_causes
from duizhang.reconcile.lineage import relations_read
from duizhang.reconcile.matching import prepare_matching
from duizhang.reconcile.models import prepare_macros
from duizhang.reconcile.parts import parts_query, prepare_parts

PAIRS = Path(__file__).with_name("pairs")
NULL, EMPTY = "~", "''"
# what is made of the rules of causes.yaml and parts.yaml, as models of a folder of their own
RULES: dict[str, Callable[[], str]] = {
    "rules/causes": lambda: f"select *, {cause_expression()} as cause from judged",
    "rules/candidates": lambda: f"select *, {candidates_expression()} as candidates from suspected",
    "rules/parts": lambda: parts_query("with_cause"),
}
# macros as models, by what they are asked for
MACROS = {
    f"macros/{name}": (path, f"select *, {meaning.strip()} as answer from asked")
    for path in sorted((SQL / "macros").glob("*.sql"))
    for name, meaning in re.findall(r"create macro (\w+)\([^)]*\) as\b(.*?);", path.read_text(encoding="utf-8"), re.DOTALL)
}
Row = tuple[str | None, ...]


@dataclass
class Relation:
    """columns: as they are declared, with types; or names alone, of what a model gives. rows: without what is as usual."""

    columns: list[str]
    rows: list[Row] = field(default_factory=list)

    def whole(self) -> list[Row]:
        """The rows with a cell for every column."""
        usual = {column.split()[0].strip('"'): _cell(column.partition(" = ")[2]) for column in self.columns if " = " in column}
        names = [column.split()[0].strip('"') for column in self.columns]
        found = []
        for row in self.rows:
            other = {name: _cell(value) for name, _, value in ((c or "").partition(" = ") for c in row) if name in usual and value}
            cells = iter([c for c in row if " = " not in (c or "") or (c or "").partition(" = ")[0] not in other])
            found.append(tuple({**usual, **other}[name] if name in usual else next(cells) for name in names))
            if list(cells):
                raise ValueError(f"too many cells: {row}")
        return found


@dataclass
class Pair:
    title: str
    model: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    reads: dict[str, Relation] = field(default_factory=dict)
    gives: Relation = field(default_factory=lambda: Relation([]))


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file. Raises ValueError for a line that says nothing."""
    pair, rows = None, None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# title: "):
            if pair:
                yield pair
            pair, rows = Pair(line.removeprefix("# title: ")), None
        elif not line or line.startswith("#"):
            continue
        elif line.startswith("  ") and rows is not None:
            rows.append(tuple(_cell(text.strip()) for text in line.split(" | ")))
        elif pair and line.startswith("model: "):
            pair.model = line.removeprefix("model: ")
        elif pair and line.startswith("set "):
            name, _, value = line.removeprefix("set ").partition(" = ")
            pair.variables[name] = value
        elif pair and ": " in line:
            name, _, columns = line.partition(": ")
            relation = Relation(_columns(columns))
            rows = relation.rows
            if name == "gives":
                pair.gives = relation
            else:
                pair.reads[name] = relation
        else:
            raise ValueError(f"{path.name}: {line!r}")
    if pair:
        yield pair


def _columns(text: str) -> list[str]:
    """A list by its commas, but for those within brackets."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [column.strip() for column in found]


def _cell(text: str) -> str | None:
    return None if text == NULL else "" if text == EMPTY else text


def written(pair: Pair) -> str:
    """The pair as it stands in a file."""
    lines = [f"# title: {pair.title}", f"model: {pair.model}", *(f"set {name} = {value}" for name, value in pair.variables.items())]
    for name, relation in (*pair.reads.items(), ("gives", pair.gives)):
        lines.append(f"{name}: {', '.join(relation.columns)}")
        lines += ["  " + " | ".join(NULL if cell is None else cell or EMPTY for cell in row) for row in relation.rows]
    return "\n".join(lines) + "\n"


def rules() -> duckdb.DuckDBPyConnection:
    """A connection with the macros and rules that models ask for."""
    con = connect(threads=1)
    prepare_macros(con)
    prepare_matching(con)
    prepare_causes(con)
    prepare_parts(con)
    return con


def between(pair: Pair) -> list[str]:
    """The models of the folder that make what the pair's model reads of what the pair gives, in their order."""
    room = pair.model.partition("/")[0]
    models = {path.stem for path in (SQL / room).glob("*.sql")}
    read: dict[str, frozenset[str]] = {}
    ahead = [pair.model.partition("/")[2]]
    while ahead:
        name = ahead.pop()
        read[name] = relations_read(text_of(f"{room}/{name}")) & models - pair.reads.keys()
        ahead += read[name] - read.keys()
    return [f"{room}/{name}" for name in TopologicalSorter(read).static_order()][:-1]


def put(con: duckdb.DuckDBPyConnection, pair: Pair, name: str = "", sql: str = "") -> None:
    """Put in place what the pair's model reads, in a schema of its own before that of the rules. sql: stands for the model `name`, one
    of those between."""
    con.execute("drop schema if exists pair cascade; create schema pair; set search_path = 'pair,main'")
    for variable, value in pair.variables.items():
        con.execute(f"set variable {variable} = {value}")
    for relation_name, relation in pair.reads.items():
        con.execute(f'create table pair."{relation_name}" ({", ".join(column.partition(" = ")[0] for column in relation.columns)})')
        if relation.rows:
            listed = ", ".join(f"({', '.join('null' if c is None else quoted(c) for c in row)})" for row in relation.whole())
            con.execute(f'insert into pair."{relation_name}" values {listed}')
    for model in between(pair):
        con.execute(f'create table pair."{model.partition("/")[2]}" as {sql if sql and model == name else text_of(model)}')


def text_of(model: str) -> str:
    """The SQL of a model by its folder and name."""
    if model in MACROS:
        return MACROS[model][1]
    return RULES[model]() if model in RULES else (SQL / f"{model}.sql").read_text(encoding="utf-8")


def given(con: duckdb.DuckDBPyConnection, pair: Pair, sql: str = "") -> list[Row]:
    """What the model, or the text that stands for it, makes of the rows in place: as texts, in order."""
    text = sql or text_of(pair.model)
    listed = ", ".join(f"({column})::varchar" for column in pair.gives.columns)
    found: list[Row] = con.execute(f"select {listed} from ({text})").fetchall()
    return in_order(found)


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: tuple((cell is not None, cell or "") for cell in row))


def main() -> None:
    for folder in sys.argv[1:]:
        path = PAIRS / f"{folder}.txt"
        pairs = list(read_pairs(path))
        for pair in pairs:
            with rules() as con:
                put(con, pair)
                pair.gives.rows = given(con, pair)
        path.write_text("\n".join(map(written, pairs)), encoding="utf-8")


if __name__ == "__main__":
    main()
