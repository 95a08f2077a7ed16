"""Backfills a simulated business in one command, then takes in a late file: seconds by stage, rows, peak memory."""

import argparse
import datetime as dt
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from duizhang.cli import main; main()"]
START = dt.date(2026, 1, 1)


def call(*arguments: object) -> str:
    """One command, its progress stamped with the seconds since the last line."""
    began = last = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        now = time.monotonic()
        if arguments[0] == "run":
            print(f"    {now - last:7.1f} s  before: {line.strip()[:100]}", flush=True)
        last = now
    code = process.wait()
    print(f"{arguments[0]}: {time.monotonic() - began:.1f} s, exit code {code}", flush=True)
    if code not in (0, 2):
        sys.exit("".join(said))
    return "".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--orders-per-day", type=int, default=2000)
    parser.add_argument("--folder", type=Path, required=True, help="An empty folder to work in.")
    a = parser.parse_args()
    raw, home = a.folder / "raw", a.folder / "home"
    books, last = raw / "books.yaml", START + dt.timedelta(days=a.days - 1)
    late_day = START + dt.timedelta(days=min(70, a.days // 3))
    call("simulate", "--out", raw, "--start", START, "--days", a.days, "--orders-per-day", a.orders_per_day)
    (late,) = (raw / "inbox" / "company" / late_day.isoformat()).glob("*.sta")
    shutil.move(late, a.folder / "late.sta")
    call("run", "--books", books, "--home", home, "--from", START, "--to", last)
    shutil.move(a.folder / "late.sta", late)
    told = json.loads(call("plan", "--json", "--books", books, "--home", home))
    print(f"late {late.name}: {[p['period'] for p in told['periods']]}, {len(told['may_follow'])} days may follow")
    call("run", "--books", books, "--home", home, "--from", START, "--to", last)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{a.days} days x {a.orders_per_day} orders: peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
