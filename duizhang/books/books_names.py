"""Names in books.yaml held against what there is: all that are unknown at once, each with its line and the nearest known one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from duizhang.layout import SOURCES
from duizhang.spelling import meant, nearest

Place = tuple[str | int, ...]
_NAME = re.compile(rb"^name:[ \t]*['\"]?([A-Za-z0-9_]+)", re.MULTILINE)
# so like a platform or provider that is known that another one is not meant; others may have any name
_TYPING_ERROR = 0.8

# where names of what there is stand: `*` is every entry of a list or mapping, `@` every key
NAMED: dict[str, tuple[tuple[str, ...], ...]] = {
    "source": (("expected", "*", "source"), ("databases", "*", "source"), ("readings", "@")),
    "shop": (
        ("databases", "*", "shop"), ("accounts", "*", "shop"), ("instalments", "*", "shop"), ("stock_allocations", "*", "shop"),
        ("gifts", "*", "shop"), ("not_shipped", "*", "shop"), ("sku_map", "*", "shop"), ("shared_accounts", "*", "shops", "*"),
        ("shared_accounts", "*", "rules", "*", "shop"),
    ),
    "shop of files": (("expected", "*", "shop"),),  # or a shared account
    "leg": (
        ("legs", "*"), ("matching", "@"), ("tolerances", "@"), ("sla_days", "@"), ("policy_changes", "*", "leg"),
        ("feeds", "*", "legs", "*"),
    ),
    "provider": (("accounts", "*", "provider"),),
    "role": (("people", "*", "role"),),
    "calendar": (("expected", "*", "calendar"),),
    "provider or platform of a shop": (("fee_billing", "*", "provider"), ("rate_cards", "*", "provider")),
}
_CURRENCIES = frozenset({"currency", "base", "quote"})
_USUAL = frozenset({"CNY", "EUR", "GBP", "HKD", "JPY", "USD"})  # the list of all is only read for others
_OTHER_CODES = {"RMB": "CNY", "CNH": "CNY", "YUAN": "CNY", "NT": "TWD", "NTD": "TWD", "RBL": "RUB", "STG": "GBP"}


def source_names(own: Path) -> list[str]:
    """The names of all source specifications, shipped ones and those of a folder, without reading more of them."""
    found = set()
    for folder in (SOURCES, own):
        for path in folder.rglob("*.yaml") if folder.is_dir() else ():
            found |= {match.decode() for match in _NAME.findall(path.read_bytes())[:1]}
    return sorted(found)


def _unknown_currencies(value: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Codes that ISO 4217 does not know, wherever they stand."""
    for step, inside in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if step in _CURRENCIES and isinstance(inside, str) and inside not in _USUAL:
            from duizhang.declared.currency import places_by_currency

            if inside not in (known := places_by_currency()):
                yield (*place, step), f"unknown currency {inside!r}{_code_meant(inside, known)}"
        yield from _unknown_currencies(inside, (*place, step))


def _code_meant(code: str, known: Iterable[str]) -> str:
    close = _OTHER_CODES.get(code.upper()) or nearest(code, sorted(_USUAL)) or nearest(code, known)
    return f"; did you mean {close!r}?" if close else "; expected a code of ISO 4217"


def unknown_names(raw: Mapping[str, Any], sources: Sequence[str], legs: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """(place, what is wrong) of every name in a books.yaml that nothing has."""
    yield from unlisted_names(raw, legs, sources)
    yield from _unknown_currencies(raw)
    yield from _nearly(raw, sources)


def unlisted_names(raw: Mapping[str, Any], legs: Sequence[str], sources: Sequence[str] | None = None) -> Iterator[tuple[Place, str]]:
    """The same of those that have to be one of a list. sources: None where those that there are do not matter."""
    shops, shared = _mapping(raw.get("shops")), _mapping(raw.get("shared_accounts"))
    providers, platforms = (
        [str(s[field]) for s in shops.values() if isinstance(s, dict) and s.get(field)] for field in ("provider", "platform"))
    # of a shop's that is only misspelt, the right one is not unknown where it stands
    providers += [close for _, _, close in _misspelt(raw, sources or (), "provider")]
    platforms += [close for _, _, close in _misspelt(raw, sources or (), "platform")]
    known: dict[str, Sequence[str] | None] = {
        "source": sources, "shop": list(shops), "shop of files": [*shops, *shared], "leg": legs, "provider": providers,
        "provider or platform of a shop": [*providers, *platforms],
        "role": list(_mapping(raw.get("roles"))), "calendar": list(_mapping(raw.get("calendars"))),
    }
    for kind, names in known.items():
        listed = list(dict.fromkeys(map(str, names or ())))
        for place, name in (found for pattern in NAMED[kind] if names is not None for found in _standing(raw, pattern)):
            of_a_key = str(name).split("/")[0] if kind == "leg" else str(name)  # sla_days: payout_bank/alipay
            if name not in (None, "") and of_a_key not in listed and not _may_be_any(raw, kind, place):
                yield place, f"unknown {kind.removesuffix(' of files')} {of_a_key!r}{meant(of_a_key, listed)}"


def _may_be_any(raw: Mapping[str, Any], kind: str, place: Place) -> bool:
    """Whether a provider may be one that no shop has: where there are no shops, and of rates for something else than fees."""
    if kind != "provider or platform of a shop":
        return False
    field, at = place[:2]
    return not _mapping(raw.get("shops")) or (field == "rate_cards" and raw[field][at].get("kind") not in ("fee", "commission"))


def _nearly(raw: Mapping[str, Any], sources: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Names that may be any, but are spelt nearly as a known one: platforms, providers, and entities that have an account and no shop."""
    for kind in ("platform", "provider"):
        for place, name, close in _misspelt(raw, sources, kind):
            yield place, f"unknown {kind} {name!r}; did you mean {close!r}? if not, name it under counterparties"
    owners = (_mapping(entry).get("entity") for entry in _mapping(raw.get("shops")).values())
    entities = sorted({str(raw.get("entity") or ""), *(str(owner or "") for owner in owners)} - {""})
    for pattern in (("bank_accounts", "*"), ("bank_accounts", "*", "entity")):
        for place, name, close in _close(raw, pattern, entities):
            yield place, f"unknown entity {name!r}; did you mean {close!r}?"


def _misspelt(raw: Mapping[str, Any], sources: Sequence[str], kind: str) -> Iterator[tuple[Place, str, str]]:
    """(place, name, what was meant) of platforms or providers of shops that are nearly a known one, and which `counterparties` has not."""
    channels = sorted({name.split("_")[0] for name in sources} - {"books", "bank", "wms", "platform", "shop"})
    meant_so = set(map(str, _mapping(raw.get("counterparties"))))  # however like another's
    yield from (found for found in _close(raw, ("shops", "*", kind), channels) if found[1] not in meant_so)


def _close(raw: Mapping[str, Any], pattern: Sequence[str], known: Sequence[str]) -> Iterator[tuple[Place, str, str]]:
    for place, name in _standing(raw, pattern):
        close = nearest(name, known, cutoff=_TYPING_ERROR) if isinstance(name, str) and name not in known else ""
        if isinstance(name, str) and close:
            yield place, name, close


def _standing(value: object, pattern: Sequence[str], place: Place = ()) -> Iterator[tuple[Place, object]]:
    """What stands at the places of a pattern: `*` is every entry of a list or mapping, `@` every key of a mapping."""
    if not pattern:
        yield place, value
        return
    step, rest = pattern[0], pattern[1:]
    if step == "@":
        yield from (((*place, key), key) for key in _mapping(value))
    elif step == "*":
        for key, inside in enumerate(value) if isinstance(value, list | tuple) else _mapping(value).items():
            yield from _standing(inside, rest, (*place, key))
    elif isinstance(value, dict) and step in value:
        yield from _standing(value[step], rest, (*place, step))


def twice(node: yaml.Node | None, above: Place = ()) -> Iterator[tuple[Place, str]]:
    """Keys that stand twice in one mapping: the second would silently win."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*above, key.value), f"stands there twice, again in line {key.start_mark.line + 1}"
            seen.add(key.value)
            yield from twice(value, (*above, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield from twice(value, (*above, at))


def line_of(node: yaml.Node | None, place: Place) -> int:
    """The line, counted from 1, in which a place of a YAML document stands; that of what it stands in where it does not."""
    line = 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
