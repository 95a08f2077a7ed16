"""Backfills a simulated business in one command, then takes in two late files: seconds by stage, memory, what got a new
version and how long queries take after that."""

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb

COMMAND = [sys.executable, "-c", "from duizhang.cli import main; main()"]
START = dt.date(2026, 1, 1)
# (day of the range, file): a stock level is mended by the next one, a bank statement leaves its payouts open for good
LATE = ((70, "wms_snapshot_*.csv"), (80, "statement_0001_*.sta"))
QUERIES = (
    "select cause, count(*) from variances group by all",
    "select sum(difference) from open_items where period = '{last}'",
    "select period, leg, closing from recon_summary where leg = 'order_payment' order by period",
    "select * from variances where key = (select min(key) from variances where period = '{last}') and period = '{last}'",
)


def memory(root: int) -> int:
    """Bytes that a process and all that it started hold in memory now."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    family, size = {root}, 0
    while len(family) > size:
        size = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    total = 0
    for process in family:
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


def call(*arguments: object, shown: bool = False) -> str:
    """One command; where it is to be shown, with the seconds at which it said what. Ends where the command fails."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], memory(process.pid))
            time.sleep(0.2)

    watching = threading.Thread(target=watch)
    watching.start()
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if shown:
            print(f"    {time.monotonic() - began:7.1f} s {memory(process.pid) / 1e6:6.0f} MB  {line.strip()[:110]}", flush=True)
    code = process.wait()
    watching.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = f"{time.monotonic() - began:.1f} s, processor {cpu:.1f} s, peak {peak[0] / 1e6:.0f} MB"
    print(f"{arguments[0]}: {took}, exit code {code}", flush=True)
    if code not in (0, 2):
        sys.exit("".join(said))
    return "".join(said)


def versions(home: Path) -> dict[dt.date, int]:
    with duckdb.connect(str(home / "published.duckdb"), read_only=True) as con:
        return dict(con.execute("select period, version from period_status order by period").fetchall())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--orders-per-day", type=int, default=2000)
    parser.add_argument("--folder", type=Path, required=True, help="An empty folder to work in.")
    a = parser.parse_args()
    raw, home = a.folder / "raw", a.folder / "home"
    last = START + dt.timedelta(days=a.days - 1)
    run = ("run", "--books", raw / "books.yaml", "--home", home, "--from", START, "--to", last)
    if not raw.is_dir():
        call("simulate", "--out", raw, "--start", START, "--days", a.days, "--orders-per-day", a.orders_per_day)
    held_back = []
    for number, pattern in LATE:
        day = START + dt.timedelta(days=min(number, a.days * number // 100) - 1)
        (file,) = (raw / "inbox" / "company" / day.isoformat()).glob(pattern)
        held_back.append((day, file))
        shutil.move(file, a.folder / file.name)
    call(*run, shown=True)
    for day, file in held_back:
        before = versions(home)
        shutil.move(a.folder / file.name, file)
        told = json.loads(call("plan", "--json", "--books", raw / "books.yaml", "--home", home))
        named, may = [p["period"] for p in told["periods"]], told["may_follow"]
        print(f"late {file.name}, of {day}: the plan names {', '.join(named)}; {len(may)} days may follow")
        call(*run, shown=True)
        changed = [d.isoformat() for d, version in versions(home).items() if version != before[d]]
        print(f"new versions: {len(changed)} of {a.days} days, {changed[:1]} to {changed[-1:]}")
        assert set(changed) <= {*named, *may} and named == [day.isoformat()], "the plan had not said so"
    call(*run)
    for query in QUERIES:
        call("sql", "--home", home, query.format(last=last))
    call("status", "--home", home)
    files = sum(1 for path in home.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    print(f"{a.days} days x {a.orders_per_day} orders: {files} files, {size / 1e9:.2f} GB in {home}")


if __name__ == "__main__":
    main()
