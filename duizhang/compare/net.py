"""The keys that do not net to zero, by name: read back from the sketch, or grouped exactly where that does not work."""

from __future__ import annotations

import math
from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from duizhang.compare.buckets import I64, TABLES, U64, in_buckets
from duizhang.compare.peel import Peeled, peel, unpeeled
from duizhang.compare.sketch import BITS, MOST_BITS, Sketch, hashing, sketch
from duizhang.errors import ConservationError, UserError

_FULL = 0.98  # beyond it the share of open buckets no longer tells how many keys are open
FEW = 0.02  # share of the claims that is worth picking out


def signed(left: str, right: str, attributes: Sequence[str] = ()) -> str:
    """SQL of the signed claims of two relations with the columns `key`, `amount` and `attributes`."""
    more = "".join(f", {name}" for name in attributes)
    return f"(select key, amount{more} from {left} union all select key, -amount as amount{more} from {right})"


def more_bits(found: Sketch) -> int:
    """The bits of a sketch that can be read back where `found` cannot; 0 if too few or hopelessly many claims are open."""
    if unpeeled(found).share < FEW:
        return 0
    share = max(len(found.open_in(table)) for table in range(TABLES)) / (1 << found.bits)
    if share > _FULL:
        return BITS if found.bits < BITS else 0
    # Of n keys in m buckets a share of 1 - e^(-n/m) is open; up to n = m/2 nearly always nearly all can be read back.
    keys = -math.log1p(-share) * (1 << found.bits)
    bits = max(BITS, math.ceil(math.log2(max(keys, 1))) + 1)
    return bits if found.bits < bits <= MOST_BITS else 0


def shortlist(relation_sql: str, found: Sketch, attributes: Sequence[str] = ()) -> str:
    """SQL of the claims of `relation_sql` in the buckets that `found` names: every key that does not net to 0 is there."""
    names = ", ".join(["key", "amount", *attributes])
    buckets = [found.open_in(table) for table in range(TABLES)]
    return f"(select {names} from {relation_sql} where {in_buckets('hash(key)', buckets, found.bits)})"


def net_by_key(
    con: duckdb.DuckDBPyConnection, relation_sql: str, bits: int = BITS, attributes: Sequence[str] = (),
    *, less: str | None = None, found: Sketch | None = None,
) -> duckdb.DuckDBPyRelation:
    """(key, amount) of the keys whose claims do not net to 0: what `group by key having sum(amount) <> 0` gives.

    The claims are those of `relation_sql` less those of `less`: the same as their `signed`, and quicker, as a key that is
    in the first has its name looked up there only. With `attributes`: the keys where some combination of them does not
    net (the amount of the key may then be 0). `found` is their sketch if it is there already, such as the sum of saved
    ones: then the claims are read for the names of the keys only. Raises `ConservationError` when what was left out does
    not add up to 0.
    """
    if less is not None and _key_type(con, relation_sql) != _key_type(con, less):  # the same key would have two hashes
        relation_sql, less = signed(relation_sql, less, attributes), None
    if found is None:
        found = _sketch(con, relation_sql, less, bits, attributes)
    elif found.hashing != hashing(con):
        raise UserError("the sketch was made with another hash function", advice="Make it again with this version.")
    named = False
    if not attributes:
        peeled = peel(found)
        if not peeled.whole and (wanted := more_bits(found)):
            found = _sketch(con, relation_sql, less, wanted, attributes)
            peeled = peel(found)
        named = peeled.whole and _named(con, relation_sql, less, peeled, found.scale)
    if not named:
        everything = relation_sql if less is None else signed(relation_sql, less, attributes)
        _grouped(con, shortlist(everything, found, attributes), attributes)
    row = con.execute("select coalesce(sum(amount), 0) from net_by_key_result").fetchall()[0]
    left_out = found.total - int(row[0] * 10**found.scale)
    if left_out:
        raise ConservationError(f"the keys that were left out do not net to zero: {left_out} minor units")
    return con.sql("select key, amount from net_by_key_result")


def _key_type(con: duckdb.DuckDBPyConnection, relation_sql: str) -> str:
    return str(con.execute(f"describe select key from {relation_sql}").fetchall()[0][1])


def _sketch(
    con: duckdb.DuckDBPyConnection, relation_sql: str, less: str | None, bits: int, attributes: Sequence[str]
) -> Sketch:
    found = sketch(con, relation_sql, bits, attributes)
    return found if less is None else found + -sketch(con, less, bits, attributes)


def _named(con: duckdb.DuckDBPyConnection, relation_sql: str, less: str | None, peeled: Peeled, scale: int) -> bool:
    """Put the keys of the hashes and their amounts into `net_by_key_result`; False unless each hash has one key."""
    _put(con, "net_by_key_net", {"h": whole_numbers(peeled.hashes), "amount": decimals(peeled.amounts, scale)})
    con.execute(f"create or replace temp table net_by_key_names as select key, hash(key) as h from {relation_sql} limit 0")
    names = hashes = 0
    for relation in (relation_sql, less):
        if relation is None or names > hashes or hashes == len(peeled.hashes):
            break
        con.execute(f"""
            insert into net_by_key_names
            select distinct key, hash(key) as h from {relation}
            where hash(key) in (
                select h from net_by_key_net where h not in (select h from net_by_key_names)
            )
        """)
        names, hashes = con.execute("select count(*), count(distinct h) from net_by_key_names").fetchall()[0]
    con.execute("""
        create or replace temp table net_by_key_result as
        select key, amount from net_by_key_net join net_by_key_names using (h)
    """)
    con.execute("drop table net_by_key_net")
    con.execute("drop table net_by_key_names")
    return bool(names == hashes == len(peeled.hashes))


def _grouped(con: duckdb.DuckDBPyConnection, listed: str, attributes: Sequence[str]) -> None:
    query = f"select key, sum(amount) as amount from {listed} group by key having sum(amount) <> 0"
    if attributes:
        by = ", ".join(attributes)
        query = f"""
            select key, sum(amount) as amount
            from (select key, {by}, sum(amount) as amount from {listed} group by key, {by})
            group by key having bool_or(amount <> 0)
        """
    con.execute(f"create or replace temp table net_by_key_result as {query}")


def whole_numbers(values: U64) -> pa.Array:
    """As an Arrow array; `pa.array` of a numpy array would import pandas first."""
    return pa.Array.from_buffers(pa.uint64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def decimals(amounts: I64, scale: int) -> pa.Array:
    """Minor units as decimals of 38 digits."""
    words = np.stack([amounts, amounts >> 63], axis=1)
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(amounts), [None, pa.py_buffer(words)])


def hash_table(con: duckdb.DuckDBPyConnection, name: str, hashes: U64) -> None:
    """Make the temporary table `name` of one column `h`."""
    _put(con, name, {"h": whole_numbers(hashes)})


def _put(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, pa.Array]) -> None:
    con.register(f"{name}_arrow", pa.table(columns))
    try:
        con.execute(f"create or replace temp table {name} as select * from {name}_arrow")
    finally:
        con.unregister(f"{name}_arrow")
