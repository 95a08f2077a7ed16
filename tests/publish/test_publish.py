"""Publication: nothing unchecked goes out, nothing published changes, and a reader never meets a mix."""

from __future__ import annotations

import datetime as dt
import queue
import re
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from duizhang.books import Books
from duizhang.cli.diff import _table as compared
from duizhang.cli.diff import command as diff_command
from duizhang.cli.sql import command as sql_command
from duizhang.cli.status import command as status_command
from duizhang.declared.terms import FileStatus
from duizhang.errors import UserError
from duizhang.gate import accept_failure, run_gate
from duizhang.home.published import PERIOD_STATUS, TABLES
from duizhang.home.store import days
from duizhang.publish import (
    PeriodOutcome,
    period_states,
    publication,
    publish,
    read_manifest,
    rebuild_published,
    set_period_state,
)
from duizhang.publish import pointer as pointer_module
from duizhang.publish.publication import _inputs
from duizhang.publish.versions import _known
from duizhang.reconcile import Uncomputed

pytestmark = pytest.mark.usefixtures("unchecked")

FIRST = dt.date(2026, 3, 1)
PERIODS = days(FIRST, FIRST + dt.timedelta(days=2))


def go(fake: Any, periods: list[dt.date] = PERIODS, rules: str = "r1") -> list[PeriodOutcome]:
    """Gate, then publish."""
    run_gate(fake.store, fake.state, periods)
    return put_out(fake, periods, rules)


def put_out(fake: Any, periods: list[dt.date] = PERIODS, rules: str = "r1") -> list[PeriodOutcome]:
    books = Books(root=fake.home, entity="acme", start=FIRST)
    return publish(books, fake.store, fake.state, fake.home, periods, rules_digest=rules)


def ask(fake: Any, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(fake.home / "published.duckdb"), read_only=True) as con:
        return con.sql(query).fetchall()


def states(fake: Any) -> list[tuple[Any, ...]]:
    return ask(fake, "select state, version from period_status order by period")


def test_versions_views_and_an_unchanged_rerun(fake: Any) -> None:
    fake.fill(PERIODS)
    assert [(o.state, o.version) for o in go(fake)] == [("published", 1)] * 3
    assert ask(fake, "select version, sum(closing) from recon_summary group by all") == [(1, Decimal(60))]
    with duckdb.connect(str(fake.home / "published.duckdb"), read_only=True) as con:
        for name, columns in TABLES.items():
            shown = [row[0] for row in con.sql(f'describe "{name}"').fetchall()]
            assert shown == ["period", "version", *[c for c in columns.names if c != "period"]]
        assert [row[0] for row in con.sql("describe period_status").fetchall()] == PERIOD_STATUS.names
    objects = sorted((fake.home / "objects").rglob("*.parquet"))
    assert [(o.state, o.version) for o in go(fake)] == [("unchanged", 1)] * 3
    assert sorted((fake.home / "objects").rglob("*.parquet")) == objects
    manifest = read_manifest(fake.home, PERIODS[1], 1)
    assert manifest["opening"]["version"] == 1
    assert manifest["opening"]["digest"] == read_manifest(fake.home, FIRST, 1)["digest"]
    assert [f["file"] for f in manifest["inputs"]] == ["company/2026-03-02/a.csv"]


@pytest.mark.slow
def test_what_was_not_checked_or_changed_since_is_refused(fake: Any) -> None:
    fake.fill(PERIODS)
    (first, *_) = put_out(fake)
    assert first.state == "held"
    assert "variances: no recorded result of the gate" in first.reasons
    assert states(fake) == [("held", 0)] * 3
    go(fake)
    fake.put("order_trace", FIRST, {"order_id": "slipped in"})
    (changed,) = put_out(fake, [FIRST])
    assert (changed.state, changed.version) == ("held", 1)
    assert changed.reasons == ("order_trace: the gate checked other content than is to be published",)
    assert states(fake) == [("held", 1), ("provisional", 1), ("provisional", 1)]
    assert ask(fake, "select count(*) from order_trace") == [(0,)]


@pytest.mark.slow
def test_a_held_day_makes_the_days_after_it_provisional_until_it_is_accepted(fake: Any) -> None:
    fake.fill(PERIODS)
    fake.put("source_files", PERIODS[1], {"source": "s", "file": "x.zip", "status": "read", "problem": "off by 1"})
    assert [o.state for o in go(fake)] == ["published", "held", "provisional"]
    assert states(fake) == [("reconciled", 1), ("held", 0), ("provisional", 1)]
    assert "off by 1" in ask(fake, "select held_reasons from period_status where state = 'held'")[0][0]
    accept_failure(fake.state, PERIODS[1], "source_files", "control_totals_tie", "li", "agreed with the provider")
    assert [o.state for o in put_out(fake, [PERIODS[1]])] == ["published"]
    assert states(fake) == [("reconciled", 1)] * 3


@pytest.mark.slow
def test_new_numbers_void_an_approval_and_a_closed_period_refuses_them(own: Any) -> None:
    fake = own
    set_period_state(fake.state, FIRST, "approved", "li, wang")
    set_period_state(fake.state, PERIODS[1], "closed", "li, wang")
    rebuild_published(fake.home, fake.state)
    assert [s for s, _ in states(fake)] == ["approved", "closed", "reconciled"]
    assert [o.state for o in go(fake)] == ["unchanged"] * 3
    assert [s for s, _ in states(fake)] == ["approved", "closed", "reconciled"]
    for period in PERIODS[:2]:
        fake.put("order_trace", period, {"order_id": "late"})
    found = go(fake)
    assert [(o.state, o.version) for o in found] == [("published", 2), ("held", 1), ("unchanged", 1)]
    assert found[1].reasons == ("closed: reopen first",)
    assert states(fake) == [("reconciled", 2), ("closed", 1), ("reconciled", 1)]
    assert ask(fake, "select approved_by from period_status order by period")[0] == ("",)
    set_period_state(fake.state, PERIODS[1], "open")
    assert [(o.state, o.version) for o in put_out(fake, [PERIODS[1]])] == [("published", 2)]
    with pytest.raises(UserError, match="no state"):
        _known("done")


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (pointer_module, "_view"),
        *(pytest.param(publication, step, marks=pytest.mark.slow)
          for step in ("write_manifest", "rebuild_published", "write_object", "save_states")),
    ],
)
def test_a_crash_between_steps_leaves_the_old_in_sight_and_the_next_run_finishes(
    fake: Any, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
) -> None:
    fake.fill([FIRST])
    go(fake, [FIRST])
    fake.fill([FIRST], amount="7")
    run_gate(fake.store, fake.state, [FIRST])

    def crash(*_: object, **__: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(module, step, crash)
        with pytest.raises(OSError, match="power"):
            put_out(fake, [FIRST])
    look = "select version, closing, (select sum(difference) from variances) from recon_summary"
    assert ask(fake, look) == [(1, Decimal(10), Decimal(10))]
    put_out(fake, [FIRST])
    assert ask(fake, look) == [(2, Decimal(7), Decimal(7))]
    assert period_states(fake.state)[FIRST].version == 2
    assert [p.name for p in fake.home.glob("published.duckdb.*")] == []


# Reads without a pause until its input ends; says every version that it sees for the first time.
READER = """
import sys, threading, duckdb
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
seen = set()
while not ended.is_set():
    with duckdb.connect(sys.argv[1], read_only=True) as con:
        rows = con.sql(
            "select s.version, s.closing, (select sum(difference) from variances), p.version "
            "from recon_summary s join period_status p using (period)"
        ).fetchall()
    assert len(rows) == 1 and rows[0][1] == rows[0][2] and rows[0][0] == rows[0][3], rows
    if rows[0][0] not in seen:
        seen.add(rows[0][0])
        print(rows[0][0], flush=True)
"""


@pytest.mark.slow
def test_another_process_reads_while_publishing_without_an_error(fake: Any) -> None:
    """As long as it takes: the reader must have met three versions, each whole, and at last the newest."""
    fake.fill([FIRST])
    go(fake, [FIRST])
    seen: list[int] = []
    said: queue.Queue[int] = queue.Queue()
    command = [sys.executable, "-c", READER, str(fake.home / "published.duckdb")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin and reader.stdout and reader.stderr
        listener = threading.Thread(target=lambda: [said.put(int(line)) for line in reader.stdout or ()])
        listener.start()
        try:
            seen.append(said.get(timeout=300))
            for amount in range(11, 1011):
                fake.fill([FIRST], amount=str(amount))
                [outcome] = go(fake, [FIRST])
                while not said.empty():
                    seen.append(said.get())
                if len(seen) >= 3 or reader.poll() is not None:
                    break
            while seen[-1] != outcome.version and reader.poll() is None:
                seen.append(said.get(timeout=300))
        finally:
            reader.stdin.close()
            listener.join()
            wrong = reader.stderr.read()
    assert reader.returncode == 0, wrong
    assert len(seen) >= 3 and seen == sorted(seen) and seen[-1] == outcome.version


def run(*arguments: str, command: Any, home: Path) -> str:
    listed = [*arguments, "--home", str(home)]
    return CliRunner().invoke(command, listed, catch_exceptions=False, standalone_mode=False).output


@pytest.mark.slow
def test_commands(fake: Any) -> None:
    fake.fill(PERIODS)
    fake.put("source_files", PERIODS[2], {"source": "bank_mt940", "status": "missing", "problem": "no bank statement"})
    go(fake)
    told = run(command=status_command, home=fake.home)
    assert re.findall(r"^2026-03-0(\d) +(?:reconciled|held).* (\d+) +(\d+) +(\d+)$", told, re.MULTILINE) == [
        ("1", "1", "0", "1"), ("2", "1", "0", "2"), ("3", "0", "0", "0")]  # day, version, differences, in transit
    assert "Orders ↔ payments 2 20.00 CNY Timing" in " ".join(run("--all", command=status_command, home=fake.home).split())
    assert "no bank statement" in told
    assert '"state": "held"' in run("--json", command=status_command, home=fake.home)
    assert "30.00" in run("select sum(closing) as c from recon_summary", command=sql_command, home=fake.home)
    assert run("select 1 as a", "--format", "csv", command=sql_command, home=fake.home) == "a\n1\n"
    for wrong in ("drop view variances", "selec 1", "select * from read_text('/etc/hostname')"):
        with pytest.raises(UserError):
            run(wrong, command=sql_command, home=fake.home)
    with pytest.raises(UserError, match="nothing to compare"):
        run(FIRST.isoformat(), command=diff_command, home=fake.home)
    fake.fill([FIRST], amount="7")
    go(fake, [FIRST], rules="r2")
    told = run(FIRST.isoformat(), command=diff_command, home=fake.home)
    assert "rules changed" in told
    assert "~ order_payment acme CNY: right_amount '10.00' -> '13.00'; closing '10.00' -> '7.00'" in told


def test_what_an_older_program_published_is_read_with_nothing_in_the_columns_it_did_not_know(
    own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TABLES, "event_items", TABLES["event_items"].append(pa.field("known_later", pa.int64())))
    rebuild_published(own.home, own.state)
    assert ask(own, "select count(*), count(known_later), count(difference) from event_items where period = '2026-03-03'") == [(3, 0, 3)]


def test_versions_that_two_programs_wrote_are_compared_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"leg": ["fee", "stock"], "closing": [1, 2]}), tmp_path / "was")
    pq.write_table(pa.table({"leg": ["fee", "stock"], "rows": [None, 7], "closing": [1, 3]}), tmp_path / "now")
    found = compared(tmp_path, "recon_summary", {"object": "was"}, {"object": "now"})
    assert found is not None and found.names == ["leg", "rows", "closing"]
    assert (list(found.gone.values()), list(found.come.values())) == ([[("stock", None, 2)]], [[("stock", 7, 3)]])
    (tmp_path / "now").write_bytes(b"")
    with pytest.raises(UserError, match="recon_summary cannot be read"):
        compared(tmp_path, "recon_summary", {"object": "was"}, {"object": "now"})


def test_a_home_without_anything_published(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing published"):
        run("select 1", command=sql_command, home=tmp_path)


# days that say they are firm and do not open with what the day before them closed with
LOOSE = """
    select s.period from period_status as s inner join recon_summary as r using (period)
    left join recon_summary as b on b.period = r.period - 1
    where s.state <> 'provisional' and r.opening <> coalesce(b.closing, 0)
"""


@pytest.mark.slow
def test_days_behind_a_changed_one_are_provisional_from_the_same_swap_on(own: Any) -> None:
    """A cascade publishes day after day; whoever reads between two of them is told which days do not open as they should."""
    fake = own
    fake.fill(PERIODS, amount="7")
    run_gate(fake.store, fake.state, PERIODS)
    seen = []
    for period in PERIODS:
        put_out(fake, [period])
        assert ask(fake, LOOSE) == []
        seen.append([s for s, _ in states(fake)])
    assert seen == [["reconciled", "provisional", "provisional"], ["reconciled", "reconciled", "provisional"], ["reconciled"] * 3]


@pytest.mark.slow
def test_a_row_that_no_model_can_be_computed_with_holds_its_day_until_it_is_let_pass(fake: Any) -> None:
    fake.fill(PERIODS)
    rows = [
        Uncomputed(PERIODS[1], "sql/marts/channel_pnl.sql", "no room", "orders", "a.csv", n, "unit_price", "1e18") for n in range(7)
    ]
    run_gate(fake.store, fake.state, PERIODS, uncomputed=rows)
    outcomes = put_out(fake)
    assert [o.state for o in outcomes] == ["published", "held", "provisional"]
    (reason,) = outcomes[1].reasons
    assert "a.csv line 0, unit_price 1e18 (orders): sql/marts/channel_pnl.sql cannot be computed with it: no room" in reason
    assert reason.endswith("and 2 more")
    assert accept_failure(fake.state, PERIODS[1], "claims", "every_value_is_computed", "Ana", "the row is a test of the platform")
    assert [o.state for o in put_out(fake)] == ["unchanged", "published", "unchanged"]
    assert [state for state, _ in states(fake)] == ["reconciled"] * 3


@pytest.mark.parametrize("status", [s for s in FileStatus if s != FileStatus.MISSING])
def test_a_version_names_every_file_that_its_list_of_files_has(status: FileStatus) -> None:
    """A refused file that somebody let pass is in the list, so a replay without it would have another digest."""
    row = {"source": "s", "shop": "tb", "file": "a.csv", "sha256": "ab", "status": status}
    missing = {**row, "file": "", "sha256": "", "status": FileStatus.MISSING}
    listed = pa.Table.from_pylist([row, missing], TABLES["source_files"])
    assert [entry["file"] for entry in _inputs(listed)] == ["a.csv"]
