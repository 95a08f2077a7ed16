"""The checks one by one: each expectation of a suite, what every stored table must be like, each assertion of sql/assertions.

What holds a day is the recorded result, which the publication reads again for exactly the content that it is about to publish.
A check shows that result, with the rows that break it, and blocks no other day of the run.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    DailyPartitionsDefinition,
)

from assets.partitions import DEFER_EVENTS
from duizhang.errors import ConservationError
from duizhang.gate import COLUMNS, COMPUTED, ROWS_OF_PERIOD, SHOPS, SHOPS_TEXT, TABLE_EXISTS, Result, load_suites, names_shops
from duizhang.reconcile.lineage import assertions

Checked = AssetCheckResult | AssetCheckEvaluation

# a suite may ask of a table again what the engine promises
ASSERTION = "assertion_"
# what is recorded of the claims of all legs stands with what they come together in
_ASSETS = {"claims": "movements"}
# an assertion belongs to the table that its promise is about
_ABOUT = {
    "keys_are_whole": "movements", "amounts_are_conserved": "recon_summary", "parts_add_up_to_their_item": "variances",
    "opening_is_closing_of_the_day_before": "recon_summary", "events_add_up_to_their_item": "event_items",
}


def expectation_checks(partitions: DailyPartitionsDefinition) -> list[AssetCheckSpec]:
    """A check for each expectation, and for what is asked of every table that is stored."""
    found = []
    for table, suite in load_suites().items():
        given = {e.name: (f"{e.meta.en} / {e.meta.zh}", e.meta.severity) for e in suite.expectations}
        given[ROWS_OF_PERIOD] = ("every row is of the period / 每行都属于本期间", "critical")
        given[COLUMNS] = ("columns are as declared, and filled where they have to be / 列与声明一致且必填列不为空", "critical")
        if names_shops(table):
            given[SHOPS] = (SHOPS_TEXT, "critical")
        if not suite.optional:
            given[TABLE_EXISTS] = ("the table was written / 表已写出", "critical")
        found += [
            AssetCheckSpec(name, asset=table, description=text, metadata={"severity": severity}, partitions_def=partitions)
            for name, (text, severity) in given.items()
        ]
    text = "no row was left out because a model cannot be computed with its values / 没有因无法计算而剔除的行"
    return [*found, AssetCheckSpec(COMPUTED, asset=_ASSETS["claims"], description=text, partitions_def=partitions)]


def assertion_checks(partitions: DailyPartitionsDefinition) -> list[AssetCheckSpec]:
    """A check for each promise of the engine; a broken one ends the run before anything is written."""
    return [
        AssetCheckSpec(ASSERTION + name, asset=_ABOUT[name], description=text, partitions_def=partitions)
        for name, text in assertions().items()
    ]


def evaluations(
    context: AssetCheckExecutionContext, results: Iterable[Result], asked: Sequence[AssetCheckSpec], promises: Sequence[AssetCheckSpec]
) -> Iterator[Checked]:
    """The result of each check over the days of a run; of one that fails on some of several days also that of each day."""
    by_check: dict[AssetCheckKey, dict[dt.date, Result]] = {}
    for r in results:
        by_check.setdefault(AssetCheckKey(AssetKey(_ASSETS.get(r.table, r.table)), r.expectation), {})[r.period] = r
    for spec in asked:
        found = by_check.get(spec.key, {})
        wrong = {day: r for day, r in found.items() if not r.success and not r.accepted_by}
        critical = any(r.severity == "critical" for r in wrong.values())
        if wrong and len(context.partition_keys) > 1 and DEFER_EVENTS not in context.run.tags:
            for day, r in found.items():
                yield AssetCheckEvaluation(
                    check_name=spec.name, asset_key=spec.asset_key, passed=day not in wrong, partition=day.isoformat(),
                    metadata=_of(r), severity=_severity(critical=r.severity == "critical"), description=r.message,
                )
        yield AssetCheckResult(
            asset_key=spec.asset_key, check_name=spec.name, passed=not wrong, severity=_severity(critical=critical or not wrong),
            description="; ".join(f"{day}: {r.detail or r.message}" for day, r in list(wrong.items())[:5]) or None,
            metadata=_of(*wrong.values()),
        )
    for spec in promises:
        yield AssetCheckResult(asset_key=spec.asset_key, check_name=spec.name, passed=True)


def broken(error: ConservationError) -> Iterator[AssetCheckEvaluation]:
    """The check of a promise that was broken, failed, with the first row that breaks it."""
    name = str(error).partition(":")[0]
    if name in _ABOUT:
        yield AssetCheckEvaluation(
            check_name=ASSERTION + name, asset_key=AssetKey(_ABOUT[name]), passed=False, severity=AssetCheckSeverity.ERROR,
            description=str(error),
        )


def _of(*results: Result) -> dict[str, int | str]:
    """The rows that break an expectation, as text, and how many there are."""
    return {
        "unexpected rows": sum(r.unexpected for r in results if not r.success),
        "first rows": "\n".join(f"{r.period}: {r.detail}" for r in results if r.detail),
    }


def _severity(*, critical: bool) -> AssetCheckSeverity:
    return AssetCheckSeverity.ERROR if critical else AssetCheckSeverity.WARN
