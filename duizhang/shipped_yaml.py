"""What the YAML that is shipped says, kept beside it as Python keeps what it compiled: to parse the specifications takes twenty times as
long as to read what is kept."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml

from duizhang.yaml_reading import load_yaml


def load_shipped(*paths: Path) -> list[Any]:
    """What each of these files says, in their order. It is kept in the folder that they share.

    What is kept holds for these bytes and this parser alone, and is made again where it cannot be read. Nothing is kept where Python may
    not keep what it compiles, or where JSON would say something else. Raises yaml.YAMLError and UnicodeDecodeError as `load_yaml` does.
    """
    bodies = [path.read_bytes() for path in paths]
    state = blake2b(yaml.__version__.encode(), digest_size=16)
    for body in bodies:
        state.update(blake2b(body).digest())
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    kept = folder / "__pycache__" / f"{paths[0].stem if len(paths) == 1 else folder.name}.yaml.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(kept.read_bytes())
        if found["of"] == state.hexdigest() and len(said := found["said"]) == len(paths):
            return list(said)
    told = [load_yaml(body.decode("utf-8")) for body in bodies]
    if not sys.dont_write_bytecode:
        _keep(kept, state.hexdigest(), told)
    return told


def _keep(kept: Path, state: str, told: list[Any]) -> None:
    with contextlib.suppress(OSError, TypeError, ValueError):
        text = json.dumps({"of": state, "said": told}, ensure_ascii=False, indent=0)  # a line an entry, as people search through folders
        if _alike(json.loads(text)["said"], told):
            kept.parent.mkdir(exist_ok=True)
            written = kept.with_suffix(f".{os.getpid()}")
            written.write_text(text, encoding="utf-8")
            written.replace(kept)


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, in the types of all that is in them as well."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)

