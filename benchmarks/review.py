"""What a page of the queue costs at many variances, as a ratio to the bare query over the same rows: the first page, a page in the
middle and one near the end of the list, a search, and one item.

    python benchmarks/review.py [--rows 1000000]

Pages are found by keys, so where a page stands in the list should make no difference. Processor seconds, the least of three.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import json
import time
from collections.abc import Callable

import duckdb

from duizhang.review import asking

DAY = dt.date(2026, 3, 1)
ROUNDS = 3
_ROWS = """
    create table variances as
    select
        date '2026-03-01' as period, 'order_payment' as leg, 'acme' as entity, format('tb/{:08d}', n) as "key", 'CNY' as currency,
        'missing_right' as cause, (hash(n) % 1000000 / 100)::decimal(28, 4) as left_amount, 0::decimal(28, 4) as right_amount,
        (hash(n) % 1000000 / 100)::decimal(28, 4) as difference, 1::decimal(28, 4) as left_quantity, 0::decimal(28, 4) as right_quantity,
        date '2026-02-20' as first_seen, (n % 30)::bigint as age_days, 'open' as status, 'tb' as shop, format('{:08d}', n) as order_id,
        '' as proposal, null::decimal(5, 4) as confidence, '[]' as evidence, 'likely' as cause_confidence, '[]' as candidates
    from range(ROWS) as r(n);
    create table event_items as
    select period, format('E{:012d}', rowid) as event, leg, entity, "key", currency, cause, difference, left_quantity as quantity,
        true as is_booked, shop, order_id
    from variances;
"""
_BARE = 'select * from variances where period = ? order by abs(difference) desc, "key" limit 51'


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
    return best


def place(size: int, key: str) -> str:
    """Where a page begins whose rows are not larger than `size`."""
    parts = ["1000000", "false", f"{-size:.4f}", "order_payment", "acme", key, "CNY", "missing_right", "E"]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with duckdb.connect() as con:
        con.execute(_ROWS.replace("ROWS", str(rows)))
        bare = seconds(lambda: con.execute(_BARE, [DAY]).fetchall())
        print(f"{rows} variances; the bare query: {bare * 1000:.0f} ms of processor time")
        asked: dict[str, Callable[[], object]] = {
            "first page": lambda: asking.queue(con, DAY, wanted={}),
            "first page by age": lambda: asking.queue(con, DAY, wanted={}, order="age"),
            "page in the middle": lambda: asking.queue(con, DAY, wanted={}, after=place(5000, "")),
            "page near the end": lambda: asking.queue(con, DAY, wanted={}, after=place(1, "")),
            "search": lambda: asking.queue(con, DAY, wanted={}, words="004711"),
            "one item": lambda: asking.item(con, DAY, "order_payment", "acme", "tb/00004711", "CNY"),
        }
        for name, work in asked.items():
            print(f"{name:20}{seconds(work) / bare:7.2f} x the bare query")


if __name__ == "__main__":
    main()
