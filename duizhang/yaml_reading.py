"""YAML as everything here reads it: safe, by libyaml where it is there (a tenth of the time), and an error with the line in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FAST):  # type: ignore[valid-type,misc]
    """What looks like a day or a number and is none (2026-02-30) stays a text, so that who checks it says in which entry it stands."""


def _or_text(construct: Callable[[SafeConstructor, yaml.ScalarNode], Any]) -> Callable[[SafeConstructor, yaml.ScalarNode], Any]:
    def constructed(loader: SafeConstructor, node: yaml.ScalarNode) -> Any:
        try:
            return construct(loader, node)
        except ValueError:
            return node.value
    return constructed


for _kind in ("timestamp", "int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _or_text(SafeConstructor.yaml_constructors[f"tag:yaml.org,2002:{_kind}"]))


def load_yaml(text: str) -> Any:
    """What a text says. Raises yaml.YAMLError that shows the place."""
    try:
        try:
            found = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe one
        except yaml.YAMLError:
            yaml.safe_load(text)  # libyaml names a line, this one shows it as well
            raise
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    if "*" in text and _holds_itself(found, set(), set()):
        raise yaml.YAMLError("an entry holds itself (an alias, `*`, within its anchor, `&`)")
    return found


def _holds_itself(value: Any, above: set[int], seen: set[int]) -> bool:
    """Whether a list or mapping stands somewhere within itself. above: those that this one stands in; seen: those that do not."""
    if not isinstance(value, (dict, list)) or id(value) in seen:
        return False
    if id(value) in above:
        return True
    below = value.values() if isinstance(value, dict) else value
    found = any(_holds_itself(one, above | {id(value)}, seen) for one in below)
    seen.add(id(value))
    return found


def compose_yaml(text: str) -> yaml.Node | None:
    """The nodes of a text, each with its line; None where there is nothing in it. Raises yaml.YAMLError."""
    found: yaml.Node | None = yaml.compose(text, Loader=_FAST)
    return found
