"""Which specification fits a document: by its preamble and its columns, never by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from duizhang.ingest.opening import BY_NAMES, Document, detect, first_record, likely, refuse_no_bill, rivals
from duizhang.ingest.recognising.by_content import settled
from duizhang.ingest.recognising.column_names import bare_name, delimiters_of, names_of, split_line, ways_of
from duizhang.ingest.recognising.currencies import header_currency, iso_codes
from duizhang.ingest.recognising.head import Head, Place, heads_of, in_order
from duizhang.ingest.recognising.headerless import headerless_names
from duizhang.ingest.recognising.hints import ROW_CELL, unknown
from duizhang.ingest.recognising.two_lines import is_second, joined_names
from duizhang.ingest.rows import HEAD_LINES
from duizhang.ingest.specification import SourceSpec, normalised

MOST_LINES = 4000  # in which a header is looked for where the first lines have none
_FEWEST = 3  # cells of a header


def recognise(document: Document, specs: Mapping[str, SourceSpec]) -> Place:
    """The spec that fits best: preamble first, then how many columns it knows. Raises RefusedFile naming the closest.

    A header is looked for in the first lines, and where none is found there, in all that the head of the document has.
    """
    heads = heads_of(document, HEAD_LINES)
    found = best(document, specs, heads)
    found = _of_two_lines(document, specs, heads, found) or found or best(document, specs, heads_of(document, MOST_LINES))
    found = found or _without_header(document, specs, heads)
    if found is None:
        if document.kind == "text":
            refuse_no_bill(document.head)
        raise unknown(document, specs, in_order(document, heads))
    place, head = found
    place = settled(place, head)
    names, encoding, doubt = place.names, place.encoding, []
    if document.kind == "text":
        # names that are only there in such an encoding tell it: its accents and the letters behind them are GBK as well
        told = place.encoding in BY_NAMES
        # the names would be the same in all of them, or have letters that are none in this one
        by_sight = place.encoding == "utf-8" and all(name.isascii() or "\ufffd" in name for name in names)
        encodings = likely(document.head, place.spec.encodings) if by_sight else place.spec.encodings
        encoding = place.encoding if told else detect(document.head, encodings)
        doubt = rivals(document.head, encoding, BY_NAMES) if encoding in BY_NAMES and not told else []
    return replace(place, encoding=encoding, doubt=tuple(doubt))


def _of_two_lines(
    document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head], found: tuple[Place, Head] | None,
) -> tuple[Place, Head] | None:
    """The place of a table whose header has two lines, and the head in which they are one. found: what one line is enough for."""
    if found is not None:
        place, head = found
        if place.header < 0 or not place.spec.header_currency or len(head.lines) <= place.header + 1:
            return None
        return _joined(document, place.spec, head, place.header, place.delimiter)
    for spec in (spec for spec in specs.values() if spec.header_currency and spec.reader == "table"):
        for head in (head for head in heads if head.may_be(spec)):
            for at in range(len(head.lines) - 1):
                for delimiter in delimiters_of(document, spec):
                    if (document.kind != "text" or delimiter in head.lines[at]) and (one := _joined(document, spec, head, at, delimiter)):
                        return one
    return None


def _without_header(document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head]) -> tuple[Place, Head] | None:
    """The place of a bank's rows without a header line, where their running balance proves what each column is."""
    banks = [spec for spec in specs.values() if spec.header_currency and spec.sides and spec.balance]
    for spec in banks if document.kind == "text" else ():
        for head in (head for head in in_order(document, heads) if head.may_be(spec) and "\ufffd" not in head.text):
            for delimiter in (mark for mark in delimiters_of(document, spec) if head.lines and mark in head.lines[0]):
                if names := headerless_names(spec, head.rows(delimiter), iso_codes()):
                    return Place(spec, head.encoding or "utf-8", delimiter=delimiter, names=names), head
    return None


def _joined(document: Document, spec: SourceSpec, head: Head, at: int, delimiter: str) -> tuple[Place, Head] | None:
    """What fits where a line and the one below it are one header."""
    [first, second] = [[bare_name(cell) for cell in row] for row in head.rows(delimiter, at, at + 2)]
    if len(first) < _FEWEST or any(map(ROW_CELL.fullmatch, first)) or not is_second(second):
        return None
    names = joined_names(first, second, names_of(spec) - {""}, bare=spec.header_currency)
    if any(delimiter in name for name in names):
        return None
    lines = [*head.lines[:at], "", delimiter.join(names), *head.lines[at + 2 :]]
    rows = [*head.rows(delimiter, 0, at), [], names, *head.rows(delimiter, at + 2)] if head.encoding is None else None
    one = Head(lines, head.encoding, rows)
    place = _fit(document, spec, one)
    return (place, one) if place is not None and place.header == at + 1 else None


def best(document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head]) -> tuple[Place, Head] | None:
    """The place of the specification with a preamble, else with the longest header, else with most of the names; of several the first."""
    found: tuple[tuple[bool, int, int, int], Place, Head] | None = None
    ranked = [((bool(spec.recognise.preamble), len(spec.recognise.header)), -n, spec) for n, spec in enumerate(specs.values())]
    for sure, order, spec in sorted(ranked, key=lambda entry: entry[0], reverse=True):
        if found is not None and sure < found[0][:2]:
            break
        for head in heads[:1] if spec.reader == "json" else heads:
            place = _fit(document, spec, head) if head.may_be(spec) else None
            if place is not None and not _barred_in_utf8(place, head, heads):
                known = names_of(spec)
                rank = (*sure, len(known & {normalised(name) for name in place.names}), order)
                again = found is not None and rank == found[0]  # under another encoding
                if found is None or rank > found[0] or (again and in_order(document, [found[2], head])[0] is head):
                    found = (rank, place, head)
                special = {normalised(name) for name in place.names if not name.isascii()}
                if special and special <= known:
                    break  # so many letters are right in one encoding alone
    return (found[1], found[2]) if found else None


def _barred_in_utf8(place: Place, head: Head, heads: Sequence[Head]) -> bool:
    """Whether a header has a name that the kind does not have, which only letters of another encoding hide."""
    if head.encoding in (None, "utf-8") or place.header < 0:
        return False
    rules = place.spec.recognise
    unwanted = frozenset().union(*ways_of(rules.without))
    for other in heads:
        if other.encoding == "utf-8" and place.header < len(other.lines) and "\ufffd" not in other.lines[place.header]:
            names = other.names(place.header, place.delimiter)
            return not unwanted.isdisjoint(map(normalised, names)) or bool(
                rules.without_like and any(re.search(rules.without_like, name) for name in names))
    return False


def _positional(spec: SourceSpec, head: Head) -> tuple[str, ...]:
    """Names by position for a file without a header line; as many as its first line has cells."""
    by_position = {position: name for name, position in spec.positions.items()}
    width = max(len(split_line(head.lines[0], spec.delimiter)), *(p + 1 for p in by_position)) if by_position else 0
    return tuple(by_position.get(n, "") for n in range(width))


def _fit(document: Document, spec: SourceSpec, head: Head) -> Place | None:
    """The place where the spec fits."""
    rules = spec.recognise
    is_table = spec.reader == "table" and not spec.positions
    bare = spec.header_currency
    if is_table and not head.may_have(rules.header, bare=bare):
        return None
    if rules.preamble and not re.search(rules.preamble, head.text, re.MULTILINE):
        return None
    if rules.unlike and re.search(rules.unlike, head.text):
        return None
    encoding = head.encoding or document.kind
    if spec.reader == "json":
        record = first_record(document, spec.records) if document.kind == "text" else None
        if record is None or not set(rules.header) <= record.keys() or set(rules.without) & record.keys():
            return None
        return Place(spec, encoding, names=tuple(record))
    if not is_table:
        if document.kind != "text" or rules.preamble is None:
            return None
        return Place(spec, encoding, delimiter=spec.delimiter, names=_positional(spec, head))
    return _below_header(document, spec, head, encoding)


def _below_header(document: Document, spec: SourceSpec, head: Head, encoding: str) -> Place | None:
    """The place of a table: below the first line that has all the columns, and none that the kind does not have."""
    rules, bare = spec.recognise, spec.header_currency
    wanted, unwanted = ways_of(rules.header), frozenset().union(*ways_of(rules.without))
    for delimiter in delimiters_of(document, spec):
        if document.kind == "text" and len(wanted) > 1 and delimiter not in head.text:
            continue
        for index in range(len(head.lines)):
            if not head.may_have(rules.header, index, bare=bare):
                continue
            keys = head.keys(index, delimiter, bare=bare)
            if unwanted.isdisjoint(keys) and not any(names.isdisjoint(keys) for names in wanted):
                names, above = head.names(index, delimiter), tuple(head.lines[:index])
                if rules.without_like and any(re.search(rules.without_like, name) for name in names):
                    continue
                if bare:
                    names, told = header_currency(spec, names, above, head.below(index, delimiter))
                    above = (*above, *told)
                return Place(spec, encoding, index, delimiter, names, above)
    return None
