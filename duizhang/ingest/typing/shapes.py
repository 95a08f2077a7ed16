"""Regexes that take any digit for any other are asked of the shapes of cells: times and numbered ids have few of them."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.texts import Cells, coded, may_hold, spread, text_bytes

_ZERO = np.uint8(ord("0"))


def as_found(pattern: str) -> str:
    """The regex as the one group `found`; Arrow wants every group to have a name."""
    # escaped characters and classes stay as they are
    return "(?P<found>" + re.sub(r"(\\.|\[\^?\]?[^\]]*\])|\((?!\?)", lambda match: match[1] or "(?:", pattern) + ")"


def _shapes(texts: pa.Array) -> Cells | None:
    """Every cell with 0 in the place of each digit, coded; None where these differ nearly as much as the cells."""
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    cells = coded(spread(np.where(inside - _ZERO < 10, _ZERO, inside), (ends - ends[0]).astype(np.int32)))
    return cells if cells.places is not None and len(cells.values) * 4 < len(texts) else None


def group_by_shape(texts: pa.Array, named: str) -> Cells | None:
    """The group `found` of a regex in every cell, '' where it does not match; None where shapes do not tell it."""
    shapes = _shapes(texts)
    if shapes is None:
        return None
    groups = pc.fill_null(pc.struct_field(pc.extract_regex(shapes.values, named), "found"), "")
    return None if may_hold(groups, "0") else Cells(groups, shapes.places)


def without_tail_by_shape(texts: pa.Array, pattern: str) -> pa.Array | None:
    """Every cell without what a regex matches in it; None where shapes do not tell, or it matches elsewhere than at the end."""
    shapes = _shapes(texts)
    if shapes is None or (pc.max(pc.count_substring_regex(shapes.values, pattern)).as_py() or 0) > 1:
        return None
    spans = [span and span["found"] for span in pc.extract_regex_span(shapes.values, as_found(pattern)).to_pylist()]
    lengths = pc.binary_length(shapes.values).to_pylist()
    tails = [span[1] if span else 0 for span in spans]
    if any(span and sum(span) != length for span, length in zip(spans, lengths, strict=True)):
        return None
    return _shortened(texts, np.array(tails, np.int32)[np.asarray(shapes.places)])


def _shortened(texts: pa.Array, tails: np.ndarray) -> pa.Array:
    """Cells without their last bytes, of which each has so many."""
    data, ends = text_bytes(texts)
    inside, lengths = data[ends[0] : ends[-1]], np.diff(ends)
    stretches = np.empty(2 * len(lengths), np.int64)
    stretches[::2], stretches[1::2] = lengths - tails, tails
    kept = np.repeat(np.tile([True, False], len(lengths)), stretches)
    short = np.zeros(len(ends), np.int32)
    np.cumsum(lengths - tails, out=short[1:])
    return spread(inside[kept], short)
