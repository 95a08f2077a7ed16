"""What is installed works without the checkout, and puts one name in place."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}

    def duizhang(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "duizhang", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    duizhang("simulate", "--out", "raw", "--start", "2026-03-01", "--days", "1", "--orders-per-day", "20")
    duizhang("run", "--books", "raw/books.yaml", "--home", "home", "--from", "2026-03-01", "--to", "2026-03-01")
    assert "2026-03-01" in duizhang("status", "--home", "home")
    where = subprocess.run(
        [sys.executable, "-c", "from duizhang.layout import find_pipelines; find_pipelines(); import pipelines; print(pipelines.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    ).stdout
    assert Path(where.strip()).is_relative_to(installed)
