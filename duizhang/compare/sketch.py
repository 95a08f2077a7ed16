"""Find the keys that do not net to zero without grouping by key: a linear sketch, then exact on what it leaves.

Claims are signed (left +amount, right -amount). Every claim falls in one of 2^bits buckets, by the top bits of a 64-bit
hash of its key, and a bucket keeps the sum of amount * h(key), where h is 48 bits of the same hash (fewer with more than
16 bucket bits) that share no bit with the bucket. A key that nets to zero adds exactly 0, however many rows it has on
either side (n:m needs no special case). So keys in buckets with a sum other than 0 are the only candidates, and one
exact aggregation of those gives the answer. Memory is that of the buckets, whatever the rows. One sum of 128 bits holds
what two sums over two slices of 24 bits would (it is their weighted sum) and takes four fifths of their time.

What can go wrong: the keys of one bucket that do not net to zero may cancel, with a chance of about 2^-48 for that
bucket. The exact total of what is left out is checked as well and must be 0.
The sketch says which keys differ. It cannot say how many keys there are: that needs every key, hence a grouping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from duizhang.errors import ConservationError, UserError

BITS = 16
HALF = 24  # bits of a half of the hash


@dataclass(frozen=True)
class Sketch:
    """The buckets whose sum is not 0, as bucket -> sum of h(key) * amount, the amount in minor units."""

    bits: int
    scale: int  # decimal places of a minor unit
    buckets: Mapping[int, int]

    def __add__(self, other: Sketch) -> Sketch:
        """The sketch of both sets of claims together; both must have the same bits and scale."""
        if (self.bits, self.scale) != (other.bits, other.scale):
            raise UserError("sketches of different size or scale cannot be added")
        both = dict(self.buckets)
        for bucket, total in other.buckets.items():
            both[bucket] = both.get(bucket, 0) + total
        return Sketch(self.bits, self.scale, {b: total for b, total in both.items() if total})


def signed(left: str, right: str) -> str:
    """SQL of the signed claims of two relations with the columns `key` and `amount`."""
    return f"(select key, amount from {left} union all select key, -amount from {right})"


def sketch(con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS) -> Sketch:
    """Sketch the signed claims of `relation_sql` (a table, a file name or a subquery with `key`, `amount`).

    `amount` is an integer or a decimal; rows without an amount add nothing. Products and sums are 128 bits wide. What
    does not fit is an error of DuckDB, never a wrapped number; the pass is then repeated with the hash in two halves
    (room for minor units of 30 digits).
    Raises `UserError` when the amount is no exact number or `bits` is not 1 to 24.
    """
    if not 1 <= bits <= 24:
        raise UserError(f"a sketch has 1 to 24 bucket bits, not {bits}")
    scale = _scale(con, relation_sql)
    before = con.execute("select current_setting('perfect_ht_threshold')").fetchall()[0][0]
    con.execute(f"set perfect_ht_threshold = {max(int(before), bits + 1)}")  # buckets are an array, not a hash table
    try:
        rows = con.execute(_query(relation_sql, bits, scale, halves=False)).fetchall()
    except (duckdb.OutOfRangeException, duckdb.ConversionException):
        rows = con.execute(_query(relation_sql, bits, scale, halves=True)).fetchall()
    finally:
        con.execute(f"set perfect_ht_threshold = {before}")
    sums = {int(bucket): int(low) + (int(high) << HALF) for bucket, low, high in rows}
    return Sketch(bits, scale, {bucket: total for bucket, total in sums.items() if total})


def shortlist(relation_sql: str, found: Sketch) -> str:
    """SQL of the claims of `relation_sql` in the buckets that `found` names: every key that does not net to 0 is there."""
    if not found.buckets:
        return f"(select key, amount from {relation_sql} where false)"
    wanted = f"(select unnest([{', '.join(map(str, sorted(found.buckets)))}]))"
    return f"(select key, amount from {relation_sql} where {_bucket('hash(key)', found.bits)} in {wanted})"


def net_by_key(con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS) -> duckdb.DuckDBPyRelation:
    """(key, amount) of the keys whose claims do not net to 0: what `group by key having sum(amount) <> 0` gives.

    Raises `ConservationError` when what the sketch left out does not add up to 0.
    """
    found = sketch(con, relation_sql, bits)
    con.execute(f"""
        create or replace temp table net_by_key_result as
        select key, sum(amount) as amount from {shortlist(relation_sql, found)}
        group by key having sum(amount) <> 0
    """)
    row = con.execute(f"""
        select coalesce((select sum(amount) from {relation_sql}), 0)
            - coalesce((select sum(amount) from net_by_key_result), 0)
    """).fetchall()[0]
    if row[0] != 0:
        raise ConservationError(f"the keys that were left out do not net to zero: {row[0]}")
    return con.sql("select key, amount from net_by_key_result")


def _scale(con: duckdb.DuckDBPyConnection, relation_sql: str) -> int:
    described = con.execute(f"describe select amount from {relation_sql}").fetchall()
    type_ = str(described[0][1]).upper()
    if type_.startswith("DECIMAL"):
        return int(type_.rstrip(")").split(",")[1])
    if type_.endswith("INT") or type_ in ("INTEGER", "UINTEGER"):
        return 0
    raise UserError(f"an amount must be a decimal or an integer, not {type_.lower()}")


def _bucket(hashed: str, bits: int) -> str:
    return f"cast({hashed} >> {64 - bits} as {'usmallint' if bits <= 16 else 'integer'})"


def _query(relation_sql: str, bits: int, scale: int, *, halves: bool) -> str:
    h, low = (1 << min(48, 64 - bits)) - 1, (1 << HALF) - 1
    if halves:
        minor = f"cast(cast(amount as decimal(38,{scale})) * {10**scale} as hugeint)"
        sums = (
            f"sum(minor * cast(h & {low} as hugeint)) as low, "
            f"sum(minor * cast((h & {h}) >> {HALF} as hugeint)) as high"
        )
    else:
        minor = f"cast(amount * {10**scale} as bigint)" if scale else "cast(amount as bigint)"
        sums = f"sum(minor * cast(h & {h} as hugeint)) as low, 0 as high"
    return f"""
        select bucket, {sums}
        from (
            select {_bucket('h', bits)} as bucket, {minor} as minor, h
            from (select hash(key) as h, amount from {relation_sql} where amount is not null)
        )
        group by bucket
        having low <> 0 or high <> 0
    """
