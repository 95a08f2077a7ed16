"""Where does a day go? A day of a simulated business from raw files to published, and the day after, by stage, against floors of the
same run.

    python benchmarks/day.py --orders 10000

Each way runs in a process of its own. `duizhang run` is measured stage by stage: processor seconds (those of the reading
processes included), seconds, and the largest memory of the process while the stage was at work. The floors are what nobody can do
without: the raw bytes read into columns (pyarrow.csv with inferred types, into Parquet; of files that are no delimited text the
bytes alone), and the claims' Parquet read and added up. The peer does less by hand: the raw bytes read as in the floor, then of the
canonical tables nine legs by full outer joins, no rate cards, no stock, no ledger, no open items, no causes, no checks, nothing
published: once as a script for DuckDB, once for polars. datacompy is compared with where it is installed. The files of both days are
there when the first begins, so it reads them all; floors and peers are of both days as well. The second day opens with what the first
left open. Last, the same command again, which finds nothing to do. Ratios carry over to other machines, seconds don't.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from duizhang.reconcile.session import Session

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
START = dt.date(2026, 3, 1)
DAYS = (START, START + dt.timedelta(days=1))
# rooms of sql/ whose models are made leg by leg; what is run for a leg counts as that leg
_ROOM_OF_A_LEG = "legs"
# the legs that the peer does, each as the amounts of its two sides by key: (leg, left, right)
PEER_LEGS: tuple[tuple[str, str, str], ...] = (
    ("order_platform", "select shop, order_id, line_id as k, amount from orders where origin = 'books' and paid_at is not null",
     "select shop, order_id, line_id as k, amount from orders where origin = 'platform' and paid_at is not null"),
    ("order_payment",
     "select shop, order_id, '' as k, amount from orders where origin = 'books' and paid_at is not null "
     "union all select shop, order_id, '', -amount from refunds where origin = 'books'",
     "select shop, order_id, '' as k, amount from payments union all select shop, order_id, '', -amount from refunds "
     "where origin = 'provider'"),
    ("order_shipment", "select shop, order_id, sku as k, quantity as amount from orders where origin = 'books' and paid_at is not null",
     "select shop, order_id, sku as k, quantity as amount from shipments"),
    ("return_refund", "select shop, refund_id as order_id, '' as k, amount from returns",
     "select shop, refund_id as order_id, '' as k, amount from refunds where origin = 'provider'"),
    ("payment_settlement",
     "select provider as shop, transaction_id as order_id, '' as k, amount - fee as amount from payments "
     "union all select provider, transaction_id, '', -amount - fee from refunds where origin = 'provider'",
     "select provider as shop, transaction_id as order_id, '' as k, amount from settlements where kind in ('sale', 'refund', 'fee')"),
    ("payout_bank", "select '' as shop, payout_id as order_id, '' as k, amount from payouts",
     "select '' as shop, reference as order_id, '' as k, amount from bank_entries"),
    ("freight, parcels alone", "select carrier as shop, tracking_number as order_id, '' as k, 0 as amount from shipments",
     "select carrier as shop, tracking_number as order_id, '' as k, amount from freight_charges"),
    ("customer", "select '' as shop, customer as order_id, '' as k, amount from orders where origin = 'books' and paid_at is not null",
     "select '' as shop, o.customer as order_id, '' as k, p.amount from payments as p "
     "inner join (select distinct shop, order_id, customer from orders where origin = 'books') as o using (shop, order_id)"),
    ("finance", "select shop, 'revenue' as order_id, '' as k, amount from orders where origin = 'books' and paid_at is not null",
     "select shop, measure as order_id, '' as k, amount from platform_statements"),
)


def processor() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


class Stages:
    """What each stage of a run took: time goes to the stage that was entered last."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float]] = {}
        self.at, self._began, self._used = "start", time.perf_counter(), processor()
        _forget_peak()

    def enter(self, stage: str) -> None:
        if stage == self.at:
            return
        seconds, used = time.perf_counter(), processor()
        row = self.found.setdefault(self.at, {"cpu": 0.0, "seconds": 0.0, "peak": 0.0})
        row["cpu"] += used - self._used
        row["seconds"] += seconds - self._began
        row["peak"] = max(row["peak"], _peak())
        _forget_peak()
        self.at, self._began, self._used = stage, time.perf_counter(), processor()


def _forget_peak() -> None:
    """From now on the peak is that of what comes; only Linux can do that."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> float:
    """The most memory that this process had since the peak was forgotten, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(raw: Path, home: Path) -> dict[str, Any]:
    """The run as `duizhang run` does it, without Dagster."""
    gc.set_threshold(100_000)  # as the command has it
    from duizhang.home import lock
    from duizhang.reconcile import session
    from duizhang.runs import Run

    stages = Stages()
    run_model, load = session.Session.run, session.Session._load

    def timed(self: Session, path: str) -> None:
        room, name = path.removesuffix(".sql").split("/")
        if room == "claims":
            stages.enter(f"claims: {name}")
        elif room != _ROOM_OF_A_LEG:
            stages.enter({"sides": "derived", "passes": "matching"}.get(room, room))
        run_model(self, path)

    def loaded(self: Session) -> None:
        stages.enter("derived")
        load(self)

    # the benchmark looks over the engine's shoulder
    session.Session.run, session.Session._load = timed, loaded  # type: ignore[method-assign]
    shutil.rmtree(home, ignore_errors=True)
    found: dict[str, Any] = {"states": [], "days": []}
    for day in (*DAYS, DAYS[-1]):
        stages.found = {}
        with lock.acquire(home):
            run = Run(raw / "books.yaml", home)
            stages.enter("extract")
            run.begin([day])
            for stage in ("canonical", "reconcile", "gate", "publish"):
                stages.enter("derived" if stage == "reconcile" else stage)
                run.to(stage)
            while run.advance():
                run.to("publish")
            found["states"] += [o.state for o in run.end()]
        stages.enter("start")
        found["days"].append(stages.found)
    return found


def read_raw(raw: Path, home: Path) -> dict[str, Any]:
    """The bare columnar reading of all raw files; where the rows of a file begin is found beforehand."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    from duizhang.errors import RefusedFile
    from duizhang.ingest import load_specs
    from duizhang.ingest.opening.container import documents
    from duizhang.ingest.recognising import recognise

    specs, known = load_specs(), []
    for path in sorted(p for p in (raw / "inbox").rglob("*") if p.is_file()):
        for document in documents(path):
            try:
                place = recognise(document, specs) if document.kind == "text" else None
            except RefusedFile:
                place = None
            known.append((path, document, place))
    out, used, began = home.with_suffix(".floor"), processor(), time.perf_counter()
    out.mkdir(exist_ok=True)
    size = 0
    for number, (path, document, place) in enumerate(known):
        body = path.read_bytes() if place is None else document.open().read()
        size += len(body)
        if place is None or place.spec.reader != "table":
            continue
        try:
            table = pacsv.read_csv(
                io.BytesIO(body),
                read_options=pacsv.ReadOptions(skip_rows=place.header + 1, autogenerate_column_names=True, encoding=place.encoding),
                parse_options=pacsv.ParseOptions(delimiter=place.delimiter, invalid_row_handler=lambda _: "skip"),
            )
        except pa.ArrowInvalid:  # no rows
            continue
        pq.write_table(table, out / f"{number}.parquet", compression="zstd")
    return {"cpu": processor() - used, "seconds": time.perf_counter() - began, "bytes": size}


def scan_claims(raw: Path, home: Path) -> dict[str, Any]:
    """The claims' Parquet read and added up: keys, sides and amounts."""
    import duckdb

    from duizhang.reconcile import LEG_MODELS

    with duckdb.connect() as con:
        used, began = processor(), time.perf_counter()
        paths = ", ".join(f"'{home}/tables/{leg}/period={day}/data.parquet'" for leg in LEG_MODELS for day in DAYS)
        found = con.execute(f'select count(*), sum(amount), sum(strlen("key")), sum(strlen(side)) from read_parquet([{paths}])').fetchall()
        return {"cpu": processor() - used, "seconds": time.perf_counter() - began, "rows": found[0][0]}


def peer(raw: Path, home: Path) -> dict[str, Any]:
    """The hand-written script: raw bytes into columns, then nine legs by full outer joins over the canonical tables."""
    import duckdb

    from duizhang.declared.schema import TABLES

    found = read_raw(raw, home)
    used, began = processor(), time.perf_counter()
    with duckdb.connect() as con:
        for name in TABLES:
            con.execute(f"create view {name} as select * from read_parquet({_files(home, name)})")
        for leg, left, right in PEER_LEGS:
            _join(con, leg, left, right)
    return {"cpu": found["cpu"] + processor() - used, "seconds": found["seconds"] + time.perf_counter() - began}


def _files(home: Path, table: str) -> list[str]:
    return [str(path) for day in DAYS if (path := home / "tables" / table / f"period={day}" / "data.parquet").is_file()]


def polars_peer(raw: Path, home: Path) -> dict[str, Any]:
    """The same by hand in polars."""
    import polars as pl

    from duizhang.declared.schema import TABLES

    found = read_raw(raw, home)
    used, began = processor(), time.perf_counter()
    context = pl.SQLContext({name: pl.scan_parquet(_files(home, name)) for name in TABLES if _files(home, name)})
    keys = ["shop", "order_id", "k"]
    for _, left, right in PEER_LEGS:
        sides = [
            context.execute(select).group_by(keys).agg(pl.col("amount").cast(pl.Decimal(38, 4)).sum()) for select in (left, right)
        ]
        joined = sides[0].join(sides[1], on=keys, how="full", coalesce=True)
        joined.filter(pl.col("amount").ne_missing(pl.col("amount_right"))).collect()
    return {"cpu": found["cpu"] + processor() - used, "seconds": found["seconds"] + time.perf_counter() - began}


def datacompy_peer(raw: Path, home: Path) -> dict[str, Any]:
    """Leg by leg in datacompy, from the canonical tables; nothing where it is not installed."""
    try:
        import datacompy
    except ImportError:
        return {"cpu": 0.0, "seconds": 0.0, "missing": True}
    import polars as pl

    from duizhang.declared.schema import TABLES

    used, began = processor(), time.perf_counter()
    context = pl.SQLContext({name: pl.scan_parquet(_files(home, name)) for name in TABLES if _files(home, name)})
    keys = ["shop", "order_id", "k"]
    for _, left, right in PEER_LEGS:
        one, other = (
            context.execute(select).group_by(keys).agg(pl.col("amount").cast(pl.Decimal(38, 4)).sum()).collect() for select in (left, right)
        )
        datacompy.PolarsCompare(one, other, join_columns=keys).matches()
    return {"cpu": processor() - used, "seconds": time.perf_counter() - began}


def _join(con: duckdb.DuckDBPyConnection, leg: str, left: str, right: str) -> None:
    con.execute(f"""
        create table "{leg}" as
        with l as (select shop, order_id, k, sum(amount) as amount from ({left}) as s group by all),
        r as (select shop, order_id, k, sum(amount) as amount from ({right}) as s group by all)
        select shop, order_id, k, l.amount as left_amount, r.amount as right_amount
        from l full outer join r using (shop, order_id, k)
        where l.amount is distinct from r.amount
    """)


WAYS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "duizhang": ours, "raw bytes": read_raw, "claims": scan_claims, "full outer joins": peer, "polars": polars_peer,
    "datacompy": datacompy_peer,
}
TOLD = (
    ("raw bytes", "floor: raw bytes"), ("claims", "floor: claims read and added up"),
    ("full outer joins", "peer: DuckDB, full outer joins"),
    ("polars", "peer: polars, full joins"), ("datacompy", "peer: datacompy"),
)


def measure(way: str, raw: Path, home: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--way", way, "--folder", str(raw), "--home", str(home)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )
    if done.returncode:
        sys.exit(f"{way}: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


# how the first day, the second and the second again end
STATES = ("published", "published", "unchanged")


def bench(orders: int, repeat: int, folder: Path) -> None:
    raw, home = folder / f"raw{orders}", folder / f"home{orders}"
    if not raw.is_dir():
        subprocess.run(
            [sys.executable, "-m", "duizhang", "simulate", "--out", str(raw), "--start", str(START), "--days", "2",
             "--orders-per-day", str(orders)], check=True, capture_output=True, cwd=ROOT,
        )
    rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(repeat):
        for way in WAYS:
            rounds[way].append(measure(way, raw, home))
    for states in {tuple(found["states"]) for found in rounds["duizhang"]} - {STATES}:
        sys.exit(f"the days ended as {', '.join(states)}, not {', '.join(STATES)}: what a day takes that is not whole says nothing")
    best = {way: min(found, key=_cost) for way, found in rounds.items()}
    floor = best["raw bytes"]["cpu"]
    first, second, again = best["duizhang"]["days"]
    print(f"\n{orders:,} orders a day, two days, {best['raw bytes']['bytes'] / 1e6:.1f} MB raw, {best['claims']['rows']:,} claims, "
          f"{os.cpu_count()} cores, best of {repeat}, load {os.getloadavg()[0]:.1f}, {', '.join(best['duizhang']['states'])}\n")
    print("| stage | first day, cpu s | peak MB | second day, cpu s | peak MB |\n|---|---|---|---|---|")
    for name in dict.fromkeys([*first, *second]):
        print(f"| {name} | " + " | ".join(
            f"{day[name]['cpu']:.2f} | {day[name]['peak']:.0f}" if name in day else "| " for day in (first, second)) + " |")
    total = _total(first) + _total(second)
    print("| **all** | " + " | ".join(f"**{_total(day):.2f}** | **{_most(day):.0f}**" for day in (first, second)) + " |")
    print(f"| the second day again: nothing to do | | | {_total(again):.2f} | {_most(again):.0f} |")
    print("\n| both days | cpu s | duizhang is |\n|---|---|---|")
    for way, name in TOLD:
        if best[way].get("missing"):
            print(f"| {name} | not installed | |")
        else:
            print(f"| {name} | {best[way]['cpu']:.2f} | {total / best[way]['cpu']:.1f} x |")
    print(f"\nboth days are {total / floor:.1f} x the raw bytes", flush=True)


def _total(day: dict[str, dict[str, float]]) -> float:
    return sum(row["cpu"] for row in day.values())


def _most(day: dict[str, dict[str, float]]) -> float:
    return max(row["peak"] for row in day.values())


def _cost(found: dict[str, Any]) -> float:
    return float(found["cpu"]) if "cpu" in found else sum(map(_total, found["days"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, nargs="+", default=[10_000])
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="Where raw files and results stay; a temporary one without it.")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.way:
        print(json.dumps(WAYS[a.way](a.folder, a.home)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-day-") as name:
        folder = a.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for orders in a.orders:
            bench(orders, a.repeat, folder)


if __name__ == "__main__":
    main()
