"""The graph of the assets is what the SQL reads and the specifications give, no edge more and none less."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml
from dagster import AssetCheckExecutionContext, AssetCheckKey, AssetKey, Definitions, FreshnessPolicy, PreviewWarning
from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import traverse_scope

from assets.checks import evaluations, expectation_checks
from assets.graph import OF_FILES, PUBLISHED, SCHEMAS, STORED
from assets.partitions import daily
from assets.workspace import over
from duizhang.declared import schema
from duizhang.errors import SpecError
from duizhang.gate import COMPUTED, Result
from duizhang.home import published
from duizhang.ingest import load_specs
from duizhang.layout import SQL
from duizhang.reconcile import LEG_MODELS, STATE_TABLES, lineage
from duizhang.reconcile.models import PASSES, ROOMS, SO_FAR
from pipelines.definitions import build_defs

SNAPSHOT = Path(__file__).with_name("graph.txt")
# a company that declares one source of each kind of record; what the inbox shows besides is added by the state
NAMED = (
    "alipay_fund", "alipay_trade", "bank_mt940", "books_fx_rates", "books_orders", "books_refunds", "books_skus", "kingdee_journal",
    "platform_statement", "sf_bill", "taobao_order_lines", "taobao_orders", "wms_count", "wms_moves", "wms_snapshot",
)
BOOKS = {
    "entity": "E", "start": "2026-03-01", "shops": {"s": {"platform": "taobao", "provider": "alipay", "warehouse": "W"}},
    "expected": [{"source": name} for name in NAMED],
}
# what the engine makes of models, and what it puts under another name
ENGINE = {
    "claims": {*LEG_MODELS}, "all_leg_runs": {*LEG_MODELS}, "all_waiting": {*LEG_MODELS}, "skus_known": {"skus"},
    "sides_known": {"rows_seen", *LEG_MODELS}, "supplied_sides": {"rows_seen"}, "fx_filed": {"fx_rates"}, "sku_map_filed": {"sku_map"},
    "bundles_filed": {"bundles"}, "references_compared": {"near_references"},
    "left_over": {"matchable"}, "given_up": {"matchable", "match_keyless_crowds", "match_subset"},
    "matched": {"matchable", *(f"match_{n}" for n in PASSES)},
}


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    return definitions(tmp_path_factory.mktemp("company"))


def definitions(folder: Path) -> Definitions:
    (folder / "books.yaml").write_text(yaml.safe_dump(BOOKS), encoding="utf-8")
    resources = over(str(folder / "books.yaml"), str(folder / "home"))
    return build_defs(resources=resources, partitions=daily("2026-03-01", "Asia/Shanghai"))


def edges(defs: Definitions) -> dict[str, set[str]]:
    graph = defs.resolve_asset_graph()
    return {
        key.to_user_string(): {p.to_user_string() for p in graph.get(key).parent_keys} for key in graph.get_all_asset_keys()
    }


def read_by(path: Path) -> set[str]:
    """The tables of every scope of a model, as sqlglot resolves them."""
    scopes = traverse_scope(parse_one(path.read_text(encoding="utf-8"), dialect="duckdb"))
    return {source.name for scope in scopes for _, source in scope.selected_sources.values() if isinstance(source, exp.Table)} - {""}


@pytest.mark.slow
def test_every_edge_is_one_that_the_sql_or_a_specification_says(defs: Definitions) -> None:
    specs = load_specs()
    expected: dict[str, set[str]] = {name: set() for name in NAMED}
    for table in schema.TABLES:
        expected[table] = {name for name in NAMED if table in {t.table for t in specs[name].tables}}
    expected |= {name: {*NAMED} for name in OF_FILES}
    for room in ROOMS:
        for path in (SQL / room).glob("*.sql"):
            name = path.stem
            if name in SO_FAR:
                continue
            expected[name] = set()
            for relation in read_by(path):
                expected[name] |= ENGINE.get(relation, {relation})
    # what books, rules and people's decisions say is no asset, and what is of an earlier day is drawn at the table itself
    no_asset = {*lineage.GIVEN, "opening_claims", "carried_stock_levels", "carried_sides", "past_claims",
                "shared_orders_before", "payment_names_before",
                "payout_providers_before", "announced_before", "bank_days_before", "booked_before", "closed_before", "waiting_before"}
    expected = {name: parents - no_asset for name, parents in expected.items()}
    for name in STATE_TABLES:
        expected[name].add(name)
    expected |= {"journal_proposals": set()}
    found = edges(defs)
    of_published = found.pop(PUBLISHED)
    assert found == expected
    assert of_published == {*published.TABLES} - {"quality_results"} | {*STATE_TABLES}


def test_relations_are_those_that_sqlglot_reads() -> None:
    for path in (p for p in SQL.rglob("*.sql") if p.parent.name != "macros"):
        assert lineage.relations_read(path.read_text(encoding="utf-8")) == read_by(path), path.name
    assert lineage.relations_read(
        "with a as (select * from a where x is distinct from 'from b' -- from c\n"
        "), d as (select y from (select * from a) join \"e f\" using (y) cross join range(3))"
        "select *, exists (select 1 from g where g.y = d.y) from d window w as (partition by y)"
    ) == {"a", "e f", "g"}


def test_what_is_run_for_every_leg_reads_its_own_claims_alone() -> None:
    paths = list((SQL / "legs").glob("*.sql"))
    own = {*(path.stem for path in paths), "made_claims", "leg_claims", "held_claims", "moved_so_far", "past_of_leg"}
    around = {"coded_goods", "skus_dated", "sku_codes", "bundle_parts", "order_places", "opening_claims", "opening_items", "supplied_sides",
              "carried_sides", "sides_known", "waiting_before"}
    for path in paths:
        assert read_by(path) <= own | around | lineage.GIVEN, path.stem


def test_models_run_behind_what_they_read_and_folders_are_in_the_order_of_the_flow() -> None:
    listed = lineage.models()
    place = {name: (ROOMS.index(model.room), lineage.order(model.room).index(name)) for name, model in listed.items()}
    early = {(name, parent) for name, model in listed.items() for parent in model.parents & place.keys() if place[parent] >= place[name]}
    assert early == set()
    assert {p.stem for room in ROOMS for p in (SQL / room).glob("*.sql")} == {*place, *SO_FAR}
    assert {p.name for p in SQL.iterdir()} == {*ROOMS, "legs", "passes", "macros", "assertions", "overlaps"}


def test_the_graph_is_the_one_of_the_snapshot(defs: Definitions) -> None:
    """A change of it is a diff of graph.txt; `python -m tests.pipelines.test_graph` writes it anew."""
    assert as_text(defs) == SNAPSHOT.read_text(encoding="utf-8")


def as_text(defs: Definitions) -> str:
    graph, found = defs.resolve_asset_graph(), edges(defs)
    lines = [
        f"{graph.get(AssetKey(name)).group_name}/{name}" + "".join(f"\n    {parent}" for parent in sorted(found[name])) for name in found
    ]
    return "\n".join(sorted(lines)) + "\n"


def test_every_asset_says_what_it_is(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        name, node = key.to_user_string(), graph.get(key)
        assert node.description and node.owners and node.kinds and node.tags["layer"] == node.group_name, name
        if node.group_name in ("sources", *ROOMS) and name != "journal_proposals":
            assert node.code_version, name
        if name in STORED:
            columns = node.metadata["dagster/column_schema"].columns
            assert [c.name for c in columns] == SCHEMAS[name].names
            assert [c.name for c in columns if not c.description] == [], name


def test_what_is_published_is_expected_every_day_by_noon_of_the_books(defs: Definitions) -> None:
    policy = defs.resolve_asset_graph().get(AssetKey(PUBLISHED)).freshness_policy
    assert policy == FreshnessPolicy.cron(
        deadline_cron="0 12 * * *", lower_bound_delta=dt.timedelta(hours=12), timezone="Asia/Shanghai",
    )


def test_rows_that_were_left_out_fail_a_check_of_what_the_claims_come_together_in(defs: Definitions) -> None:
    key = AssetCheckKey(AssetKey("movements"), COMPUTED)
    assert key in defs.resolve_asset_graph().asset_check_keys
    day = dt.date(2026, 3, 1)
    left_out = Result(day, "claims", "", COMPUTED, "", "critical", False, 1, "it can be computed", "a.csv line 2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)
        [spec] = [s for s in expectation_checks(daily("2026-03-01", "Asia/Shanghai")) if s.key == key]
    context = cast(AssetCheckExecutionContext, SimpleNamespace(partition_keys=["2026-03-01"]))
    [failed], [passed] = (list(evaluations(context, found, [spec], [])) for found in ([left_out], []))
    assert (failed.passed, passed.passed) == (False, True) and "a.csv line 2" in str(failed.description)


def test_a_model_that_reads_what_nothing_makes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "a.sql").write_text("-- Grain: none.\nwith\nb as (select * from b)\n\nselect * from b\n", encoding="utf-8")
    monkeypatch.setattr(lineage, "SQL", tmp_path)
    with pytest.raises(SpecError, match=r"marts/a\.sql reads 'b'"):
        lineage.models.__wrapped__()
    (tmp_path / "marts" / "b.sql").write_text("-- Grain: none.\nselect * from a\n", encoding="utf-8")
    with pytest.raises(SpecError, match="circle"):
        lineage.models.__wrapped__()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as where:
        SNAPSHOT.write_text(as_text(definitions(Path(where))), encoding="utf-8")
