"""Find the keys that differ without grouping by key: a linear sketch, then exact on what it leaves.

Claims are signed (left +amount, right -amount). Every claim falls in one of 2^bits buckets, by the top bits of a 64-bit
hash of its key. A bucket keeps two sums over its claims: the amounts themselves, exactly, and amount * hash modulo 2^64.
A key that nets to zero adds exactly 0 to both, however many rows it has on either side (n:m needs no special case), so
every key that does not is in a bucket with a sum other than 0, and one exact aggregation of those buckets is the answer.
Arithmetic modulo 2^64 is a ring: wrapping loses nothing that is zero, and sketches of files, days and machines add up.
Memory is that of the buckets, whatever the rows.

What can go wrong: two or more keys of one bucket that do not net to zero hide each other. Their amounts must add up to
exactly 0 first (the first sum) and then their hashes must fit, a chance of about 2^-48 for that bucket, or 2^-(64-t)
where 2^t divides every amount and t is over 16. Nothing that is left out has a total other than 0: it is summed exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from duizhang.errors import ConservationError, UserError

BITS = 16
BATCH = 40_960  # rows that are added at a time: small enough for the cache
FORMAT = "duizhang-sketch-1"
_SAFE = 1 << 63

U64 = npt.NDArray[np.uint64]
Whole = npt.NDArray[Any]  # Python integers: exact, of any size


@dataclass(frozen=True, eq=False)
class Sketch:
    """The sums of every bucket: `mixed` = sum of amount * hash modulo 2^64, `totals` = sum of amounts, in minor units."""

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
        return Sketch(self.bits, scale, self.rows + other.rows, self.hashing, one.mixed + two.mixed, one.totals + two.totals)

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
        return Sketch(self.bits, scale, self.rows, self.hashing, self.mixed * np.uint64(factor % (1 << 64)), self.totals * factor)

    @property
    def buckets(self) -> npt.NDArray[np.intp]:
        """The buckets with a sum other than 0, ascending."""
        return np.flatnonzero((self.mixed != 0) | (self.totals != 0))

    @property
    def total(self) -> int:
        """The sum of all amounts, in minor units."""
        return int(self.totals.sum())

    def _body(self) -> bytes:
        width = 32  # bytes of a total: 38 digits times 2^64 rows fit
        totals = b"".join(int(t).to_bytes(width, "little", signed=True) for t in self.totals[self.totals != 0])
        where = np.flatnonzero(self.totals != 0).astype("<u4").tobytes()
        return self.mixed.astype("<u8").tobytes() + where + totals

    @property
    def digest(self) -> str:
        """SHA-256 of what the sketch says."""
        head = json.dumps([FORMAT, self.bits, self.scale, self.hashing]).encode()
        return hashlib.sha256(head + b"\n" + self._body()).hexdigest()

    def save(self, path: Path) -> str:
        """Write the sketch (one line of JSON, then the sums) whole or not at all; returns its digest."""
        digest = self.digest
        head = {"format": FORMAT, "bits": self.bits, "scale": self.scale, "rows": self.rows, "hashing": self.hashing,
                "totals": int(np.count_nonzero(self.totals != 0)), "digest": digest}
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(json.dumps(head).encode() + b"\n" + self._body())
        partial.replace(path)
        return digest


def load(path: Path) -> Sketch:
    """Read what `save` wrote; raises `UserError` when it is something else or a byte of it changed."""
    try:
        line, _, body = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["format"] != FORMAT or not 1 <= head["bits"] <= 20:
            raise ValueError(head["format"])
        size, count = 1 << head["bits"], head["totals"]
        mixed = np.frombuffer(body, "<u8", size).astype(np.uint64)
        where = np.frombuffer(body, "<u4", count, size * 8)
        raw = body[size * 8 + count * 4:]
        totals: Whole = np.zeros(size, dtype=object)
        for n, bucket in enumerate(where):
            totals[bucket] = int.from_bytes(raw[n * 32:(n + 1) * 32], "little", signed=True)
        found = Sketch(head["bits"], head["scale"], head["rows"], head["hashing"], mixed, totals)
        if len(raw) != count * 32 or found.digest != head["digest"]:
            raise ValueError("digest")
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(f"{path} is not a whole sketch: {error}", advice="Make it again from its files.") from error
    return found


def signed(left: str, right: str, attributes: Sequence[str] = ()) -> str:
    """SQL of the signed claims of two relations with the columns `key`, `amount` and `attributes`."""
    more = "".join(f", {name}" for name in attributes)
    return f"(select key, amount{more} from {left} union all select key, -amount{more} from {right})"


def sketch(con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS, attributes: Sequence[str] = ()) -> Sketch:
    """Sketch the claims of `relation_sql` (a table, a file name or a subquery with `key`, `amount`, `attributes`).

    `amount` is an integer or a decimal; rows without an amount add nothing. With `attributes` (SQL names) the amounts
    must net for each combination of them, so that a key whose status or SKU differs does not net.
    Raises `UserError` when the amount is no exact number or `bits` is not 1 to 20.
    """
    if not 1 <= bits <= 20:
        raise UserError(f"a sketch has 1 to 20 bucket bits, not {bits}")
    precision, scale = amount_type(con, relation_sql)
    sums = BucketSums(bits, wide=precision > 18)
    mix = f", hash(key, {', '.join(attributes)}) as mix" if attributes else ""
    ordered = con.execute("select current_setting('preserve_insertion_order')").fetchall()[0][0]
    con.execute("set preserve_insertion_order = false")  # a sum has no order
    try:
        for hashes, limbs, mixes in batches(con, f"""
            select hash(key) as h, cast(amount as decimal({precision},{scale})) as amount{mix}
            from {relation_sql} where amount is not null
        """):
            sums.add(hashes, limbs, mixes)
    finally:
        con.execute(f"set preserve_insertion_order = {str(ordered).lower()}")
    return Sketch(bits, scale, sums.rows, hashing(con), sums.mixed, sums.totals())


def hashing(con: duckdb.DuckDBPyConnection) -> str:
    """What tells one hash function from another."""
    return str(con.execute("select cast(hash('duizhang') as varchar) || '-' || cast(hash('a', 1) as varchar)").fetchall()[0][0])


def batches(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[U64, U64, U64 | None]]:
    """The hashes, the amounts (low and high 64 bits, rows x 2) and the mixed hashes if any of a query, views of its buffers."""
    for batch in con.sql(query).to_arrow_reader(BATCH):
        n = batch.num_rows
        if n:
            columns = [np.frombuffer(c.buffers()[1], np.uint64, n * w, c.offset * 8 * w)
                       for c, w in zip(batch.columns, (1, 2, 1), strict=False)]
            yield columns[0], columns[1].reshape(n, 2), columns[2] if len(columns) > 2 else None


class BucketSums:
    """Sums by bucket of amounts in 64-bit words; moved to Python integers before they could overflow."""

    def __init__(self, bits: int, *, wide: bool) -> None:
        """`wide`: amounts may need more than 64 bits."""
        size = 1 << bits
        self.shift, self.wide, self.rows = np.uint64(64 - bits), wide, 0
        self.mixed: U64 = np.zeros(size, np.uint64)
        self._exact: Whole = np.zeros(size, dtype=object)
        self._words = [np.zeros(size, np.int64) for _ in range(3 if wide else 1)]
        self._bound = 0

    def add(self, hashes: U64, limbs: U64, mixes: U64 | None = None) -> npt.NDArray[np.intp]:
        """Add a batch; returns the bucket of each row."""
        low = np.ascontiguousarray(limbs[:, 0])
        bucket = (hashes >> self.shift).astype(np.intp)
        np.add.at(self.mixed, bucket, low * (hashes if mixes is None else mixes))
        if self.wide:
            parts = [(low & np.uint64(0xFFFFFFFF)).view(np.int64), (low >> np.uint64(32)).view(np.int64),
                     np.ascontiguousarray(limbs[:, 1]).view(np.int64)]
            largest = max(1 << 32, *(abs(int(f(parts[2]))) for f in (np.min, np.max)))
        else:
            parts = [low.view(np.int64)]
            largest = max(abs(int(parts[0].min())), abs(int(parts[0].max())))
        if self._bound + largest * len(low) >= _SAFE:
            self._flush()
        if largest * len(low) >= _SAFE:  # even this batch alone might not fit
            for one, value in zip(bucket, self._integers(parts), strict=True):
                self._exact[one] += value
        else:
            self._bound += largest * len(low)
            for word, part in zip(self._words, parts, strict=True):
                np.add.at(word, bucket, part)
        self.rows += len(low)
        return bucket

    def _integers(self, words: Sequence[npt.NDArray[np.int64]]) -> Whole:
        exact: Whole = words[0].astype(object)
        for n, word in enumerate(words[1:], start=1):
            exact = exact + word.astype(object) * (1 << 32 * n)
        return exact

    def _flush(self) -> None:
        self._exact = self._exact + self._integers(self._words)
        for word in self._words:
            word.fill(0)
        self._bound = 0

    def totals(self) -> Whole:
        """The exact sum of amounts of each bucket."""
        self._flush()
        return self._exact


def shortlist(relation_sql: str, found: Sketch, attributes: Sequence[str] = ()) -> str:
    """SQL of the claims of `relation_sql` in the buckets that `found` names: every key that does not net to 0 is there."""
    names = ", ".join(["key", "amount", *attributes])
    return f"(select {names} from {relation_sql} where {in_buckets('hash(key)', found.buckets, found.bits)})"


def in_buckets(hashed: str, buckets: npt.NDArray[np.intp], bits: int) -> str:
    """SQL condition: the 64-bit hash `hashed` falls in one of `buckets`."""
    if not len(buckets):
        return "false"
    flags = np.zeros(1 << bits, np.uint8)
    flags[buckets] = 1
    text = (flags + ord("0")).astype(np.uint8).tobytes().decode()
    return f"get_bit('{text}'::bit, cast({hashed} >> {64 - bits} as integer)) = 1"


def net_by_key(
    con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS, attributes: Sequence[str] = ()
) -> duckdb.DuckDBPyRelation:
    """(key, amount) of the keys whose claims do not net to 0: what `group by key having sum(amount) <> 0` gives.

    With `attributes`: of the keys where some combination of them does not net (the amount of the key may then be 0).
    Raises `ConservationError` when what the sketch left out does not add up to 0.
    """
    found = sketch(con, relation_sql, bits, attributes)
    listed = shortlist(relation_sql, found, attributes)
    if attributes:
        by = ", ".join(attributes)
        query = f"""
            select key, sum(amount) as amount
            from (select key, {by}, sum(amount) as amount from {listed} group by key, {by})
            group by key having bool_or(amount <> 0)
        """
    else:
        query = f"select key, sum(amount) as amount from {listed} group by key having sum(amount) <> 0"
    con.execute(f"create or replace temp table net_by_key_result as {query}")
    row = con.execute("select coalesce(sum(amount), 0) from net_by_key_result").fetchall()[0]
    left_out = found.total - int(row[0] * 10**found.scale)
    if left_out:
        raise ConservationError(f"the keys that were left out do not net to zero: {left_out} minor units")
    return con.sql("select key, amount from net_by_key_result")


def amount_type(con: duckdb.DuckDBPyConnection, relation_sql: str) -> tuple[int, int]:
    """Digits and places of `amount` as a decimal; raises `UserError` when it is no exact number."""
    type_ = str(con.execute(f"describe select amount from {relation_sql}").fetchall()[0][1]).upper()
    if type_.startswith("DECIMAL"):
        digits, places = (int(n) for n in type_.removeprefix("DECIMAL(").rstrip(")").split(","))
        return (18 if digits <= 18 else 38), places
    if type_.endswith("INT") or type_ in ("INTEGER", "UINTEGER"):
        return (18 if type_ in ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER") else 38), 0
    raise UserError(f"an amount must be a decimal or an integer, not {type_.lower()}")
