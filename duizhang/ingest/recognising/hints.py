"""Why no specification fits a document, in words that help: the nearest one, and what its header seems to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import Document
from duizhang.ingest.recognising.column_names import delimiters_of, unaccented, ways_of
from duizhang.ingest.recognising.head import LOOKED_AT, Head
from duizhang.ingest.specification import SourceSpec

NEAR = 0.3  # share of a specification's columns from which on it is worth naming
ROW_CELL = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.{0,9}|\d{8}|[-+(]?[\d., ]*\d[.,]\d\d\)?")  # a day or an amount
# what stands without and with the tax
_NET, _GROSS = re.compile(r"(?i)^\W*(?:net\b|netto|hors taxes?\b|ht\b|neto\b|imponibile|未税|不含税)"), re.compile(
    r"(?i)^\W*(?:gross|brutto|bruto|brut\b|ttc\b|lordo|含税|价税合计)")
_SET_APART = re.compile(r"\S {2,}\S.* {2,}\S")  # cells between blanks


def unknown(document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head]) -> RefusedFile:
    """Why no specification fits: the nearest one where it is near, and the header that seems to be there."""
    hints = [(*hint, spec.header_currency) for spec in specs.values() for head in heads
             if head.may_be(spec) and (hint := _near(document, spec, head, specs))]
    share, nearest, is_any_bank = max(hints, key=lambda hint: hint[0], default=(0.0, "", True))
    words = f"; closest is {nearest}" if share >= NEAR else ""
    legible = [head for head in heads if "\ufffd" not in head.text]
    names = (legible or heads)[0].likely_header() if heads else []
    if sum(ROW_CELL.fullmatch(name) is not None for name in names) > 1:
        words = f"; it seems to have no header line, as its widest line is a row: {', '.join(names[:8])}"
    elif not words and names:
        words = f"; its header seems to be {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
    if not words and legible and sum(bool(_SET_APART.search(line)) for line in legible[0].lines[:LOOKED_AT]) > 1:
        words = "; its columns seem to be set apart by blanks, and nothing tells where a cell ends"
    net, gross = (next((name for name in names if kind.search(name)), "") for kind in (_NET, _GROSS))
    if net and gross and (is_any_bank or not words.startswith("; closest")):
        words = f"; it has both {net} and {gross}, and nothing tells which of them moved the account"
    return RefusedFile(
        f"no source specification fits the content{words}",
        advice="`duizhang source new FILE` proposes a specification; or check that this is the file you meant.")


def _near(document: Document, spec: SourceSpec, head: Head, specs: Mapping[str, SourceSpec]) -> tuple[float, str] | None:
    """How near a table's spec came that does not fit: (share of its columns, words). A name that many specifications have
    tells little, one of its own much."""
    rules = spec.recognise
    if spec.reader != "table" or spec.positions:
        return None
    is_cut = bool(rules.preamble) and not re.search(rules.preamble or "", head.text, re.MULTILINE)
    if is_cut and not rules.header:
        return None
    if rules.unlike and (other := re.search(rules.unlike, head.text)):
        # what is named is the word alone, as rows may have people in them
        word = next(filter(None, other.groups()), "").strip() or other.group(0).strip()
        is_like = spec.header_currency and head.may_have(rules.header, bare=True)
        return float(is_like), f"{spec.name}, but {word!r} in it tells another kind of file"
    hint: tuple[float, str] | None = None
    header = dict.fromkeys(zip(ways_of(rules.header), rules.header, strict=True))
    commonness = _commonness(tuple(other.recognise.header for other in specs.values()))
    weights = [max(1 / commonness[name] for name in names) for names, _ in header]
    wanted = [frozenset(map(unaccented, names)) for names, _ in header]
    for delimiter in delimiters_of(document, spec):
        for at, (keys, bare) in enumerate(head.unaccented(delimiter, bare=spec.header_currency)):
            hits = [not bare.isdisjoint(names) for names in wanted]
            share = sum(w for w, hit in zip(weights, hits, strict=True) if hit) / sum(weights)
            # a file without half of the columns is another kind, however rare the names are that it has
            if sum(hits) > 1 and 2 * sum(hits) >= len(hits) and (hint is None or share > hint[0]):
                missing = [_alternatives(name) for (_, name), hit in zip(header, hits, strict=True) if not hit]
                barring = [name for name in rules.without if not ways_of((name,))[0].isdisjoint(keys)]
                if rules.without_like:
                    barring += [name for name in head.names(at, delimiter) if re.search(rules.without_like, name) and name not in barring]
                if not missing and not barring and not is_cut:  # a name stands there without its accents
                    missing = [_alternatives(name) for names, name in header if bare.isdisjoint(names)]
                if is_cut:
                    if not missing and not barring:
                        hint = (share, f"{spec.name}, without the lines that stand above its columns")
                    continue
                lacking = (
                    f"without the columns {', '.join(dict.fromkeys(missing))}" if missing
                    else f"but with {', '.join(barring)}, which that kind does not have")
                hint = (share, f"{spec.name}, {lacking}")
    return hint


@cache
def _commonness(headers: tuple[tuple[str, ...], ...]) -> Counter[str]:
    """How many specifications have a column of this name in their header."""
    return Counter(name for header in headers for name in frozenset().union(*ways_of(header)))


def _alternatives(column: str) -> str:
    names = column.split("|")
    return names[0] if len(names) < 4 else f"one of {', '.join(names[:4])} ..."
