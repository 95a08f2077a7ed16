"""What a source specification may say: one YAML file a kind of raw file, checked against this closed model."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from duizhang.errors import SpecError
from duizhang.layout import SOURCES
from duizhang.schema import TABLES

ENGINE_VERSION = "1"  # raise it when the same bytes and spec are to be read differently

TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d",
)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recognise(_Closed):
    """How the content tells its kind: a regex over the first lines and column names that must all be there."""

    preamble: str | None = None
    header: tuple[str, ...] = ()


class Column(_Closed):
    """A typed field read from one raw column.

    type: id (text that names something; never a number), text, money, number, time. extract: a regex, its first group
    is the value. template: text in which {value} and captures of the preamble are put together before typing.
    values: raw value -> value; what is not listed is `otherwise`, or quarantined where that is missing.
    """

    column: str
    also: tuple[str, ...] = ()
    type: Literal["id", "text", "money", "number", "time"] = "text"
    required: bool = False
    optional_column: bool = False
    default: str | None = None
    extract: str | None = None
    template: str | None = None
    values: dict[str, str] | None = None
    otherwise: str | None = None
    formats: tuple[str, ...] = ()
    personal: bool = False


class Table(_Closed):
    """What the rows give to one canonical table: SQL expressions over the fields, for the rows where `where` holds."""

    table: str
    where: str = "true"
    columns: dict[str, str]

    @model_validator(mode="after")
    def _known(self) -> Table:
        if self.table not in TABLES:
            raise ValueError(f"unknown table {self.table!r}; expected one of {', '.join(TABLES)}")
        unknown = set(self.columns) - set(TABLES[self.table].names)
        if unknown:
            raise ValueError(f"table {self.table} has no columns {sorted(unknown)}")
        return self


class Total(_Closed):
    """A total that the file states and that is recomputed: from a footer line (regex, first group) or a summary column."""

    name: str
    footer: str | None = None
    summary: str | None = None
    computed: str
    optional: bool = False


class SourceSpec(_Closed):
    """One kind of raw file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+_[a-z0-9_]+$")]
    title: str
    reader: Literal["csv", "xlsx", "mt940"] = "csv"
    delimiter: str = ","
    ticked: bool = False
    zone: str | None = None
    recognise: Recognise
    footer: str | None = None
    summary: str | None = None
    captures: dict[str, str] = {}
    nulls: tuple[str, ...] = ()
    overlap: Literal["keep", "latest"] = "keep"
    grain: tuple[str, ...] = ()
    fields: dict[str, Column] = {}
    ignore: str | None = None
    tables: tuple[Table, ...] = ()
    totals: tuple[Total, ...] = ()

    def digest(self) -> str:
        """SHA-256 of the spec and the engine's version: what landed rows depend on besides the bytes."""
        text = json.dumps([ENGINE_VERSION, self.model_dump(mode="json")], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1 << 16)
def normalised(name: str) -> str:
    """A column name without what drifts: width of letters and brackets, blanks, tabs, quotes, back-ticks, case."""
    text = unicodedata.normalize("NFKC", name.replace("\ufeff", "")).casefold()
    return "".join(ch for ch in text if not ch.isspace() and ch not in "\"'`")


@cache
def load_specs(folder: Path = SOURCES) -> dict[str, SourceSpec]:
    """All specifications by name, in order of their names. Raises SpecError naming the file and the place."""
    found: dict[str, SourceSpec] = {}
    for path in sorted(folder.rglob("*.yaml")):
        try:
            spec = SourceSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError) as error:
            raise SpecError(f"{path.name}: {error}") from error
        if spec.name in found:
            raise SpecError(f"{path.name}: there are two specifications named {spec.name}")
        found[spec.name] = spec
    return dict(sorted(found.items()))


def list_specs() -> list[str]:
    """Names of all sources, in order."""
    return list(load_specs())
