"""What a page of the queue costs at many variances, as a ratio to the bare query over the same rows: the first page, a page in the
middle and one near the end of the list, by money and by age, a search, what can be filtered by, and one item. The rows stand in
Parquet behind views, as those of a published day do.

    python benchmarks/review.py [--rows 1000000]

Pages are found by keys, so where a page stands in the list should make no difference. Processor seconds, the least of three.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from duizhang.review import asking

DAY = dt.date(2026, 3, 1)
ROUNDS = 3
_ROWS = {
    "variances": """
        select
            date '2026-03-01' as period, 'order_payment' as leg, 'acme' as entity, format('tb/{:08d}', n) as "key", 'CNY' as currency,
            'missing_right' as cause, (hash(n) % 1000000 / 100)::decimal(28, 4) as left_amount, 0::decimal(28, 4) as right_amount,
            (hash(n) % 1000000 / 100)::decimal(28, 4) as difference, 1::decimal(28, 4) as left_quantity,
            0::decimal(28, 4) as right_quantity, date '2026-02-20' as first_seen,
            (n % 30)::bigint as age_days, 'open' as status, 'tb' as shop, format('{:08d}', n) as order_id,
            '' as proposal, null::decimal(5, 4) as confidence, 'likely' as cause_confidence, '[]' as candidates,
            concat('[{"claimed":"2026-02-20","side":"left","kind":"sale","amount":"', hash(n), '","source":"books_orders",',
                '"file":"company/2026-02-20/orders.csv","line":', n, '}]') as evidence
        from range(ROWS) as r(n)
    """,
    "event_items": """
        select period, concat('E', upper(substr(md5("key"), 1, 12))) as event, leg, entity, "key", currency, cause, difference,
            left_quantity as quantity, true as is_booked, shop, order_id, age_days, status
        from variances
    """,
}
_BARE = 'select * from variances where period = ? order by abs(difference) desc, "key" limit 51'


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
    return best


def place(size: int, age: int | None = None) -> str:
    """Where a page begins whose rows are not larger than `size`, by age not older than `age`."""
    ages = [] if age is None else [str(-age)]
    money, line = f"{-size:.4f}", ["order_payment", "acme", "", "CNY"]
    parts = ["1000000", "false", *ages, money, *line, "E", money, *line, "missing_right", "E"]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        con.execute("create table period_status as select date '2026-03-01' as period, 1 as version, 'reconciled' as state")
        for name, query in _ROWS.items():
            path = Path(folder) / f"{name}.parquet"
            con.execute(f"copy ({query.replace('ROWS', str(rows))}) to '{path}' (compression zstd)")
            con.execute(f"create view {name} as select r.*, s.version from read_parquet(['{path}'], union_by_name = true) as r "
                        "inner join period_status as s using (period)")
        bare = seconds(lambda: con.execute(_BARE, [DAY]).fetchall())
        print(f"{rows} variances; the bare query: {bare * 1000:.0f} ms of processor time")
        asked: dict[str, Callable[[], object]] = {
            "first page": lambda: asking.queue(con, DAY, wanted={}),
            "first page by age": lambda: asking.queue(con, DAY, wanted={}, order="age"),
            "page in the middle": lambda: asking.queue(con, DAY, wanted={}, after=place(5000)),
            "by age, in the middle": lambda: asking.queue(con, DAY, wanted={}, order="age", after=place(5000, 15)),
            "page near the end": lambda: asking.queue(con, DAY, wanted={}, after=place(1)),
            "first page of a status": lambda: asking.queue(con, DAY, wanted={"status": "open"}),
            "search": lambda: asking.queue(con, DAY, wanted={}, words="004711"),
            "what can be chosen": lambda: asking.choices(con, DAY),
            "one item": lambda: asking.item(con, DAY, "order_payment", "acme", "tb/00004711", "CNY"),
        }
        for name, work in asked.items():
            print(f"{name:24}{seconds(work) / bare:7.2f} x the bare query")


if __name__ == "__main__":
    main()
