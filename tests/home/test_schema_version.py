"""A home of every earlier schema is upgraded as it is opened and keeps what it had; a newer one is refused and not touched."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from duizhang.backup import back_up
from duizhang.close import verify
from duizhang.errors import StateError
from duizhang.home import schema_version
from duizhang.home.connection import DATABASE, METADATA
from duizhang.home.events import append_event, event_log, verify_chain, witnessed
from duizhang.home.identity import FILE
from duizhang.home.state import State

KEPT = Path(__file__).with_name("homes")


def home_of(schema: str, home: Path) -> Path:
    """A home as a program of that schema left it: two events."""
    home.mkdir()
    with sqlite3.connect(home / DATABASE) as con:
        con.executescript((KEPT / f"{schema}.sql").read_text(encoding="utf-8"))
        log = con.execute("select seq, hash from events order by seq").fetchall()
        [identity] = con.execute("select id from homes").fetchone()
    con.close()
    (home / "events.log").write_text("".join(f"{seq} {digest}\n" for seq, digest in log), encoding="utf-8")
    (home / "home.json").write_text(f'{{"id": "{identity}"}}\n', encoding="utf-8")
    return home


@pytest.mark.parametrize("schema", sorted(path.stem for path in KEPT.glob("*.sql")))
def test_a_home_of_an_earlier_schema_is_upgraded_and_keeps_what_it_had(schema: str, tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    for room in ("close.decisions", "close.approval", "gate.records", "home.working_tables", "plan.inputs", "publish.objects",
                 "publish.versions", "ingest.files.file_records", "review.views"):
        importlib.import_module(f"duizhang.{room}")
    home = home_of(schema, tmp_path / "home")
    assert len(event_log(State(home, read_only=True))) == 2, "reading changes nothing"
    state = State(home)
    with state.read() as con:
        assert con.execute(sa.select(schema_version.VERSION.c.version_num)).scalar() == schema_version.HEAD
        # the tables are those that the rooms declare: a change of one without a migration is seen here
        assert compare_metadata(MigrationContext.configure(con), METADATA) == []
    append_event(state, actor="Li Na", kind="noted", payload={"n": 3})
    log = event_log(State(home))
    assert [event.payload["n"] for event in log] == [1, 2, 3] and verify_chain(log, witnessed(home)) == []


def test_a_new_home_has_the_newest_schema_at_once(tmp_path: Path) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    state = State(tmp_path / "home")
    with state.read() as con:
        assert con.execute(sa.select(schema_version.VERSION.c.version_num)).scalar() == schema_version.HEAD
    config = Config()
    config.set_main_option("script_location", str(Path(schema_version.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == schema_version.HEAD


def test_a_table_that_nobody_has_written_to_yet_is_empty_to_whoever_only_reads(tmp_path: Path) -> None:
    """As of a home that `plan` made, which needs few of them: nothing is wrong with it."""
    State(tmp_path)
    lacking = {"approvals", "object_files", "corrections", "decision_terms"}
    with sqlite3.connect(tmp_path / DATABASE) as con:
        for name in lacking:
            con.execute(f"drop table {name}")
    con.close()
    assert verify(tmp_path).problems == []
    state = State(tmp_path, read_only=True)
    with state.read() as found:
        assert [found.execute(sa.select(METADATA.tables[name])).all() for name in sorted(lacking)] == [[]] * 4
    with sqlite3.connect(tmp_path / DATABASE) as con:
        assert not lacking & {name for (name,) in con.execute("select name from sqlite_master")}, "nothing was written"
    con.close()


def test_a_newer_schema_is_refused_and_not_touched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    state = State(home)
    with state.begin() as con:
        con.execute(sa.update(schema_version.VERSION).values(version_num="9999"))
    before = (home / DATABASE).read_bytes()
    for look in (lambda: State(home), lambda: State(home, read_only=True), lambda: back_up(home, tmp_path / "backups")):
        with pytest.raises(StateError, match="newer duizhang: its schema is 9999"):
            look()
    assert (home / DATABASE).read_bytes() == before


def test_an_id_that_was_changed_in_the_home_is_found_by_verify_and_told_as_that(tmp_path: Path) -> None:
    home = tmp_path / "home"
    append_event(State(home), actor="pipeline", kind="run_started", payload={})
    said, before = (home / FILE).read_text(encoding="utf-8"), verify(home).problems
    for at in range(said.index(": ") + 3, said.rindex('"')):
        (home / FILE).write_text(said[:at] + ("0" if said[at] != "0" else "1") + said[at + 1 :], encoding="utf-8")
        [problem] = verify(home).problems
        assert "home.json was changed" in problem, said[at]
    (home / FILE).write_text(said, encoding="utf-8")
    assert verify(home).problems == before and not any(FILE in problem for problem in before)
