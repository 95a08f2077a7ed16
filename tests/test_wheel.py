"""What is installed works without the checkout, and puts one name in place."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from duizhang.digest import file_digest

ROOT = Path(__file__).resolve().parents[1]
# one process types all commands: what costs is its start
_TYPED = """
import sys
from duizhang import cli, kept_out
from duizhang.layout import find_pipelines
def leave(code):
    assert code == 0, (sys.argv, code)
cli._leave = leave
for words in sys.argv[1:]:
    sys.argv = ["duizhang", *words.split()]
    cli.main()
    kept_out.let_in()  # which a command that needs none has kept out
find_pipelines()
import pipelines
print("FROM", pipelines.__file__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT],
        check=True, capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_one_package_is_installed_and_nothing_twice(installed: Path) -> None:
    assert {p.name.split("-")[0] for p in installed.iterdir()} == {"duizhang"}
    files = [p for p in installed.rglob("*") if p.is_file() and "dist-info" not in p.as_posix()]
    contents = [p.read_bytes() for p in files if p.stat().st_size > 100]
    assert len(contents) == len(set(contents))
    assert not [p for p in files if p.suffix == ".pyc"]


def test_all_that_a_checkout_has_for_a_run_is_in_the_wheel(installed: Path) -> None:
    """Fails if a model, a specification or a module is left out; matters because a run ends where it is asked for."""
    packed = {file_digest(p) for p in installed.rglob("*") if p.is_file()}
    wanted = [p for room in ("duizhang", "assets", "pipelines", "sql", "expectations") for p in (ROOT / room).rglob("*")
              if p.is_file() and p.parent.name != "__pycache__"]
    assert len(wanted) > 800
    assert [p for p in wanted if file_digest(p) not in packed] == []


@pytest.mark.slow
@pytest.mark.parametrize("commands", [
    ("simulate --out raw --start 2026-03-01 --days 1 --orders-per-day 5", "plan --books raw/books.yaml --home home", "source list"),
    (
        "simulate --out raw --start 2026-03-01 --days 1 --orders-per-day 20",
        "run --books raw/books.yaml --home home --from 2026-03-01 --to 2026-03-01",
        "status --home home",
    ),
], ids=["reads", "reconciles"])
def test_the_wheel_works_outside_of_a_checkout(installed: Path, tmp_path: Path, commands: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TYPED, *commands], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.rsplit("FROM ", 1)
    assert "2026-03-01" in said
    assert Path(where.strip()).is_relative_to(installed)
