"""Every class of damage of what a run reads again: state database, event log, identity, landed rows, working tables."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from trials.process import copied, duizhang, side_by_side
from trials.runs import digests, run
from trials.spoiling import spoil

WAYS = ("empty", "cut", "flipped", "gone", "folder", "dangling")
# what no run can make again: it is told, and the way back is a backup
KEPT = ("state.db", "events.log", "home.json")
MADE_AGAIN = ("landed/**/rows.parquet", "landed/**/meta.json", "landed/**/seal.json", "tables/orders/**/data.parquet",
              "tables/open_claims/**/data.parquet")


def damages(folder: Path, books: Path, whole: Path, wanted: str) -> tuple[list[str], int, int]:
    """What was wrong, how many kinds were tried, and how many of them a run made good by itself."""
    kinds = [(how, name) for how in WAYS for name in (*KEPT, "what is made again")]
    found = side_by_side(functools.partial(_damaged, books, whole, wanted), kinds, folder)
    return [problem for wrong, _ in found for problem in wrong], len(kinds), sum(good for _, good in found)


def _damaged(books: Path, whole: Path, wanted: str, folder: Path, kinds: Sequence[tuple[str, str]]) -> tuple[list[str], int]:
    wrong, good = [], 0
    for how, name in kinds:
        home = copied(whole, folder / "damaged")
        for pattern in [name] if name in KEPT else MADE_AGAIN:
            spoil(max(home.glob(pattern), key=lambda path: path.stat().st_size), how)
        place = f"{name}, {how}"
        for command in ("status", "verify"):
            ended = duizhang(folder, home, command)
            if not ended.is_told:
                wrong.append(f"{place}: {command} ended with {ended.code}: {ended.said}")
            if command == "verify" and name in KEPT[:2] and ended.code == 0:
                wrong.append(f"{place}: verify finds nothing")
        ended = run(books, home)
        if not ended.is_told or (name not in KEPT and ended.code):
            wrong.append(f"{place}: run ended with {ended.code}: {ended.said}")
        elif ended.code == 0 and digests(home, folder) != wanted:
            wrong.append(f"{place}: other digests after the run")
        good += ended.code == 0
        if name not in KEPT and duizhang(folder, home, "verify").code:
            wrong.append(f"{place}: verify finds something after the run")
    return wrong, good
