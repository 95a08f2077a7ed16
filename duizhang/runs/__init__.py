"""Runs: what is asked for, what has to be computed and in which order, what became of it. Whoever starts a run, a command,
a schedule, a sensor or a person in a browser, it is this one; the orchestrator only calls its stages."""

from duizhang.runs.engines import engine_of
from duizhang.runs.passes import spans, stretches
from duizhang.runs.running import CANONICAL, GATE, HELD, PUBLISH, RECONCILE, Run, held_line
from duizhang.runs.wanted import plan_until, sources_named, yesterday

__all__ = [
    "CANONICAL", "GATE", "HELD", "PUBLISH", "RECONCILE", "Run", "engine_of", "held_line", "plan_until", "sources_named", "spans",
    "stretches", "yesterday",
]
