"""Which specification fits a document: by its preamble and its columns, never by its name."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import (
    BY_NAMES,
    Document,
    detect,
    first_record,
    head_lines,
    likely,
    plausible,
    refuse_no_bill,
    rivals,
    sheet_rows,
)
from duizhang.ingest.recognising.headerless import headerless_names
from duizhang.ingest.recognising.two_lines import is_second, joined_names
from duizhang.ingest.rows import HEAD_LINES
from duizhang.ingest.specification import SourceSpec, normalised

DELIMITERS = (",", "\t", ";", "|", "^", "~", "\x01", "\x1f")
_DELIMITED = re.compile(r"[,;|^~\x01\x1f]")  # a tab has become a comma where this is asked
MOST_LINES = 4000  # in which a header is looked for where the first lines have none
NEAR = 0.3  # share of a specification's columns from which on it is worth naming
LONG_NAME = 60
_FEWEST = 3  # cells of a header
_CLOSES = frozenset(")）]］")
# a line that says something of the whole account, and a code in it that stands alone: before a number, or at the end of a cell
_LABELLED = re.compile(
    r"(?i)\b(saldo|solde|balance|konto\w*|currency|währung|waehrung|devise|monnaie|moneta|valuta|divisa|moneda|moeda|waluta|měna|controvalore"
    r"|conto|account|compte|cuenta|conta|rekening\w*|rachunek|ccy|curr\.?|mata uang|валюта|счет|para birimi|döviz|hesap"
    r"|devizanem|pénznem|számla\w*|mena|deviza|valuuta|νόμισμα|loại tiền)\b|币种|币别|幣別|幣種|通貨|残高|통화|สกุลเงิน|מטבע|العملة")
_STATED = re.compile(r"(?<=[\s:;,(\"=])([A-Z]{3})(?=\s*[\d.,'+-]*\d|\s*[;,)\"\t]|\s*$)")
# of whom or what else a currency may be than of the amounts
_OTHERS = re.compile(
    r"(?i)orig|foreign|fremd|ausland|étrang|etrang|extranj|ester[ao]|counter|gegen|\b(from|to|home|local|base)\b|source|target|receiv|account"
    r"|konto|card|karte|country|land\b|pays\b|país|paese|原|外")
_LOOKED_AT = 50  # rows below a header
_SYMBOLS = {
    "€": "EUR", "£": "GBP", "元": "CNY", "円": "JPY", "원": "KRW", "₹": "INR", "R$": "BRL", "$": "",
    "EURO": "EUR", "EUROS": "EUR", "EUROA": "EUR",
}
_CURRENCY = re.compile(
    r"(.*?\S)\s*(?:[(（\[]\s*(?:in |en )?([A-Z]{3}|R\$|[$€£元円원₹]|(?i:euros?))\s*[)）\]]|\s(?:in |en )?([A-Z]{3}|(?i:euro[as]?)))$")

ROW_CELL = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.{0,9}|\d{8}|[-+(]?[\d., ]*\d[.,]\d\d\)?")  # a day or an amount

_SET_APART = re.compile(r"\S {2,}\S.* {2,}\S")  # cells between blanks

SIGN = "signs of its currency: "  # begins a line among those above the rows
_SHARED = ("$", "¥", "￥", "kr", "Rs")
_SIGNED = re.compile(r"[-+(−–]?\s*([$¥￥]|kr|Rs)\.?\s*[-+(]?\d[\d., ']*[)-]?|[-+(−–]?\d[\d., ']*\s*([$¥￥]|kr|Rs)\.?[)-]?")
_AGAIN = re.compile(r"#\d+$")
_AMOUNT = re.compile(r"[-+]?(?:[¥￥$€£]|[A-Z]{3} ?)?[-+]?\d[\d,. ]*|-+")
_DAY = re.compile(r"\d{1,4}\.\d{1,2}\.\d{1,4}\.?")
_NO_MONEY = re.compile(
    r"(?i)率|比例|重量|体积|数量|税点|折扣$|%|weight|quantity|qty|rate\b|percent|latitude|longitude|version|gewicht|menge"
    r"|kurs\b|koers|taux|tasso|tipo de cambio|курс|ставка|kur\b|환율"
)


@dataclass(frozen=True)
class Strange:
    """A table below the one that is read, of a kind that no specification reads: the numbers of its lines, its names, what stands in
    its columns of numbers."""

    lines: tuple[int, ...]
    names: tuple[str, ...]
    sums: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a document's rows begin, under the specification that fits it.

    header: index of the header line (-1: there is none). names: its columns. above: the lines over it. unread: columns of money
    that the specification does not know. left_out: members and sheets beside it that are not read. below: tables under it that are not.
    doubt: encodings under which its letters are others, and as likely.
    """

    spec: SourceSpec
    encoding: str
    header: int = -1
    delimiter: str = ","
    names: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    below: tuple[Strange, ...] = ()
    doubt: tuple[str, ...] = ()


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line of delimited text."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond all measure
        return line.split(delimiter)


def without_currency(name: str) -> tuple[str, str]:
    """(a column's name without the currency behind it, that currency or ''): `Amount (EUR)`, `Betrag in EUR`, `Balance USD`."""
    bare = name.strip()
    if not (bare[-1:] in _CLOSES or (bare[-3:].isupper() and bare[-3:].isascii()) or "euro" in bare[-5:].lower()):
        return name, ""  # most names end in neither, and the pattern takes its time
    found = _CURRENCY.match(bare)
    currency = (found[2] or found[3]) if found else ""
    currency = _SYMBOLS.get(currency.upper(), currency)
    return (found[1], currency) if found and (currency in _iso() or not currency) else (name, "")


def currencies_above(lines: Sequence[str]) -> set[str]:
    """The currencies that the lines above a table state for all of it, beside a word for balance or currency: `Saldo: CHF 120.50`."""
    told = (line for line in lines if _LABELLED.search(line))
    return {code for line in told for code in _STATED.findall(line) if code in _iso()}


def _signs(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The signs that amounts or their columns have which several currencies share."""
    found = {sign for name in names for sign in _SHARED if re.search(rf"[(（\[]\s*{re.escape(sign)}\s*[)）\]]", name)}
    for row in rows:
        found |= {match[1] or match[2] for cell in row if (match := _SIGNED.fullmatch(cell.strip()))}
    return " ".join(sorted({"¥" if sign == "￥" else sign for sign in found}))


def _with_currency(spec: SourceSpec, names: tuple[str, ...], rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], set[str]]:
    """(names of columns, currencies that the rows state): a column of codes of currencies whose name nobody knows is that of the
    currency; of several such columns nothing tells which is, so that only their codes are known."""
    field = spec.fields.get("currency")
    if field is None or field.template:
        return names, set()
    of_currency = names_by_field(spec)["currency"]
    known = names_of(spec) - of_currency
    found: dict[int, set[str]] = {}
    for at, name in enumerate(names):
        cells = {unnumbered(row[at]).strip() for row in rows if len(row) == len(names)} - {""}
        if not cells or not cells <= _iso() or normalised(name) in known:
            continue
        if normalised(name) in of_currency:
            return names, set()
        if not _OTHERS.search(name):
            found[at] = cells
    if len(found) != 1:
        return names, set().union(*found.values())
    [place] = found
    return (*names[:place], field.column, *names[place + 1 :]), set()


@cache
def _iso() -> frozenset[str]:
    from iso4217 import Currency  # reads a table

    return frozenset(str(currency.value) for currency in Currency) - {"XXX", "XTS"}  # none, and that of trials


def bare_name(cell: str) -> str:
    """The name of a column without the marks that may stand around it."""
    name = cell.strip("\ufeff\t \"'`")
    return name[1:] if name[:1] == "#" and name[1:2].isalpha() else name


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Column names as they are told apart: the second `x` is `x#2`."""
    seen: dict[str, int] = {}
    found = []
    for cell in cells:
        name = bare_name(cell)
        key = normalised(name)
        seen[key] = seen.get(key, 0) + 1
        found.append(name if seen[key] == 1 else f"{name}#{seen[key]}")
    return tuple(found)


def unnumbered(name: str) -> str:
    """A name as it was before `unique_names` told it from others of its kind."""
    return _AGAIN.sub("", name)


class Head:
    """The first lines of a document under one encoding. A line is split by a delimiter where it may be a header, and then once."""

    def __init__(self, lines: Sequence[str], encoding: str | None, sheet: Sequence[Sequence[str]] | None = None) -> None:
        """sheet: the cells of the lines of a workbook, which has no delimiters."""
        self.lines, self.encoding, self._sheet = lines, encoding, sheet
        self.text = "\n".join(lines)
        self._parts: dict[int, frozenset[str]] = {}
        self._names: dict[tuple[int, str], tuple[str, ...]] = {}
        self._keys: dict[tuple[int, str, bool], frozenset[str]] = {}
        self._unaccented: dict[tuple[str, bool], list[tuple[frozenset[str], frozenset[str]]]] = {}

    def parts(self, at: int) -> frozenset[str]:
        """What stands in a line between two delimiters of any kind, as names are compared: whatever cells it has are among them."""
        if at not in self._parts:
            self._parts[at] = _parts(self.lines[at]) if self._sheet is None else _marked(map(normalised, self._sheet[at]))
        return self._parts[at]

    @cached_property
    def all_parts(self) -> frozenset[str]:
        if self._sheet is None:
            return _parts(self.text.replace("\n", ","))
        return frozenset().union(*map(self.parts, range(len(self.lines))))

    def may_be(self, spec: SourceSpec) -> bool:
        """Whether the specification knows the encoding; of those in which nearly every byte is a letter it must be named."""
        return self.encoding not in BY_NAMES or self.encoding in spec.encodings

    def may_have(self, header: tuple[str, ...], at: int | None = None, *, bare: bool) -> bool:
        """Whether the columns of a header may stand in a line, or in any: by this nearly all specifications are out. bare: as in `keys`."""
        parts, names = self.all_parts if at is None else self.parts(at), _sought(header)
        if bare:
            return all(any(part.startswith(tuple(ways)) for part in parts) for ways in names)
        return not any(map(parts.isdisjoint, names))

    def names(self, at: int, delimiter: str) -> tuple[str, ...]:
        """The cells of a line as names of columns."""
        if (at, delimiter) not in self._names:
            [cells] = self.rows(delimiter, at, at + 1)
            self._names[at, delimiter] = unique_names(cells)
        return self._names[at, delimiter]

    def rows(self, delimiter: str, start: int = 0, stop: int | None = None) -> list[Sequence[str]]:
        """The cells of the lines from one on."""
        if self._sheet is not None:
            return [*self._sheet[start:stop]]
        return [split_line(line, delimiter) for line in self.lines[start:stop]]

    def below(self, index: int, delimiter: str) -> list[Sequence[str]]:
        """The first rows below a line, of which a quoted cell may have several lines."""
        if self._sheet is not None:
            return [*self.rows(delimiter, index + 1)[:_LOOKED_AT]]
        try:
            return list(islice(csv.reader(self.lines[index + 1 :], delimiter=delimiter), _LOOKED_AT))
        except csv.Error:  # a cell beyond all measure
            return []

    def keys(self, at: int, delimiter: str, *, bare: bool) -> frozenset[str]:
        """The cells of a line as names are compared. bare: without a currency behind them."""
        if (at, delimiter, bare) not in self._keys:
            self._keys[at, delimiter, bare] = frozenset(
                normalised(without_currency(cell)[0] if bare else cell) for cell in self.names(at, delimiter))
        return self._keys[at, delimiter, bare]

    def unaccented(self, delimiter: str, *, bare: bool) -> list[tuple[frozenset[str], frozenset[str]]]:
        """The keys of every line, and those without accents: Dátum is near Datum."""
        if (delimiter, bare) not in self._unaccented:
            lines = [self.keys(at, delimiter, bare=bare) for at in range(len(self.lines))]
            self._unaccented[delimiter, bare] = [(keys, frozenset(map(_unaccented, keys))) for keys in lines]
        return self._unaccented[delimiter, bare]

    def likely_header(self) -> list[str]:
        """The names in the first of the lines with most cells, by the delimiter that makes most; none where there is no table."""
        lines = [self.names(at, delimiter) for delimiter in DELIMITERS for at in range(len(self.lines))]
        rows = [row for row in lines if len(row) > 1 and all(len(cell) < LONG_NAME for cell in row)]
        best = max(rows, key=lambda row: sum(bool(cell.strip()) for cell in row), default=())
        return [cell for cell in best if cell.strip()]


@cache
def names_by_field(spec: SourceSpec) -> Mapping[str, frozenset[str]]:
    """Field -> the names that its column goes by, as they are compared; '' of one that has none."""
    return {field: frozenset(normalised(name) for name in (column.column, *column.also)) for field, column in spec.fields.items()}


@cache
def names_of(spec: SourceSpec) -> frozenset[str]:
    """The names of all columns that a specification reads, as they are compared."""
    return frozenset[str]().union(*names_by_field(spec).values())


@cache
def _header(columns: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The names that each column of a header goes by, normalised."""
    return tuple(frozenset(normalised(name) for name in column.split("|")) for column in columns)


@cache
def _sought(columns: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The names of the columns that tell whether a line may have them, without the number of those that stand there again; rare ones
    first. A name in which a delimiter stands tells nothing."""
    names = [frozenset(map(unnumbered, ways)) for ways in _header(columns)]
    return tuple(sorted((ways for ways in names if "" not in ways and not any(map(_DELIMITED.search, ways))), key=len))


def _parts(text: str) -> frozenset[str]:
    commas = text.replace("\t", ",").replace("\x1f", ",")  # which are blanks to what compares names
    found = _DELIMITED.split(normalised.__wrapped__(commas))
    if '"' in text and "\t" in text:  # inside quotes a tab is a blank
        found += _DELIMITED.split(normalised.__wrapped__(text))
    return _marked(found)


def _marked(parts: Iterable[str]) -> frozenset[str]:
    """Parts, and what they are behind a mark that some put before their first name."""
    found = frozenset(parts)
    return found | {part[1:] for part in found if part[:1] == "#"}


def recognise(document: Document, specs: Mapping[str, SourceSpec]) -> Place:
    """The spec that fits best: preamble first, then how many columns it knows. Raises RefusedFile naming the closest.

    A header is looked for in the first lines, and where none is found there, in all that the head of the document has.
    """
    heads = _heads(document, HEAD_LINES)
    found = best(document, specs, heads)
    found = _of_two_lines(document, specs, heads, found) or found or best(document, specs, _heads(document, MOST_LINES))
    found = found or _without_header(document, specs, heads)
    if found is None:
        if document.kind == "text":
            refuse_no_bill(document.head)
        raise unknown(document, specs, _in_order(document, heads))
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
                for delimiter in _delimiters(document, spec):
                    if (document.kind != "text" or delimiter in head.lines[at]) and (one := _joined(document, spec, head, at, delimiter)):
                        return one
    return None


def _without_header(document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head]) -> tuple[Place, Head] | None:
    """The place of a bank's rows without a header line, where their running balance proves what each column is."""
    banks = [spec for spec in specs.values() if spec.header_currency and spec.sides and spec.balance]
    for spec in banks if document.kind == "text" else ():
        for head in (head for head in _in_order(document, heads) if head.may_be(spec) and "\ufffd" not in head.text):
            for delimiter in (mark for mark in _delimiters(document, spec) if head.lines and mark in head.lines[0]):
                if names := headerless_names(spec, head.rows(delimiter), _iso()):
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


def settled(place: Place, head: Head) -> Place:
    """A place with the names that its cells tell, and the columns of money that the specification does not know."""
    names = _by_words(place, head)
    return replace(place, names=names, unread=_unread_money(place, head, names))


def _unread_money(place: Place, head: Head, names: Sequence[str]) -> tuple[str, ...]:
    """The columns of amounts, as their first cells look, that no field reads and the specification does not list."""
    spec = place.spec
    if spec.positions or spec.reader != "table":
        return ()
    known = {normalised(name) for column in spec.fields.values() for name in (column.column, *column.also, *column.join)}
    known |= {normalised(name) for name in (*spec.unread, spec.totals_row or "", spec.absorbs or "")}
    strange = []
    for at, name in enumerate(names):
        bare = normalised(without_currency(name)[0] if spec.header_currency else name)
        if bare and bare not in known and not _NO_MONEY.search(name):
            strange.append((at, name))
    rows = [row for row in head.rows(place.delimiter, place.header + 1) if len(row) == len(names)] if strange else []
    found = []
    for at, name in strange:
        cells = [cell for row in rows if (cell := unnumbered(bare_name(row[at])).strip())]
        amounts = [cell for cell in cells if _AMOUNT.fullmatch(cell) and not _DAY.fullmatch(cell)]
        if len(amounts) == len(cells) and any(re.search(r"[1-9].*[.,]\d|[.,]\d?[1-9]", cell) for cell in amounts):
            found.append(name)
    return tuple(found)


def best(document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head]) -> tuple[Place, Head] | None:
    """The place of the specification with a preamble, else with the longest header, else with most of the names; of several the first."""
    found: tuple[tuple[bool, int, int, int], Place, Head] | None = None
    ranked = [((bool(spec.recognise.preamble), len(spec.recognise.header)), -n, spec) for n, spec in enumerate(specs.values())]
    for sure, order, spec in sorted(ranked, key=lambda entry: entry[0], reverse=True):
        if found is not None and sure < found[0][:2]:
            break
        for head in heads[:1] if spec.reader == "json" else heads:
            place = _fit(document, spec, head) if head.may_be(spec) else None
            if place is not None:
                known = names_of(spec)
                rank = (*sure, len(known & {normalised(name) for name in place.names}), order)
                again = found is not None and rank == found[0]  # under another encoding
                if found is None or rank > found[0] or (again and _in_order(document, [found[2], head])[0] is head):
                    found = (rank, place, head)
                special = {normalised(name) for name in place.names if not name.isascii()}
                if special and special <= known:
                    break  # so many letters are right in one encoding alone
    return (found[1], found[2]) if found else None


def _in_order(document: Document, heads: Sequence[Head]) -> list[Head]:
    """Heads by how likely their encodings are; to tell that takes longer than most of what is asked of a head."""
    by_encoding = {head.encoding or "": head for head in heads}
    return [by_encoding[name] for name in likely(document.head, list(by_encoding))] if len(heads) > 1 else list(heads)


def unknown(document: Document, specs: Mapping[str, SourceSpec], heads: Sequence[Head]) -> RefusedFile:
    """Why no specification fits: the nearest one where it is near, and the header that seems to be there."""
    hints = [hint for spec in specs.values() for head in heads if head.may_be(spec) and (hint := _near(document, spec, head, specs))]
    close = max(hints, key=lambda hint: hint[0], default=None)
    words = f"; closest is {close[1]}" if close and close[0] >= NEAR else ""
    legible = [head for head in heads if "\ufffd" not in head.text]
    names = (legible or heads)[0].likely_header() if heads else []
    if sum(ROW_CELL.fullmatch(name) is not None for name in names) > 1:
        words = f"; it seems to have no header line, as its widest line is a row: {', '.join(names[:8])}"
    elif not words and names:
        words = f"; its header seems to be {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
    if not words and legible and sum(bool(_SET_APART.search(line)) for line in legible[0].lines[:_LOOKED_AT]) > 1:
        words = "; its columns seem to be set apart by blanks, and nothing tells where a cell ends"
    return RefusedFile(
        f"no source specification fits the content{words}",
        advice="`duizhang source new FILE` proposes a specification; or check that this is the file you meant.")


def _by_words(place: Place, head: Head) -> tuple[str, ...]:
    """The names, where a column that is known by what stands in it gets the name that the specification has for it."""
    names = list(place.names)
    for field, column in place.spec.fields.items():
        if not column.by_words or names_by_field(place.spec)[field] & {normalised(n) for n in names}:
            continue
        words = {word.casefold() for word in (column.values or {})}
        rows = [row for row in head.rows(place.delimiter, place.header + 1) if len(row) == len(names)]
        nothing = {null.casefold() for null in place.spec.nulls}
        taken = frozenset[str]().union(*(known for other, known in names_by_field(place.spec).items() if other != field)) - {""}
        for at, name in enumerate(names):
            cells = {bare_name(row[at]).strip().casefold() for row in rows}
            if not name and "" in cells:
                continue  # what has neither a name nor a word in every row may be a remark
            cells -= {""}
            if cells - nothing and cells <= words and normalised(name) not in taken:
                names[at] = column.column
                break
    return tuple(names)


def _positional(spec: SourceSpec, head: Head) -> tuple[str, ...]:
    """Names by position for a file without a header line; as many as its first line has cells."""
    by_position = {position: name for name, position in spec.positions.items()}
    width = max(len(split_line(head.lines[0], spec.delimiter)), *(p + 1 for p in by_position)) if by_position else 0
    return tuple(by_position.get(n, "") for n in range(width))


def _heads(document: Document, lines: int) -> list[Head]:
    if document.kind == "sheet":
        rows = list(islice(sheet_rows(document), lines))
        return [Head(["\t".join(row) for row in rows], None, rows)]
    if document.kind == "parquet":
        try:
            with document.open() as stream:
                names = pq.ParquetFile(stream).schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise RefusedFile(f"not a readable Parquet file: {error}", advice="Write it again.") from error
        return [Head(["\t".join(names)], None, [names])]
    return [Head(head_lines(document, encoding, lines), encoding) for encoding in plausible(document.head)]


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
    wanted, unwanted = _header(rules.header), frozenset().union(*_header(rules.without))
    for delimiter in _delimiters(document, spec):
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
                    names, told = _header_currency(spec, names, above, head.below(index, delimiter))
                    above = (*above, *told)
                return Place(spec, encoding, index, delimiter, names, above)
    return None


def _header_currency(
    spec: SourceSpec, header: Sequence[str], above: Sequence[str], rows: Sequence[Sequence[str]],
) -> tuple[tuple[str, ...], list[str]]:
    """(the names of a header without a currency in them, what is told as if it stood above: the currency that they, the lines above or the
    cells state, else the signs that the cells have)."""
    apart = list(map(without_currency, header))
    names = unique_names([name for name, _ in apart])
    # of two columns of one name the first is read
    stated = {c for (_, c), name in zip(apart, names, strict=True) if c and not _AGAIN.search(name)} or currencies_above(above)
    if not stated:
        names, stated = _with_currency(spec, names, rows)
    if stated:
        return names, [f"currency of the header: {'/'.join(sorted(stated))}"]
    signs = _signs(header, rows)
    return names, [f"{SIGN}{signs}"] if signs else []


def _near(document: Document, spec: SourceSpec, head: Head, specs: Mapping[str, SourceSpec]) -> tuple[float, str] | None:
    """How near a table's spec came that does not fit: (share of its columns, words). A name that many specifications have
    tells little, one of its own much."""
    rules = spec.recognise
    if spec.reader != "table" or spec.positions:
        return None
    if rules.preamble and not re.search(rules.preamble, head.text, re.MULTILINE):
        return None
    if rules.unlike and (other := re.search(rules.unlike, head.text)):
        return 0, f"{spec.name}, but {other.group(0).strip()!r} above its columns tells another kind of file"
    hint: tuple[float, str] | None = None
    header = dict.fromkeys(zip(_header(rules.header), rules.header, strict=True))
    commonness = _commonness(tuple(other.recognise.header for other in specs.values()))
    weights = [max(1 / commonness[name] for name in names) for names, _ in header]
    wanted = [frozenset(map(_unaccented, names)) for names, _ in header]
    for delimiter in _delimiters(document, spec):
        for at, (keys, bare) in enumerate(head.unaccented(delimiter, bare=spec.header_currency)):
            hits = [not bare.isdisjoint(names) for names in wanted]
            share = sum(w for w, hit in zip(weights, hits, strict=True) if hit) / sum(weights)
            # a file without half of the columns is another kind, however rare the names are that it has
            if sum(hits) > 1 and 2 * sum(hits) >= len(hits) and (hint is None or share > hint[0]):
                missing = [_alternatives(name) for (_, name), hit in zip(header, hits, strict=True) if not hit]
                barring = [name for name in rules.without if not _header((name,))[0].isdisjoint(keys)]
                if rules.without_like:
                    barring += [name for name in head.names(at, delimiter) if re.search(rules.without_like, name) and name not in barring]
                if not missing and not barring:  # a name stands there without its accents
                    missing = [_alternatives(name) for names, name in header if bare.isdisjoint(names)]
                lacking = (
                    f"without the columns {', '.join(dict.fromkeys(missing))}" if missing
                    else f"but with {', '.join(barring)}, which that kind does not have")
                hint = (share, f"{spec.name}, {lacking}")
    return hint


@cache
def _commonness(headers: tuple[tuple[str, ...], ...]) -> Counter[str]:
    """How many specifications have a column of this name in their header."""
    return Counter(name for header in headers for name in frozenset().union(*_header(header)))


def _unaccented(name: str) -> str:
    return "".join(ch for ch in unicodedata.normalize("NFKD", name) if not unicodedata.combining(ch))


def _alternatives(column: str) -> str:
    names = column.split("|")
    return names[0] if len(names) < 4 else f"one of {', '.join(names[:4])} ..."


def _delimiters(document: Document, spec: SourceSpec) -> tuple[str, ...]:
    return tuple(dict.fromkeys((spec.delimiter, *DELIMITERS))) if document.kind == "text" else (",",)
