"""A small business from raw files to the published database, through the command line and Dagster."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from filelock import FileLock

from assets.partitions import daily
from duizhang.cli import cli
from duizhang.home.published import TABLES

START = dt.date(2026, 3, 1)
DAYS = 3
LAST = START + dt.timedelta(days=DAYS - 1)
# who wrote a row and what a run is called differ from run to run; numbers may not
COMPARED = [name for name in TABLES if name != "quality_results"]
INCOME, BALANCE = 6, 8  # columns of Alipay's fund bill


def duizhang(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(a) for a in arguments], standalone_mode=False)
    assert result.exception is None, (arguments, result.output, result.exception)
    assert (result.return_value or 0) == exit_code, (arguments, result.return_value, result.output)
    return result.output


def run(raw: Path, home: Path, start: dt.date = START, end: dt.date = LAST, *, exit_code: int = 0) -> None:
    duizhang("run", "--quiet", "--books", raw / "books.yaml", "--home", home, "--from", start, "--to", end,
             exit_code=exit_code)


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "published.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that all processes of a test run share: the first that asks for it makes it, and nobody changes it."""
    top = factory.getbasetemp()
    folder = (top.parent if "PYTEST_XDIST_WORKER" in os.environ else top) / f"shared-{name}"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            make(working := folder.with_suffix(".making"))
            working.rename(folder)
    return folder


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "raw", lambda out: duizhang(
        "simulate", "--out", out, "--start", START, "--days", DAYS, "--orders-per-day", 40, "--seed", 7, "--break-rate", "0.1"))


@pytest.fixture(scope="session")
def made(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All days published, for every test of every process; nobody changes it."""
    return once(tmp_path_factory, "home", lambda out: run(raw, out))


@pytest.fixture(scope="session")
def home(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a copy; some tests leave events in it."""
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("home") / "home", symlinks=True))


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days, for what has to be run again and again."""
    return once(tmp_path_factory, "little", lambda out: duizhang(
        "simulate", "--out", out, "--start", START, "--days", 2, "--orders-per-day", 10, "--seed", 11, "--break-rate", "0.1"))


@pytest.fixture(scope="module")
def done(little: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both days published, once for all; a copy for each file of tests."""
    made = once(tmp_path_factory, "done", lambda out: run(little, out, START, START + dt.timedelta(days=1)))
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("done") / "home", symlinks=True))


def test_every_injected_difference_is_found_and_nothing_else(raw: Path, home: Path) -> None:
    score = json.loads(duizhang("score", "--truth", raw / "truth.parquet", "--home", home, "--json"))
    assert score["differences"]["recall"] == 1.0, score
    assert score["differences"]["precision"] == 1.0, score
    assert score["amounts_exact"] == 1.0, score
    assert score["causes_right"] >= 0.95, score


def test_every_leg_is_conserved_to_the_cent(home: Path) -> None:
    assert query(home, """
        select * from recon_summary as s
        where closing <> opening + left_amount - right_amount
        or closing <> (select coalesce(sum(difference), 0) from variances as v where (v.period, v.leg, v.entity,
            v.currency) = (s.period, s.leg, s.entity, s.currency))
    """) == []
    assert query(home, "select count(distinct leg) from recon_summary") == [(12,)]


@pytest.mark.slow  # test_splits tries one split of a business in `make test`
@pytest.mark.usefixtures("unchecked")
def test_day_by_day_gives_the_rows_of_the_range(raw: Path, home: Path, tmp_path: Path) -> None:
    for first, last in ((0, 0), (1, DAYS - 1)):
        run(raw, tmp_path, START + dt.timedelta(days=first), START + dt.timedelta(days=last))
    digests = "select period, digest from period_status order by period"
    for table in COMPARED:
        sql = f'select * exclude (version) from "{table}" order by all'
        assert query(tmp_path, sql) == query(home, sql), table
    assert query(tmp_path, digests) == query(home, digests)


def rewrite_alipay_fund(raw: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of the fund bill of the third day, inside its ZIP."""
    folder = raw / "inbox" / "tb-01" / (START + dt.timedelta(days=2)).isoformat()
    for path in sorted(folder.rglob("*.zip")):
        members: list[tuple[zipfile.ZipInfo, bytes]] = []
        with zipfile.ZipFile(path) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
        if not any("账务明细查询".encode("gb18030") in body[:200] for _, body in members):
            continue
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for info, body in members:
                if "账务明细查询".encode("gb18030") in body[:200]:
                    body = b"".join(change(body.splitlines(keepends=True)))
                archive.writestr(info, body)
        path.write_bytes(target.getvalue())
        return
    raise AssertionError("no fund bill found")


@pytest.mark.slow  # that totals do not tie: tests/ingest; that they hold their day alone: tests/gate/test_gate.py
@pytest.mark.usefixtures("unchecked")
def test_a_line_deleted_from_a_bill_holds_that_period_and_names_the_file(
    raw: Path, home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    removed: list[tuple[int, bytes]] = []

    def drop(lines: list[bytes]) -> list[bytes]:
        sale = next(i for i, text in enumerate(lines) if "交易付款".encode("gb18030") in text)
        removed.append((sale, lines[sale]))
        return lines[:sale] + lines[sale + 1 :]

    rewrite_alipay_fund(copy, drop)
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    run(copy, tmp_path / "home", exit_code=2)
    day = START + dt.timedelta(days=2)
    held = query(tmp_path / "home", "select period, held_reasons from period_status where state = 'held'")
    assert [period for period, _ in held] == [day]
    assert ".zip" in held[0][1]

    [(place, line)] = removed
    income = Decimal(line.decode("gb18030").split(",")[INCOME])

    def mend(lines: list[bytes]) -> list[bytes]:
        """The bill as it is had the sale never been: the footer without it, and the balances that stood after it."""
        texts = [line.decode("gb18030") for line in lines]
        for n, text in enumerate(texts):
            cells = text.split(",")
            if n < place and not text.startswith("#") and cells[0] != "账务流水号":  # newest first: these stood after it
                texts[n] = ",".join([*cells[:BALANCE], str(Decimal(cells[BALANCE]) - income), *cells[BALANCE + 1 :]])
        footer = next(n for n, text in enumerate(texts) if text.startswith("#收入合计"))
        count, total = re.findall(r"[-\d.]+", texts[footer])
        texts[footer] = texts[footer].replace(f"{count}笔", f"{int(count) - 1}笔").replace(
            f"{total}元", f"{Decimal(total) - income}元")
        return [text.encode("gb18030") for text in texts]

    rewrite_alipay_fund(copy, mend)
    run(copy, tmp_path / "home")
    sql = f"select leg, key, difference from variances where period = date '{LAST}'"
    new = set(query(tmp_path / "home", sql)) - set(query(home, sql))
    assert len(new) == 1, new
    (leg, _, difference), = new
    assert (leg, difference) == ("payment_settlement", income)


def test_a_rerun_changes_nothing(raw: Path, home: Path) -> None:
    sql = "select period, version, digest from period_status order by 1"
    before = query(home, sql)
    run(raw, home, LAST, LAST)
    assert query(home, sql) == before
    assert {version for _, version, _ in before} == {1}


def test_days_that_the_clock_has_not_come_to_can_be_run() -> None:
    keys = daily("2099-01-01", "Asia/Shanghai", last=dt.date(2099, 1, 2)).get_partition_keys()
    assert keys[:2] == ["2099-01-01", "2099-01-02"]
