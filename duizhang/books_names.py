"""Names in books.yaml held against what there is: all that are unknown at once, each with its line and the nearest known one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from duizhang.layout import SOURCES
from duizhang.spelling import meant, nearest

Place = tuple[str | int, ...]
_NAME = re.compile(rb"^name:[ \t]*['\"]?([A-Za-z0-9_]+)", re.MULTILINE)
# so like a platform or provider that is known that another one is not meant; others may have any name
_TYPING_ERROR = 0.8

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
            from duizhang.currency import places_by_currency

            if inside not in (known := places_by_currency()):
                yield (*place, step), f"unknown currency {inside!r}{_code_meant(inside, known)}"
        yield from _unknown_currencies(inside, (*place, step))


def _code_meant(code: str, known: Iterable[str]) -> str:
    close = _OTHER_CODES.get(code.upper()) or nearest(code, sorted(_USUAL)) or nearest(code, known)
    return f"; did you mean {close!r}?" if close else "; expected a code of ISO 4217"


def unknown_names(raw: Mapping[str, Any], sources: Sequence[str], legs: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """(place, what is wrong) of every name in a books.yaml that nothing has."""
    shops = _mapping(raw.get("shops"))
    providers = [str(s["provider"]) for s in shops.values() if isinstance(s, dict) and s.get("provider")]
    platforms = [str(s["platform"]) for s in shops.values() if isinstance(s, dict) and s.get("platform")]
    channels = sorted({name.split("_")[0] for name in sources} - {"books", "bank", "wms", "platform", "shop"})

    def among(kind: str, known: Iterable[str]) -> Callable[[Place, object], Iterator[tuple[Place, str]]]:
        listed = list(dict.fromkeys(known))

        def look(place: Place, name: object) -> Iterator[tuple[Place, str]]:
            if name not in (None, "") and name not in listed:
                yield place, f"unknown {kind} {str(name)!r}{meant(str(name), listed)}"
        return look

    yield from _unknown_currencies(raw)
    of_source, of_shop, of_leg = among("source", sources), among("shop", shops), among("leg", legs)
    for shop, entry in shops.items():
        for field in ("platform", "provider"):
            name = str(_mapping(entry).get(field) or "")
            if name and name not in channels and (close := nearest(name, channels, cutoff=_TYPING_ERROR)):
                yield ("shops", shop, field), f"unknown {field} {name!r}; did you mean {close!r}?"
    # an entity may have an account and no shop; one that is spelt nearly as another is that other
    entities = sorted({str(raw.get("entity") or ""), *(str(_mapping(entry).get("entity") or "") for entry in shops.values())} - {""})
    for number, said in _mapping(raw.get("bank_accounts")).items():
        owner = str(_mapping(said).get("entity") or "") if isinstance(said, dict) else str(said or "")
        if owner and owner not in entities and (close := nearest(owner, entities, cutoff=_TYPING_ERROR)):
            yield ("bank_accounts", number), f"unknown entity {owner!r}; did you mean {close!r}?"
    for at, entry in _entries(raw.get("expected")):
        yield from of_source(("expected", at, "source"), entry.get("source"))
        yield from among("shop", [*shops, *_mapping(raw.get("shared_accounts"))])(("expected", at, "shop"), entry.get("shop"))
    for at, entry in _entries(raw.get("databases")):
        yield from of_source(("databases", at, "source"), entry.get("source"))
        yield from of_shop(("databases", at, "shop"), entry.get("shop"))
    for name in _mapping(raw.get("readings")):
        yield from of_source(("readings", name), name)
    for code, entry in _mapping(raw.get("accounts")).items():
        yield from of_shop(("accounts", code, "shop"), _mapping(entry).get("shop"))
        yield from among("provider", providers)(("accounts", code, "provider"), _mapping(entry).get("provider"))
    for at, leg in enumerate(raw.get("legs") or () if isinstance(raw.get("legs"), list) else ()):
        yield from of_leg(("legs", at), leg)
    for leg in _mapping(raw.get("matching")):
        yield from of_leg(("matching", leg), leg)
    for place in ("tolerances", "sla_days"):
        for key in _mapping(raw.get(place)):
            yield from of_leg((place, key), str(key).split("/")[0])
    for at, entry in _entries(raw.get("policy_changes")):
        yield from of_leg(("policy_changes", at, "leg"), entry.get("leg"))
    for field in ("instalments", "stock_allocations"):
        for at, entry in _entries(raw.get(field)):
            yield from of_shop((field, at, "shop"), entry.get("shop"))
    for at, entry in _entries(raw.get("fee_billing")):
        if shops:
            yield from among("provider or platform of a shop", [*providers, *platforms])(
                ("fee_billing", at, "provider"), entry.get("provider"))
    for at, entry in _entries(raw.get("rate_cards")):
        if entry.get("kind") in ("fee", "commission") and shops:
            yield from among("provider or platform of a shop", [*providers, *platforms])(
                ("rate_cards", at, "provider"), entry.get("provider"))


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


def _entries(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    for at, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield at, entry
