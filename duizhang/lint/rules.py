"""The rules, one class each. A rule looks at one model and yields (name of what it concerns, what is wrong).

A comment `-- lint: allow NAME: why` in a model lets what a rule calls NAME pass there; one that lets nothing pass is itself wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from duizhang.layout import SOURCES
from duizhang.lint.room import digits, need, too_narrow


@dataclass(frozen=True)
class Model:
    """A model as rules see it. tree: as it is written; typed: with every column's table and every expression's type."""

    name: str
    tree: exp.Expr
    typed: exp.Expr
    relations: Mapping[str, Mapping[str, str]]


class Rule:
    """A rule; `name` is what the findings are called by."""

    name = ""

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        """What breaks it in a model: (name for `lint: allow`, what is wrong)."""
        raise NotImplementedError


class EveryImportIsUsed(Rule):
    """A CTE that nothing reads says that the model looks at something which it does not look at."""

    name = "unused"

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        named = self._named(model.tree)
        read = {table.name for table in model.tree.find_all(exp.Table)} | named
        own = {cte.alias for cte in model.tree.find_all(exp.CTE)}
        for cte in model.tree.find_all(exp.CTE):
            inside = {t.name for t in cte.this.find_all(exp.Table)}
            others = [t for t in model.tree.find_all(exp.Table) if t.name == cte.alias and t.find_ancestor(exp.CTE) is not cte]
            if not others and cte.alias not in named and cte.alias in own and (cte.alias not in read or cte.alias in inside):
                yield cte.alias, f"the CTE {cte.alias} is never read"


    @staticmethod
    def _named(tree: exp.Expr) -> set[str]:
        """What is given to a table macro by its name, as in `from name_causes('judged')`."""
        calls = [table.this for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Func)]
        return {text.name for call in calls for text in call.find_all(exp.Literal) if text.is_string}


class EveryImportIsThere(Rule):
    """A relation that nothing makes."""

    name = "unknown"

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        own = {cte.alias for cte in model.tree.find_all(exp.CTE)}
        for table in sorted({t.name for t in model.tree.find_all(exp.Table)} - own - {""}):
            if table not in model.relations:
                yield table, f"{table} is no relation that a model may read"


class AmountsHaveRoom(Rule):
    """A product, sum or cast of amounts whose type does not hold 10^15, or 10^15 at a rate of 25,000."""

    name = "room"

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        said = set()
        for node in model.typed.walk():
            if too_narrow(node):
                width, places = digits(node) or (0, 0)
                text = f"{node.sql('duckdb')} has {width - places} digits before the point, and needs {need(node)}"
                if text not in said:
                    said.add(text)
                    yield "room", text


class NothingIsLeftToChance(Rule):
    """What may differ from run to run for the same rows: a value picked without a total order, DuckDB's own hash."""

    name = "chance"
    _PICKED = MappingProxyType({
        exp.AnyValue: "any_value", exp.ArgMax: "max_by", exp.ArgMin: "min_by", exp.First: "first", exp.Last: "last",
        exp.Mode: "mode", exp.FirstValue: "first_value", exp.LastValue: "last_value",
    })
    _NAMED = frozenset({"hash", "arbitrary", "rand", "uuid", "current_timestamp", "arg_max_null", "arg_min_null"})

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        for node in model.tree.walk():
            name = self._name(node)
            if name:
                yield name, f"{name} picks without a total order: {node.sql('duckdb')[:120]}"
            if isinstance(node, (exp.ArrayAgg, exp.GroupConcat)) and not self._ordered(node):
                yield "list", f"a list without an order: {node.sql('duckdb')[:120]}"
            if isinstance(node, exp.Window) and isinstance(node.this, (exp.RowNumber, exp.Lag, exp.Lead)) and not self._window(node):
                yield "window", f"a window without an order: {node.sql('duckdb')[:120]}"
            if isinstance(node, exp.Select) and node.args.get("limit") and not node.args.get("order"):
                yield "limit", "a limit without an order"

    def _name(self, node: exp.Expr) -> str:
        for kind, name in self._PICKED.items():
            if type(node) is kind:
                return name
        if isinstance(node, exp.Anonymous) and node.name.lower() in self._NAMED:
            return node.name.lower()
        if isinstance(node, exp.Func) and node.sql_name().lower() in self._NAMED:
            return node.sql_name().lower()
        return ""

    @staticmethod
    def _ordered(node: exp.Expr) -> bool:
        if any(isinstance(part, exp.Order) for part in node.walk()) or isinstance(node.parent, exp.WithinGroup):
            return True
        above: exp.Expr | None = node.parent
        if isinstance(above, exp.Filter):
            above = above.parent
        return isinstance(above, (exp.ArraySort, exp.Length))

    @staticmethod
    def _window(node: exp.Window) -> bool:
        return bool(node.args.get("order") or node.args.get("alias"))


class NoChannelIsNamed(Rule):
    """What is known of a channel stands in its specification, in books.yaml or in causes.yaml, and a column that a rule asks about
    has values and no patterns: a name or a pattern in SQL knows only the sources that its author knew."""

    name = "channel"
    _OURS = frozenset({"bank", "books", "platform", "shop", "wms"})  # kinds of sources of every company

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        channels = {path.name for path in SOURCES.iterdir() if path.is_dir()} - self._OURS
        for node in model.tree.walk():
            if isinstance(node, (exp.Like, exp.ILike, exp.Glob, exp.SimilarTo)):
                yield "pattern", f"a pattern over the words of a column: {node.sql('duckdb')[:120]}"
            if isinstance(node, exp.Literal) and node.is_string:
                words = node.name.lower().split("_")
                if words[0] in channels and len(words) <= 3:
                    yield "channel", f"the channel {words[0]} is named: {node.sql('duckdb')[:120]}"


class NoRowIsSoughtInAQuery(Rule):
    """Several columns sought together in a subquery: what DuckDB takes for a row is a struct to Spark, and one column short. A semi or
    an anti join says the same on both."""

    name = "row"

    def check(self, model: Model) -> Iterator[tuple[str, str]]:
        for node in model.tree.find_all(exp.In):
            if isinstance(node.this, (exp.Tuple, exp.Struct)) and node.args.get("query"):
                yield "row", f"a row is sought in a query, where a join does it: {node.sql('duckdb')[:120]}"


RULES: tuple[Rule, ...] = (
    NoChannelIsNamed(), EveryImportIsUsed(), EveryImportIsThere(), AmountsHaveRoom(), NothingIsLeftToChance(), NoRowIsSoughtInAQuery(),
)
