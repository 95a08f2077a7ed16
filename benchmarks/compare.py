"""How long does it take to find the keys that differ in two Parquet files, against only reading them?

    python benchmarks/compare.py --rows 1000000

Both sides have `key` (text, 24 characters) and `amount` (decimal(18,2)), a row a key, in different order; 0.01% of the
keys differ by a cent. Every way runs in a process of its own, so its peak memory (`ru_maxrss`) is its own; the time is
that of the work itself, without imports, the best of --repeat rounds of all ways. Processor seconds say more than
seconds on a busy machine. All ways must find the same keys. datacompy needs an older polars than duizhang and has its
own environment (benchmarks/requirements.txt): --datacompy names its Python.
"""

from __future__ import annotations

import argparse
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
        sides = (
            ("left", "i", "0"),
            ("right", f"(i * 15485863 + 13) % {rows}", "case when hash(i + 7) % 10000 = 0 then 0.01 else 0 end"),
        )
        for name, number, broken in sides:
            con.execute(f"""
                copy (
                    select 'ORD' || lpad(cast(hash(i) % 1000000000000 as varchar), 12, '0')
                            || lpad(cast(i as varchar), 9, '0') as key,
                        cast((hash(i + 1) % 10000000) * 0.01 + {broken} as decimal(18, 2)) as amount
                    from (select {number} as i from range({rows}) t(i))
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
    """The sketch, the keys that differ read back from it and named, with the exact check of what was left out."""
    import duckdb

    from duizhang.compare import net_by_key

    with duckdb.connect() as con:
        return len(net_by_key(con, f"'{left}'", less=f"'{right}'").fetchall())


def sketch_only(left: str, right: str) -> int:
    """Only the sketch: the buckets that differ."""
    import duckdb

    from duizhang.compare import sketch

    with duckdb.connect() as con:
        sketch(con, f"'{left}'") + -sketch(con, f"'{right}'")
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
    """Run one way in this process and print seconds, processor seconds, peak memory (MB) and the keys found."""
    if not way.startswith("datacompy"):  # the imports are not what is measured
        import duckdb
        import polars

        from duizhang import compare

        del duckdb, polars, compare
    else:
        import datacompy

        del datacompy
    start, used = time.perf_counter(), time.process_time()
    found = WAYS[way](str(folder / "left.parquet"), str(folder / "right.parquet"))
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "found": found}))


def measure(way: str, folder: Path, python: str) -> dict[str, float] | str:
    """The figures of one process, or why there are none."""
    done = subprocess.run(
        [python, __file__, "--folder", str(folder), "--ways", way], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"failed: {(done.stderr.strip() or 'killed').splitlines()[-1]}"
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> int:
    """Run every way, print a table; 1 if a way failed or two ways found a different number of keys."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="rows a side")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ways", nargs="*", choices=sorted(WAYS), default=list(WAYS))
    parser.add_argument("--datacompy", metavar="PYTHON", help="Python that has datacompy")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder:
        run_one(args.ways[0], args.folder)
        return 0
    return max(bench(rows, args.repeat, args.ways, args.datacompy) for rows in args.rows)


def bench(rows: int, repeat: int, chosen: list[str], datacompy: str | None) -> int:
    """Measure the ways at one size."""
    ways = ["floor", *(w for w in chosen if w != "floor")]
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    wrong: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as name:
        folder = Path(name)
        generate(folder, rows)
        size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
        for _ in range(repeat):
            for way in ways:
                python: str | None = sys.executable
                if way.startswith("datacompy"):
                    python = datacompy if datacompy and Path(datacompy).exists() else None
                if python is None:
                    wrong[way] = "not installed: give --datacompy, see benchmarks/README.md"
                elif way not in wrong:
                    figures = measure(way, folder, python)
                    if isinstance(figures, str):
                        wrong[way] = figures
                    else:
                        runs[way].append(figures)
    print(f"{rows:,} rows a side, {size:.0f} MB of Parquet, {os.cpu_count()} cores, best of {repeat}, load {os.getloadavg()[0]:.1f}")
    print(f"{'':24}{'seconds':>9}{'x floor':>9}{'cpu s':>9}{'x floor':>9}{'peak MB':>9}{'keys':>8}")
    best = {w: {k: min(r[k] for r in rs) for k in ("seconds", "cpu", "peak", "found")} for w, rs in runs.items() if w not in wrong}
    for way in ways:
        if way in wrong:
            print(f"{way:24}  {wrong[way]}")
            continue
        b, base = best[way], best["floor"]
        found = f"{int(b['found']):>8,}" if b["found"] >= 0 else ""
        print(f"{way:24}{b['seconds']:>9.3f}{b['seconds'] / base['seconds']:>9.2f}{b['cpu']:>9.3f}{b['cpu'] / base['cpu']:>9.2f}"
              f"{b['peak']:>9.0f}{found}", flush=True)
    answers = {int(r["found"]) for rs in runs.values() for r in rs if r["found"] >= 0}
    if len(answers) > 1:
        print(f"the ways disagree: {sorted(answers)}")
        return 1
    return int(any(reason.startswith("failed") for reason in wrong.values()))


if __name__ == "__main__":
    sys.exit(main())
