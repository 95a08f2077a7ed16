"""Compare two files by key and amount, exactly.

left amount - right amount = amount_left_only - amount_right_only + amount_difference + residual. The first two are sums
over rows, the next three are sums over keys, so a residual other than 0 would mean that grouping lost or made up money.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb

from duizhang.compare.claims import Claims, stage
from duizhang.compare.expression import compile_amount, literal, split_keys
from duizhang.compare.output import check_suffix, write_keys
from duizhang.compare.pairing import pair
from duizhang.compare.sketch import in_buckets
from duizhang.compare.sources import open_source
from duizhang.errors import ConservationError, UserError

PART_ROWS = 5_000_000  # claims that are grouped at a time
OPEN_SHARE = 0.25  # with more open buckets than this, reading twice saves nothing


@dataclass(frozen=True)
class Side:
    """One file: rows that took part, distinct keys among them, and the sum of their amounts."""

    rows: int
    keys: int
    amount: Decimal
    blank_rows: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Comparison:
    """What two files say about the same keys. Amounts are exact, in the unit of the expressions.

    A key in both files is equal when |left - right| <= tolerance. `amount_difference` is left - right summed over *all*
    keys in both files, also those within the tolerance, so that `residual` is 0 whatever the tolerance.
    """

    left: Side
    right: Side
    keys_both: int
    keys_left_only: int
    keys_right_only: int
    keys_equal: int
    keys_different: int
    amount_left_only: Decimal
    amount_right_only: Decimal
    amount_difference: Decimal
    residual: Decimal

    @property
    def equal(self) -> bool:
        """No key is on one side only and none differs."""
        return not (self.keys_left_only or self.keys_right_only or self.keys_different)

    @staticmethod
    def money(value: Decimal) -> str:
        """Plain decimal text: every place that is not 0, at least two."""
        whole, _, places = f"{value:f}".partition(".")
        return f"{whole}.{places.rstrip('0').ljust(2, '0')}"

    def as_json(self) -> dict[str, Any]:
        """The public contract of `compare --json`."""
        return {
            **{
                name: {"rows": side.rows, "keys": side.keys, "amount": self.money(side.amount)}
                for name, side in (("left", self.left), ("right", self.right))
            },
            "keys_both": self.keys_both, "keys_left_only": self.keys_left_only,
            "keys_right_only": self.keys_right_only, "keys_equal": self.keys_equal,
            "keys_different": self.keys_different, "amount_left_only": self.money(self.amount_left_only),
            "amount_right_only": self.money(self.amount_right_only),
            "amount_difference": self.money(self.amount_difference), "residual": self.money(self.residual),
        }


def compare_files(
    left: Path, right: Path, *, key: str, left_amount: str, right_amount: str, tolerance: Decimal = Decimal(0),
    out: Path | None = None, skip_bad: bool = False,
) -> Comparison:
    """Compare two CSV, XLSX or Parquet files; write the keys that differ to `out` (CSV, XLSX or Parquet).

    `key` is `a,b` or `left=right` pairs, the amounts are expressions over each file's columns, `tolerance` is in the
    unit of the amounts. Raises `UserError` for anything the user can mend.
    """
    if not tolerance.is_finite() or tolerance < 0:
        raise UserError(f"the tolerance must be 0 or more, not {tolerance}")
    if out is not None:
        check_suffix(out)
        if out.resolve() in (left.resolve(), right.resolve()):
            raise UserError(f"--out {out} is one of the files to compare", advice="Give another name.")
    with tempfile.TemporaryDirectory(prefix="compare-") as folder, duckdb.connect() as con:
        scratch = Path(folder)
        sources = []
        for name, path in (("left", left), ("right", right)):
            (scratch / name).mkdir()
            sources.append(open_source(path, scratch / name))
        pairs = split_keys(key, sources[0].columns, sources[1].columns)
        expressions = (
            compile_amount(left_amount, sources[0].columns, "--left-amount"),
            compile_amount(right_amount, sources[1].columns, "--right-amount"),
        )
        _lock(con, scratch, [s.path.resolve() for s in sources])
        try:
            sides = [
                stage(con, source, [pair[n] for pair in pairs], expressions[n], scratch / name, option, skip_bad=skip_bad)
                for n, (source, name, option) in enumerate(
                    zip(sources, ("left", "right"), ("--left-amount", "--right-amount"), strict=True)
                )
            ]
            scale = max(side.scale for side in sides)
            with localcontext(prec=100):
                result = _aggregate(con, sides[0], sides[1], len(pairs), scale, tolerance)
            if out is not None:
                write_keys(con, out, [sources[0].columns[pair[0]] for pair in pairs], scale)
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            raise UserError(f"an amount or a sum does not fit 38 digits: {str(error).splitlines()[0]}",
                            advice="Round inside the expressions, such as round(price, 4) * quantity.") from error
    return result


def _lock(con: duckdb.DuckDBPyConnection, scratch: Path, files: list[Path]) -> None:
    """No file but the two given and the scratch folder, no settings, from here on."""
    con.execute(f"set temp_directory = {literal(str(scratch / 'spill'))}")
    con.execute("set preserve_insertion_order = false")
    con.execute(f"set allowed_directories = [{literal(str(scratch))}]")
    con.execute(f"set allowed_paths = [{', '.join(literal(str(f)) for f in files)}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


def _aggregate(
    con: duckdb.DuckDBPyConnection, left: Claims, right: Claims, width: int, scale: int, tolerance: Decimal
) -> Comparison:
    """Settle what pairs off without grouping, group the rest by key, keep the keys that differ in the table `differing`.

    Where most buckets are open (many rows a key, many differences) all claims are grouped, a part of the keys at a time;
    parts bound the memory.
    """
    columns = [f"k{n}" for n in range(width)]
    keys = ", ".join(columns)
    money = f"decimal(38,{scale})"
    narrow = max(left.largest, right.largest) < Decimal(10) ** (18 - scale)  # sums are 38 digits wide all the same
    type_ = f"decimal({18 if narrow else 38},{scale})"
    amount = f"cast(amount as {type_})"
    # Differences are whole minor units: rounding the tolerance down to one changes no answer and keeps it in range.
    allowed = min(tolerance, Decimal(10) ** (37 - scale)).quantize(Decimal(1).scaleb(-scale), ROUND_DOWN)
    equal = f"left_rows > 0 and right_rows > 0 and abs(l - r) <= cast('{allowed:f}' as {money})"
    blank = " or ".join(f"{column} = ''" for column in columns)
    paired = pair(
        con, left.relation, right.relation, keys=columns, money=type_, rows=(left.rows, right.rows), wide=not narrow
    )
    everything = paired.share > OPEN_SHARE
    settled = 0 if everything else paired.rows
    rest = left.rows + right.rows - 2 * settled
    narrowed = "true" if everything else in_buckets(f"hash({keys})", paired.open, paired.bits)
    parts = max(1, math.ceil(rest / PART_ROWS))
    counts, sums = [settled] * 4, [Decimal(0)] * 3
    for part in range(parts):
        where = f"{narrowed} and hash({keys}) % {parts} = {part}" if parts > 1 else narrowed
        con.execute(f"""
            create or replace temp table grouped as
            select {keys}, sum(l) as l, sum(r) as r, count(l) as left_rows, count(r) as right_rows
            from (
                select {keys}, {amount} as l, null as r from {left.relation} where {where}
                union all
                select {keys}, null, {amount} from {right.relation} where {where}
            )
            group by {keys}
        """)
        row = con.execute(f"""
            select
                count(*) filter (where left_rows > 0), count(*) filter (where right_rows > 0),
                count(*) filter (where left_rows > 0 and right_rows > 0), count(*) filter (where {equal}),
                coalesce(sum(l) filter (where right_rows = 0), 0), coalesce(sum(r) filter (where left_rows = 0), 0),
                coalesce(sum(l - r), 0), coalesce(sum(left_rows), 0) + coalesce(sum(right_rows), 0)
            from grouped
        """).fetchall()[0]
        counts = [a + b for a, b in zip(counts, row[:4], strict=True)]
        sums = [a + Decimal(b) for a, b in zip(sums, row[4:7], strict=True)]
        rest -= int(row[7])
        begin = "create temp table differing as" if part == 0 else "insert into differing"
        con.execute(f"{begin} select * from grouped where not coalesce({equal}, false)")
    if rest:
        raise ConservationError(f"{rest} rows were neither paired nor grouped")
    blanks = [_blank_rows(con, side, blank) for side in (left, right)]
    left_keys, right_keys, both, same = counts
    left_only, right_only, difference = sums
    residual = left.amount - right.amount - (left_only - right_only + difference)
    if residual:
        raise ConservationError(f"the keys do not add up to the rows: {residual} is left over")
    return Comparison(
        left=Side(left.rows, left_keys, left.amount, blanks[0], left.skipped),
        right=Side(right.rows, right_keys, right.amount, blanks[1], right.skipped),
        keys_both=both, keys_left_only=left_keys - both, keys_right_only=right_keys - both,
        keys_equal=same, keys_different=both - same, amount_left_only=left_only, amount_right_only=right_only,
        amount_difference=difference, residual=residual,
    )


def _blank_rows(con: duckdb.DuckDBPyConnection, side: Claims, blank: str) -> int:
    return int(con.execute(f"select count(*) from {side.relation} where {blank}").fetchall()[0][0])
