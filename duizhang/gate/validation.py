"""Great Expectations on DuckDB: runs suites over views of a connection. The only module that loads Great Expectations.

Its public parts are used: a data source of our own kind, table assets, validation definitions, suite parameters, Data Docs. What the
data source adds is one connection that stays open: the engine that comes with Great Expectations closes it before it fetches,
and DuckDB then has no rows left.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

import duckdb
import sqlalchemy as sa

from duizhang.declared import schema
from duizhang.errors import SpecError
from duizhang.gate.breaking_rows import SHOWN, first_rows, in_text, query_of
from duizhang.gate.suites import ROWS_QUERY, Expectation, Outcome, Suite, batch_of
from duizhang.home import published
from duizhang.kept_out import let_in


@contextmanager
def _without_spark() -> Iterator[None]:
    """Great Expectations loads Spark where it is installed, which takes seconds and ends a process whose main module has no file
    (`python -c`, a worker of pytest) with exit code 0, without a word."""
    hidden = [name for name in ("pyspark",) if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: not to be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
let_in()
with warnings.catch_warnings(), _without_spark():
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from duckdb_engine import ConnectionWrapper
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.exceptions import ExpectationNotFoundError, GreatExpectationsError
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.expectation import Expectation as NativeExpectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validation_graph import MetricEdge, ValidationGraph

logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

_ROWS = "rows"
_FIRST_LOOK = {"result_format": "BOOLEAN_ONLY"}


class _OpenConnectionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
    """Keeps one connection open for as long as it lives."""

    _kept: sa.Connection | None = None

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        if self._kept is None:
            self._kept = self.engine.connect()
        yield self._kept

    def release(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _nothing(*_: object) -> None:
    """DuckDB commits by itself here; SQLAlchemy's nested transactions are not for a connection that is shared."""


def _no_key(*_: object, **__: object) -> dict[str, object]:
    """The primary key of a view."""
    return {"constrained_columns": [], "name": None}


def _named_columns(connection: sa.Connection, table_name: str, *_: object, **__: object) -> list[dict[str, object]]:
    """The columns of a view, by name. SQLAlchemy would ask PostgreSQL's catalogue, of which DuckDB lacks a part, and
    Great Expectations would then read the names off a row, which is a tenth of what a small table takes."""
    described = connection.exec_driver_sql(f'describe "{table_name}"').fetchall()
    return [{"name": str(row[0])} for row in described]


# of the expectations that are being evaluated, by identity; none where nothing is
_MADE: ContextVar[dict[int, tuple[NativeExpectation, ExpectationConfiguration]] | None] = ContextVar("made", default=None)
_make_configuration = NativeExpectation.configuration.fget


def _configuration(expectation: NativeExpectation) -> ExpectationConfiguration:
    """The configuration of an expectation. Great Expectations makes it anew whenever it looks up a single argument, some seventy
    times an evaluation, which is a third of its time on a small table; here it is made once for each."""
    made = _MADE.get()
    if made is None:
        return _make_configuration(expectation)
    if id(expectation) not in made:
        made[id(expectation)] = expectation, _make_configuration(expectation)
    return made[id(expectation)][1]


NativeExpectation.configuration = property(_configuration)

# of the metrics of a batch that is being evaluated, by what they are, with how they are asked for; none where nothing is
_LISTED: ContextVar[dict[tuple[object, str], list[MetricEdge]] | None] = ContextVar("listed", default=None)
_list_dependencies = ValidationGraph.build_metric_dependency_graph


def _dependencies(graph: ValidationGraph, metric_configuration: MetricConfiguration, runtime_configuration: object = None) -> None:
    """Add a metric to a graph, with all that it depends on. Great Expectations looks for that anew for each metric that depends on it,
    some ten times an expectation, which is a third of its time on a small table; here it is looked for once a batch."""
    listed = _LISTED.get()
    if listed is None:
        _list_dependencies(graph, metric_configuration, runtime_configuration)
        return
    asked = metric_configuration.id, repr(runtime_configuration)
    if asked not in listed:
        own = ValidationGraph(graph._execution_engine)
        _list_dependencies(own, metric_configuration, runtime_configuration)
        listed[asked] = own.edges
    for edge in listed[asked]:
        graph.add(edge)


ValidationGraph.build_metric_dependency_graph = _dependencies


@contextmanager
def _made_once() -> Iterator[None]:
    """Neither expectations nor the columns of the batch change meanwhile."""
    made, listed = _MADE.set({}), _LISTED.set({})
    try:
        yield
    finally:
        _LISTED.reset(listed)
        _MADE.reset(made)


class DuckDBConnectionSource(SQLDatasource):  # type: ignore[misc]
    """A data source over a DuckDB connection that is open already."""

    type: Literal["duckdb_connection"] = "duckdb_connection"

    def use(self, con: duckdb.DuckDBPyConnection) -> None:
        """Work on `con`, which the caller owns."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._engine = sa.create_engine("duckdb://", creator=lambda: ConnectionWrapper(con), poolclass=sa.StaticPool)
            for hook in ("do_begin", "do_commit", "do_rollback"):
                setattr(self._engine.dialect, hook, _nothing)
            # what is checked are views, and DuckDB lacks PostgreSQL's catalogue of keys, which would be asked for each of them
            self._engine.dialect.get_pk_constraint = _no_key  # type: ignore[assignment]
            self._engine.dialect.get_columns = _named_columns  # type: ignore[assignment]
            self._execution_engine = _OpenConnectionEngine(engine=self._engine, create_temp_table=False)

    def test_connection(self, *, test_assets: bool = True) -> None:
        """Nothing to try: the connection is the caller's and open."""

    def get_engine(self) -> sa.Engine:
        return self._engine

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        return self._execution_engine

    def release(self) -> None:
        """Let go of the connection."""
        self._execution_engine.release()
        self._engine.dispose()


class Validation:
    """Evaluates expectations on rows that a DuckDB connection of the caller's can select.

    parameters: what suites name as {"$PARAMETER": name}.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, parameters: Mapping[str, object]) -> None:
        self.con, self.parameters = con, dict(parameters)
        with _quiet():
            self._context = gx.get_context(mode="ephemeral")
            self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
            # all assets at once: the context writes its whole configuration anew for each that is added later
            self._source = self._context.data_sources.add_duckdb_connection(
                name="periods", connection_string="duckdb://", create_temp_table=False, assets=[
                    {"name": name, "type": "table", "table_name": name, "batch_definitions": [{"name": _ROWS}]}
                    for name in map(batch_of, (*schema.TABLES, *published.TABLES))
                ],
            )
            self._source.use(con)

    def close(self) -> None:
        self._source.release()

    def check(self, select: str, suite: Suite, expectations: Sequence[Expectation] | None = None) -> list[Outcome]:
        """The outcome of each expectation of a suite (of all by default) on the rows of a select, in order.

        One that cannot be evaluated (an unknown column, say) is a failure that says so; an unknown type is a SpecError.
        """
        asked = suite.expectations if expectations is None else tuple(expectations)
        self.con.execute(f'create or replace view "{batch_of(suite.table)}" as {select}')
        with _quiet():
            found = self._results(suite, asked, _FIRST_LOOK)
            return [
                Outcome(success=True) if result.success else self._failure(suite, expectation)
                for expectation, result in zip(asked, found, strict=True)
            ]

    def _results(self, suite: Suite, asked: Sequence[Expectation], form: Mapping[str, object]) -> list[Any]:
        """The result of each expectation; the rest still get one where one of them cannot be evaluated."""
        found = self._run(suite, asked, form)
        if len(asked) > 1 and any(_raised(result.exception_info) for result in found):
            # metrics are computed together, so one that cannot be evaluated takes others with it
            found = [self._run(suite, [expectation], form)[0] for expectation in asked]
        return found

    def _run(self, suite: Suite, asked: Sequence[Expectation], form: Mapping[str, object]) -> list[Any]:
        own = gx.ExpectationSuite(name=suite.table, expectations=[_native(e) for e in asked])
        batch = self._rows_of(suite).get_batch()
        with _made_once():
            results = batch.validate(own, result_format=dict(form), expectation_parameters=self.parameters).results
        by_name = {result.expectation_config.meta["name"]: result for result in results}
        return [by_name[e.name] for e in asked]

    def _rows_of(self, suite: Suite) -> Any:
        """The batch definition over the view of a suite's table."""
        return self._source.get_asset(batch_of(suite.table)).get_batch_definition(_ROWS)

    def _failure(self, suite: Suite, expectation: Expectation) -> Outcome:
        """How many rows break an expectation, and the first of them in total order."""
        # rows are stored in total order and DuckDB keeps the order of files, so the first ones are always the same
        form = {"result_format": "SUMMARY", "partial_unexpected_count": SHOWN, "unexpected_index_column_names": list(suite.index)}
        result = self._run(suite, [expectation], form)[0]
        raised = _raised(result.exception_info)
        if raised:
            return Outcome(success=False, detail=f"cannot be evaluated: {raised}")
        if expectation.type == ROWS_QUERY:
            return Outcome(False, int(result.result["observed_value"]), first_rows(self.con, query_of(suite.table, expectation)))
        number = int(result.result.get("unexpected_count") or 1)
        rows = result.result.get("partial_unexpected_index_list")
        if rows:
            named = ({name: row[name] for name in dict.fromkeys((*suite.index, *row))} for row in rows)
            return Outcome(False, number, "; ".join(" ".join(f"{k}={in_text(v)}" for k, v in row.items()) for row in named))
        return Outcome(False, number, in_text(result.result.get("observed_value")))

    def data_docs(self, suites: Mapping[str, str], folder: Path, loaded: Mapping[str, Suite]) -> Path:
        """Great Expectations' own pages about tables; the page to open. suites: table -> select of its rows."""
        site = {
            "class_name": "SiteBuilder", "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        }
        with _quiet():
            self._context.add_data_docs_site(site_name="quality", site_config=site)
            for table, select in suites.items():
                suite = loaded[table]
                self.con.execute(f'create or replace view "{batch_of(suite.table)}" as {select}')
                own = self._context.suites.add(gx.ExpectationSuite(name=table, expectations=[_native(e) for e in suite.expectations]))
                definition = gx.ValidationDefinition(name=table, data=self._rows_of(suite), suite=own)
                self._context.validation_definitions.add(definition).run(expectation_parameters=self.parameters)
            self._context.build_data_docs(site_names=["quality"])
        return folder / "index.html"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own warnings, which are about itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _native(expectation: Expectation) -> Any:
    """Great Expectations' object for an expectation of a file; a SpecError where it knows no such thing."""
    try:
        kind = get_expectation_impl(expectation.type)
        return kind(
            **expectation.kwargs, severity=expectation.meta.severity, description=f"{expectation.meta.en} / {expectation.meta.zh}",
            meta={"name": expectation.name},
        )
    except ExpectationNotFoundError as error:
        raise SpecError(f"unknown expectation {expectation.type!r}: {error}") from error
    except (TypeError, ValueError, GreatExpectationsError) as error:
        raise SpecError(f"expectation {expectation.name}: {error}") from error


def _raised(info: Any) -> str:
    """The first line of what an evaluation raised, '' when nothing was."""
    if not info:
        return ""
    parts = [info] if "raised_exception" in info else list(info.values())
    for part in parts:
        if part.get("raised_exception"):
            lines = [line for line in str(part.get("exception_message") or "").splitlines() if line.strip()]
            return lines[0] if lines else "unknown error"
    return ""
