"""A home: its database, what a killed run left, who has it now, how much room there is, and whether all is as it was written."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from duizhang.close import verify
from duizhang.doctor.finding import NOTED, WELL, WRONG, Finding
from duizhang.errors import Retryable, UserError
from duizhang.home.published import POINTER
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.plan import acquire, recorded
from duizhang.publish import rebuild_published
from duizhang.publish.objects import restore_published
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

AREA = "home"
# a file that was being written, and the folder of one that was being read
_LEFT = re.compile(r"\..+\.[0-9a-f]{32}|\.landing-.+|.+\.partial")
_ASIDE = re.compile(r"\..+\.set-aside-[0-9a-f]{8}")
# problems that say nothing against what is on record of versions and their objects
_APART = (POINTER, "archived file ")
_WRITTEN_AGAIN = ("object ", "the manifest of ")
_ROOM = 1 << 30  # less is too little for a day of a middling company


def look_at_home(home: Path, *, deep: bool = True) -> Iterator[Finding]:
    """What is wrong with a home. deep: every byte that was written is compared, as `verify` does."""
    if not home.is_dir():
        yield Finding(AREA, NOTED, _("there is no home at {home} yet", home=home), _("The first `duizhang run` makes it."))
        return
    free, size = shutil.disk_usage(home).free, sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    if free < max(_ROOM, size // 10):
        room = _("{free} are free where {home} is, which holds {size}", free=_size(free), home=home, size=_size(size))
        yield Finding(AREA, WRONG, room, _("Make room before the next run."))
    else:
        yield Finding(AREA, WELL, _("{home} holds {size}, {free} are free", home=home, size=_size(size), free=_size(free)))
    busy = _is_busy(home)
    if busy:
        yield Finding(
            AREA,
            NOTED,
            _("a run is under way"),
            _("What it is writing is not looked at, and nothing is cleaned until it has ended."),
        )
    yield from _leftovers(home, busy=busy)
    try:
        state = State(home, read_only=True)
        begun = [day for day, inputs in recorded(state).items() if not inputs.is_whole]
    except (UserError, Retryable) as error:
        yield Finding(
            AREA,
            WRONG,
            _("the state database: {error}", error=spoken(str(error))),
            spoken(getattr(error, "advice", "")) or _("`duizhang verify` says more."),
        )
        return
    if begun and not busy:
        more = _(" and {n} more days", n=len(begun) - 1) if begun[1:] else ""
        yield Finding(AREA, WRONG, _("a run ended while it computed {day}", day=begun[0]) + more,
                      _("Run the same command again; readers see what they saw before."))
    published = any((home / "manifests").glob("*/*.json"))
    if published and not (home / POINTER).is_file() and not busy:
        yield Finding(
            AREA,
            WRONG,
            _("{name} is missing, so nobody can read what is published", name=POINTER),
            _("Any run makes it again."),
            _rebuilt(home),
        )
        return
    if deep and not busy:
        yield from _proved(home)


def _proved(home: Path) -> Iterator[Finding]:
    """What `verify` finds; of that, what readers are shown can be made again at once from what is on record."""
    proof = verify(home)
    restore = _restored(home)
    for problem in proof.problems:
        if problem.startswith(POINTER):
            yield Finding(AREA, WRONG, spoken(problem), _("Any run makes it again."), _rebuilt(home))
        else:
            yield Finding(AREA, WRONG, spoken(problem), _(
                "`duizhang run` repairs what the archive or the published objects still have; restore the rest from a backup."),
                restore if problem.startswith(_WRITTEN_AGAIN) else None)
    yield from _unreferenced(home, proof.left_over, safe=all(p.startswith(_APART) for p in proof.problems))
    if not proof.problems:
        yield Finding(AREA, WELL, _("everything is as it was written; {n} events, head {head}", n=proof.events, head=proof.head[:12]))


def _restored(home: Path) -> Callable[[], str]:
    lost: list[dict[dt.date, list[str]]] = []

    def restore() -> str:
        if not lost:  # once for all that is damaged
            with acquire(home, wait=False):
                lost.append(restore_published(home, Store(home), State(home)))
        if lost[0]:
            days = ", ".join(map(str, sorted(lost[0])))
            return _("what the working tables still have was written again; not all of {days} is there: run these days again", days=days)
        return _("what was damaged of the published objects was written again from the working tables")
    return restore


def _rebuilt(home: Path) -> Callable[[], str]:
    def rebuild() -> str:
        rebuild_published(home, State(home))
        return _("{path} was made again from what is published", path=home / POINTER)
    return rebuild


def _is_busy(home: Path) -> bool:
    if not (home / ".run.lock").is_file():
        return False
    try:
        with acquire(home, wait=False):
            return False
    except Retryable:
        return True
    except OSError:  # a home that cannot be written to is nobody's to run in
        return False


def _leftovers(home: Path, *, busy: bool) -> Iterator[Finding]:
    """What nothing refers to: half-written files and folders of a run that was killed. What was set aside is left to a person."""
    left = sorted(path for path in home.rglob("*") if _LEFT.fullmatch(path.name))
    left += sorted((home / "incoming").glob("*"))
    aside = sorted(path for path in home.rglob("*") if _ASIDE.fullmatch(path.name))
    if left:
        what = _("{n} files or folders that a killed run left ({first})", n=len(left), first=left[0].relative_to(home))
        yield Finding(AREA, NOTED if busy else WRONG, what,
                      _("Nothing refers to them; --fix takes them away."), None if busy else _removed(home, left))
    if aside:
        what = _("{n} things that stood in the way were set aside ({first})", n=len(aside), first=aside[0].relative_to(home))
        yield Finding(AREA, NOTED, what,
                      _("Look at them; nothing refers to them, and nobody else takes them away."))


def _unreferenced(home: Path, names: list[str], *, safe: bool) -> Iterator[Finding]:
    """What lies among raw files, objects and manifests, and no event, version or file on record refers to it.

    safe: whether the record is whole, so that it knows what it refers to. A raw file may be the only copy: it stays.
    """
    rest = [name for name in names if not _LEFT.fullmatch(Path(name).name) and not _ASIDE.fullmatch(Path(name).name)]
    raw = [name for name in rest if name.startswith("archive/")]
    made = [name for name in rest if name not in raw]
    if made:
        yield Finding(
            AREA, NOTED,
            _("{n} objects or manifests that nothing on record refers to ({first})", n=len(made), first=made[0]),
            _("A killed run leaves such, and readers do not see them; --fix takes them away.") if safe
            else _("They stay while something else is wrong: they may be what is missing."),
            _removed(home, [home / name for name in made]) if safe else None,
        )
    if raw:
        yield Finding(
            AREA, NOTED,
            _("{n} files of the archive that nothing on record refers to ({first})", n=len(raw), first=raw[0]),
            _("The next run takes in those that are in the inbox still; look at the others (`duizhang inspect`): "
              "they may be the only copy, and nobody takes them away."),
        )


def _removed(home: Path, left: list[Path]) -> Callable[[], str]:
    def remove() -> str:
        with acquire(home, wait=False):
            for path in left:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        return _("took away {n} leftovers of killed runs", n=len(left))
    return remove


def _size(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GB" if size >= 1 << 29 else f"{size / (1 << 20):,.1f} MB"
