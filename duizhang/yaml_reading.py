"""YAML as everything here reads it: safe, by libyaml where it is there (a tenth of the time), and an error with the line in it."""

from __future__ import annotations

from typing import Any

import yaml

_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """What a text says. Raises yaml.YAMLError that shows the place."""
    try:
        return yaml.load(text, Loader=_FAST)  # noqa: S506 - both are safe
    except yaml.YAMLError:
        return yaml.safe_load(text)  # libyaml names a line, this one shows it as well


def compose_yaml(text: str) -> yaml.Node | None:
    """The nodes of a text, each with its line; None where there is nothing in it. Raises yaml.YAMLError."""
    found: yaml.Node | None = yaml.compose(text, Loader=_FAST)
    return found
