"""One pass over the claims of a side: their sums by bucket, their number, and the hashes of their keys."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import duckdb
import numpy as np

from duizhang.compare.buckets import BucketSums, batches
from duizhang.compare.claims import BLANK, Claims
from duizhang.compare.hashes import KeyHashes
from duizhang.compare.sketch import Sketch, hashing


@dataclass(frozen=True)
class Reading:
    """What a side says: the sketch of its claims (not signed), how many there are and how many have a blank key."""

    sketch: Sketch
    rows: int
    blank_rows: int


def read(
    con: duckdb.DuckDBPyConnection, claims: Claims, keys: Sequence[str], scale: int, bits: int, hashes: KeyHashes | None,
    *, wide: bool,
) -> Reading:
    """Read the claims once; amounts are whole units of `scale` decimal places, of up to 18 digits or (`wide`) 38.

    The row hashes go to `hashes` if it is given.
    """
    sums = BucketSums(bits, wide=wide)
    blank_rows = 0
    query = f"select hash({', '.join(keys)}) as h, cast(amount as decimal({38 if wide else 18},{scale})) as amount"
    # With one key column the hash tells the blank ones; with several any of them may be blank.
    blank = np.uint64(con.execute(f"select hash('{BLANK}')").fetchall()[0][0])
    if len(keys) > 1:
        query += f", cast('{BLANK}' in ({', '.join(keys)}) as utinyint) as blank"
    with hashes or nullcontext():
        for hashed, amounts, *flags in batches(con, f"{query} from {claims.relation}"):
            sums.add(hashed, amounts)
            blank_rows += int(np.count_nonzero(flags[0] if flags else hashed == blank))
            if hashes is not None:
                hashes.add(hashed)
    return Reading(Sketch(bits, scale, sums.rows, hashing(con), sums.mixed, sums.totals()), sums.rows, blank_rows)
