"""Who reads what is published can change nothing and read nothing else; a home that was moved or copied reads its own."""

from __future__ import annotations

import resource
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from duizhang.cli.status import command as status_command
from duizhang.close import verify
from duizhang.errors import Retryable, UserError
from duizhang.home.published import open_published, run_select
from duizhang.home.state import State
from duizhang.publish import (
    is_whole,
    object_path,
    pointer,
    published_differs,
    read_manifest,
    rebuild_published,
    refresh_published,
    set_period_state,
)
from duizhang.publish.objects import restore_published
from tests.publish.test_publish import FIRST
from tests.thoroughness import some

LOOK = "select sum(closing) from recon_summary"


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def select(home: Path, query: str) -> list[tuple[Any, ...]]:
    with open_published(home) as con:
        return run_select(con, query)[1]


WRITES = (
    "copy (select 1) to '{}'",
    "explain analyze copy (select 1) to '{}'",
    "explain copy (select 1) to '{}'",
    "/* select */ explain -- select\n analyze copy (select 1) to '{}'",
    "explain (analyze) copy (select 1) to '{}'",
    "explain (analyze, format json) with x as (copy (select 1) to '{}') from x",
    "with x as (copy (select 1) to '{}') select * from x",
    "explain analyze with x as (copy (select 1) to '{}') select * from x",
    "select 1; copy (select 1) to '{}'",
    "from query('with x as (copy (select 1) to ''{}'') from x')",
    "with x as (copy (select 1) to '{}') pivot period_status on state using count(*)",
    "with x as (/**/COPY/**/(select 1) to '{}') select * from (pivot period_status on state using count(*)), x",
    "explain analyze with x as (copy (select 1) to '{}') pivot period_status on state using count(*)",
    "pivot query('copy (select 1) to ''{}''') on a using count(*)",
)


@pytest.mark.parametrize("query", WRITES)
def test_sql_writes_no_file(public: Any, query: str) -> None:
    before = content(public.home / "objects")
    some = public.home / "objects" / next(iter(before))
    for target in (some, public.home / "objects" / "new.parquet", public.home / "new.parquet"):
        with pytest.raises(UserError):
            select(public.home, query.format(target))
    assert content(public.home / "objects") == before
    assert not (public.home / "new.parquet").exists()


@pytest.mark.parametrize("query", [
    "drop view variances", "create temp table t as select 1", "insert into period_status select * from period_status",
    "with x as (delete from period_status returning period) from x", "attach '/tmp/x.duckdb'", "set threads = 1",
    "pragma database_list", "call pragma_version()", "prepare p as select 1", "begin", "checkpoint", "", ";",
    "select * from read_text('/etc/hostname')", "from '/etc/hostname'", "from glob('/etc/*')", "from home", "explain drop view variances",
    "load json", "select 1; select 2", "pivot period_status on state; select 1",
    "with x as (delete from period_status returning period) pivot x on period",
    "from enable_logging(storage := 'file', storage_path := '/tmp/log')",
])
def test_sql_is_one_select_over_what_is_published(public: Any, query: str) -> None:
    with pytest.raises(UserError):
        select(public.home, query)


@pytest.mark.parametrize("query", [
    "from variances", "describe variances", "summarize recon_summary", "show tables", "values (1)",
    "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select * from t",
    "select * from period_status union select * from period_status", "explain select 1", "EXPLAIN ANALYZE from variances",
    "-- why\nexplain /* this */ analyze -- one\n select 1", "explain (format json) from variances",
    "explain (analyze, format json) select 1", "pivot recon_summary on leg using sum(closing) group by period",
    "with p as (pivot_wider recon_summary on leg, currency using sum(closing)) select * from p", "explain pivot period_status on state",
    "unpivot recon_summary on opening, closing into name what value amount", "from (pivot period_status on state using count(*))",
])
def test_sql_lets_every_way_of_reading(public: Any, query: str) -> None:
    assert select(public.home, query)


def test_what_is_published_is_for_reading_only(public: Any) -> None:
    home = public.home
    there = [home / "published.duckdb", *(home / "objects").rglob("*.parquet"), *(home / "manifests").rglob("*.json")]
    assert len(there) > 10
    assert {oct(path.stat().st_mode & 0o777) for path in there} == {"0o444"}


def test_a_copied_home_reads_its_own_objects_and_never_the_originals(
    own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, copy = own.home, tmp_path / "copy of it's home"
    rebuild_published(original, own.state)
    shutil.copytree(original, copy)
    # the original has other amounts from now on, under the same names
    for path in (original / "objects").rglob("*.parquet"):
        rows = pq.read_table(path)
        if "closing" in rows.column_names:
            path.unlink()
            amounts = pa.array([Decimal(99)] * rows.num_rows, rows["closing"].type)
            pq.write_table(rows.set_column(rows.column_names.index("closing"), "closing", amounts), path)
    assert select(original, LOOK) == [(Decimal(3 * 99),)]
    assert select(copy, LOOK) == [(Decimal(60),)]
    monkeypatch.chdir(copy)
    for name in (str(copy / "published.duckdb"), "published.duckdb", f"../{copy.name}/published.duckdb"):
        with duckdb.connect(name, read_only=True) as con:
            assert con.sql(LOOK).fetchall() == [(Decimal(60),)]
    # attached, its views do not know where they are: they say so and show nothing of the original
    attached = "select sum(closing) from books.recon_summary"
    with duckdb.connect() as con:
        con.execute(f"attach '{original / 'published.duckdb'}' as books (read_only)")
        assert con.sql(attached).fetchall() == [(3 * 99,)]
    with duckdb.connect() as con:
        con.execute("attach 'published.duckdb' as books (read_only)")
        with pytest.raises(duckdb.Error, match="was moved or copied"):
            con.sql(attached).fetchall()
    shutil.rmtree(original)
    moved = tmp_path / "moved"
    copy.rename(moved)
    assert select(moved, LOOK) == [(Decimal(60),)]
    told = CliRunner().invoke(status_command, ["--home", str(moved)], catch_exceptions=False, standalone_mode=False)
    assert "3 reconciled" in told.output
    rebuild_published(moved, State(moved))
    with duckdb.connect() as con:
        con.execute(f"attach '{moved / 'published.duckdb'}' as books (read_only)")
        assert con.sql(attached).fetchall() == [(60,)]


def test_a_home_is_found_through_a_link(public: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(public.home)
    (tmp_path / "books.duckdb").symlink_to(public.home / "published.duckdb")
    assert select(tmp_path / "link", LOOK) == [(Decimal(60),)]
    with duckdb.connect(str(tmp_path / "books.duckdb"), read_only=True) as con:
        assert con.sql(LOOK).fetchall() == [(Decimal(60),)]


def test_what_readers_and_writers_left_beside_the_pointer_stops_no_publication(own: Any) -> None:
    spilled = own.home / "published.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage.tmp").write_bytes(b"x")
    (own.home / "published.duckdb.wal").write_bytes(b"x")
    set_period_state(own.state, FIRST, "open")
    rebuild_published(own.home, own.state)
    assert select(own.home, "select state from period_status order by period")[0] == ("open",)


@pytest.mark.parametrize("damage", some(("empty", "cut", "garbage", "folder", "dangling", "gone"), "cut", "gone"))
def test_a_damaged_pointer_is_told_and_made_again(own: Any, damage: str) -> None:
    spoil(own.home / "published.duckdb", damage)
    with pytest.raises(UserError) as told:
        select(own.home, LOOK)
    assert "duizhang run" in told.value.advice
    refresh_published(own.home, own.state)
    assert select(own.home, LOOK) == [(Decimal(60),)]


def test_an_object_that_says_something_false_of_its_rows_is_found_and_written_again(own: Any) -> None:
    manifest = read_manifest(own.home, FIRST, 1)
    digest = manifest["tables"]["recon_summary"]["digest"]
    path = object_path(own.home, digest)
    look = f"select count(*) from recon_summary where period = '{FIRST}' and leg = 'order_payment'"
    ((before,),) = select(own.home, look)
    whole = path.read_bytes()
    rows, said = whole[: -(8 + int.from_bytes(whole[-8:-4], "little"))], whole[-(8 + int.from_bytes(whole[-8:-4], "little")) :]
    path.chmod(0o644)
    path.write_bytes(rows + said.replace(b"order_payment", b"zrder_payment"))
    assert is_whole(own.home, digest)
    assert select(own.home, look) != [(before,)], "nobody would be misled"
    assert [problem for problem in verify(own.home).problems if digest in problem]
    assert restore_published(own.home, own.store, own.state) == {}
    assert select(own.home, look) == [(before,)]
    assert not [problem for problem in verify(own.home).problems if digest in problem]


# readers led to other objects by functions whose text differs in places alone
ELSEWHERE = (
    "create or replace macro published_is_open() as ends_with(current_setting('temp_directory'), '/never')",
    "create or replace macro published_home() as case when published_is_open() then left(current_setting('temp_directory'), "
    "length(current_setting('temp_directory')) - length('/published.duckdb.tmp')) || '/' else '/elsewhere/' end",
)


@pytest.mark.parametrize("doctored", [
    ELSEWHERE,
    *(pytest.param(made, marks=pytest.mark.slow) for made in (
        ("update period_status set state = 'closed'",),
        ("update causes set label_en = 'of no account'",), ("create or replace view open_items as from variances limit 0",),
        ("create schema other", "create view other.variances as select 1"))),
])
def test_what_was_written_into_the_pointer_by_hand_is_found(own: Any, tmp_path: Path, doctored: tuple[str, ...]) -> None:
    rebuild_published(own.home, own.state)
    moved = tmp_path / "it's moved"
    own.home.rename(moved)
    assert published_differs(moved, State(moved)) == []
    (moved / "published.duckdb").chmod(0o644)
    with duckdb.connect(str(moved / "published.duckdb")) as con:
        for statement in doctored:
            con.execute(statement)
    assert any("shows what is not on record" in problem for problem in published_differs(moved, State(moved)))


@pytest.mark.slow
def test_how_days_stand_is_put_beside_views_that_are_kept_and_only_of_a_file_that_is_as_it_was_put_there(
    own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuild_published(own.home, own.state)
    path, fill = own.home / "published.duckdb", pointer.fill
    made: list[Path] = []
    monkeypatch.setattr(pointer, "fill", lambda con, home, state: made.append(home) or fill(con, home, state))
    for state in ("open", "reconciled", "open"):
        set_period_state(own.state, FIRST, state)
        refresh_published(own.home, own.state)
        assert select(own.home, "select state from period_status order by period")[0] == (state,)
        assert select(own.home, LOOK) == [(Decimal(60),)] and published_differs(own.home, own.state) == [] == made
    was = path.stat()
    refresh_published(own.home, own.state)
    assert path.stat() == was, "nothing has changed, so nothing is written"
    assert path.stat().st_mode & 0o222 == 0 and not list(own.home.glob(".published.duckdb*"))
    path.chmod(0o644)
    with duckdb.connect(str(path)) as con:
        con.execute("create or replace view open_items as from variances limit 0")
    refresh_published(own.home, own.state)
    assert made == [own.home.resolve()] and published_differs(own.home, own.state) == []
    for other in (tmp_path / "moved", None):
        if other:
            own.home.rename(other)
        else:
            monkeypatch.setattr(pointer, "VIEWS", {**pointer.VIEWS, "one": "select 1 as one"})
        refresh_published(tmp_path / "moved", State(tmp_path / "moved"))
    assert made[1:] == [tmp_path / "moved"] * 2 and select(tmp_path / "moved", "select one from one") == [(1,)]
    assert select(tmp_path / "moved", LOOK) == [(Decimal(60),)]


def test_what_changes_while_a_file_is_written_is_seen_by_the_next(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if what is noted of a file is how the days stand after it was filled."""
    rebuild_published(own.home, own.state)
    look = pointer._look

    def meanwhile(*given: Any) -> None:
        set_period_state(own.state, FIRST, "reconciled")  # by another process, which waits for the lock
        look(*given)

    set_period_state(own.state, FIRST, "open")
    with monkeypatch.context() as patch:
        patch.setattr(pointer, "_look", meanwhile)
        refresh_published(own.home, own.state)
    refresh_published(own.home, own.state)
    assert select(own.home, "select state from period_status order by period")[0] == ("reconciled",)


def spoil(path: Path, damage: str) -> None:
    """Damage a file as a loss of power, or somebody, might."""
    whole = path.read_bytes()
    path.unlink()
    if damage == "empty":
        path.touch()
    elif damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "garbage":
        path.write_bytes(b"\0" * len(whole))
    elif damage == "flipped":
        path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    elif damage == "folder":
        path.mkdir()
    elif damage == "dangling":
        path.symlink_to(path.with_name("nowhere"))


@pytest.mark.parametrize("room", some((50_000, 100_000, 300_000, 530_000), 300_000))
def test_a_full_disk_keeps_what_readers_see_and_says_so(own: Any, room: int) -> None:
    """A database closes without a word where its last pages have no room; here by the largest size a file may have."""
    before = (own.home / "published.duckdb").read_bytes()
    set_period_state(own.state, FIRST, "open")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, usual[1]))
    try:
        for put in (rebuild_published, refresh_published):
            with pytest.raises(Retryable, match="could not be written"):
                put(own.home, own.state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (own.home / "published.duckdb").read_bytes() == before
    assert list(own.home.glob(".published.duckdb*")) == []
    rebuild_published(own.home, own.state)
    assert select(own.home, "select state from period_status order by period")[0] == ("open",)
