"""What every model reads, taken from its SQL: the graph of the flow from the canonical tables to the marts.

A model is a file of sql/; its parents are the relations of its import CTEs, followed to the models and canonical tables that make
them where the engine stands between (the claims of all legs, what a matching pass leaves over). A relation that nothing here knows
is an error, so the graph cannot go on without one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from duizhang.declared.matching_passes import matching_digest
from duizhang.declared.schema import TABLES
from duizhang.digest import file_digest
from duizhang.errors import SpecError
from duizhang.layout import SQL
from duizhang.reconcile.causes import causes_digest
from duizhang.reconcile.models import LEG_MODELS, PASSES, ROOMS, SO_FAR, VIEWS
from duizhang.reconcile.parts import parts_digest

# what the engine puts in place from books.yaml, the rules and people's decisions, and from no table
GIVEN = frozenset({
    "calendar", "file_ranks", "corrections", "decisions", "declared_sides", "side_feeds", "matching_legs", "matching_passes",
    "minor_units", "sla", "shops", "account_map", "bank_account_owners", "warehouse_owners", "tolerances", "policy_changes",
    "rate_cards", "rate_tiers", "fx_declared", "fx_settings", "leg_traits", "instalments_declared", "fee_billing",
    "stock_allocations", "waiting_settings", "matching_settings",
    "sku_map_declared", "bundles_declared", "goods_settings", "shared_accounts",
    "shared_account_shops", "placing_rules", "only_shop", "gifts", "not_shipped", "order_grains",
    "own_refund_ids", "kept_payments", "silent_accounts",
})
# what the engine puts together from other relations
_MADE_OF: dict[str, tuple[str, ...]] = {
    "claims": LEG_MODELS,
    "supplied_sides": ("rows_seen",),
    "sides_known": ("rows_seen", *LEG_MODELS),
    "all_leg_runs": LEG_MODELS,
    "all_waiting": LEG_MODELS,
    "skus_known": ("skus",),
    "fx_filed": ("fx_rates",),
    "sku_map_filed": ("sku_map",),
    "bundles_filed": ("bundles",),
    "left_over": ("matchable",),
    "references_compared": ("near_references",),
    "matched": ("matchable", *(f"match_{name}" for name in PASSES)),
    "given_up": ("matchable", "match_keyless_crowds", "match_subset"),
}
# what the engine reads of earlier days for it
_MADE_OF_EARLIER: dict[str, tuple[str, ...]] = {"all_waiting": ("waiting_claims",)}
# what a day opens with, as the day before left it, and where late duplicates are looked for
_EARLIER: dict[str, tuple[str, ...]] = {
    "opening_claims": ("open_claims",),
    "carried_stock_levels": ("stock_levels",), "carried_sides": ("sides",), "waiting_before": ("waiting_claims",),
    "past_claims": LEG_MODELS,
    "shared_orders_before": ("shared_orders",), "payment_names_before": ("payment_names",),
    "payout_providers_before": ("payout_providers",), "announced_before": ("announced_payouts",), "bank_days_before": ("bank_days",),
    "booked_before": ("booked_refunds",), "closed_before": ("closed_orders",),
}

# a comment, a text, a quoted name, a word, a mark
_WORD = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\w+|[^\s\w]""")


@dataclass(frozen=True)
class Model:
    """One model of the graph. parents: tables and models of the same day; earlier: tables of earlier days that it reads as well;
    carries: whether it follows from itself as the day before left it."""

    name: str
    path: str
    header: str
    parents: frozenset[str]
    earlier: frozenset[str]
    carries: bool

    @property
    def room(self) -> str:
        return self.path.partition("/")[0]

    def digest(self) -> str:
        """SHA-256 of the SQL and of the rules that the engine puts between it and what it reads."""
        rules = {"matchable": matching_digest, "split_by_cause": parts_digest, "with_cause": causes_digest, "variances": causes_digest}
        text = file_digest(SQL / self.path) + (rules[self.name]() if self.name in rules else "")
        return hashlib.sha256(text.encode()).hexdigest()


def relations_read(sql: str) -> frozenset[str]:
    """The relations outside of a query that it reads: what stands behind `from` and `join` and is no common table expression of
    its own, unless within the one that has its name (an import has the name of what it imports).

    Every process that runs models asks it of all of them. To parse them takes most of a second; a test holds that it finds
    what sqlglot does.
    """
    words = [word for word in _WORD.findall(sql) if not word.startswith("--")]
    own: set[str] = set()
    within: list[str] = []  # for each open bracket the expression that it is of
    read: set[tuple[str, str]] = set()
    for at, word in enumerate(words):
        if word == "(":
            opens = at > 2 and words[at - 1] == "as" and words[at - 3] in ("with", ",")
            own.update([words[at - 2]] if opens else [])
            within.append(words[at - 2] if opens else within[-1] if within else "")
        elif word == ")":
            within.pop()
        elif word in ("from", "join") and words[at - 1] != "distinct" and words[at + 1] != "(" and words[at + 2 : at + 3] != ["("]:
            read.add((words[at + 1].strip('"'), within[-1] if within else ""))
    return frozenset(name for name, inside in read if name not in own or name == inside)


@cache
def models() -> dict[str, Model]:
    """Every model by name, each behind those that it reads. Raises SpecError for a relation that nothing makes, and for a circle."""
    read = {path.stem: (path, *_read(path)) for room in ROOMS for path in sorted((SQL / room).glob("*.sql"))
            if path.stem not in SO_FAR}
    known = {*read, *TABLES}
    parents: dict[str, set[str]] = {}
    earlier: dict[str, set[str]] = {}
    for name, (path, _, relations) in read.items():
        parents[name], earlier[name] = set(), set()
        for relation in sorted(relations):
            if relation in _EARLIER:
                earlier[name].update(_EARLIER[relation])
            elif relation in _MADE_OF or relation in known:
                parents[name].update(_MADE_OF.get(relation, (relation,)))
                earlier[name].update(_MADE_OF_EARLIER.get(relation, ()))
            elif relation not in GIVEN:
                raise SpecError(f"sql/{_short(path)} reads {relation!r}, which nothing makes")
    try:
        order = [name for name in TopologicalSorter({n: sorted(parents[n]) for n in sorted(parents)}).static_order() if name in read]
    except CycleError as error:
        raise SpecError(f"models read each other in a circle: {' <- '.join(error.args[1])}") from error
    # what a table follows from on earlier days, through all that stands between
    before: dict[str, set[str]] = {}
    for name in order:
        before[name] = earlier[name].union(*(before.get(parent, set()) for parent in parents[name]))
    return {
        name: Model(
            name, _short(read[name][0]), read[name][1], frozenset(parents[name]), frozenset(earlier[name]),
            carries=(name,) in _EARLIER.values() and name in before[name],
        )
        for name in order
    }


@cache
def order(room: str) -> tuple[str, ...]:
    """The models of a folder, each behind those that it reads."""
    return tuple(name for name, model in models().items() if model.room == room)


@cache
def behind(name: str) -> frozenset[str]:
    """A model and all that follow from it on the same day."""
    found = {name}
    for model in models().values():
        if model.parents & found:
            found.add(model.name)
    return frozenset(found)


@cache
def tables_of(name: str) -> frozenset[str]:
    """What has to be there when a model is run: its parents, and through those that are views theirs."""
    return _through_views(models()[name].parents)


@cache
def tables_of_assertions() -> frozenset[str]:
    """What has to be there when the promises of sql/assertions are asked about."""
    return _through_views(frozenset().union(*(_read(path)[1] for path in (SQL / "assertions").glob("*.sql"))))


def _through_views(names: frozenset[str]) -> frozenset[str]:
    return names.union(*(_through_views(models()[name].parents) for name in names if name in VIEWS))


def assertions() -> dict[str, str]:
    """The promises of sql/assertions by name, each with what its header says."""
    return {path.stem: _read(path)[0] for path in sorted((SQL / "assertions").glob("*.sql"))}


def _read(path: Path) -> tuple[str, frozenset[str]]:
    text = path.read_text(encoding="utf-8")
    header = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        header.append(line.removeprefix("--").strip())
    return " ".join(header), relations_read(text)


def _short(path: Path) -> str:
    return path.relative_to(SQL).as_posix()
