"""Folders of landed rows, sealed when they are written: one that is not as it was is read again from the archived file."""

from __future__ import annotations

import json
from pathlib import Path

from duizhang.digest import file_digest, mapping_digest
from duizhang.home.disk import make_folder, set_aside, written
from duizhang.home.integrity import Fingerprint, differing, fingerprints, names_below, read_rows

SEAL = "seal.json"
_PARTS = {"files", "digest", "marks"}


def seal(folder: Path) -> None:
    """Write down what is in a folder; the last thing that is written into it."""
    _write(folder, fingerprints({name: folder / name for name in names_below(folder) if name != SEAL}))


def is_whole(folder: Path) -> bool:
    """Whether a landed folder is there and as it was sealed. Where it is another's copy, with other times, the seal is renewed."""
    known = _sealed(folder)
    damaged, renewed = differing(folder, known)
    if damaged or not known:
        return False
    if renewed:
        _write(folder, {**known, **renewed})
    return True


def broken(folder: Path) -> list[str]:
    """The files of a landed folder that are missing or not as they were sealed, the seal among them. Nothing is written, and every
    byte is read."""
    known = _sealed(folder)
    if not known:
        return [SEAL]
    return [name for name, before in known.items() if not (folder / name).is_file() or file_digest(folder / name) != before.sha256]


def _sealed(folder: Path) -> dict[str, Fingerprint]:
    """What the seal of a folder names; nothing where it is missing or was damaged."""
    try:
        told = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        known = read_rows(told["files"])
        whole = told["digest"] == _digest(known) and "meta.json" in known
        # one of an earlier release says nothing of itself
        whole = whole and (told.keys() == {"files", "digest"} or (told.keys() == _PARTS and told["marks"] == _marks(known)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return known if whole else {}


def replace(working: Path, folder: Path) -> None:
    """Put a sealed folder in the place of one that is not whole, or of whatever is there."""
    make_folder(folder.parent)
    if folder.exists() or folder.is_symlink():
        set_aside(folder)
    working.replace(folder)


def _write(folder: Path, known: dict[str, Fingerprint]) -> None:
    said = {"files": {name: f.row() for name, f in known.items()}, "digest": _digest(known), "marks": _marks(known)}
    with written(folder / SEAL, durable=False) as partial:
        partial.write_text(json.dumps(said), encoding="utf-8")


def _digest(known: dict[str, Fingerprint]) -> str:
    """Of names and contents; times are another machine's after a restore."""
    return mapping_digest({name: f.sha256 for name, f in known.items()})


def _marks(known: dict[str, Fingerprint]) -> str:
    """Of sizes and times as they stand in the seal, so that no byte of it is changed unseen."""
    return mapping_digest({name: f.row() for name, f in known.items()})
