"""The verdict of a report: one of three levels and what it rests on. It is good only where nothing at all speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from duizhang.declared.terms import PeriodStatus
from duizhang.report.figures import with_currency
from duizhang.report.queries import Facts
from duizhang.report.sections import is_bad
from duizhang.report.tables import ordered
from duizhang.speech.labels import Labels
from duizhang.standing.verdict import Verdict

Level = Literal["good", "watch", "bad"]
_MOST_DAYS = 5


@dataclass(frozen=True)
class Judgement:
    """level: good is green. sentence: the verdict; more: what else has to be known."""

    level: Level
    sentence: str
    more: tuple[str, ...]


def judge(facts: Facts, verdict: Verdict, labels: Labels) -> Judgement:
    """What the days amount to."""
    unpublished = [d["period"] for d in facts.days if not d["version"]]
    held = [d["period"] for d in facts.days if d["state"] == PeriodStatus.HELD and d["version"]]
    provisional = [d["period"] for d in facts.days if d["state"] == PeriodStatus.PROVISIONAL]
    bad = [
        labels.text(name, days=_days(listed, labels))
        for name, listed in (("unpublished", unpublished), ("held", held)) if listed
    ]
    events = facts.headline["events"]
    money = labels.listed(with_currency(m["amount"], m["currency"], labels) for m in ordered(facts.headline_money, facts.currencies))
    transit = facts.in_transit
    if facts.span.shown is None:
        return Judgement("bad", bad[0], tuple(bad[1:]))
    if verdict.nothing_agrees:
        bad.insert(0, labels.text("nothing_agrees", legs=labels.listed(verdict.named(labels.leg))))
    elif not verdict.ran:
        bad.insert(0, labels.text("no_leg"))
    sentences = []
    if events:
        sentences.append(labels.counted("differs", events, money=money or labels.text("none")))
    elif verdict.ran and not verdict.nothing_agrees:
        sentences.append(labels.counted("agrees_transit", transit) if transit else labels.text("agrees"))
    watch = []
    if facts.headline["overdue"]:
        sentences.append(labels.counted("and_overdue", facts.headline["overdue"]))
    if not_run := len({r["leg"] for r in facts.not_run}):
        watch.append(labels.counted("and_not_run", not_run))
    if absent := facts.span.days - len(facts.days):
        watch.append(labels.counted("not_run_days", absent, all=facts.span.days, last=facts.span.shown))
    if files := sum(is_bad(f) for f in facts.files):
        watch.append(labels.counted("and_files", files))
    if facts.quarantined:
        watch.append(labels.counted("and_quarantine", facts.quarantined))
    if provisional:
        watch.append(labels.text("provisional", days=_days(provisional, labels)))
    level: Level = "bad" if bad else "watch" if watch or events else "good"
    first, *rest = [*bad, *sentences, *watch]
    return Judgement(level, first, tuple(rest))


def _days(days: list[object], labels: Labels) -> str:
    shown = labels.listed(days[:_MOST_DAYS])
    return f"{shown} …" if len(days) > _MOST_DAYS else shown


__all__ = ["Judgement", "judge"]
