"""Compare two files by key and amount, exactly.

left amount - right amount = amount_left_only - amount_right_only + amount_difference + residual. The first two are sums
over rows, the next three are sums over keys, so a residual other than 0 would mean that grouping lost or made up money.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from duizhang.compare.claims import Claims, stage
from duizhang.compare.expression import compile_amount, literal, split_keys
from duizhang.compare.output import write_keys
from duizhang.compare.sources import open_source
from duizhang.errors import ConservationError, UserError


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
    scale: int

    @property
    def equal(self) -> bool:
        """No key is on one side only and none differs."""
        return not (self.keys_left_only or self.keys_right_only or self.keys_different)

    def money(self, value: Decimal) -> str:
        """Plain decimal text with the places of the data, at least two."""
        return f"{value:.{max(2, self.scale)}f}"

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
        _lock(con, scratch, [s.parquet for s in sources])
        sides: list[Claims] = []
        for n, (source, compiled, option) in enumerate(
            zip(sources, expressions, ("--left-amount", "--right-amount"), strict=True)
        ):
            place = scratch / ("left", "right")[n]
            sides.append(stage(con, source, [p[n] for p in pairs], compiled, place, option, skip_bad=skip_bad))
        result = _aggregate(con, sides[0], sides[1], len(pairs), tolerance)
        if out is not None:
            names = [sources[0].columns[p[0]] for p in pairs]
            write_keys(con, out, names, result.scale, tolerance)
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
    con: duckdb.DuckDBPyConnection, left: Claims, right: Claims, width: int, tolerance: Decimal
) -> Comparison:
    keys = ", ".join(f"k{n}" for n in range(width))
    scale = max(left.scale, right.scale)
    money = f"decimal(38,{scale})"
    con.execute(f"""
        create temp table grouped as
        select {keys}, sum(l) as l, sum(r) as r, count(l) as left_rows, count(r) as right_rows
        from (
            select {keys}, cast(amount as {money}) as l, null as r from {left.relation}
            union all
            select {keys}, null, cast(amount as {money}) from {right.relation}
        )
        group by {keys}
    """)
    row = con.execute(f"""
        select
            count(*) filter (where left_rows > 0), count(*) filter (where right_rows > 0),
            count(*) filter (where left_rows > 0 and right_rows > 0),
            count(*) filter (where left_rows > 0 and right_rows > 0 and abs(l - r) <= {tolerance:f}),
            coalesce(sum(l) filter (where right_rows = 0), 0), coalesce(sum(r) filter (where left_rows = 0), 0),
            coalesce(sum(l - r), 0)
        from grouped
    """).fetchone()
    if row is None:
        raise AssertionError("an aggregate without groups has one row")
    left_keys, right_keys, both, equal, left_only, right_only, difference = row
    left_only, right_only, difference = (Decimal(v) for v in (left_only, right_only, difference))
    residual = left.amount - right.amount - (left_only - right_only + difference)
    if residual:
        raise ConservationError(f"the keys do not add up to the rows: {residual} is left over")
    return Comparison(
        left=Side(left.rows, left_keys, left.amount, left.blank_rows, left.skipped),
        right=Side(right.rows, right_keys, right.amount, right.blank_rows, right.skipped),
        keys_both=both, keys_left_only=left_keys - both, keys_right_only=right_keys - both,
        keys_equal=equal, keys_different=both - equal, amount_left_only=left_only, amount_right_only=right_only,
        amount_difference=difference, residual=residual, scale=scale,
    )
