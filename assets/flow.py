"""The flow as assets: collect -> canonical -> reconcile -> gate -> publication.

A stage is one step over one connection; each of its tables is an asset of its own, named like its SQL file and folder.
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
    AssetsDefinition,
    AssetSpec,
    DailyPartitionsDefinition,
    MaterializeResult,
    asset,
    multi_asset,
    multi_asset_check,
)

from assets.partitions import SINGLE_RUN
from assets.workspace import Workspace, periods_of
from duizhang import schema
from duizhang.close import correction_claims, item_decisions, journal_proposals
from duizhang.gate import gated_tables, run_gate
from duizhang.ingest import build_canonical, collect
from duizhang.plan import begin
from duizhang.reconcile import ITEM_TABLES, LEG_MODELS, MART_MODELS, STATE_TABLES, Session, reconcile

CANONICAL = (*schema.TABLES, "source_files", "quarantine")
ITEMS = (*ITEM_TABLES, *STATE_TABLES)


def _specs(group: str, names: tuple[str, ...], deps: tuple[str, ...]) -> list[AssetSpec]:
    return [AssetSpec(name, group_name=group, deps=list(deps)) for name in names]


def build_assets(
    partitions: DailyPartitionsDefinition,
) -> tuple[list[AssetsDefinition], list[AssetChecksDefinition]]:
    """All assets and checks of the flow over the given partitions."""

    @asset(group_name="collect", partitions_def=partitions, backfill_policy=SINGLE_RUN)
    def raw_files(context: AssetExecutionContext, workspace: Workspace) -> MaterializeResult[None]:
        """Every file of the inbox: archived, recognised by content and read into Parquet once."""
        records = collect(workspace.books(), workspace.store(), workspace.state(), progress=workspace.say)
        by_status: dict[str, int] = {}
        for record in records:
            by_status[record.status] = by_status.get(record.status, 0) + 1
        refused = [record.problem for record in records if record.status == "refused"]
        return MaterializeResult(metadata={**by_status, "files": len(records), "not read": refused})

    @multi_asset(
        name="canonical", specs=_specs("canonical", CANONICAL, ("raw_files",)), partitions_def=partitions,
        backfill_policy=SINGLE_RUN,
    )
    def canonical(context: AssetExecutionContext, workspace: Workspace) -> Iterator[MaterializeResult[None]]:
        """Landed rows by table and business day."""
        workspace.say("canonical tables")
        begin(workspace.books(), workspace.state(), periods_of(context))
        rows = build_canonical(workspace.books(), workspace.store(), workspace.state(), periods_of(context))
        for name in CANONICAL:
            yield MaterializeResult(asset_key=name, metadata={"rows": rows.get(name, 0)})

    @multi_asset(
        name="reconciliation",
        specs=[
            *_specs("legs", LEG_MODELS, CANONICAL),
            *_specs("open_items", ITEMS, LEG_MODELS),
            *_specs("marts", (*MART_MODELS, "journal_proposals"), ITEMS),
        ],
        partitions_def=partitions, backfill_policy=SINGLE_RUN,
    )
    def reconciliation(context: AssetExecutionContext, workspace: Workspace) -> Iterator[MaterializeResult[None]]:
        """Claims, open items, variances with causes, marts."""
        workspace.say("reconciling")
        books, store, state, periods = workspace.books(), workspace.store(), workspace.state(), periods_of(context)
        claims, decisions = correction_claims(state, periods), item_decisions(state)
        with Session(books, store, periods, corrections=claims, decisions=decisions, say=workspace.say) as session:
            rows = reconcile(session)
        entries = journal_proposals(books, state, periods)
        store.split("journal_proposals", entries, periods)
        rows["journal_proposals"] = entries.num_rows
        for name in (*LEG_MODELS, *ITEMS, *MART_MODELS, "journal_proposals"):
            yield MaterializeResult(asset_key=name, metadata={"rows": rows[name]})

    tables = gated_tables()

    @multi_asset_check(
        name="gate", specs=[AssetCheckSpec("expectations", asset=name, blocking=name not in CANONICAL) for name in tables]
    )
    def gate(context: AssetCheckExecutionContext, workspace: Workspace) -> Iterator[AssetCheckResult]:
        """Great Expectations suites. A result whose every period fails blocks the publication; a single failing period is
        held by the publication alone and the others go on. A failing input blocks no arithmetic: what it says is needed
        to see what it does."""
        workspace.say("gate")
        periods = periods_of(context)
        failures = run_gate(workspace.store(), workspace.state(), periods, say=workspace.say)
        if all(any(f.table not in CANONICAL for f in failures[p]) for p in periods):
            workspace.put_out(periods)  # the publication is blocked, and readers are to see why
        for name in tables:
            failing = {p: [f.detail for f in found if f.table == name] for p, found in failures.items()}
            failing = {p: details for p, details in failing.items() if details}
            yield AssetCheckResult(
                asset_key=AssetKey(name), check_name="expectations", passed=len(failing) < len(periods),
                severity=AssetCheckSeverity.ERROR,
                metadata={"held": {p.isoformat(): details for p, details in failing.items()}},
            )

    @asset(
        group_name="publication", partitions_def=partitions, backfill_policy=SINGLE_RUN,
        deps=[*ITEMS, *MART_MODELS, "journal_proposals", *CANONICAL],
    )
    def published(context: AssetExecutionContext, workspace: Workspace) -> MaterializeResult[None]:
        """The periods' results as analysts see them; what did not pass the gate is held."""
        workspace.say("publishing")
        outcomes = workspace.put_out(periods_of(context))
        return MaterializeResult(metadata={o.period.isoformat(): o.state for o in outcomes})

    return [raw_files, canonical, reconciliation, published], [gate]
