"""Compare two files by key and amount, exactly.

left amount - right amount = amount_left_only - amount_right_only + amount_difference + residual. The first two are sums
over rows, the next three are sums over keys, so a residual other than 0 would mean that grouping lost or made up money.

Each file is read once: its sums by bucket (`sketch`) and the hashes of its keys (`hashes`). The sums give the net amount
of every key that differs (`peel`), the hashes give the counts (`settling`). Only what that leaves open, and the keys that
are to be listed, is read again and grouped by key (`grouping`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb

from duizhang.compare.buckets import prepare
from duizhang.compare.claims import Claims, refusal, stage
from duizhang.compare.expression import compile_amount, literal, split_keys
from duizhang.compare.grouping import group
from duizhang.compare.hashes import KeyHashes, parts_for
from duizhang.compare.net import FEW, more_bits
from duizhang.compare.one_pass import Reading, read
from duizhang.compare.output import check_suffix, write_keys
from duizhang.compare.peel import Peeled, peel, unpeeled
from duizhang.compare.settling import Settled, Tally, settle
from duizhang.compare.sketch import BITS
from duizhang.compare.sources import open_source
from duizhang.errors import ConservationError, UserError

OPEN_SHARE = 0.25  # with more keys than this to be grouped, reading twice saves nothing
NARROW = 18  # digits of an amount that fits 64 bits


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
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
        con = stack.enter_context(duckdb.connect())
        sources = []
        for name, path in (("left", left), ("right", right)):
            (scratch / name).mkdir()
            sources.append(open_source(path, scratch / name))
        pairs = split_keys(key, sources[0].columns, sources[1].columns)
        expressions = (
            compile_amount(con, left_amount, sources[0].columns, "--left-amount"),
            compile_amount(con, right_amount, sources[1].columns, "--right-amount"),
        )
        _lock(con, scratch, [s.path.resolve() for s in sources])
        try:
            sides = [
                stage(con, source, [pair[n] for pair in pairs], expressions[n], scratch / name, option)
                for n, (source, name, option) in enumerate(
                    zip(sources, ("left", "right"), ("--left-amount", "--right-amount"), strict=True)
                )
            ]
            pool = stack.enter_context(ThreadPoolExecutor(2))
            with localcontext(prec=100):
                comparing = _Comparing(con, sides, len(pairs), tolerance, scratch, pool)
                readings = comparing.read()
                for side, reading in zip(sides, readings, strict=True):
                    if reading.rows < side.rows and not skip_bad:
                        raise refusal(con, side, side.rows - reading.rows)
                result = comparing.result(readings, named=out is not None)
            if out is not None:
                write_keys(con, out, [sources[0].columns[pair[0]] for pair in pairs], comparing.scale)
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            raise UserError(f"an amount or a sum does not fit 38 digits: {str(error).splitlines()[0]}",
                            advice="Round inside the expressions, such as round(price, 4) * quantity.") from error
    return result


def _lock(con: duckdb.DuckDBPyConnection, scratch: Path, files: list[Path]) -> None:
    """No file but the two given and the scratch folder, no settings, from here on."""
    con.execute(f"set temp_directory = {literal(str(scratch / 'spill'))}")
    prepare(con)
    con.execute(f"set allowed_directories = [{literal(str(scratch))}]")
    con.execute(f"set allowed_paths = [{', '.join(literal(str(f)) for f in files)}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


class _Comparing:
    """One comparison, from the claims of both sides to its counts and sums."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, sides: Sequence[Claims], width: int, tolerance: Decimal, scratch: Path,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.con, self.sides, self.scratch, self.pool = con, sides, scratch, pool
        self.columns = [f"k{n}" for n in range(width)]
        self.scale = max(side.scale for side in sides)
        # Differences are whole minor units: rounding the tolerance down to one changes no answer and keeps it in range.
        self.allowed = min(tolerance, Decimal(10) ** (37 - self.scale)).quantize(self.unit, ROUND_DOWN)
        self.wide = self.scale > NARROW
        self.hashes: list[KeyHashes] = []

    @property
    def unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.scale)

    def read(self) -> list[Reading]:
        """Read both sides once, with the hashes of their keys."""
        if not self.wide:
            try:
                return self._read(BITS)
            except duckdb.Error as error:  # an amount of more than 18 digits
                if not all(side.width <= NARROW and side.scale == self.scale for side in self.sides):
                    self.wide = True
                else:
                    raise error
        return self._read(BITS)

    def _read(self, bits: int, *, hashed: bool = True) -> list[Reading]:
        if hashed:
            parts = parts_for(sum(side.rows for side in self.sides))
            self.hashes = [
                KeyHashes(self.scratch / name, side.rows, parts, self.pool)
                for side, name in zip(self.sides, ("left", "right"), strict=True)
            ]
        return [
            read(self.con, side, self.columns, self.scale, bits, self.hashes[n] if hashed else None, wide=self.wide)
            for n, side in enumerate(self.sides)
        ]

    def result(self, readings: Sequence[Reading], *, named: bool) -> Comparison:
        """Settle by hash what can be, group the rest by key; `named`: also the keys that differ, in `differing`."""
        net = readings[0].sketch + -readings[1].sketch
        settled = self._settled(peel(net), named=named)
        if settled is None and (bits := more_bits(net)):
            left, right = self._read(bits, hashed=False)
            net = left.sketch + -right.sketch
            settled = self._settled(peel(net), named=named)
        if settled is None:
            settled = self._settled(unpeeled(net), named=named, most=1.0)
        if settled is None:
            raise ConservationError("a hash that was not read back was not recognised")
        everything = settled.share > OPEN_SHARE
        tally = Tally() if everything else settled.tally
        if everything or named or len(settled.rest):
            tally += group(
                self.con, self.sides, self.columns, self.scale, self.allowed, wide=self.wide,
                wanted=None if everything else settled.rest, share=1.0 if everything else settled.share,
            )
        lefts, rights = (reading.sketch.total for reading in readings)
        residual = lefts - rights - (tally.left_only - tally.right_only + tally.difference)
        if residual:
            raise ConservationError(f"the keys do not add up to the rows: {self._money(residual)} is left over")
        sides = [
            Side(reading.rows, keys, self._money(reading.sketch.total), reading.blank_rows, side.rows - reading.rows)
            for side, reading, keys in zip(self.sides, readings, (tally.left_keys, tally.right_keys), strict=True)
        ]
        return Comparison(
            left=sides[0], right=sides[1], keys_both=tally.both, keys_left_only=tally.left_keys - tally.both,
            keys_right_only=tally.right_keys - tally.both, keys_equal=tally.equal,
            keys_different=tally.both - tally.equal, amount_left_only=self._money(tally.left_only),
            amount_right_only=self._money(tally.right_only), amount_difference=self._money(tally.difference),
            residual=self._money(residual),
        )

    def _settled(self, peeled: Peeled, *, named: bool, most: float = FEW) -> Settled | None:
        """What needs no grouping, unless a larger share than `most` is left, or what was read back is not true."""
        if peeled.share > most:
            return None
        return settle(self.hashes, peeled, int(self.allowed.scaleb(self.scale)), named=named)

    def _money(self, units: int) -> Decimal:
        return Decimal(units).scaleb(-self.scale)
