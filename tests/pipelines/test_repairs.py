"""What is damaged is told and made again from what is left: every class of damage, of every kind of file that is read again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from benchmarks.trials.spoiling import spoil
from duizhang.cli import cli
from duizhang.cli.status import command as status_command
from duizhang.close import verify
from duizhang.digest import file_digest
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.home.working_tables import damaged
from tests.pipelines.test_end_to_end import LAST, START, duizhang, query, run
from tests.pipelines.test_restate import VERSIONS, day, same_rows

pytestmark = pytest.mark.usefixtures("unchecked")

SPOILS = ("empty", "cut", "flipped", "rows", "gone", "folder", "dangling")


def largest(found: list[Path]) -> Path:
    """The one with the most in it, so that every kind of damage is one."""
    return max(found, key=lambda path: path.stat().st_size)


def some_of(home: Path) -> dict[str, Path]:
    """One file of each kind that later commands read again."""
    return {
        "landed rows": largest(list(home.glob("landed/*/*/**/rows.parquet"))),
        "landed meta": largest(list(home.glob("landed/*/*/meta.json"))),
        "open claims": Store(home).path("open_claims", day(2)),
        "reference data": Store(home).path("skus", START),
        "claims": Store(home).path("order_payment", day(3)),
        "orders": Store(home).path("orders", day(3)),
        "files": Store(home).path("source_files", day(3)),
        "variances": Store(home).path("variances", day(3)),
        "object": largest(list(home.glob("objects/*/*.parquet"))),
        "manifest": home / "manifests" / str(day(2)) / "1.json",
        "pointer": home / "published.duckdb",
    }


@pytest.mark.slow  # what is changed by hand: below; objects and pointer: tests/publish; that it is seen: tests/close/test_decisions.py
@pytest.mark.parametrize("shift", range(len(SPOILS)))
def test_what_is_damaged_is_made_again_and_no_command_ends_in_a_traceback(raw: Path, home: Path, tmp_path: Path, shift: int) -> None:
    """Each kind of file in another way; over all shifts, each in every way."""
    mine = tmp_path / "home"
    shutil.copytree(home, mine, symlinks=True)
    before = query(mine, VERSIONS)
    objects = {p: file_digest(p) for p in mine.glob("objects/*/*.parquet")}
    for number, path in enumerate(some_of(mine).values()):
        spoil(path, SPOILS[(number + shift) % len(SPOILS)])
    found = verify(mine).problems
    for told_of in (*(f"working table {name} of" for name in ("open_claims", "skus", "order_payment", "orders", "variances")),
                    "what was read", "meta.json", "object", "manifest of"):
        assert any(told_of in problem for problem in found), (told_of, found)
    for command in (["status"], ["verify"], ["sql", "select count(*) from variances"], ["explain", "nothing"], ["report"],
                    ["plan", "--books", str(raw / "books.yaml")]):
        told = CliRunner().invoke(cli, [*command, "--home", str(mine)], standalone_mode=False)
        assert told.exception is None or type(told.exception).__name__ in ("UserError", "SystemExit"), (command, told.exception)
    run(raw, mine, LAST, LAST)
    assert verify(mine).problems == []
    assert query(mine, VERSIONS) == before
    same_rows(mine, home)
    assert {p: file_digest(p) for p in objects} == objects
    assert damaged(Store(mine), State(mine)) == {}
    told = CliRunner().invoke(status_command, ["--home", str(mine)], standalone_mode=False)
    assert told.exception is None


# a change of a row of each table that no person signs -> what verify says of it
CHANGES = {
    "update files set shop = 'jd-01' where path = (select min(path) from files)": "the list of files",
    "delete from quality_results where period = '2026-03-01' and table_name = 'variances'": "the computation of 2026-03-01",
    "update computed_periods set opening = 'x' where period = '2026-03-02'": "the computation of 2026-03-02",
    "delete from table_files where period = '2026-03-03'": "the computation of 2026-03-03",
    "update manifests set text = text || ' ' where period = '2026-03-02'": "the manifest of 2026-03-02 version 1 is not the one",
    "update versions set closing_digest = 'x' where period = '2026-03-03'": "2026-03-03 version 1 has as its closing",
    "update versions set data_digest = 'x' where period = '2026-03-01'": "the digest of the tables of 2026-03-01",
}


def test_a_changed_or_deleted_row_of_the_state_is_found(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "home"
    shutil.copytree(home, mine, symlinks=True)
    with State(mine).begin() as con:
        for change in CHANGES:
            assert con.execute(sa.text(change)).rowcount > 0, change
    found = verify(mine).problems
    for change, said in CHANGES.items():
        assert any(said in problem for problem in found), (change, found)


@pytest.mark.slow
def test_what_was_changed_by_hand_is_not_published(raw: Path, home: Path, tmp_path: Path) -> None:
    """Rows dropped from a landed file and from a working table that the next day opens with; the day is forced."""
    mine = tmp_path / "home"
    shutil.copytree(home, mine, symlinks=True)
    before = query(mine, VERSIONS)
    spoil(largest(list(mine.glob("landed/*/*/**/rows.parquet"))), "rows")
    spoil(largest([Store(mine).path("open_claims", d) for d in (day(2), day(3))]), "rows")
    duizhang("run", "--quiet", "--books", raw / "books.yaml", "--home", mine, "--from", day(3), "--to", LAST, "--force")
    assert query(mine, VERSIONS) == before
    same_rows(mine, home)
