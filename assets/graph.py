"""What every asset is: its name, what it is made from, and what its own file says of it.

One asset a source that the books name, a canonical table, a model. Dependencies come from the specifications' `tables` and from
the SQL itself; description, version and columns from the file and the schema.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from dagster import (
    AssetDep,
    AssetSpec,
    FreshnessPolicy,
    TableColumn,
    TableSchema,
    TimeWindowPartitionMapping,
)

from duizhang.declared import schema
from duizhang.declared.dictionary import load_dictionary
from duizhang.home import published
from duizhang.ingest import SourceSpec
from duizhang.reconcile import ITEM_TABLES, LEG_MODELS, MART_MODELS, STATE_TABLES
from duizhang.reconcile.lineage import Model, behind, models

PUBLISHED = "published"
# what ingest writes about the files beside the canonical tables
OF_FILES = ("source_files", "quarantine", "corrected_cells")
# written by no model: what people decided
JOURNAL = "journal_proposals"
OWNERS = {
    "sources": "team:data", "canonical": "team:data", "derived": "team:data",
    **dict.fromkeys(("sides", "claims", "open", "items", "matching", "causes", "variances", "marts", "publication"), "team:accounting"),
}
SCHEMAS: dict[str, pa.Schema] = {
    **schema.TABLES, **published.TABLES, **STATE_TABLES, **dict.fromkeys(LEG_MODELS, schema.CLAIM),
}
STORED = (*schema.TABLES, *OF_FILES, *LEG_MODELS, *STATE_TABLES, *ITEM_TABLES, *MART_MODELS, JOURNAL)


def source_assets(sources: Mapping[str, SourceSpec]) -> list[AssetSpec]:
    """One asset a kind of source, named like its specification."""
    return [
        _spec(
            name, "sources", (), description=f"{spec.title}. {spec.doc}".strip(), version=spec.digest(), kinds={_kind(spec), "parquet"},
            metadata={"layout from": spec.layout_from, "tables": ", ".join(sorted({t.table for t in spec.tables}))},
        )
        for name, spec in sorted(sources.items())
    ]


def canonical_assets(sources: Mapping[str, SourceSpec]) -> list[AssetSpec]:
    """One asset a canonical table, made from the sources whose specifications give rows to it."""
    feeds = {table: sorted(n for n, s in sources.items() if table in {t.table for t in s.tables}) for table in schema.TABLES}
    return [
        _spec(name, "canonical", deps, kinds={"parquet"})
        for name, deps in {**feeds, **dict.fromkeys(OF_FILES, sorted(sources))}.items()
    ]


_STEPS = {"derived": "claims", "sides": "claims", "claims": "claims", "marts": "marts"}


def model_assets() -> dict[str, list[AssetSpec]]:
    """One asset a model, made from what its SQL reads, and the table that no model makes; by step.

    What reads the open claims of a day is another step than what makes them from those of the day before: in one step, Dagster
    knows one mapping of days for an asset.
    """
    of_open_claims = behind("open_claims") - {"open_claims"}
    steps: dict[str, list[AssetSpec]] = {"claims": [], "open": [], "causes": [], "marts": []}
    for model in models().values():
        step = _STEPS.get(model.room, "causes" if model.name in of_open_claims else "open")
        steps[step].append(_model(model))
    steps["marts"].append(_spec(JOURNAL, "marts", (), kinds={"parquet"}))
    return steps


def published_asset(time_zone: str) -> AssetSpec:
    """What readers see: every table that is published, checked. Something of the day is published by noon of every day."""
    by_noon = FreshnessPolicy.cron(deadline_cron="0 12 * * *", lower_bound_delta=dt.timedelta(hours=12), timezone=time_zone)
    return _spec(
        PUBLISHED, "publication", sorted({*published.TABLES} & {*STORED} | {*STATE_TABLES}), kinds={"duckdb"},
        description="The days' results as analysts see them: views over immutable Parquet, a version a day.",
        freshness=by_noon,
    )


def _model(model: Model) -> AssetSpec:
    deps: list[str | AssetDep] = sorted(model.parents)
    if model.carries:
        # Dagster draws an edge from yesterday only from an asset to itself: any other would be a circle, or a second mapping
        deps.append(AssetDep(model.name, partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)))
    earlier = {"reads of earlier days": ", ".join(sorted(model.earlier))} if model.earlier else {}
    return _spec(
        model.name, model.room, deps, description=model.header, version=model.digest(),
        kinds={"duckdb", "sql", *(["parquet"] if model.name in STORED else [])}, metadata={"file": f"sql/{model.path}", **earlier},
    )


def _spec(
    name: str, group: str, deps: Iterable[str | AssetDep], *, kinds: set[str], description: str = "", version: str = "",
    metadata: Mapping[str, Any] | None = None, freshness: FreshnessPolicy | None = None,
) -> AssetSpec:
    """A rule that concerns every asset stands here: owner, layer, columns."""
    told = load_dictionary()
    columns = SCHEMAS.get(name)
    found = dict(metadata or {})
    if columns is not None:
        found["dagster/column_schema"] = TableSchema(
            columns=[TableColumn(c.name, str(c.type), description=told.column(name, c.name)) for c in columns]
        )
    return AssetSpec(
        name, group_name=group, deps=list(deps), description=description or told.tables.get(name), kinds=kinds, owners=[OWNERS[group]],
        tags={"layer": group}, metadata=found, code_version=version[:16] or None, freshness_policy=freshness,
    )


def _kind(spec: SourceSpec) -> str:
    return {"table": "csv"}.get(spec.reader, spec.reader)
