"""books.yaml and own specifications are archived with every run, so that it can be done again."""

from __future__ import annotations

from pathlib import Path

from duizhang.home.state import make_home
from duizhang.ingest.archiving import archive


def archive_sources(home: Path, folder: Path) -> dict[str, str]:
    """Keep own source specifications as well; their SHA-256 by path below the folder."""
    return {p.relative_to(folder).as_posix(): archive_books(home, p) for p in sorted(folder.rglob("*.yaml"))}


def archive_books(home: Path, books_path: Path) -> str:
    """Keep the bytes of books.yaml with the raw files; their SHA-256."""
    make_home(home)
    return archive(home, books_path.resolve(), is_raw=False)
