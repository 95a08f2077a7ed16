"""Edits of books.yaml on the command line, `tolerances.fee=0.05` or `rate_cards[provider=alipay].percent=0.6`, and what they change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from duizhang.errors import UserError
from duizhang.yaml_reading import load_yaml

_ADVICE = (
    "Such as --set tolerances.order_payment=0.05, --set 'rate_cards[provider=alipay,kind=fee].percent=0.55' or "
    "--set rate_cards.0.percent=0.55; `+` is one more entry of a list; a name with a dot in quotes."
)
_STEP = re.compile(r"""(?P<quoted>"[^"]+"|'[^']+')|(?P<name>[^.\[\]"'=]+)|\[(?P<filter>[^\]]+)\]""")
_ONE_MORE = "+"  # at the end of a list
_NOTHING = object()
# by which people know an entry of a list
_NAMES = ("kind", "leg", "provider", "source", "shop", "sku", "category", "zone", "key", "base", "quote", "from_day")


@dataclass(frozen=True)
class Edit:
    """An entry that is another one: its place, and its values as they stand in YAML; None where there is none."""

    entry: str
    was: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.entry}: {_short(self.was)} -> {_short(self.now)}"


def edited(settings: dict[str, Any], edits: tuple[str, ...]) -> dict[str, Any]:
    """A copy of the settings with `PLACE=VALUE` put in, each value read as YAML. Raises UserError where a place is none."""
    found = deepcopy(settings)
    for text in edits:
        place, value = _parsed(text)
        _put(found, place, value, text)
    return found


def differing_entries(was: Any, now: Any, place: str = "") -> Iterator[Edit]:
    """The entries that differ, the innermost ones."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted({*was, *now}, key=str):
            yield from differing_entries(was.get(name, _NOTHING), now.get(name, _NOTHING), f"{place}.{name}" if place else str(name))
    elif isinstance(was, list) and isinstance(now, list):
        for n in range(max(len(was), len(now))):
            yield from differing_entries(
                was[n] if n < len(was) else _NOTHING, now[n] if n < len(now) else _NOTHING, f"{place}[{_known_by(was, now, n)}]")
    elif was != now:
        yield Edit(place, None if was is _NOTHING else was, None if now is _NOTHING else now)


def _known_by(was: list[Any], now: list[Any], n: int) -> str:
    """What an entry of a list is recognised by, or its number."""
    entry = was[n] if n < len(was) else now[n]
    said = [str(entry[name]) for name in _NAMES if entry.get(name)] if isinstance(entry, dict) else []
    return " ".join(said) or str(n)


def _parsed(text: str) -> tuple[list[str | dict[str, str]], Any]:
    """The steps of the place, names and filters of lists, and the value."""
    steps: list[str | dict[str, str]] = []
    at = 0
    while at < len(text) and text[at] != "=":
        if text[at] == "." and steps:
            at += 1
        match = _STEP.match(text, at)
        if match is None:
            raise UserError(f"--set {text}: {text[at:]!r} is no name", advice=_ADVICE)
        if match["filter"]:
            steps.append(_filter(match["filter"], text))
        else:
            steps.append((match["quoted"] or match["name"]).strip("\"'").strip())
        at = match.end()
    if not steps or at >= len(text):
        raise UserError(f"--set {text}: expected PLACE=VALUE", advice=_ADVICE)
    try:
        return steps, load_yaml(text[at + 1 :])
    except yaml.YAMLError as error:
        raise UserError(f"--set {text}: the value is no YAML", advice=_ADVICE) from error


def _filter(text: str, whole: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not name.strip() or not sign for name, sign, _ in pairs):
        raise UserError(f"--set {whole}: expected [NAME=VALUE,...]", advice=_ADVICE)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _put(settings: Any, place: list[str | dict[str, str]], value: Any, text: str) -> None:
    targets, (*way, last) = [settings], place
    for n, step in enumerate(way):
        targets = [found for target in targets for found in _inside(target, step, text, way[n + 1] if n + 1 < len(way) else last)]
    for target in targets:
        if isinstance(last, dict):
            for number in _chosen(target, last, text):
                target[number] = value
        elif isinstance(target, list) and last == _ONE_MORE:
            target.append(value)
        elif isinstance(target, list):
            target[_number(target, last, text)] = value
        elif isinstance(target, dict):
            target[last] = value
        else:
            raise UserError(f"--set {text}: {last!r} is below an entry that holds nothing", advice=_ADVICE)


def _inside(target: Any, step: str | dict[str, str], text: str, after: str | dict[str, str]) -> list[Any]:
    """What a step leads to; a mapping that is not there yet is made."""
    if isinstance(step, dict):
        return [target[number] for number in _chosen(target, step, text)]
    if isinstance(target, list):
        return [target[_number(target, step, text)]]
    if not isinstance(target, dict):
        raise UserError(f"--set {text}: {step!r} is below an entry that holds nothing", advice=_ADVICE)
    if target.get(step) is None:
        if isinstance(after, dict):
            raise UserError(f"--set {text}: there are no {step}", advice=_ADVICE)
        target[step] = {}
    return [target[step]]


def _chosen(target: Any, wanted: dict[str, str], text: str) -> list[int]:
    entries = target if isinstance(target, list) else []
    found = [
        n for n, entry in enumerate(entries)
        if isinstance(entry, dict) and all(str(entry.get(name, "")) == value for name, value in wanted.items())
    ]
    if not found:
        said = ", ".join(f"{name}={value}" for name, value in wanted.items())
        raise UserError(f"--set {text}: no entry has {said}", advice=_ADVICE)
    return found


def _number(target: list[Any], step: str | dict[str, str], text: str) -> int:
    if not isinstance(step, str) or not step.isdigit() or int(step) >= len(target):
        raise UserError(f"--set {text}: {step!r} is none of the entries 0 to {len(target) - 1}", advice=_ADVICE)
    return int(step)


def _short(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {v}" for k, v in value.items() if v not in (None, "", [], {})) + "}"
    return str(value)


__all__ = ["Edit", "differing_entries", "edited"]
