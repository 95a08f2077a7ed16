"""What a source specification may say: one YAML file a kind of raw file, checked against this closed model."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from duizhang.declared.schema import INSTANT, MONEY, RATE, REFERENCE, TABLES, TEXT
from duizhang.errors import SpecError
from duizhang.layout import SOURCES, WORDS
from duizhang.shipped_yaml import load_shipped
from duizhang.yaml_reading import load_yaml

ENGINE_VERSION = "10"  # raise it when the same bytes and spec are to be read differently

FIELD_TYPES = {"id": TEXT, "text": TEXT, "money": MONEY, "number": MONEY, "rate": RATE, "time": INSTANT}
NUMBERS = ("money", "number", "rate")
# beside UTF-16, which tells itself
Encoding = Literal[
    "utf-8", "gb18030", "cp1252", "cp932", "cp1250", "cp1251", "cp1254", "cp1257", "cp949", "cp950", "cp1253", "cp874", "cp1255", "cp1256",
    "euc_jp", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp850", "mac_roman", "iso8859_2", "cp852", "cp857", "cp737"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d",
)


# behind the name of a reference: the field of the words that it is taken out of; behind that of the other party: the field of its name
OF_REFERENCE = "_words"
OF_PARTY = "_party"
_FIELD = re.compile(r"<(\w+)>")


@cache
def word_list(name: str) -> dict[str, str]:
    """A list of values that several specifications share. Raises ValueError where there is none of that name."""
    path = WORDS / f"{name}.yaml"
    if not path.is_file():
        raise ValueError(f"there is no list of words {name!r}; known: {', '.join(sorted(p.stem for p in WORDS.glob('*.yaml')))}")
    found: dict[str, str] = {}
    for kind, words in load_yaml(path.read_text(encoding="utf-8")).items():
        for word in words:
            if found.setdefault(str(word), kind) != kind:
                raise ValueError(f"{path.name}: {word!r} stands under {found[str(word)]} and {kind}")
    return found


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recognise(_Closed):
    """How the content tells its kind, never the name.

    preamble: a regex (multiline) over the first lines. header: columns that must all stand in one line; `a|b` means either name,
    `<amount>` any name of the field `amount`. without: columns that must not; without_like: a regex for names of such. unlike: a regex
    (multiline) over the first lines that tells another kind of file with the same columns, such as a ledger report beside a bank
    statement.
    """

    preamble: str | None = None
    header: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    without_like: str | None = None
    unlike: str | None = None


class Column(_Closed):
    """A typed field read from one raw column (`also`: other names that it has had).

    Steps, in this order: the cell without blanks, back-ticks, apostrophes and `="..."` around it; `join`: the cells of these
    columns (`<amount>`: of those of the field `amount`) behind it, with a blank between; `nulls` of the spec become empty;
    `strip`: what this regex matches is left out; `replace`: text -> text, in this order; `extract`: the first group of this
    regex; `template`: text around {value}, or in its place, with {captures}; `default` where empty; then `type`:
    id (text that names something; a dash, N/A, 无 and the like name nothing, of an order or payment 0 neither; digits lost to a
    spreadsheet are rejected), text, money, number, rate (up to eight decimals), time.
    values: raw value -> value; what is not listed is `otherwise`, or quarantined by its name where that is missing. because: why a
    value that nobody has listed may be `otherwise` although the field decides what an amount is.
    words: lists of values (assets/words/<name>.yaml) that stand in several specifications; what `values` says goes before them.
    fold: values are compared without case. by_words: where no column has one of the names, one of which all cells are such
    values is it. constant: names that only count while all rows agree (an IBAN that varies is the other party's); unless: not
    where one of these columns is there too.
    unlike: a name does not count while all of its cells look like this (regex): Valuta is a currency here, a day there.
    excused_by: the fields of which any says of a row why it does not have what is required of it, as one that waits has no day.
    required_with: required where one of these fields says something: a line of text that goes on needs no day.
    sign_by (money): the fields of which any tells whether an amount is money in or out. Where no amount has a sign, none of them says
    anything, and the books (`readings`, amounts) do not either, the file is refused; so a card's statement of which most amounts
    are positive.
    pays_card (money): the field that says of a row that a card was paid off; where such a row has a sign and most others do not, the
    statement is a card's.
    one_way (money): the column is of money out, or of money in, whatever its signs: where all amounts are negative they are what moved.
    Where some are, these are reversed; the running balance tells whether that is so, or whether it is the others.
    formats (time): strptime patterns; `%z` reads an offset; also `epoch` (seconds) and `excel` (serial day).
    beside (money): the field of an amount that this charge is part of or stands beside. The running balance tells which, else the
    books (`readings`, fees), else the file is refused; the value is what it moves besides the amount, 0 where that has it in it.
    zone (time): IANA name; zone_field: a field whose value is one. Default: the spec's zone, else that of the books.
    """

    column: str
    also: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    type: Literal["id", "text", "money", "number", "rate", "time"] = "text"
    required: bool = False
    required_with: tuple[str, ...] = ()
    excused_by: tuple[str, ...] = ()
    one_way: bool = False
    optional_column: bool = False
    default: str | None = None
    strip: str | None = None
    replace: dict[str, str] = {}
    extract: str | None = None
    template: str | None = None
    words: tuple[str, ...] = ()
    values: dict[str, str] | None = None
    otherwise: str | None = None
    because: str = ""
    fold: bool = False
    by_words: bool = False
    constant: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    unlike: str = ""
    sign_by: tuple[str, ...] = ()
    pays_card: str = ""
    formats: tuple[str, ...] = ()
    beside: str = ""
    zone: str | None = None
    zone_field: str | None = None
    personal: bool = False

    def __hash__(self) -> int:
        return hash(self.column)

    @model_validator(mode="before")
    @classmethod
    def _listed_words(cls, data: Any) -> Any:
        """The values of the lists that a column names, with its own before them."""
        if not isinstance(data, dict) or not data.get("words"):
            return data
        listed: dict[str, str] = {}
        for name in data["words"]:
            listed |= word_list(name)
        return {**data, "values": listed | (data.get("values") or {})}

    @model_validator(mode="after")
    def _pseudonym_is_text(self) -> Column:
        if self.personal and self.type not in ("id", "text"):
            raise ValueError(f"a personal field is kept as a pseudonym, so its type is id or text, not {self.type}")
        return self


class Table(_Closed):
    """What the rows give to one canonical table: SQL expressions over the fields, for the rows where `where` holds.

    Beside every time field `x` (UTC) stands its business day `x_day`. `minor(amount, currency)` turns an amount in the
    currency's smallest unit into one in whole units. An expression sees one row; there are no windows. A row for which `kind`, a
    `case` without `else`, comes to null is quarantined by the words that the expression reads.
    of: `totals` reads the line that carries the file's totals (`totals_row`) instead of the rows.
    """

    table: str
    of: Literal["rows", "totals"] = "rows"
    where: str = "true"
    columns: dict[str, str]

    @model_validator(mode="after")
    def _known(self) -> Table:
        if self.table not in TABLES:
            raise ValueError(f"unknown table {self.table!r}; expected one of {', '.join(TABLES)}")
        unknown = set(self.columns) - set(TABLES[self.table].names)
        if unknown:
            raise ValueError(f"table {self.table} has no columns {sorted(unknown)}")
        return self


class Total(_Closed):
    """A total that the file states and that is recomputed from its rows.

    Stated by a line around the rows (`footer`: regex, first group; `every`: the sum over all lines that match), by a
    column of the second table or of the line that carries the file's totals (`summary`), by the rule itself (`equals`,
    such as 0 for rows that must net out), or on every row of a group (`each`: the field that names the group, such as an
    invoice; `stated`: the field that repeats the group's total). computed: SQL made of sum() and count() over the fields.
    optional: the file may leave it out; `zero`: where the rows give nothing to it; `told`: with all others, which is said.
    """

    name: str
    footer: str | None = None
    every: bool = False
    summary: str | None = None
    equals: str | None = None
    each: str | None = None
    stated: str | None = None
    computed: str
    optional: bool | Literal["zero", "told"] = False


class Running(_Closed):
    """The balance that stands after every row: what each row moves must lead from one balance to the next, in either order.

    after: the money field that states it; step: SQL over the fields (of Polars), what a row moves; by: the fields that name account and
    currency, each with a balance of its own; where: the rows that move it. A file in which all balances are 0 states none.
    """

    after: str = "balance"
    step: str
    by: tuple[str, ...] = ()
    where: str = "true"


class Sides(_Closed):
    """Debits and credits: a bank has money out as debit, a ledger of one's own money in; the running balance tells which a file is.

    debit, credit, amount: fields of money; words: fields whose values are D and C, which say of the amount what it is. ask: names of the
    column of debits by which nobody can take either for granted: where neither a balance nor what else stands in it tells, and the books
    (`readings`, sides) do not, the file is refused. tell: names that some ledgers have too: that they are read as a bank's is told where
    nothing tells, and what tells against it refuses the file. What else a balance tells: whether an amount with a minus beside a side is
    a reversal (in red) of that side.
    """

    debit: str = "debit"
    credit: str = "credit"
    amount: str = "amount"
    words: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()


class FillDown(_Closed):
    """Rows that leave out what the row above said: `columns` are filled from it while `by` (`a|b`: whichever is there) stays the same.

    Without `by` they are filled wherever all of them are empty.
    """

    by: str | None = None
    columns: tuple[str, ...]


class Repeats(_Closed):
    """Cells in which every row of a group (`by`; `a|b`: whichever is there) repeats what is the group's, such as the shipping of an
    order on each of its lines: they count on its first row, and are empty on the others.

    A row that says something else than the first is no row of such a file: it is quarantined by what both say.
    """

    by: str
    columns: tuple[str, ...]


class Cell(_Closed):
    """A capture out of the line that carries the file's totals."""

    cell: str


# columns that name a record
_RECORD_IDS = ("entry_id", "transaction_id", "refund_id", "payout_id", "order_id", "line_id")


class SourceSpec(_Closed):
    """One kind of raw file.

    reader: `table` reads delimited text and workbooks alike; `json` reads the objects below `records`; the others are
    small classes around a library (see duizhang/ingest/reading/readers.py). delimiter: the usual one; a header is also found
    behind a comma, tab, semicolon or bar. encodings: in the order of trial, after any byte order mark.
    ticked: every data cell begins with a back-tick and none is quoted. decimal: `auto` finds out from the file.
    positions: name -> 0-based position, for files that have no header line. Repeated column names get `#2`, `#3`.
    rows: regex; only lines whose first cell fits are rows. footer: regex; lines whose first cell fits are no rows. between: regex; nor
    are lines of one filled cell that fits: the number of a page, a month above its rows.
    summary: first column of a second table below the rows that holds the totals. totals_row: a column that is filled
    only in the line that carries the file's totals (not a row). absorbs: the column that a comma too many belongs to.
    heading: the name of a column that the file does not have: a line of which only the first cell is filled is no row, and its
    text stands in that column for the rows below it (ledgers that name the account once).
    ragged: rows may end early. overlap: `latest` where a newer file restates rows of an older one (by `grain`); else a row that several
    files have counts once, and one of which they state other amounts holds its day. grain, with `keep`: columns of tables that name a
    movement beside the id of its entry, where that has several.
    same_money: a word that the sources have in common which tell the same money of one shop (or bank account): on one day
    only one of them may give rows to a table, else the day is held.
    refund_ids: `provider` where the ids of its refunds are the provider's own, which our records of refunds and returns do not bear:
    then they are held against each other by the order.
    layout_from: how sure the layout is. real: the header of a real file; program: a program or its tests that read such
    files; published: the platform's or the standard's own description; sketch: reported without a file; own: this
    project's own layout; unknown: nobody has said (no shipped specification may leave it so). layout_source: the program (a
    repository, and a path where one is known), file or page that the columns, signs and values were taken from.
    unread: columns of money that are known and not read, as they are parts or repetitions of others; any other column of money
    that no field reads is told.
    header_currency: a currency behind a column's name, as in `Amount (EUR)`, is no part of it, and the line `currency of the
    header: EUR` stands for it among those above the rows, `CHF/EUR` where there are several.
    stated_around: what lines above and below the rows state of them in words is held: balances before and after them, what came in and
    went out, how many they are.
    currency: of all rows that name none, where every file of this kind is in one.
    balance: the running balance, where the file has one: a control total of every row.
    sides: debits and credits that may be those of a bank or of a ledger of one's own.
    like: the name of a shipped specification that this one differs from in what it says itself; of a field with another column none of the
    names of that one's (also, join) are kept, but for those that name a field (`<amount>`).
    doc: what a user should know: where to download it, its signs and quirks (docs/sources.md shows it).
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+_[a-z0-9_]+$")]
    title: str
    like: str = ""
    layout_from: Literal["real", "program", "published", "sketch", "own", "unknown"] = "unknown"
    layout_source: str = ""
    doc: str = ""
    reader: Literal["table", "json", "mt940", "camt", "ofx", "bai2"] = "table"
    records: str = ""
    delimiter: str = ","
    encodings: tuple[Encoding, ...] = ("utf-8", "gb18030")
    ticked: bool = False
    decimal: Literal[".", ",", "auto"] = "."
    zone: str | None = None
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    recognise: Recognise
    positions: dict[str, int] = {}
    rows: str | None = None
    footer: str | None = None
    between: str | None = None
    summary: str | None = None
    totals_row: str | None = None
    fill_down: FillDown | None = None
    repeats: Repeats | None = None
    heading: str = ""
    absorbs: str | None = None
    ragged: bool = False
    unread: tuple[str, ...] = ()
    header_currency: bool = False
    stated_around: bool = False
    captures: dict[str, str | Cell] = {}
    nulls: tuple[str, ...] = ()
    same_money: str = ""
    refund_ids: Literal["shared", "provider"] = "shared"
    overlap: Literal["keep", "latest"] = "keep"
    grain: tuple[str, ...] = ()
    fields: dict[str, Column] = {}
    tables: tuple[Table, ...] = ()
    totals: tuple[Total, ...] = ()
    balance: Running | None = None
    sides: Sides | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_of_fields(cls, data: Any) -> Any:
        """`<field>` in a header or a join stands for all names of that field's column."""
        fields = data.get("fields") if isinstance(data, dict) else None
        if not isinstance(fields, dict):
            return data
        if data.get("header_currency"):
            data = _also_without_accents(data)
            fields = data["fields"]

        def names(match: re.Match[str]) -> str:
            field = fields.get(match[1])
            if not isinstance(field, dict):
                raise ValueError(f"<{match[1]}> is no field")
            return "|".join([field.get("column", ""), *field.get("also", ())])

        def expanded(columns: Any) -> Any:
            return [_FIELD.sub(names, column) if isinstance(column, str) else column for column in columns]

        recognise = data.get("recognise")
        if isinstance(recognise, dict) and "header" in recognise:
            data = {**data, "recognise": {**recognise, "header": expanded(recognise["header"])}}
        joined = {
            key: {**field, "join": [name for column in expanded(field["join"]) for name in str(column).split("|")]}
            for key, field in fields.items() if isinstance(field, dict) and "join" in field}
        return {**data, "fields": {**fields, **joined}} if joined else data

    @model_validator(mode="after")
    def _words_of_references(self) -> SourceSpec:
        """What a bank line's reference is taken out of is of its remark: an id in it may be of a form that nobody has listed.
        So is what the name of the other party says of a provider."""
        for table in (t for t in self.tables if t.table == "bank_entries"):
            remark = table.columns.get("remark", "")
            reads = {self.fields[name].column for name in re.findall(r"\w+", remark) if name in self.fields}
            words: dict[str, Column] = {}
            for name in re.findall(r"\w+", table.columns.get("reference", "")):
                field = self.fields.get(name)
                unread = [c for c in (field.column, *field.join) if c not in reads] if field and field.extract else []
                if field and unread:
                    first, *others = unread
                    also = field.also if first == field.column else ()
                    words[f"{name}{OF_REFERENCE}"] = field.model_copy(update={
                        "type": "text", "extract": None, "column": first, "also": also, "join": tuple(others),
                        "optional_column": field.optional_column or first != field.column})
                    reads |= {*unread}
            # the other party may be a provider by its name, of which nothing else is kept
            for name in re.findall(r"\w+", table.columns.get("counterparty", "")):
                field = self.fields.get(name)
                if field and field.personal and field.extract is None and not {field.column, *field.join} <= reads:
                    words[f"{name}{OF_PARTY}"] = field.model_copy(update={"type": "text", "personal": False})
            self.fields.update(words)
            if words:
                said = [f"nullif({part}, '')" for part in ([remark] if remark else []) + list(words)]
                table.columns["remark"] = f"concat_ws(' ', {', '.join(said)})"
        return self

    @model_validator(mode="after")
    def _balance_is_money(self) -> SourceSpec:
        rule = self.balance
        if rule is not None and (rule.after not in self.fields or self.fields[rule.after].type != "money"):
            raise ValueError(f"balance.after: {rule.after!r} is no field of type money")
        return self

    @model_validator(mode="after")
    def _fields_have_names_of_their_own(self) -> SourceSpec:
        if taken := sorted({"file", "line"} & self.fields.keys()):
            raise ValueError(f"fields: {', '.join(taken)} already names where a row stands")
        return self

    @model_validator(mode="after")
    def _known_by_what_they_say(self) -> SourceSpec:
        """The line of a row is another one in the next download: by it a newer file would repeat rows and never take their place."""
        for table in self.tables if self.overlap == "latest" else ():
            for column in self.grain_of(table.table):
                if re.search(r"\bline\b", table.columns.get(column, "")):
                    raise ValueError(f"overlap: latest knows rows of {table.table} by {column}, which is made of their line; leave it out")
        return self

    def grain_of(self, table: str) -> tuple[str, ...]:
        """By what columns of a table a newer file repeats records of older ones: those of `grain`; where they name no record there, as
        of tables that do not have them, the table's own ids and time as well."""
        known = TABLES[table].names
        grain = tuple(name for name in self.grain if name in known)
        if any(name in _RECORD_IDS for name in grain) or len(grain) == len(self.grain):
            return grain
        return grain + tuple(name for name in (*_RECORD_IDS, "sku", "occurred_at") if name in known and name not in grain)

    def __hash__(self) -> int:
        """What is compiled of a specification is kept by it."""
        return hash(self.name)

    @property
    def is_reference(self) -> bool:
        """Whether all its rows are of what holds from a day on."""
        return bool(self.tables) and all(table.table in REFERENCE for table in self.tables)

    def digest(self) -> str:
        """SHA-256 of the spec and the engine's version: what landed rows depend on besides the bytes."""
        said = self.model_dump(mode="json", exclude={"layout_source"})  # where it is from changes nothing that is read
        text = json.dumps([ENGINE_VERSION, said], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


_QUOTES = "\"'`\u2019"
_NO_ACCENTS = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "ß": "ss"})


def _also_without_accents(data: dict[str, Any]) -> dict[str, Any]:
    """What a specification says, with every name of a column and of a side also as it is without accents: programs lose them."""
    def both(names: Any) -> list[str]:
        return list(dict.fromkeys([*names, *map(_plain, names)]))

    fields = {
        key: {**field, "also": [name for name in both([field.get("column", ""), *field.get("also", ())]) if name != field.get("column")]}
        for key, field in data["fields"].items()}
    sides = data.get("sides")
    said = {**sides, **{key: both(sides[key]) for key in ("ask", "tell") if key in sides}} if isinstance(sides, dict) else sides
    recognise = {**data["recognise"], "without": both(data["recognise"].get("without", ()))}
    return {**data, "fields": fields, "recognise": recognise, **({"sides": said} if sides else {})}


def _plain(name: str) -> str:
    """A name without its accents."""
    parts = unicodedata.normalize("NFD", name.translate(_NO_ACCENTS))
    return unicodedata.normalize("NFC", "".join(part for part in parts if not "\u0300" <= part <= "\u036f"))


_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")


# what has no width: marks of byte order, of where a word may break, of the direction of text
_UNSEEN = dict.fromkeys((0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xAD))


@lru_cache(maxsize=1 << 16)
def normalised(name: str) -> str:
    """A column name without what drifts: width of letters and brackets, blanks, what has no width, tabs, underscores, hyphens between
    letters, quotes, back-ticks, case."""
    text = name if name.isascii() else unicodedata.normalize("NFKC", name.translate(_UNSEEN))
    text = "".join(text.casefold().replace("_", "").split())
    for mark in _QUOTES:  # `translate` would go character by character
        text = text.replace(mark, "")
    return _HYPHEN.sub("", text) if "-" in text else text


def load_spec(path: Path) -> SourceSpec:
    """One specification. Raises SpecError naming the file and the place."""
    try:
        return _validated(path, load_yaml(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name} is not valid YAML: {error}") from error


def _validated(path: Path, raw: Any) -> SourceSpec:
    try:
        return SourceSpec.model_validate(_whole(raw))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise SpecError(f"{path.name}: {problems}") from error


def _whole(raw: Any) -> Any:
    """What a specification says, with what the one that it is like says besides."""
    if not isinstance(raw, dict) or not raw.get("like"):
        return raw
    base = _bases().get(raw["like"])
    if base is None:
        raise SpecError(f"{raw.get('name')}: it is like {raw['like']!r}, which no shipped specification is")
    return _merged(base, raw)


@cache
def _written() -> list[tuple[Path, Any]]:
    """The shipped specifications as they are written, each with its file. Raises SpecError naming the file and the place."""
    paths = sorted(SOURCES.rglob("*.yaml"))
    try:
        return list(zip(paths, load_shipped(*paths), strict=True))
    except (yaml.YAMLError, UnicodeDecodeError):
        for path in paths:
            load_spec(path)
        raise


@cache
def _bases() -> dict[str, Any]:
    """What the shipped specifications say, by name."""
    return {said["name"]: said for _, said in _written() if isinstance(said, dict) and "name" in said}


def _merged(base: Any, own: Any) -> Any:
    """`own`, and of `base` what `own` does not say, key by key."""
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    if "column" in own:
        base = {key: value for key, value in base.items() if key != "also" and (key != "join" or all(_FIELD.fullmatch(c) for c in value))}
    return {**base, **{key: _merged(base.get(key), value) for key, value in own.items()}}


def load_specs(own: Path | None = None) -> dict[str, SourceSpec]:
    """All specifications by name, in order of their names. Raises SpecError naming the file and the place.

    own: a folder with specifications of the user's; one that has the name of a shipped one stands in its place.
    """
    if own is None or not own.is_dir():
        return _shipped()
    return dict(sorted({**_shipped(), **_by_name((path, load_spec(path)) for path in sorted(own.rglob("*.yaml")))}.items()))


@cache
def _shipped() -> dict[str, SourceSpec]:
    return _by_name((path, _validated(path, said)) for path, said in _written())


def _by_name(specs: Iterable[tuple[Path, SourceSpec]]) -> dict[str, SourceSpec]:
    """Specifications by name, in order of their names. Raises SpecError where two have one name."""
    found: dict[str, SourceSpec] = {}
    for path, spec in specs:
        if spec.name in found:
            raise SpecError(f"{path.name}: there are two specifications named {spec.name}")
        found[spec.name] = spec
    return dict(sorted(found.items()))
