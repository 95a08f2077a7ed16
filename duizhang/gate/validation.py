"""Great Expectations on DuckDB: evaluates expectations on a view. The only module that loads Great Expectations."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlalchemy as sa

from duizhang.errors import SpecError
from duizhang.gate.suites import ROWS_QUERY, Expectation

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import great_expectations as gx  # noqa: F401 - registers the expectations
    from duckdb_engine import ConnectionWrapper
    from great_expectations.core.batch import Batch
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.validator.validator import Validator

logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

_SHOWN = 10


@dataclass(frozen=True)
class Outcome:
    """success, number of rows that break the expectation, and the first of them as text."""

    success: bool
    unexpected: int = 0
    detail: str = ""


class _OpenConnectionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
    """Keeps one connection open: the base class closes it before it fetches, and DuckDB then has no rows left."""

    def __init__(self, engine: sa.Engine) -> None:
        self._kept: sa.Connection | None = None
        super().__init__(engine=engine, create_temp_table=False)

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


class Validation:
    """Evaluates expectations on views of a DuckDB connection that the caller owns."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._views = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._alchemy = sa.create_engine(
                "duckdb://", creator=lambda: ConnectionWrapper(con), poolclass=sa.StaticPool
            )
            for hook in ("do_begin", "do_commit", "do_rollback"):
                setattr(self._alchemy.dialect, hook, _nothing)
            self._engine = _OpenConnectionEngine(self._alchemy)

    def close(self) -> None:
        self._engine.release()
        self._alchemy.dispose()

    def check(self, select: str, expectations: Sequence[Expectation]) -> list[Outcome]:
        """The outcome of each expectation on the rows of a select, in order.

        One that cannot be evaluated (an unknown column, say) is a failure that says so; an unknown type is a SpecError.
        """
        self._views += 1
        view = f"batch_{self._views}"
        self.con.execute(f"create view {view} as {select}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = self._evaluate(view, expectations)
                if any(raised for _, raised in found) and len(expectations) > 1:
                    # metrics are computed together, so one that cannot be evaluated takes others with it
                    found = [self._evaluate(view, [expectation])[0] for expectation in expectations]
            return [
                Outcome(success=False, detail=f"cannot be evaluated: {raised}") if raised
                else self._outcome(view, expectation, result)
                for expectation, (result, raised) in zip(expectations, found, strict=True)
            ]
        finally:
            self.con.execute(f"drop view {view}")

    def _evaluate(self, view: str, expectations: Sequence[Expectation]) -> list[tuple[Any, str]]:
        data = SqlAlchemyBatchData(execution_engine=self._engine, table_name=view, create_temp_table=False)
        validator = Validator(execution_engine=self._engine, batches=[Batch(data=data)])
        validator.metrics_calculator.show_progress_bars = False
        configurations = [_configuration(number, e) for number, e in enumerate(expectations)]
        results = validator.graph_validate(
            configurations, {"result_format": {"result_format": "SUMMARY", "partial_unexpected_count": _SHOWN}}
        )
        by_number = {result.expectation_config.meta["number"]: result for result in results}
        return [(by_number[n], _raised(by_number[n].exception_info)) for n in range(len(expectations))]

    def _outcome(self, view: str, expectation: Expectation, result: Any) -> Outcome:
        if result.success:
            return Outcome(success=True)
        if expectation.type == ROWS_QUERY:
            query = str(expectation.kwargs["unexpected_rows_query"]).rstrip().rstrip(";").format(batch=view)
            return Outcome(False, int(result.result["observed_value"]), self._rows(query))
        values = result.result.get("partial_unexpected_list")
        if values:
            return Outcome(
                False, int(result.result["unexpected_count"]), "; ".join(_text(value) for value in values[:_SHOWN])
            )
        number = int(result.result.get("unexpected_count") or 1)
        return Outcome(False, number, _text(result.result.get("observed_value")))

    def _rows(self, query: str) -> str:
        """The first rows of a query in total order: the column `detail` where there is one, else name=value pairs."""
        found = self.con.execute(f"select * from ({query}) order by all limit {_SHOWN}")
        names = [str(column[0]) for column in found.description or []]
        rows = found.fetchall()
        if "detail" in names:
            place = names.index("detail")
            return "; ".join(str(row[place]) for row in rows)
        return "; ".join(
            " ".join(f"{name}={_text(value)}" for name, value in zip(names, row, strict=True)) for row in rows
        )


def _configuration(number: int, expectation: Expectation) -> Any:
    try:
        get_expectation_impl(expectation.type)
        configuration = ExpectationConfiguration(
            type=expectation.type, kwargs=dict(expectation.kwargs), meta={"number": number}
        )
        configuration.to_domain_obj()
    except ExpectationNotFoundError as error:
        raise SpecError(f"unknown expectation {expectation.type!r}: {error}") from error
    except (TypeError, ValueError) as error:
        raise SpecError(f"expectation {expectation.name}: {error}") from error
    return configuration


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


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name}={_text(part)}" for name, part in value.items()) + ")"
    return "null" if value is None else str(value)
