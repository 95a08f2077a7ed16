"""Find the keys that do not net to zero without grouping by key: a linear sketch, then exact on what it leaves.

Claims are signed (left +amount, right -amount). Every claim falls in one of 2^bits buckets, by the top bits of a 64-bit
hash of its key, and a bucket keeps two sums: amount * h1(key) and amount * h2(key), where h1 and h2 are slices of the
same hash that share no bit with each other or with the bucket. A key that nets to zero adds exactly 0 to both, however
many rows it has on either side (n:m needs no special case). So keys in buckets with a sum other than 0 are the only
candidates, and one exact aggregation of those gives the answer. Memory is that of the buckets, whatever the rows.

What can go wrong: several keys of one bucket that do not net to zero may cancel in both sums, with a chance of about
2^-(64 - bits) for that bucket. The exact total of what is left out is checked as well and must be 0.
The sketch says which keys differ. It cannot say how many keys there are: that needs every key, hence a grouping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from duizhang.errors import ConservationError, UserError

BITS = 16


@dataclass(frozen=True)
class Sketch:
    """The buckets whose sums are not both 0, as bucket -> (sum of h1 * amount, sum of h2 * amount) in minor units."""

    bits: int
    scale: int  # decimal places of a minor unit
    buckets: Mapping[int, tuple[int, int]]

    def __add__(self, other: Sketch) -> Sketch:
        """The sketch of both sets of claims together; both must have the same bits and scale."""
        if (self.bits, self.scale) != (other.bits, other.scale):
            raise UserError("sketches of different size or scale cannot be added")
        both = dict(self.buckets)
        for bucket, (one, two) in other.buckets.items():
            first, second = both.get(bucket, (0, 0))
            both[bucket] = (first + one, second + two)
        return Sketch(self.bits, self.scale, {b: sums for b, sums in both.items() if sums != (0, 0)})


def signed(left: str, right: str) -> str:
    """SQL of the signed claims of two relations with the columns `key` and `amount`."""
    return f"(select key, amount from {left} union all select key, -amount from {right})"


def sketch(con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS) -> Sketch:
    """Sketch the signed claims of `relation_sql` (a table, a file name or a subquery with `key`, `amount`).

    `amount` is an integer or a decimal; rows without an amount add nothing. Sums are 128 bits wide. A product that does
    not fit 64 bits is an error of the engine, never a wrapped number, and the pass is then repeated in 128 bits
    (room for minor units of 30 digits).
    Raises `UserError` when the amount is no exact number.
    """
    if not 1 <= bits <= 24:
        raise UserError(f"a sketch has 1 to 24 bucket bits, not {bits}")
    scale = _scale(con, relation_sql)
    try:
        rows = con.execute(_query(relation_sql, bits, scale, "bigint")).fetchall()
    except (duckdb.OutOfRangeException, duckdb.ConversionException):
        rows = con.execute(_query(relation_sql, bits, scale, "hugeint")).fetchall()
    return Sketch(bits, scale, {int(b): (int(one), int(two)) for b, one, two in rows})


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
    return f"cast({hashed} >> {64 - bits} as integer)"


def _query(relation_sql: str, bits: int, scale: int, integer: str) -> str:
    width = (64 - bits) // 2
    mask = (1 << width) - 1
    amount = "amount" if integer == "bigint" else f"cast(amount as decimal(38,{scale}))"
    minor = f"cast({amount} * {10**scale} as {integer})" if scale else f"cast(amount as {integer})"
    return f"""
        select bucket, sum(minor * cast(h & {mask} as {integer})) as one,
            sum(minor * cast((h >> {width}) & {mask} as {integer})) as two
        from (
            select {_bucket('h', bits)} as bucket, {minor} as minor, h
            from (select hash(key) as h, amount from {relation_sql} where amount is not null)
        )
        group by bucket
        having one <> 0 or two <> 0
    """
