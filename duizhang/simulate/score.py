"""Compare what was published with what a simulation injected."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import duckdb

from duizhang.errors import UserError

# One row a key that is in the truth or was published. verdict: hit | missed | false | ignored (natural timing).
_JUDGED = """
with
found as (
    select leg, entity, key, currency, cause, difference
    from variances
    qualify row_number() over (partition by leg, entity, key, currency order by period desc, cause) = 1
),
truth as (
    select * from read_parquet($truth)
),
joined as (
    select
        coalesce(t.leg, f.leg) as leg,
        coalesce(t.key, f.key) as key,
        t.cause as true_cause,
        f.cause as found_cause,
        t.difference as true_difference,
        f.difference as found_difference,
        t.leg is not null as is_true,
        f.leg is not null as is_found,
        coalesce(t.injected, false) as injected
    from truth as t
    full join found as f
        on t.leg = f.leg and t.entity = f.entity and t.key = f.key and t.currency = f.currency
)
select
    *,
    case
        when injected and is_found then 'hit'
        when injected then 'missed'
        when not is_found then 'ignored'
        when is_true and found_cause = 'timing' and found_difference = true_difference then 'ignored'
        else 'false'
    end as verdict,
    coalesce(found_difference = true_difference, false) as amount_exact,
    coalesce(found_cause = true_cause, false) as cause_right
from joined
"""

_COUNTS = """
    count(*) filter (verdict in ('hit', 'missed')) as injected,
    count(*) filter (verdict in ('hit', 'false')) as found,
    count(*) filter (verdict = 'hit') as hits,
    count(*) filter (verdict = 'hit' and amount_exact) as exact,
    count(*) filter (verdict = 'hit' and cause_right) as right_causes
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
    """The result; amounts_exact and causes_right are shares of the injected items that were found."""

    differences: Differences
    amounts_exact: float
    causes_right: float
    by_leg: dict[str, Part]
    by_cause: dict[str, Part]


def _share(part: int, whole: int) -> float:
    """part / whole; of nothing, everything is right."""
    return round(part / whole, 6) if whole else 1.0


def _part(injected: int, found: int, hits: int, exact: int, right: int) -> Part:
    return Part(precision=_share(hits, found), recall=_share(hits, injected), injected=injected, found=found,
                amounts_exact=_share(exact, hits), causes_right=_share(right, hits))


def score(truth: Path, home: Path) -> tuple[Score, list[str]]:
    """The score, and one readable line for each item that is missed, made up, or found with a wrong amount or cause.

    An item counts with its last published row. Natural timing found as such counts neither for nor against. by_cause
    goes by the injected cause; what was made up stands there under the cause that it was given. UserError: no truth
    file or nothing published.
    """
    published = home / "published.duckdb"
    if not truth.is_file():
        raise UserError(f"{truth}: no such file", advice="Give the truth.parquet that `duizhang simulate` wrote.")
    if not published.is_file():
        raise UserError(f"{published}: nothing is published there", advice="Run the periods first, or set --home.")
    with duckdb.connect(str(published), read_only=True) as con:
        try:
            con.execute(f"create temp table judged as {_JUDGED}", {"truth": str(truth)})
        except duckdb.CatalogException as error:
            raise UserError(f"{published} has no table variances", advice="Run the periods first.") from error
        except duckdb.BinderException as error:
            raise UserError(f"{truth} is not a truth file of this version: {error}") from error
        counts = f"select {_COUNTS} from judged where verdict <> 'ignored'"
        total = _part(*con.execute(counts).fetchall()[0])
        parts = {
            name: {str(row[0]): _part(*row[1:]) for row in con.execute(
                f"select {column}, {_COUNTS} from judged where verdict <> 'ignored' group by 1 order by 1").fetchall()}
            for name, column in (
                ("by_leg", "leg"),
                ("by_cause", "case when verdict = 'false' then found_cause else true_cause end"),
            )
        }
        wrong = con.execute("""
            select verdict, leg, key, true_cause, true_difference, found_cause, found_difference from judged
            where verdict in ('missed', 'false') or (verdict = 'hit' and not (amount_exact and cause_right))
            order by case verdict when 'missed' then 0 when 'false' then 1 else 2 end, leg, key
        """).fetchall()
    result = Score(
        differences=Differences(precision=total["precision"], recall=total["recall"], injected=total["injected"],
                                found=total["found"]),
        amounts_exact=total["amounts_exact"], causes_right=total["causes_right"],
        by_leg=parts["by_leg"], by_cause=parts["by_cause"],
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
        f"causes right {result['causes_right']:.2%}",
    ]
    for title, parts in (("leg", result["by_leg"]), ("cause", result["by_cause"])):
        lines += ["", f"{title:<24}{'injected':>9}{'found':>7}{'recall':>9}{'precision':>11}"
                  f"{'amounts':>9}{'causes':>9}"]
        lines += [
            f"{name:<24}{part['injected']:>9}{part['found']:>7}{part['recall']:>9.2%}{part['precision']:>11.2%}"
            f"{part['amounts_exact']:>9.2%}{part['causes_right']:>9.2%}"
            for name, part in parts.items()
        ]
    if misses:
        lines += ["", *misses[:limit]]
    if len(misses) > limit:
        lines.append(f"... and {len(misses) - limit} more")
    return "\n".join(lines)
