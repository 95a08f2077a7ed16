"""What a day's reconciliation amounts to, for whoever looks at its state: legs in which nothing agrees, legs that were not run.

A day can pass every check and still reconcile nothing; its state alone would look as if all were well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from duizhang.declared.legs import load_legs
from duizhang.home.store import rows
from duizhang.speech.language import translated as _
from duizhang.speech.spoken_names import spoken_leg, spoken_list, spoken_records

AGREES, DIFFERS, NOTHING = "agrees", "differs", "nothing agrees"


@dataclass
class Verdict:
    """Of one day. nothing_agrees: legs of which no key agrees though some are due, be it that both sides had records on the day or that
    keys became due on it: where neither is so, what is open from before says nothing of the day.
    of_entities: of such a leg that agrees for others, the entities for which it does not; ran: whether any leg had two sides."""

    nothing_agrees: list[str] = field(default_factory=list)
    of_entities: dict[str, list[str]] = field(default_factory=dict)
    differs: bool = False
    ran: bool = False

    @property
    def name(self) -> str:
        if self.nothing_agrees or not self.ran:
            return NOTHING
        return DIFFERS if self.differs else AGREES

    @property
    def is_good(self) -> bool:
        """Whether the day may look as if all were well."""
        return self.name != NOTHING

    @property
    def text(self) -> str:
        """'' where the state says enough."""
        if self.nothing_agrees:
            return _("0% of {legs}", legs=spoken_list(self.named(spoken_leg)))
        return "" if self.ran else _("no leg has both its sides")

    def named(self, leg_name: Callable[[str], str] = str) -> list[str]:
        """The legs of which nothing agrees, as they are called, with the entities where it is not so for all."""
        of = {leg: f" ({', '.join(entities)})" for leg, entities in self.of_entities.items()}
        return [leg_name(leg) + of.get(leg, "") for leg in self.nothing_agrees]


def verdicts(con: duckdb.DuckDBPyConnection) -> dict[dt.date, Verdict]:
    """The verdict of every day in the tables recon_summary and variances of a connection."""
    found: dict[dt.date, Verdict] = {}
    of_nothing: dict[tuple[dt.date, str], list[str]] = {}
    agreeing: set[tuple[dt.date, str]] = set()
    legs = load_legs()
    for period, leg, entity, matched, has_rows, differs, age in con.execute(
        """
        with summary as (
            select period, leg, entity, sum(matched_keys) as matched, sum(open_keys) as open_keys,
                least(sum(left_rows), sum(right_rows)) as came
            from recon_summary group by all
        ),
        due as (
            select period, leg, entity, count(*) as due, min(age_days) as age from variances where cause <> 'timing' group by all
        )
        select s.period, s.leg, s.entity, s.matched > 0, s.came > 0, d.due is not null, d.age
        from summary as s left join due as d using (period, leg, entity)
        where s.matched + s.open_keys > 0
        order by s.period, s.leg, s.entity
        """
    ).fetchall():
        verdict = found.setdefault(period, Verdict())
        verdict.ran = True
        verdict.differs |= differs
        if matched:
            agreeing.add((period, leg))
        elif differs and (has_rows or age <= legs[leg].sla_days + 1):
            of_nothing.setdefault((period, leg), []).append(entity)
    for (period, leg), entities in of_nothing.items():
        found[period].nothing_agrees.append(leg)
        if (period, leg) in agreeing:
            found[period].of_entities[leg] = entities
    return found


def told_of(judged: Mapping[dt.date, Verdict], periods: Sequence[dt.date]) -> list[str]:
    """What of days that were computed is not to be relied on, a line each: legs of which nothing agrees, days on which no leg ran."""
    empty = sorted({leg for verdict in judged.values() for leg in verdict.named(spoken_leg)})
    number = sum(1 for verdict in judged.values() if verdict.nothing_agrees)
    silent = sum(1 for period in periods if period not in judged)
    return [
        *([f"nothing agrees in {', '.join(empty)} on {number} day{'s'[: number != 1]}: a match rate of 0%"] if empty else []),
        *([f"nothing was reconciled on {silent} day{'s'[: silent != 1]}: no leg has both its sides"] if silent else []),
    ]


def not_run(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The legs that were not run, once each with the days from and to which that is so, from the table legs_not_run."""
    return rows(
        con,
        "select leg, entity, shop, channel, missing, wanted, min(period) as first_day, max(period) as last_day, "
        "count(distinct period) as days, sum(claims)::bigint as claims from legs_not_run group by all order by all"
    )


def not_run_lines(
    rows: Sequence[Mapping[str, Any]], shop_name: Callable[[str], str] = str, until: dt.date | None = None
) -> list[str]:
    """One line a leg and missing side: where, since when, and which records would be needed. shop_name: how people call a shop; until:
    the last day that was looked at, before which a side may have come."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["leg"], row["missing"], row["wanted"] or ""), []).append(row)
    lines = []
    for (leg, missing, wanted), group in groups.items():
        places = [" ".join(part for part in (row["shop"] and shop_name(row["shop"]), row["channel"]) if part) for row in group]
        named = spoken_list(sorted({place for place in places if place})[:5])
        more = len({place for place in places if place}) - 5
        first, last = min(row["first_day"] for row in group), max(row["last_day"] for row in group)
        places_told = _(" of {names}", names=named) if named else ""
        places_told += _(" and {n} more", n=more) if more > 0 else ""
        days = _("{first} to {last}", first=first, last=last) if last > first else str(first)
        is_over = until is not None and last < until
        if leg == "refunds":
            said = {"places": places_told, "days": days, "n": sum(row["claims"] or 0 for row in group)}
            lines.append(
                _("own refunds{places} were not there yet ({days}): {n} of the provider's stand for them, held against nothing", **said)
                if is_over else
                _("own refunds{places} were never supplied ({days}): {n} of the provider's stand for them, held against nothing", **said))
            continue
        told = {"leg": spoken_leg(leg), "places": places_told, "days": days, "side": _(missing), "records": spoken_records(wanted)}
        lines.append(_("{leg}{places} was not run ({days}): its {side} side was not there yet ({records})", **told) if is_over
                     else _("{leg}{places} was not run ({days}): its {side} side was never supplied ({records})", **told))
    return lines
