"""Olist through the whole pipeline: puts the two files into an inbox, runs the day, and holds the result against the truth.

    .venv/bin/python examples/olist/reconcile.py FOLDER [WORK]      WORK (default demo/olist) is made anew

The truth was found by other means than this project's: sums by order in plain SQL.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
DAY = "2018-10-17"
NAMES = {"order_items": "olist_order_items_dataset", "order_payments": "olist_order_payments_dataset"}

# what there is to find: orders, and payments less items in reais
TRUTH = {
    "orders on both sides": (98665, Decimal("2870.39")),
    "items without a payment": (1, Decimal("-143.46")),
    "payments without items": (775, Decimal("162591.95")),
    "payments of zero without items": (3, Decimal(0)),
    "differing, paid too much": (367, Decimal("3071.17")),
    "differing, paid too little": (209, Decimal("-200.78")),
    "residual": (0, Decimal(0)),
}
# a payment of zero claims nothing, so its order is not open: 775 orders without items are 772 open ones and 3 of zero
FOUND = """
    with
    orders as (
        select order_id, sum(books_amount) as items, sum(paid) as payments from order_trace group by order_id
    ),
    open_orders as (
        select
            order_id, -sum(difference) as amount,
            sum(left_amount) <> 0 and sum(right_amount) <> 0 as is_on_both_sides
        from variances where leg = 'order_payment' group by order_id
    )
    select 'orders on both sides', count(*), sum(payments - items) from orders where items + payments is not null
    union all
    select 'items without a payment', count(*), sum(amount) from open_orders where not is_on_both_sides and amount < 0
    union all
    select 'payments without items', count(*), coalesce(sum(payments), 0) from orders where items is null
    union all
    select 'payments of zero without items', count(*), coalesce(sum(o.payments), 0)
    from orders as o anti join open_orders using (order_id) where o.items is null
    union all
    select 'differing, paid too much', count(*), sum(amount) from open_orders where is_on_both_sides and amount > 0
    union all
    select 'differing, paid too little', count(*), sum(amount) from open_orders where is_on_both_sides and amount < 0
    union all
    select 'residual', 0, sum(opening + left_amount - right_amount - closing) + (
        select sum(closing) from recon_summary) - (select sum(difference) from variances) from recon_summary
"""


def prepare(folder: Path, work: Path) -> Path:
    """Books of their own in `work`, with the user's two files in the inbox; the path of books.yaml."""
    inbox = work / "inbox" / "olist"
    inbox.mkdir(parents=True)
    shutil.copy(HERE / "books.yaml", work)
    shutil.copytree(HERE / "sources", work / "sources")
    for names in NAMES.items():
        found = [path for name in names for kind in ("parquet", "csv") if (path := folder / f"{name}.{kind}").is_file()]
        if not found:
            raise SystemExit(f"neither {names[0]} nor {names[1]} (.parquet, .csv) in {folder}")
        shutil.copy(found[0], inbox)
    return work / "books.yaml"


def found(home: Path) -> dict[str, tuple[int, Decimal]]:
    """What was published, in the words of TRUTH."""
    with duckdb.connect(str(home / "published.duckdb"), read_only=True) as con:
        return {name: (count, amount) for name, count, amount in con.execute(FOUND).fetchall()}


def main(folder: Path, work: Path) -> int:
    """0 where everything is as it truly is."""
    shutil.rmtree(work, ignore_errors=True)
    books, home = prepare(folder, work), work / "home"
    duizhang = [sys.executable, "-m", "duizhang"]
    subprocess.run([*duizhang, "run", "--books", books, "--home", home, "--from", DAY, "--to", DAY], check=True)
    subprocess.run([*duizhang, "sql", "--home", home, """
        select cause, count(*) as orders, sum(difference) as difference from variances group by cause order by orders desc
    """], check=True)
    result = found(home)
    wrong = 0
    print(f"\n{'':32}{'orders':>8}{'amount':>14}")
    for name, true in TRUTH.items():
        right = result[name] == true
        wrong += not right
        print(f"{name:32}{result[name][0]:>8,}{result[name][1]:>14,.2f}  {'as it truly is' if right else f'NOT {true}'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "demo/olist")))
