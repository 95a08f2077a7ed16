"""What is installed works without the checkout, and puts one name in place."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# one process types all commands: what costs is its start
_TYPED = """
import sys
from duizhang import cli, kept_out
def leave(code):
    assert code == 0, (sys.argv, code)
cli._leave = leave
for words in (
    "simulate --out raw --start 2026-03-01 --days 1 --orders-per-day 20",
    "run --books raw/books.yaml --home home --from 2026-03-01 --to 2026-03-01",
    "status --home home",
):
    sys.argv = ["duizhang", *words.split()]
    cli.main()
    kept_out.let_in()  # which a command that needs none has kept out
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


def test_the_wheel_reconciles_outside_of_a_checkout(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TYPED], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    said, where = done.stdout.rsplit("FROM ", 1)
    assert "2026-03-01" in said
    assert Path(where.strip()).is_relative_to(installed)
