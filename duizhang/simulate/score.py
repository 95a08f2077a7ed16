"""Compare what was published with what a simulation injected."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import duckdb

from duizhang.errors import UserError
from duizhang.published import POINTER, open_published

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
        select leg, entity, key, currency, cause, sum(difference) as difference
        from (
            select * from variances
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
            coalesce(s.cause is not null and (k.is_plain or s.difference = t.difference), false) as cause_right
        from keys as k
        inner join truth_parts as t using (leg, entity, key, currency)
        left join found_parts as s
            on s.leg = k.leg and s.entity = k.entity and s.key = k.key and s.currency = k.currency and s.cause = t.cause
        where k.verdict in ('hit', 'missed')
        union all
        select
            k.leg, k.key, k.currency, k.verdict, null, k.true_difference, f.cause, f.difference, false, false
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


class Score(TypedDict):
    """The result; amounts_exact and causes_right are shares of the injected items that were found.

    A key counts once in `differences` and by_leg; where its difference has several causes, each counts in causes_right,
    by_cause and confusion. confusion: true cause -> found cause -> items; 'missed' was not found, 'none' was made up.
    unexplained: share of the money found, without sign, that has no cause.
    """

    differences: Differences
    amounts_exact: float
    causes_right: float
    unexplained: float
    by_leg: dict[str, Part]
    by_cause: dict[str, Part]
    confusion: dict[str, dict[str, int]]


def _share(part: int, whole: int) -> float:
    """part / whole; of nothing, everything is right."""
    return round(part / whole, 6) if whole else 1.0


def _part(injected: int, found: int, hits: int, exact: int, right: int, causes: int) -> Part:
    return Part(precision=_share(hits, found), recall=_share(hits, injected), injected=injected, found=found,
                amounts_exact=_share(exact, hits), causes_right=_share(right, causes))


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
            for name, step in _STEPS.items():
                con.execute(f"create temp table {name} as {step}", {"truth": str(truth.resolve())} if "$truth" in step else None)
        except duckdb.CatalogException as error:
            raise UserError(f"{published} has no table variances", advice="Run the periods first.") from error
        except duckdb.BinderException as error:
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
        wrong = con.execute("""
            select verdict, leg, key, true_cause, true_difference, found_cause, found_difference from parts
            where verdict in ('missed', 'false') or (verdict = 'hit' and not (amount_exact and cause_right))
            order by case verdict when 'missed' then 0 when 'false' then 1 else 2 end, leg, key, true_cause, found_cause
        """).fetchall()
    result = Score(
        differences=Differences(precision=total["precision"], recall=total["recall"], injected=total["injected"],
                                found=total["found"]),
        amounts_exact=total["amounts_exact"], causes_right=total["causes_right"], unexplained=round(float(unexplained), 6),
        by_leg=by_leg, by_cause=by_cause, confusion=confusion,
    )
    words = {"missed": "missed", "false": "not injected", "hit": "differs"}
    return result, [
        f"{words[verdict]}: {leg} {key}: true {cause} {amount}, found {found} {what}"
        for verdict, leg, key, cause, amount, found, what in wrong
    ]


def render(result: Score, misses: list[str], limit: int = 20) -> str:
    """The score as text, with the first few items that are not as injected."""
    total = result["differences"]
    lines = [
        f"injected {total['injected']}, found {total['found']}: recall {total['recall']:.2%}, "
        f"precision {total['precision']:.2%}, amounts exact {result['amounts_exact']:.2%}, "
        f"causes right {result['causes_right']:.2%}, unexplained {result['unexplained']:.2%} of the money",
    ]
    for title, parts in (("leg", result["by_leg"]), ("cause", result["by_cause"])):
        lines += ["", f"{title:<24}{'injected':>9}{'found':>7}{'recall':>9}{'precision':>11}"
                  f"{'amounts':>9}{'causes':>9}"]
        lines += [
            f"{name:<24}{part['injected']:>9}{part['found']:>7}{part['recall']:>9.2%}{part['precision']:>11.2%}"
            f"{part['amounts_exact']:>9.2%}{part['causes_right']:>9.2%}"
            for name, part in parts.items()
        ]
    mixed = [(true, given, count) for true, row in result["confusion"].items() for given, count in row.items()
             if true != given]
    if mixed:
        lines += ["", f"{'true cause':<24}{'found':<24}{'items':>7}"]
        lines += [f"{true:<24}{given:<24}{count:>7}" for true, given, count in mixed]
    if misses:
        lines += ["", *misses[:limit]]
    if len(misses) > limit:
        lines.append(f"... and {len(misses) - limit} more")
    return "\n".join(lines)
