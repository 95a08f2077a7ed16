"""Compare what was published with what a simulation injected."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import duckdb

from duizhang.errors import UserError
from duizhang.home.published import POINTER, open_published

# truth_parts, found_parts: one row a key and cause; found is what a key's last published period says.
# keys: one row a key that is in the truth or was published. verdict: hit | missed | false | ignored (natural timing).
# parts: one row a key and true cause, or false cause of a key that was made up.
_STEPS = {
    "truth_parts": """
        select leg, entity, key, currency, cause, sum(difference) as difference, bool_or(injected) as injected
        from read_parquet($truth)
        group by all
    """,
    "found_parts": """
        select leg, entity, key, currency, cause, sum(difference) as difference, max(candidates)::varchar as candidates
        from (
            select * from told
            qualify period = max(period) over (partition by leg, entity, key, currency)
        )
        group by all
    """,
    "keys": """
        with
        truth as (
            select
                leg, entity, key, currency, sum(difference) as difference, bool_or(injected) as injected,
                count(*) as causes
            from truth_parts
            group by all
        ),
        found as (
            select
                leg, entity, key, currency, sum(difference) as difference, bool_and(cause = 'timing') as is_timing,
                count(*) as causes
            from found_parts
            group by all
        )
        select
            leg, entity, key, currency, t.difference as true_difference, f.difference as found_difference,
            case
                when t.injected and f.leg is not null then 'hit'
                when t.injected then 'missed'
                when f.leg is null then 'ignored'
                when t.leg is not null and f.is_timing and f.difference = t.difference then 'ignored'
                else 'false'
            end as verdict,
            coalesce(t.difference = f.difference, false) as amount_exact,
            coalesce(t.causes = 1 and f.causes = 1, false) as is_plain
        from truth as t
        full join found as f using (leg, entity, key, currency)
    """,
    "parts": """
        select
            k.leg, k.key, k.currency, k.verdict, t.cause as true_cause, t.difference as true_difference,
            case when s.cause is not null then s.cause
                else (
                    select max_by(o.cause, (o.cause not in (
                        select x.cause from truth_parts as x
                        where x.leg = k.leg and x.entity = k.entity and x.key = k.key and x.currency = k.currency
                    ), abs(o.difference), o.cause))
                    from found_parts as o
                    where o.leg = k.leg and o.entity = k.entity and o.key = k.key and o.currency = k.currency
                )
            end as found_cause,
            coalesce(s.difference, k.found_difference) as found_difference,
            coalesce(s.difference = t.difference, k.amount_exact) as amount_exact,
            coalesce(s.cause is not null and (k.is_plain or s.difference = t.difference), false) as cause_right,
            coalesce((
                select bool_or(list_contains(regexp_extract_all(o.candidates, '"cause":"(\\w+)"', 1)[1:2], t.cause))
                from found_parts as o
                where o.leg = k.leg and o.entity = k.entity and o.key = k.key and o.currency = k.currency
            ), false) as candidate_right
        from keys as k
        inner join truth_parts as t using (leg, entity, key, currency)
        left join found_parts as s
            on s.leg = k.leg and s.entity = k.entity and s.key = k.key and s.currency = k.currency and s.cause = t.cause
        where k.verdict in ('hit', 'missed')
        union all
        select
            k.leg, k.key, k.currency, k.verdict, null, k.true_difference, f.cause, f.difference, false, false, false
        from keys as k
        inner join found_parts as f using (leg, entity, key, currency)
        where k.verdict = 'false'
    """,
}

_BY_CAUSE = """
    count(*) filter (verdict in ('hit', 'missed')) as injected,
    count(*) filter (verdict in ('hit', 'false')) as found,
    count(*) filter (verdict = 'hit') as hits,
    count(*) filter (verdict = 'hit' and amount_exact) as exact,
    count(*) filter (verdict = 'hit' and cause_right) as right_causes,
    count(*) filter (verdict = 'hit') as causes
"""

_BY_KEY = """
    count(*) filter (verdict in ('hit', 'missed')) as injected,
    count(*) filter (verdict in ('hit', 'false')) as found,
    count(*) filter (verdict = 'hit') as hits,
    count(*) filter (verdict = 'hit' and amount_exact) as exact
"""


class Differences(TypedDict):
    """How many keys were to be found and were found; fractions 0..1."""

    precision: float
    recall: float
    injected: int
    found: int


class Part(TypedDict):
    """The same for one leg or one cause."""

    precision: float
    recall: float
    injected: int
    found: int
    amounts_exact: float
    causes_right: float


class Proposals(TypedDict):
    """Of what belongs together though its references do not say so: how many were proposed rightly, wrongly, not at all."""

    links: int
    right: int
    wrong: int
    none: int


class Score(TypedDict):
    """The result; amounts_exact and causes_right are shares of the injected items that were found.

    A key counts once in `differences` and by_leg; where its difference has several causes, each counts in causes_right,
    by_cause and confusion. confusion: true cause -> found cause -> items; 'missed' was not found, 'none' was made up.
    unexplained: share of the money found, without sign, that has no cause. named_wrongly: share of the causes that are neither
    right nor called unexplained; candidate_right: of those called unexplained, the share whose true cause is one of the first two
    candidates. proposals: by what was done to the references, where the simulation says it (`all` together); a proposal that no link is
    counts as wrong under `none`. unpublished: the days of the truth of which nothing is published, as of one that is held: what was
    injected on them is missed.
    """

    differences: Differences
    amounts_exact: float
    causes_right: float
    unexplained: float
    named_wrongly: float
    candidate_right: float
    proposals: dict[str, Proposals]
    by_leg: dict[str, Part]
    by_cause: dict[str, Part]
    confusion: dict[str, dict[str, int]]
    unpublished: list[str]


def _share(part: int, whole: int) -> float:
    """part / whole; of nothing, everything is right."""
    return round(part / whole, 6) if whole else 1.0


def _part(injected: int, found: int, hits: int, exact: int, right: int, causes: int) -> Part:
    return Part(precision=_share(hits, found), recall=_share(hits, injected), injected=injected, found=found,
                amounts_exact=_share(exact, hits), causes_right=_share(right, causes))


def _days_of(con: duckdb.DuckDBPyConnection) -> str:
    """The relation that has the days that are published; others than we publish differences alone."""
    has_states = con.execute("select count(*) from information_schema.tables where table_name = 'period_status'").fetchall() != [(0,)]
    return "period_status where version is not null" if has_states else "variances"


def score(truth: Path, home: Path) -> tuple[Score, list[str]]:
    """The score, and one readable line for each item that is missed, made up, or found with a wrong amount or cause.

    An item counts with its last published rows. Natural timing found as such counts neither for nor against. by_cause
    goes by the injected cause; what was made up stands there under the cause that it was given. UserError: no truth
    file or nothing published.
    """
    published = home / POINTER
    if not truth.is_file():
        raise UserError(f"{truth}: no such file", advice="Give the truth.parquet that `duizhang simulate` wrote.")
    if not published.is_file():
        raise UserError(f"{published}: nothing is published there", advice="Run the periods first, or set --home.")
    with open_published(home, also=truth) as con:
        try:
            # what others publish need not say what else a difference may be
            said = {str(row[0]) for row in con.execute("describe variances").fetchall()}
            extra = "" if "candidates" in said else ", null as candidates"
            con.execute(f"create temp view told as select *{extra} from variances")
            for name, step in _STEPS.items():
                con.execute(f"create temp table {name} as {step}", {"truth": str(truth.resolve())} if "$truth" in step else None)
            unpublished = [str(day) for (day,) in con.execute(
                "select distinct period from read_parquet($truth) "
                f"where period not in (select period from {_days_of(con)}) order by period",
                {"truth": str(truth.resolve())}).fetchall()]
        except duckdb.CatalogException as error:
            raise UserError(f"{published} has no table variances", advice="Run the periods first.") from error
        except (duckdb.BinderException, duckdb.InvalidInputException) as error:
            raise UserError(f"{truth} is not a truth file of this version: {error}") from error
        causes = dict[str, tuple[int, int]]()
        for leg, right, count in con.execute(
            "select coalesce(leg, ''), count(*) filter (cause_right), count(*) from parts where verdict = 'hit' "
            "group by grouping sets ((leg), ())"
        ).fetchall():
            causes[str(leg)] = (int(right), int(count))
        nothing = (0, 0)
        total = _part(*(*con.execute(f"select {_BY_KEY} from keys").fetchall()[0], *causes.get("", nothing)))
        by_leg = {str(row[0]): _part(*(*row[1:], *causes.get(str(row[0]), nothing))) for row in con.execute(
            f"select leg, {_BY_KEY} from keys where verdict <> 'ignored' group by 1 order by 1").fetchall()}
        by_cause = {str(row[0]): _part(*row[1:]) for row in con.execute(
            f"select coalesce(true_cause, found_cause), {_BY_CAUSE} from parts group by 1 order by 1").fetchall()}
        confusion: dict[str, dict[str, int]] = {}
        for true, given, count in con.execute("""
            select coalesce(true_cause, 'none'), case verdict when 'missed' then 'missed' else found_cause end, count(*)
            from parts group by 1, 2 order by 1, 2
        """).fetchall():
            confusion.setdefault(str(true), {})[str(given)] = int(count)
        unexplained = con.execute("""
            select coalesce(sum(abs(difference)) filter (cause = 'unexplained') / nullif(sum(abs(difference)), 0), 0)
            from found_parts where currency <> 'PCS'
        """).fetchall()[0][0]
        named_wrongly, candidate_right = con.execute("""
            select
                coalesce(count(*) filter (not cause_right and found_cause <> 'unexplained') / nullif(count(*), 0), 0),
                coalesce(
                    count(*) filter (not cause_right and found_cause = 'unexplained' and candidate_right)
                    / nullif(count(*) filter (not cause_right and found_cause = 'unexplained'), 0), 1)
            from parts where verdict = 'hit'
        """).fetchall()[0]
        wrong = con.execute("""
            select verdict, leg, key, true_cause, true_difference, found_cause, found_difference from parts
            where verdict in ('missed', 'false') or (verdict = 'hit' and not (amount_exact and cause_right))
            order by case verdict when 'missed' then 0 when 'false' then 1 else 2 end, leg, key, true_cause, found_cause
        """).fetchall()
    links = truth.with_name("links.parquet")
    proposals = _proposals(home, links) if links.is_file() else {}
    result = Score(
        differences=Differences(precision=total["precision"], recall=total["recall"], injected=total["injected"],
                                found=total["found"]),
        amounts_exact=total["amounts_exact"], causes_right=total["causes_right"], unexplained=round(float(unexplained), 6),
        named_wrongly=round(float(named_wrongly), 6), candidate_right=round(float(candidate_right), 6), proposals=proposals,
        by_leg=by_leg, by_cause=by_cause, confusion=confusion, unpublished=unpublished,
    )
    words = {"missed": "missed", "false": "not injected", "hit": "differs"}
    return result, [
        f"{words[verdict]}: {leg} {key}: true {cause} {amount}, found {found} {what}"
        for verdict, leg, key, cause, amount, found, what in wrong
    ]


# members of a link are open together on that day for the last time; what was proposed for any of them then
_TOLD = """
    with
    keys as (select leg, entity, currency, kind, members, unnest(members) as key from read_parquet($links)),
    proposed as (
        select
            period, leg, entity, currency, key,
            list_sort(list_distinct(list_append(string_split(regexp_extract(proposal, '^pairs with (.*) \\(\\w+: ', 1), ', '), key)))
                as members
        from variances
        where starts_with(proposal, 'pairs with ')
    ),
    days as (
        select k.leg, k.entity, k.currency, k.kind, k.members, max(v.period) as period
        from keys as k
        inner join variances as v using (leg, entity, currency, key)
        group by all
    ),
    answered as (
        select d.kind, d.members, coalesce(list(distinct p.members) filter (p.members is not null), []) as told
        from days as d
        inner join keys as k using (leg, entity, currency, kind, members)
        left join proposed as p
            on p.leg = k.leg and p.entity = k.entity and p.currency = k.currency and p.key = k.key and p.period = d.period
        group by all
    ),
    strangers as (
        select distinct p.leg, p.entity, p.currency, p.members
        from proposed as p
        anti join keys as k using (leg, entity, currency, key)
        where p.period = (select max(period) from variances) and p.leg in (select leg from keys)
    )
    select
        kind, count(*) as links,
        count(*) filter (told = [list_sort(members)]) as right,
        count(*) filter (len(told) > 0 and told <> [list_sort(members)]) as wrong,
        count(*) filter (len(told) = 0) as none
    from answered
    group by kind
    union all
    select 'none', 0, 0, count(*), 0 from strangers
    order by kind
"""


def _proposals(home: Path, links: Path) -> dict[str, Proposals]:
    with open_published(home, also=links) as con:
        rows = con.execute(_TOLD, {"links": str(links.resolve())}).fetchall()
    found = {str(kind): Proposals(links=n, right=right, wrong=wrong, none=none) for kind, n, right, wrong, none in rows}
    found["all"] = Proposals(
        links=sum(p["links"] for p in found.values()), right=sum(p["right"] for p in found.values()),
        wrong=sum(p["wrong"] for p in found.values()), none=sum(p["none"] for p in found.values()))
    return found
