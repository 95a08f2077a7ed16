"""Lines of orders that a newer export of the same order no longer has.

Where a platform exports orders whole (`grain` without the line), the newest file's lines are the order. Of exports line by line nobody
can tell a line that was taken out of an order from one that a filter left out: it counts on, and that is told. Lists of prices, codes
and rates are not orders: what was stated once holds until it is stated anew, so what a newer list leaves out stays as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence, Set

from duizhang.ingest.files.told_overlaps import CountedFile
from duizhang.ingest.landing import LandedFiles, ranks


def vanished_lines(
    landed: LandedFiles, source: str, files: Sequence[CountedFile], wanted: Set[dt.date]
) -> Iterator[tuple[str, dt.date, str]]:
    """(file, day, what is said) of lines on wanted days that a newer file with their order lacks. files: of the source."""
    spec = landed.specs[source]
    if spec.overlap != "latest" or "line_id" not in spec.grain or len(files) < 2 or "orders" not in {t.table for t in spec.tables}:
        return
    days = ", ".join(f"date '{day}'" for day in sorted(wanted))
    with landed.database(sum(f.rows for f in files)) as con:
        con.register("ranks", ranks([f.path for f in sorted(files, key=lambda f: f.rank)]))
        rows = landed.ask(con, "orders", source, f"""
            select file, period, count(*) as n, min(line) as line, arg_min(order_id, line) as order_id,
                arg_min(newer, line) as newer from (
                select c.*, r.rank, max(r.rank) over (partition by c.shop, c.order_id, c.line_id, c.sku) as of_line,
                    max(r.rank) over (partition by c.shop, c.order_id) as of_order,
                    arg_max(c.file, r.rank) over (partition by c.shop, c.order_id) as newer
                from canonical as c inner join ranks as r on c.file = r.file)
            where rank = of_line and of_line < of_order and period in ({days})
            group by all order by all""")
    for row in rows.to_pylist():
        yield row["file"], row["period"], (
            f"{row['n']} lines of orders of {row['period']} are not in the newer file {row['newer']}, which has other lines of these "
            f"orders, and still count: line {row['line']} of {row['file']} (order {row['order_id']}); where they were taken out of the "
            "order, withdraw the older file (`duizhang source withdraw FILE`)")
