"""The installation: Python, the versions that were asked for, who runs periods, and what is optional."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, requires, version

from duizhang import __version__
from duizhang.doctor.finding import NOTED, WELL, WRONG, Finding
from duizhang.layout import EXPECTATIONS, SOURCES, SQL
from duizhang.runner import GROUP
from duizhang.speech.language import translated as _

AREA = "installation"
OLDEST = (3, 11)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")


def look_at_installation() -> Iterator[Finding]:
    """What is wrong with what is installed."""
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        yield Finding(
            AREA,
            WRONG,
            _("Python {python} is too old", python=python),
            _("Install Python {oldest} or newer.", oldest=".".join(map(str, OLDEST))),
        )
    else:
        yield Finding(AREA, WELL, f"duizhang {__version__}, Python {python}")
    yield from _versions()
    if not entry_points(group=GROUP):
        yield Finding(
            AREA,
            WRONG,
            _("no runner is installed: `run` and `replay` cannot work"),
            _("Install the project with `pip install -e .`."),
        )
    for folder, what in ((SOURCES, "source specifications"), (SQL, "models"), (EXPECTATIONS, "expectation suites")):
        if not folder.is_dir():
            yield Finding(
                AREA,
                WRONG,
                _("there are no {what} at {folder}", what=_(what), folder=folder),
                _("Install it again; files of it are missing."),
            )
    if not any(shutil.which(name) for name in _BROWSERS):
        yield Finding(
            AREA,
            NOTED,
            _("no Chromium was found; only a report as PDF needs one"),
            _("Install it, or print the page from a browser."),
        )


def _versions() -> Iterator[Finding]:
    """Packages that are missing, or of another version than was asked for."""
    try:
        asked = requires("duizhang") or []
    except PackageNotFoundError:
        yield Finding(
            AREA,
            NOTED,
            _("duizhang runs from its source and is not installed, so versions are not checked"),
            "`pip install -e .`",
        )
        return
    from packaging.requirements import InvalidRequirement, Requirement

    wrong = []
    for text in asked:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(_("{name} is missing", name=wanted.name))
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            wrong.append(_("{name} is {there}, and {wanted} was asked for", name=wanted.name, there=there, wanted=wanted.specifier))
    if wrong:
        yield Finding(AREA, WRONG, "; ".join(wrong), _("Install again from the lock: `pip install -r requirements.lock`, or `make`."))


