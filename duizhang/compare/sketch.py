"""The sums of claims by bucket of the key's hash: what two sides of any size leave open, in memory for the buckets only.

Claims are signed (left +amount, right -amount). Every claim falls in one of 2^bits buckets by the top bits of a 64-bit
hash of its key, and, in a second table, by the top bits of hash * odd constant. A bucket keeps two sums over its claims:
the amounts themselves, exactly, and amount * hash modulo 2^64. A key that nets to zero adds exactly 0 to both, however
many rows it has on either side (n:m needs no special case), so every key that does not is in a bucket with a sum other
than 0 in both tables. Arithmetic modulo 2^64 is a ring: wrapping loses nothing that is zero, and sketches of files, days
and machines add up. `duizhang.compare.peel` reads the keys that differ back from the sums.

What can go wrong: two or more keys of one bucket that do not net to zero hide each other. Their amounts must add up to
exactly 0 first (the first sum) and then their hashes must fit, a chance of about 2^-48 for that bucket, or 2^-(64-t)
where 2^t divides every amount and t is over 16; and the same must happen in the other table, where they meet others.
Nothing that is left out has a total other than 0: it is summed exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from duizhang.compare.buckets import TABLES, U64, BucketSums, Whole, batches, exact, streaming
from duizhang.errors import UserError

BITS = 16
MOST_BITS = 20
FORMAT = "duizhang-sketch-2"
WIDTH = 32  # bytes of a total in a file: 38 digits times 2^64 rows fit


@dataclass(frozen=True, eq=False)
class Sketch:
    """The sums of every bucket of both tables, a row a table.

    `mixed` = sum of amount * hash modulo 2^64, `totals` = sum of amounts, in minor units.
    """

    bits: int
    scale: int  # decimal places of a minor unit
    rows: int
    hashing: str  # what the hash gives for a fixed text: sketches of different hash functions must not be added
    mixed: U64
    totals: Whole

    def __add__(self, other: Sketch) -> Sketch:
        """The sketch of both sets of claims together.

        Raises `UserError` unless both have the same bits and hash; the coarser scale is brought to the finer one.
        """
        if (self.bits, self.hashing) != (other.bits, other.hashing):
            raise UserError("sketches of different size or hash function cannot be added",
                            advice="Make them again with the same version and the same number of bits.")
        scale = max(self.scale, other.scale)
        one, two = self._at(scale), other._at(scale)
        return Sketch(self.bits, scale, self.rows + other.rows, self.hashing, one.mixed + two.mixed,
                      exact(one.totals + two.totals))

    def __neg__(self) -> Sketch:
        """The sketch of the same claims with the other sign."""
        return Sketch(self.bits, self.scale, self.rows, self.hashing, np.uint64(0) - self.mixed, -self.totals)

    def __eq__(self, other: object) -> bool:
        """Equal sums at the same scale; how many rows gave them does not matter."""
        return isinstance(other, Sketch) and self.digest == other.digest

    __hash__ = None  # type: ignore[assignment]

    def _at(self, scale: int) -> Sketch:
        factor = 10 ** (scale - self.scale)
        if factor == 1:
            return self
        totals = exact(self.totals.astype(object) * factor)
        return Sketch(self.bits, scale, self.rows, self.hashing, self.mixed * np.uint64(factor % (1 << 64)), totals)

    def open_in(self, table: int) -> npt.NDArray[np.intp]:
        """The buckets of a table with a sum other than 0, ascending."""
        return np.flatnonzero((self.mixed[table] != 0) | (self.totals[table] != 0))

    @property
    def buckets(self) -> npt.NDArray[np.intp]:
        """The buckets of the first table with a sum other than 0, ascending."""
        return self.open_in(0)

    @property
    def total(self) -> int:
        """The sum of all amounts, in minor units."""
        return sum(self.totals[0].tolist())

    def _body(self) -> bytes:
        flat = self.totals.ravel()
        where = np.flatnonzero(flat)
        held = flat[where]
        if held.dtype == np.int64:
            totals = np.stack([held, *[held >> 63] * (WIDTH // 8 - 1)], axis=1).astype("<i8").tobytes()
        else:
            totals = b"".join(int(t).to_bytes(WIDTH, "little", signed=True) for t in held)
        return self.mixed.astype("<u8").tobytes() + where.astype("<u4").tobytes() + totals

    @property
    def digest(self) -> str:
        """SHA-256 of what the sketch says."""
        head = json.dumps([FORMAT, self.bits, self.scale, self.hashing]).encode()
        return hashlib.sha256(head + b"\n" + self._body()).hexdigest()

    def save(self, path: Path) -> str:
        """Write the sketch (one line of JSON, then the sums) whole or not at all; returns its digest."""
        digest = self.digest
        head = {"format": FORMAT, "bits": self.bits, "scale": self.scale, "rows": self.rows, "hashing": self.hashing,
                "totals": int(np.count_nonzero(self.totals)), "digest": digest}
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(json.dumps(head).encode() + b"\n" + self._body())
        partial.replace(path)
        return digest


def load(path: Path) -> Sketch:
    """Read what `save` wrote; raises `UserError` when it is something else or a byte of it changed."""
    try:
        line, _, body = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["format"] != FORMAT or not 1 <= head["bits"] <= MOST_BITS:
            raise ValueError(head["format"])
        size, count = TABLES << head["bits"], head["totals"]
        mixed = np.frombuffer(body, "<u8", size).astype(np.uint64)
        where = np.frombuffer(body, "<u4", count, size * 8)
        raw = body[size * 8 + count * 4:]
        totals: Whole = np.zeros(size, dtype=object)
        totals[where] = [int.from_bytes(raw[n:n + WIDTH], "little", signed=True) for n in range(0, len(raw), WIDTH)]
        shape = (TABLES, -1)
        found = Sketch(head["bits"], head["scale"], head["rows"], head["hashing"], mixed.reshape(shape),
                       exact(totals).reshape(shape))
        if len(raw) != count * WIDTH or found.digest != head["digest"]:
            raise ValueError("digest")
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(f"{path} is not a whole sketch: {error}", advice="Make it again from its files.") from error
    return found


def sketch(con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS, attributes: Sequence[str] = ()) -> Sketch:
    """Sketch the claims of `relation_sql` (a table, a file name or a subquery with `key`, `amount`, `attributes`).

    `amount` is an integer or a decimal; rows without an amount add nothing. With `attributes` (SQL names) the amounts
    must net for each combination of them, so that a key whose status or SKU differs does not net.
    Raises `UserError` when the amount is no exact number or `bits` is not 1 to 20.
    """
    if not 1 <= bits <= MOST_BITS:
        raise UserError(f"a sketch has 1 to {MOST_BITS} bucket bits, not {bits}")
    precision, scale = amount_type(con, relation_sql)
    sums = BucketSums(bits, wide=precision > 18)
    mix = f", hash(key, {', '.join(attributes)}) as mix" if attributes else ""
    with streaming(con):
        for hashes, amounts, *mixes in batches(con, f"""
            select hash(key) as h, cast(amount as decimal({precision},{scale})) as amount{mix}
            from {relation_sql} where amount is not null
        """):
            sums.add(hashes, amounts, *mixes)
    return Sketch(bits, scale, sums.rows, hashing(con), sums.mixed, sums.totals())


def hashing(con: duckdb.DuckDBPyConnection) -> str:
    """What tells one hash function from another."""
    return str(con.execute("select cast(hash('duizhang') as varchar) || '-' || cast(hash('a', 1) as varchar)").fetchall()[0][0])


def amount_type(con: duckdb.DuckDBPyConnection, relation_sql: str) -> tuple[int, int]:
    """Digits and places of `amount` as a decimal; raises `UserError` when it is no exact number."""
    type_ = str(con.execute(f"describe select amount from {relation_sql}").fetchall()[0][1]).upper()
    if type_.startswith("DECIMAL"):
        digits, places = (int(n) for n in type_.removeprefix("DECIMAL(").rstrip(")").split(","))
        return (18 if digits <= 18 else 38), places
    if type_.endswith("INT") or type_ in ("INTEGER", "UINTEGER"):
        return (18 if type_ in ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER") else 38), 0
    raise UserError(f"an amount must be a decimal or an integer, not {type_.lower()}")
