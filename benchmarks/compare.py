"""How long does it take to find the keys that differ in two Parquet files, against only reading them?

    python benchmarks/compare.py --rows 1000000

Both sides have `key` (text, 24 characters) and `amount` (decimal(18,2)), a row a key; 0.01% of the keys differ by a cent.
Every way runs in a process of its own, so its peak memory (`ru_maxrss`) is its own; the time is that of the work
itself, without imports, the best of --repeat processes. All ways must find the same keys.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def generate(folder: Path, rows: int) -> None:
    """Write left.parquet and right.parquet of `rows` rows."""
    import duckdb

    with duckdb.connect() as con:
        for name, broken in (("left", "0"), ("right", "case when hash(i + 7) % 10000 = 0 then 0.01 else 0 end")):
            con.execute(f"""
                copy (
                    select 'ORD' || lpad(cast(hash(i) % 1000000000000 as varchar), 12, '0')
                            || lpad(cast(i as varchar), 9, '0') as key,
                        cast((hash(i + 1) % 10000000) * 0.01 + {broken} as decimal(18, 2)) as amount
                    from range({rows}) t(i)
                ) to '{folder / name}.parquet' (format parquet)
            """)


def floor(left: str, right: str) -> int:
    """Read both columns of both files and add up: nobody can do less."""
    import duckdb

    with duckdb.connect() as con:
        for path in (left, right):
            con.execute(f"select sum(amount), sum(strlen(key)) from '{path}'").fetchall()
    return -1


def amounts_only(left: str, right: str) -> int:
    """Add up the amounts without reading the keys: less than any comparison must do."""
    import duckdb

    with duckdb.connect() as con:
        for path in (left, right):
            con.execute(f"select sum(amount) from '{path}'").fetchall()
    return -1


def sketched(left: str, right: str) -> int:
    """The sketch, then exact on the shortlist, with the exact check of what was left out. Counts no keys."""
    import duckdb

    from duizhang.compare import net_by_key, signed

    with duckdb.connect() as con:
        return len(net_by_key(con, signed(f"'{left}'", f"'{right}'")).fetchall())


def sketch_only(left: str, right: str) -> int:
    """Only the sketch: the buckets that differ."""
    import duckdb

    from duizhang.compare import signed, sketch

    with duckdb.connect() as con:
        sketch(con, signed(f"'{left}'", f"'{right}'"))
    return -1


def outer_join(left: str, right: str) -> int:
    """DuckDB full outer join; right only where a key has one row on each side."""
    import duckdb

    with duckdb.connect() as con:
        return len(con.execute(f"""
            select key, l.amount, r.amount from '{left}' l full join '{right}' r using (key)
            where l.amount is distinct from r.amount
        """).fetchall())


def grouped(left: str, right: str) -> int:
    """DuckDB exact aggregation of all claims by key."""
    import duckdb

    from duizhang.compare import signed

    with duckdb.connect() as con:
        return len(con.execute(f"""
            select key, sum(amount) as amount from {signed(f"'{left}'", f"'{right}'")}
            group by key having sum(amount) <> 0
        """).fetchall())


def command(left: str, right: str) -> int:
    """`duizhang compare` as the command does it: exact, any n:m, with every key count of its contract."""
    from duizhang.compare import compare_files

    result = compare_files(Path(left), Path(right), key="key", left_amount="amount", right_amount="amount")
    return result.keys_different


def polars_join(left: str, right: str) -> int:
    """Polars full join; right only where a key has one row on each side."""
    import polars as pl

    joined = pl.scan_parquet(left).join(pl.scan_parquet(right), on="key", how="full", suffix="_right")
    different = pl.col("amount").ne_missing(pl.col("amount_right"))
    return joined.filter(different).collect(engine="streaming").height


def datacompy_polars(left: str, right: str) -> int:
    """datacompy on polars frames."""
    import datacompy
    import polars as pl

    compared = datacompy.PolarsCompare(pl.read_parquet(left), pl.read_parquet(right), join_columns=["key"])
    return int(compared.all_mismatch().height)


WAYS: dict[str, Callable[[str, str], int]] = {
    "floor": floor, "amounts only": amounts_only, "sketch": sketched, "sketch, no exact pass": sketch_only,
    "full outer join": outer_join, "group by key": grouped, "duizhang compare": command, "polars join": polars_join,
    "datacompy (polars)": datacompy_polars,
}


def run_one(way: str, folder: Path) -> None:
    """Run one way in this process and print seconds, peak memory (MB) before and after, and the keys found."""
    import duckdb  # the imports are not what is measured
    import polars

    from duizhang import compare

    del duckdb, polars, compare
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    found = WAYS[way](str(folder / "left.parquet"), str(folder / "right.parquet"))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "before": before, "found": found}))


def main() -> int:
    """Run every way, print a table; 1 if two ways found a different number of keys."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows a side")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ways", nargs="*", choices=sorted(WAYS), default=list(WAYS))
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder:
        run_one(args.ways[0], args.folder)
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as name:
        folder = Path(name)
        generate(folder, args.rows)
        size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
        print(f"{args.rows:,} rows a side, {size:.0f} MB of Parquet, {os.cpu_count()} cores, best of {args.repeat}")
        print(f"{'':24}{'seconds':>9}{'x floor':>9}{'peak MB':>9}{'keys':>8}")
        results: dict[str, dict[str, float]] = {}
        ways = ["floor", *(w for w in args.ways if w != "floor")]
        for way in ways:
            if way.startswith("datacompy") and importlib.util.find_spec("datacompy") is None:
                print(f"{way:24}  not installed")
                continue
            runs = []
            for _ in range(args.repeat):
                done = subprocess.run(
                    [sys.executable, __file__, "--folder", name, "--ways", way], capture_output=True, text=True, check=False
                )
                if done.returncode:
                    print(f"{way:24}  failed: {(done.stderr.strip() or 'killed').splitlines()[-1]}")
                    break
                runs.append(json.loads(done.stdout))
            else:
                best = min(runs, key=lambda r: float(r["seconds"]))
                results[way] = best
                ratio = best["seconds"] / results["floor"]["seconds"]
                found = f"{best['found']:>8,}" if best["found"] >= 0 else f"{'':>8}"
                print(f"{way:24}{best['seconds']:>9.3f}{ratio:>9.2f}{best['peak']:>9.0f}{found}", flush=True)
        answers = {int(r["found"]) for r in results.values() if r["found"] >= 0}
    if len(answers) > 1:
        print(f"the ways disagree: {sorted(answers)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
