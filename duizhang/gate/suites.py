"""The suites of `expectations/`: one YAML file a table, read and checked without loading Great Expectations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from duizhang.declared import schema
from duizhang.errors import SpecError
from duizhang.home import published
from duizhang.layout import EXPECTATIONS
from duizhang.yaml_reading import load_yaml

ROWS_QUERY = "unexpected_rows_expectation"

# An expectation of these types that holds for a range of periods holds for each of them, so a range that passes need
# not be looked at day by day. Every other type is checked period by period, unless its meta says `by_row: true`.
_BY_ROW = frozenset(
    {
        "expect_column_values_to_not_be_null", "expect_column_values_to_be_null", "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set", "expect_column_values_to_be_between",
        "expect_column_value_lengths_to_equal", "expect_column_value_lengths_to_be_between",
        "expect_column_values_to_match_regex", "expect_column_values_to_not_match_regex",
        "expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique",
        "expect_column_pair_values_to_be_equal", "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_select_column_values_to_be_unique_within_record", "expect_column_to_exist",
    }
)


@dataclass(frozen=True)
class Outcome:
    """Whether an expectation holds, the number of rows that break it, and the first of them as text."""

    success: bool
    unexpected: int = 0
    detail: str = ""


def batch_of(table: str) -> str:
    """The view of the rows of a table that are being checked."""
    return f"batch_{table}"


class Meta(BaseModel):
    """What an expectation means: `name` (unique in its suite), how severe, the message in two languages.

    severity: 'critical' holds the period, 'warning' is only recorded. by_row: a query whose rows each belong to one
    period, so that no row over a range means no row in any of its periods. allows_null: an empty value is none that breaks
    it; otherwise one does (Great Expectations itself passes over them).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    severity: Literal["critical", "warning"] = "critical"
    en: str
    zh: str
    by_row: bool = False
    allows_null: bool = False


class Expectation(BaseModel):
    """One expectation: a type of Great Expectations, its arguments, its meaning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    kwargs: dict[str, Any] = {}
    meta: Meta

    @model_validator(mode="after")
    def _query_reads_its_batch(self) -> Expectation:
        if self.type == ROWS_QUERY and "{batch}" not in str(self.kwargs.get("unexpected_rows_query", "")):
            raise ValueError("unexpected_rows_query must read {batch}, the table that is being checked")
        return self

    @property
    def column(self) -> str:
        """The column or columns it is about, '' for the whole table."""
        listed = [self.kwargs.get(name) for name in ("column", "column_A", "column_B")]
        return ", ".join([str(c) for c in listed if c] + [str(c) for c in self.kwargs.get("column_list", [])])

    @property
    def name(self) -> str:
        """The name under which results are recorded and failures accepted."""
        return self.meta.name or (f"{self.type}({self.column})" if self.column else self.type)

    @property
    def by_value(self) -> bool:
        """Whether it is about the values of rows, so that a table without rows has nothing that could break it."""
        return self.type in _BY_ROW and self.type != "expect_column_to_exist"

    @property
    def by_row(self) -> bool:
        """Whether holding for a range implies holding for each of its periods."""
        return "mostly" not in self.kwargs and (self.type in _BY_ROW or self.meta.by_row)


class Suite(BaseModel):
    """All that is expected of one table. optional: the table may be absent (reference data); index: the columns that name a
    row which breaks an expectation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    optional: bool = False
    index: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> Suite:
        if self.table not in schema.TABLES and self.table not in published.TABLES:
            raise ValueError(f"unknown table {self.table!r}")
        names = [expectation.name for expectation in self.expectations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two expectations are called {', '.join(twice)}; give them a meta.name")
        unknown = sorted({*self.index} - {*self.columns.names})
        if unknown:
            raise ValueError(f"index names columns that the table does not have: {', '.join(unknown)}")
        return self

    @property
    def columns(self) -> pa.Schema:
        """The columns of the table as declared."""
        declared: pa.Schema = {**schema.TABLES, **published.TABLES}[self.table]
        return declared

    @property
    def filled(self) -> tuple[str, ...]:
        """The columns in which nothing may be empty: those that name a row, and those of expectations that Great Expectations
        passes over for empty values."""
        found = (
            e.kwargs.get("column") for e in self.expectations
            if e.type in _BY_ROW and e.type != "expect_column_values_to_be_null" and not e.meta.allows_null
            and e.meta.severity == "critical"
            and "mostly" not in e.kwargs and "row_condition" not in e.kwargs
        )
        return tuple(sorted({*self.index, *(str(c) for c in found if c)} & {*self.columns.names}))


def load_suites(folder: Path | None = None) -> dict[str, Suite]:
    """Every suite by table, in order of the table's name; a SpecError names the file and what is wrong in it."""
    found: dict[str, Suite] = {}
    for path in sorted((folder or EXPECTATIONS).glob("*.yaml")):
        try:
            suite = Suite(**load_yaml(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'suite'}: {e['msg']}" for e in error.errors())
            raise SpecError(f"{path}: {problems}", advice="Mend the suite; see the other files beside it.") from error
        except (yaml.YAMLError, TypeError, UnicodeDecodeError) as error:
            raise SpecError(f"{path} is not a valid suite: {error}") from error
        if suite.table != path.stem:
            raise SpecError(f"{path}: table is {suite.table!r}, but the file is called {path.stem!r}")
        found[suite.table] = suite
    return found
