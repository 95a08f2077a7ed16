"""The flow as steps: sources -> canonical -> reconciliation -> gate -> publication.

A step is a stage of the engine's run and makes many assets, which stand in assets/graph.py. The engine does a stage for all of
its tables at once, so whoever picks some assets gets these as results, and their whole stage done.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetMaterialization,
    AssetsDefinition,
    AssetSpec,
    DailyPartitionsDefinition,
    Failure,
    MaterializeResult,
    ResourceParam,
    multi_asset,
    multi_asset_check,
)

from assets.checks import Checked, assertion_checks, broken, evaluations, expectation_checks
from assets.graph import PUBLISHED, STORED, canonical_assets, model_assets, published_asset, source_assets
from assets.metadata import of_source, of_table
from assets.partitions import DEFER_EVENTS, SINGLE_RUN
from assets.workspace import days_of
from duizhang.errors import ConservationError
from duizhang.gate import recorded_results
from duizhang.ingest import SourceSpec
from duizhang.publish import PeriodOutcome
from duizhang.runs import CANONICAL, GATE, HELD, PUBLISH, RECONCILE, Run, held_line

NOTHING_HELD = "nothing_is_held"


class Held(Failure):
    """Days of a run are held: the run has failed for whoever watches it, and nothing of what went well is undone."""


def _told(context: AssetExecutionContext) -> list[dt.date]:
    """The days whose single results somebody may look at."""
    return [] if DEFER_EVENTS in context.run.tags else days_of(list(context.partition_keys))


def _made(context: AssetExecutionContext, run: Run, specs: list[AssetSpec]) -> Iterator[MaterializeResult[None]]:
    """The results of a step, each partition with the rows and amounts that it has."""
    for key in (spec.key for spec in specs if spec.key in context.selected_asset_keys):
        name = key.to_user_string()
        for period in _told(context) if name in STORED else ():
            if run.store.has(name, period):
                context.add_asset_metadata(of_table(run.store, name, period), asset_key=key, partition_key=period.isoformat())
        yield MaterializeResult(asset_key=key)


def build_assets(
    partitions: DailyPartitionsDefinition, sources: Mapping[str, SourceSpec]
) -> tuple[list[AssetsDefinition], list[AssetChecksDefinition]]:
    """All assets and checks of the flow over the given partitions. sources: the kinds of files that the books name, by name."""
    extracted, tables, models = source_assets(sources), canonical_assets(sources), model_assets()

    def step(name: str, specs: list[AssetSpec]) -> Any:
        return multi_asset(name=name, specs=specs, partitions_def=partitions, backfill_policy=SINGLE_RUN, can_subset=True)

    def extract(context: AssetExecutionContext, run: ResourceParam[Run]) -> Iterator[MaterializeResult[None]]:
        """Every file of the inbox: archived, recognised by content and read into Parquet once. A file that cannot be read
        takes no other with it: it is told on its source and in `source_files`, and its days are held."""
        run.begin(days_of(list(context.partition_keys)))
        for spec in (spec for spec in extracted if spec.key in context.selected_asset_keys):
            for period in _told(context):
                context.add_asset_metadata(
                    of_source(run.files, spec.key.to_user_string(), period), asset_key=spec.key, partition_key=period.isoformat()
                )
            yield MaterializeResult(asset_key=spec.key)

    def staged(stage: str, name: str, specs: list[AssetSpec], meaning: str) -> AssetsDefinition:
        def do(context: AssetExecutionContext, run: ResourceParam[Run]) -> Iterator[MaterializeResult[None] | AssetCheckEvaluation]:
            run.begin(days_of(list(context.partition_keys)))
            try:
                run.to(stage)
            except ConservationError as error:
                yield from broken(error)
                raise
            yield from _made(context, run, specs)

        do.__doc__ = meaning
        return step(name, specs)(do)  # type: ignore[no-any-return]

    canonical = staged(CANONICAL, "canonical", tables, "Landed rows by table and business day.")
    reconciliation = [
        staged(RECONCILE, name, specs, "Claims, open items, causes and marts: one pass of the engine, whichever step comes first.")
        for name, specs in models.items()
    ]
    expectations, promises = expectation_checks(partitions), assertion_checks(partitions)

    @multi_asset_check(name="gate", specs=[*expectations, *promises], can_subset=True)
    def gate(context: AssetCheckExecutionContext, run: ResourceParam[Run]) -> Iterator[Checked]:
        """Great Expectations suites. A failing one holds its day at the publication, which asks the record and not the
        orchestrator; the other days of the run go on."""
        asked = days_of(list(context.partition_keys))
        run.begin(asked)
        run.to(GATE)
        if DEFER_EVENTS not in context.run.tags:
            results = recorded_results(run.state, run.periods or asked)
            chosen = context.selected_asset_check_keys
            yield from evaluations(
                context, results, [s for s in expectations if s.key in chosen], [s for s in promises if s.key in chosen]
            )

    @multi_asset(
        name=PUBLISHED, specs=[published_asset(partitions.timezone)], partitions_def=partitions, backfill_policy=SINGLE_RUN,
        check_specs=[AssetCheckSpec(NOTHING_HELD, asset=PUBLISHED)],
    )
    def published(
        context: AssetExecutionContext, run: ResourceParam[Run]
    ) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        """The days' results as analysts see them, and of the days behind them that open differently since. What did not
        pass is held: its partition is not materialised, the check and the run fail and say why."""
        asked = days_of(list(context.partition_keys))
        run.begin(asked)
        run.to(PUBLISH)
        while run.advance():
            run.to(PUBLISH)
        outcomes = run.end()
        held = [o for o in outcomes if o.state == HELD]
        stopped = bool(held or run.pending)
        behind = [o for o in outcomes if o.period not in asked]
        if DEFER_EVENTS not in context.run.tags:
            for o in (o for o in (outcomes if stopped else behind) if o.state != HELD):
                context.log_event(
                    AssetMaterialization(PUBLISHED, partition=o.period.isoformat(), metadata=_outcome(o))
                )
            for o in outcomes if not stopped else ():
                if o.period in asked:
                    context.add_asset_metadata(_outcome(o), partition_key=o.period.isoformat())
        told = ". ".join([f"{len(held)} of {len(outcomes)} days are held", *(held_line(o) for o in held[:5]), *run.pending_line()])
        check = AssetCheckResult(
            check_name=NOTHING_HELD, passed=not stopped, severity=AssetCheckSeverity.ERROR, description=told,
            metadata={"held": {o.period.isoformat(): list(o.reasons) for o in held}},
        )
        if stopped:
            yield check
            raise Held(description=told, metadata={"days": ", ".join(o.period.isoformat() for o in held)}, allow_retries=False)
        yield MaterializeResult(check_results=[check])

    # books that name no source yet have no step for them
    return [*([step("sources", extracted)(extract)] if extracted else []), canonical, *reconciliation, published], [gate]


def _outcome(outcome: PeriodOutcome) -> dict[str, str | int]:
    return {"state": outcome.state.value, "version": outcome.version}
