"""The matching passes after the exact key: declared in matching.yaml, run over the open items, each on what is left.

A pass is a SQL model that lists candidate groups of items; of those that share an item the best in a total order is taken,
so an item is in one group at most and the order of rows does not matter. The search for combinations that add up is the
one pass outside SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import groupby
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from duizhang.declared.matching_passes import load_matching
from duizhang.declared.schema import DAY, TEXT
from duizhang.home.store import quoted
from duizhang.reconcile.lines import Item, Lines
from duizhang.reconcile.models import PASSES
from duizhang.reconcile.subset import Subset, find_subset

if TYPE_CHECKING:
    from duizhang.reconcile.session import Session

_MATCHED = pa.schema([
    ("period", DAY), ("leg", TEXT), ("entity", TEXT), ("currency", TEXT), ("members", pa.list_(TEXT)), ("pass", TEXT),
    ("points", pa.int64()), ("reason", TEXT),
])
_GIVEN_UP = pa.schema([
    ("period", DAY), ("leg", TEXT), ("entity", TEXT), ("currency", TEXT), ("key", TEXT), ("reason", TEXT),
])


_IN_OTHER_CLOTHES = """
    select 1 from leg_claims
    where list_contains(getvariable('normal_sources'), source) and regexp_matches("key", getvariable('normal_pattern'))
    limit 1
"""


def prepare_matching(con: duckdb.DuckDBPyConnection) -> None:
    """Put the declaration in place: macros, tables of legs and passes, variables."""
    rules = load_matching()
    normal = '"key"'
    for rule in rules.normal_keys:
        if "*" in rule.sources:
            normal = f"regexp_replace({normal}, {quoted(rule.pattern)}, {quoted(rule.replace)}, 'g')"
    words = " ".join(
        f"when {' or '.join(f'contains(lower(words), {quoted(word.lower())})' for word in named)} then {quoted(party)}"
        for party, named in rules.parties.items()
    )
    con.execute(f'create macro normal_key("key") as {normal}')
    party = f"case {words} end"
    con.execute(f"create macro party_of(words) as {party}")
    con.execute(
        "create macro names_provider(words, provider) as "
        "(contains(words, provider) or party_of(words) = coalesce(party_of(provider), provider))"
    )
    no_payout = " or ".join(f"contains(lower(words), {quoted(word)})" for word in rules.no_payout)
    con.execute(f"create macro is_no_payout(words) as ({no_payout})")
    elsewhere = " or ".join(f"contains(lower(words), {quoted(word)})" for word in rules.paid_elsewhere)
    con.execute(f"create macro is_paid_elsewhere(words) as ({elsewhere})")
    con.execute(f"create macro remark_ids(words) as list_distinct(regexp_extract_all(words, {quoted(rules.remark_id)}))")
    con.execute(f"create macro short_ids(words) as list_distinct(regexp_extract_all(words, {quoted(rules.short_id)}))")
    whose = " ".join(
        f"when regexp_matches(reference, {quoted(f'^(?:{pattern})$')}) then concat({quoted(f'{provider}/')}, reference)"
        for provider, pattern in rules.payout_ids.items()
    )
    whole = f"case {whose} else reference end"
    con.execute(f"create macro whole_payout_id(reference) as {whole}")
    con.execute("set variable match_candidates = ?", [rules.bounds.candidates])
    con.execute("set variable match_crowd = ?", [rules.bounds.crowd])
    con.execute("set variable repeat_horizon = ?", [rules.repeat_horizon_days])
    con.execute("create macro bare_reference(reference) as regexp_replace(upper(reference), '[^0-9A-Z]', '', 'g')")
    con.execute(
        f"create macro folded(reference) as regexp_replace(translate(upper(reference), {quoted(rules.near.look_alikes)}, "
        f"{quoted(rules.near.written)}), '[^0-9A-Z]', '', 'g')"
    )
    con.execute(
        "create table matching_settings "
        "(sure_points integer, shown_points integer, edits integer, near_length integer, kept_percent integer)"
    )
    con.execute("insert into matching_settings values (?, ?, ?, ?, ?)", [
        rules.sure_points, rules.shown_points, rules.near.edits, rules.near.length, rules.near.kept_percent])
    con.execute("create table matching_legs (leg varchar, party varchar, window_days integer, left_first boolean)")
    for leg, given in rules.legs.items():
        con.execute("insert into matching_legs values (?, ?, ?, ?)", [leg, given.party, given.window_days, given.left_first])
    _declare_passes(con, list(rules.legs), {})


def _declare_passes(con: duckdb.DuckDBPyConnection, legs: Sequence[str], own: Mapping[str, Sequence[str]]) -> None:
    """The passes of these legs, those that books.yaml gives a leg (`own`) in the place of matching.yaml's."""
    con.execute("create or replace table matching_passes (leg varchar, pass varchar)")
    declared = [value for leg in legs for name in own.get(leg, load_matching().legs[leg].passes) for value in (leg, name)]
    if declared:
        con.execute(f"insert into matching_passes values {', '.join(['(?, ?)'] * (len(declared) // 2))}", declared)


def normalise_keys(session: Session) -> None:
    """Give the claims of the leg that is being made (`leg_claims`) the normal form of their key where the declared normalisation is
    lossless for their source."""
    con = session.con
    for rule in load_matching().normal_keys:
        if not rule.lossless:
            continue
        there = [source for (source,) in con.execute("select distinct source from leg_claims").fetchall()]
        sources = [source for source in there if any(fnmatchcase(source, glob) for glob in rule.sources)]
        if not sources:
            continue
        con.execute("set variable normal_sources = ?", [sources])
        con.execute("set variable normal_pattern = ?", [rule.pattern])
        con.execute("set variable normal_replace = ?", [rule.replace])
        if not con.execute(_IN_OTHER_CLOTHES).fetchall():
            continue
        session.set_claims("leg_claims")
        session.run("legs/normal_keys.sql")
        con.execute("""
            update leg_claims set
                "key" = n.normal_key,
                order_id = regexp_replace(order_id, getvariable('normal_pattern'), getvariable('normal_replace'), 'g')
            from normal_keys as n
            where leg_claims.period = n.period and leg_claims.leg = n.leg and leg_claims.entity = n.entity
                and leg_claims.currency = n.currency and leg_claims.side = n.side and leg_claims.source = n.source
                and leg_claims."key" = n."key"
        """)


def match(session: Session) -> None:
    """Run the passes over `matchable`; leaves the tables matched (groups of keys) and given_up."""
    con, run = session.con, session.run
    con.register("_matched_empty", _MATCHED.empty_table())
    con.execute("create or replace table matched as select * from _matched_empty")
    con.register("_given_up_empty", _GIVEN_UP.empty_table())
    con.execute("create or replace table given_up as select * from _given_up_empty")
    run("matching/left_over.sql")
    con.execute(
        "create or replace table references_compared (period date, leg varchar, entity varchar, currency varchar, left_key varchar, "
        "right_key varchar, right_currency varchar, left_alike bigint, right_alike bigint)"
    )
    for legs, passes in _courses(session.books.matching):
        _declare_passes(con, legs, session.books.matching)
        # a pass finds nothing where no item is of a leg that declares it
        declared = con.execute("select distinct pass from matching_passes semi join matchable using (leg)").fetchall()
        tried = {str(name) for (name,) in declared}
        for name in passes:
            if name == "near_key_apart":  # the rules of causes ask about it as well
                run("matching/near_references.sql")
                session.add_to("references_compared", "near_references")
            if name == "subset" and "keyless" in tried:
                _tell_crowds(session)
            if name in tried:
                _try(session, name)
        if "keyless" in tried and "subset" not in passes:
            _tell_crowds(session)


def _tell_crowds(session: Session) -> None:
    session.run("matching/match_keyless_crowds.sql")
    session.con.execute("insert into given_up select * from match_keyless_crowds")


def _courses(own: Mapping[str, Sequence[str]]) -> list[tuple[list[str], Sequence[str]]]:
    """Which legs go through which passes in which order: those that books.yaml says nothing of together, each other by itself."""
    return [([leg for leg in load_matching().legs if leg not in own], PASSES),
            *(([leg], passes) for leg, passes in sorted(own.items()))]


def _try(session: Session, name: str) -> None:
    con, run = session.con, session.run
    run(f"matching/match_{name}.sql")
    if name == "subset":
        matched, given_up = _subsets(con)
        con.register("_matched_subsets", matched)
        con.register("_given_up_subsets", given_up)
        con.execute("insert into matched select * from _matched_subsets")
        con.execute("insert into given_up select * from _given_up_subsets")
    else:
        _choose(session, name)


def _choose(session: Session, name: str) -> None:
    """Of the candidate groups take those that are the best for every member, again and again until none is left."""
    con = session.con
    if not con.execute(f"select 1 from match_{name} limit 1").fetchall():
        return
    con.execute(f"create or replace view candidates as select * from match_{name}")
    session.run("passes/ranked.sql")
    session.run("passes/first_seats.sql")
    con.execute("create or replace table seats as select * from first_seats")
    for _ in range(load_matching().bounds.rounds):
        session.run("passes/chosen.sql")
        if not con.execute("select 1 from chosen limit 1").fetchall():
            break
        con.execute(
            "insert into matched select period, leg, entity, currency, members, ?, points, reason from ranked "
            "semi join chosen using (rank)",
            [name],
        )
        session.run("passes/seats_left.sql")
        con.execute("create or replace table seats as select * from seats_left")


def _subsets(con: duckdb.DuckDBPyConnection) -> tuple[pa.Table, pa.Table]:
    rows = con.execute(
        'select * from match_subset order by period, leg, entity, currency, circle, first_seen, "key"'
    ).fetchall()
    known: dict[tuple[int, tuple[int, ...]], Subset] = {}
    matched: list[dict[str, Any]] = []
    given_up: list[dict[str, Any]] = []
    for head, group in groupby(rows, key=lambda row: row[:5]):
        place = dict(zip(("period", "leg", "entity", "currency"), head, strict=False))
        _subsets_of(place, [Item(*row[5:]) for row in group], known, matched, given_up)
    return pa.Table.from_pylist(matched, _MATCHED), pa.Table.from_pylist(given_up, _GIVEN_UP)


def _subsets_of(
    place: dict[str, Any], items: Sequence[Item], known: dict[tuple[int, tuple[int, ...]], Subset],
    matched: list[dict[str, Any]], given_up: list[dict[str, Any]],
) -> None:
    bounds = load_matching().bounds
    used: set[str] = set()
    tried = 0
    by_sign = {sign: Lines(i for i in items if (i.amount > 0) == sign) for sign in (True, False)}
    for deposit in sorted(items, key=lambda i: (i.amount > 0, i.first_seen, i.key)):
        if deposit.key in used:
            continue
        opposite = by_sign[deposit.amount <= 0]
        target = abs(deposit.amount)
        count, total = opposite.below(deposit)
        if count < 2 or total < target:
            continue
        tried += 1
        if tried > bounds.deposits:
            given_up.append({**place, "key": deposit.key, "reason":
                             f"combinations were not searched: more than {bounds.deposits} deposits on the day"})
            continue
        near, found = _of_one_party(deposit, opposite, known) or _combinations(deposit, opposite, known)
        if 0 < found.count <= bounds.combinations:
            members = [near[i] for i in found.members]
            used.update([deposit.key, *(m.key for m in members)])
            opposite.remove(members)
            by_sign[deposit.amount > 0].remove([deposit])
            searched = f" among the nearest {len(near)} of {count}" if len(near) < count else f" of {len(near)}"
            matched.append({
                **place, "members": [deposit.key, *sorted(m.key for m in members)], "pass": "subset",
                "points": _points(deposit, members) if found.count == 1 else 7000 // found.count,
                "reason": f"{len(members)} items{searched} add up, {found.count} such combinations"
                if found.count > 1 else f"{len(members)} items{searched} add up",
            })
        elif found.count:
            given_up.append({**place, "key": deposit.key,
                             "reason": f"{found.count} combinations of {len(near)} items add up: none is proposed"})
        elif len(near) < count:
            given_up.append({**place, "key": deposit.key, "reason":
                             f"the search for combinations gave up after the nearest {len(near)} of {count} items"})


def _combinations(deposit: Item, lines: Lines, known: dict[tuple[int, tuple[int, ...]], Subset]) -> tuple[list[Item], Subset]:
    """The lines that were looked at, and which of them add up to the deposit."""
    near = lines.nearest(deposit, load_matching().bounds.lines)
    amounts = tuple(abs(i.amount) for i in near)
    target = abs(deposit.amount)
    return near, known.get((target, amounts)) or known.setdefault((target, amounts), find_subset(target, amounts))


def _of_one_party(
    deposit: Item, lines: Lines, known: dict[tuple[int, tuple[int, ...]], Subset]
) -> tuple[list[Item], Subset] | None:
    """Where a deposit does not say who paid it: the lines of the one counterparty of whose lines just one combination adds up."""
    if deposit.party:
        return None
    parties = [replace(deposit, party=party) for party in lines.parties()]
    found = [(near, subset) for near, subset in (_combinations(one, lines, known) for one in parties) if subset.count]
    return found[0] if len(found) == 1 and found[0][1].count == 1 else None


def _points(deposit: Item, members: Sequence[Item]) -> int:
    """How sure the one combination is: of the deposit's counterparty, of one that it does not name, of several."""
    if deposit.party:
        return 8500
    return 8000 if len({member.party for member in members}) == 1 else 7000


__all__ = ["match", "normalise_keys", "prepare_matching"]
