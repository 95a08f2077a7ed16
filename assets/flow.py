"""The flow as assets: collect -> canonical -> reconcile -> gate -> publication.

A stage of the engine's run is one step; each of its tables is an asset of its own, named like its SQL file and folder.
"""

from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetsDefinition,
    AssetSpec,
    DailyPartitionsDefinition,
    Failure,
    MaterializeResult,
    ResourceParam,
    asset,
    multi_asset,
    multi_asset_check,
)

from assets.partitions import DEFER_EVENTS, SINGLE_RUN
from assets.workspace import days_of
from duizhang import schema
from duizhang.gate import gated_tables
from duizhang.publish import PeriodOutcome
from duizhang.reconcile import ITEM_TABLES, LEG_MODELS, MART_MODELS, STATE_TABLES
from duizhang.runs import CANONICAL, GATE, HELD, PUBLISH, RECONCILE, Run, held_line

INPUTS = (*schema.TABLES, "source_files", "quarantine")
ITEMS = (*ITEM_TABLES, *STATE_TABLES)
PUBLISHED, NOTHING_HELD = "published", "nothing_is_held"


class Held(Failure):
    """Days of a run are held: the run has failed for whoever watches it, and nothing of what went well is undone."""


def _specs(group: str, names: tuple[str, ...], deps: tuple[str, ...]) -> list[AssetSpec]:
    return [AssetSpec(name, group_name=group, deps=list(deps)) for name in names]


def _made(context: AssetExecutionContext, run: Run, names: tuple[str, ...]) -> Iterator[MaterializeResult[None]]:
    """The results of a step, each partition with the rows that it has."""
    for name in names:
        for period in days_of(list(context.partition_keys)) if DEFER_EVENTS not in context.run.tags else ():
            if run.store.has(name, period):
                context.add_asset_metadata(
                    {"rows": run.store.rows(name, period)}, asset_key=name, partition_key=period.isoformat()
                )
        yield MaterializeResult(asset_key=name)


def build_assets(
    partitions: DailyPartitionsDefinition,
) -> tuple[list[AssetsDefinition], list[AssetChecksDefinition]]:
    """All assets and checks of the flow over the given partitions."""

    @asset(group_name="collect", partitions_def=partitions, backfill_policy=SINGLE_RUN)
    def raw_files(context: AssetExecutionContext, run: ResourceParam[Run]) -> MaterializeResult[None]:
        """Every file of the inbox: archived, recognised by content and read into Parquet once."""
        run.begin(days_of(list(context.partition_keys)))
        by_status: dict[str, int] = {}
        for record in run.files:
            by_status[record.status] = by_status.get(record.status, 0) + 1
        refused = [record.problem for record in run.files if record.status == "refused"]
        return MaterializeResult(metadata={**by_status, "files": len(run.files), "not read": refused})

    @multi_asset(
        name="canonical", specs=_specs("canonical", INPUTS, ("raw_files",)), partitions_def=partitions,
        backfill_policy=SINGLE_RUN,
    )
    def canonical(context: AssetExecutionContext, run: ResourceParam[Run]) -> Iterator[MaterializeResult[None]]:
        """Landed rows by table and business day."""
        run.begin(days_of(list(context.partition_keys)))
        run.to(CANONICAL)
        yield from _made(context, run, INPUTS)

    @multi_asset(
        name="reconciliation",
        specs=[
            *_specs("legs", LEG_MODELS, INPUTS),
            *_specs("open_items", ITEMS, LEG_MODELS),
            *_specs("marts", (*MART_MODELS, "journal_proposals"), ITEMS),
        ],
        partitions_def=partitions, backfill_policy=SINGLE_RUN,
    )
    def reconciliation(context: AssetExecutionContext, run: ResourceParam[Run]) -> Iterator[MaterializeResult[None]]:
        """Claims, open items, variances with causes, marts."""
        run.begin(days_of(list(context.partition_keys)))
        run.to(RECONCILE)
        yield from _made(context, run, (*LEG_MODELS, *ITEMS, *MART_MODELS, "journal_proposals"))

    tables = gated_tables()

    @multi_asset_check(name="gate", specs=[AssetCheckSpec("expectations", asset=name) for name in tables])
    def gate(context: AssetCheckExecutionContext, run: ResourceParam[Run]) -> Iterator[AssetCheckResult]:
        """Great Expectations suites. A failing one holds its day at the publication, which asks the record and not the
        orchestrator; the other days of the run go on."""
        run.begin(days_of(list(context.partition_keys)))
        run.to(GATE)
        for name in tables:
            failing = {p: [f.detail for f in found if f.table == name] for p, found in run.failures.items()}
            failing = {p: details for p, details in failing.items() if details}
            yield AssetCheckResult(
                asset_key=AssetKey(name), check_name="expectations", passed=not failing,
                severity=AssetCheckSeverity.ERROR,
                description="; ".join(f"{p}: {details[0]}" for p, details in list(failing.items())[:5]) or None,
                metadata={"failing": {p.isoformat(): details for p, details in failing.items()}},
            )

    @asset(
        name=PUBLISHED, group_name="publication", partitions_def=partitions, backfill_policy=SINGLE_RUN,
        deps=[*ITEMS, *MART_MODELS, "journal_proposals", *INPUTS],
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

    return [raw_files, canonical, reconciliation, published], [gate]


def _outcome(outcome: PeriodOutcome) -> dict[str, str | int]:
    return {"state": outcome.state, "version": outcome.version}
