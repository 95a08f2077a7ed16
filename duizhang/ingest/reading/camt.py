"""CAMT.053 statements and CAMT.054 notifications (ISO 20022), every version: a row is an `Ntry`.

Read as a stream of elements by defusedxml's expat parser: a document type or an entity is refused at once, and memory is
bounded by one entry. A library that gives rows out of any version and any size is not to be had: those at hand build the
whole tree, or know one version. Source: ISO 20022 message definitions camt.053.001.02, .04, .08 and camt.054.001.02, .04, .08.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO
from xml.sax import SAXException, handler

import defusedxml.expatreader
from defusedxml.common import DefusedXmlException

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import Document
from duizhang.ingest.reading.repeated import Statements
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Broken, Reading, Statement, batches_of
from duizhang.ingest.typing import shape

COLUMNS = (
    "account", "statement", "entry_id", "amount", "currency", "status", "reversal", "booked", "booked_at", "end_to_end_id",
    "remark", "counterparty", "transactions",
)
MAX_DEPTH = 64
MAX_ENTRY = 4 << 20  # characters of text in one entry; a batch of 10,000 payments has about a tenth of it
BLOCK = 1 << 18
_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,5})?$")


@dataclass
class _Entry:
    """The texts below one `Ntry`, by path; of a path that repeats, in order."""

    line: int
    texts: dict[str, list[str]] = field(default_factory=dict)
    currency: str = ""
    size: int = 0

    def first(self, *paths: str) -> str:
        return next((self.texts[path][0] for path in paths if path in self.texts), "")


@dataclass
class _Statement:
    """What a `Stmt` or `Ntfctn` states, and what its entries have given so far (booked ones signed)."""

    number: int
    id: str = ""
    account: str = ""
    currency: str = ""
    created: str = ""
    dated: str = ""  # the day of its closing balance, else of another one
    balances: dict[str, Decimal] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)  # of these balances
    summary: dict[str, str] = field(default_factory=dict)
    total: Decimal = Decimal(0)
    reversed: Decimal = Decimal(0)  # the part of the total that reverses other entries
    credits: list[Decimal] = field(default_factory=lambda: [Decimal(0), Decimal(0)])
    debits: list[Decimal] = field(default_factory=lambda: [Decimal(0), Decimal(0)])
    batched: list[int] = field(default_factory=lambda: [0, 0])
    entries: int = 0
    foreign: int = 0  # booked entries in another currency than that of the account


class _Handler(handler.ContentHandler):
    """Collects (kind, path below the statement, text, attributes, line) events; the caller takes them away."""

    def __init__(self, line: Callable[[], int]) -> None:
        super().__init__()
        self.line = line
        self.events: list[tuple[str, str, str, str, int]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._currency = ""
        self._base: int | None = None

    def startElement(self, name: str, attrs: Any) -> None:
        name = name.rpartition(":")[2]
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise RefusedFile(f"XML nested more than {MAX_DEPTH} deep", advice="Check where it comes from.")
        self._text = []
        self._currency = attrs.get("Ccy", "") if attrs else ""
        if name in ("Stmt", "Ntfctn") and self._base is None:
            self._base = len(self._path)
            self.events.append(("open", "", "", "", self.line()))
        elif name == "Ntry" and self._base == len(self._path) - 1:
            self.events.append(("entry", "", "", "", self.line()))

    def characters(self, content: str) -> None:
        self._text.append(content)

    def endElement(self, name: str) -> None:
        if self._base is not None:
            if len(self._path) == self._base:
                self.events.append(("close", "", "", "", 0))
                self._base = None
            else:
                path = "/".join(self._path[self._base:])
                self.events.append(("text", path, "".join(self._text).strip(), self._currency, 0))
        self._path.pop()
        self._text, self._currency = [], ""


def read_camt(document: Document, place: Place) -> Reading:
    """The entries of all statements; `stated` holds closing balances, sums and counts of entries, counts of batches."""
    broken: list[Broken] = []
    stated: list[tuple[str, str, str]] = []
    statements: list[Statement] = []
    rows = _rows(document, broken, stated, statements)
    return Reading(list(COLUMNS), "utf-8", batches_of(rows, len(COLUMNS), broken), stated=stated, statements=statements)


def _events(stream: BinaryIO) -> Iterator[tuple[str, str, str, str, int]]:
    parser = defusedxml.expatreader.create_parser(forbid_dtd=True)
    collected = _Handler(parser.getLineNumber)
    parser.setContentHandler(collected)
    try:
        while data := stream.read(BLOCK):
            parser.feed(data)
            yield from collected.events
            collected.events.clear()
        parser.close()
        yield from collected.events
    except DefusedXmlException as error:
        raise RefusedFile(
            "XML with a document type or entities, which no bank writes", advice="Check where it comes from."
        ) from error
    except (SAXException, ValueError, LookupError) as error:
        where = f" at line {parser.getLineNumber()}"
        raise RefusedFile(f"not readable as XML{where}: {error}", advice="Download the statement again.") from error


def _rows(
    document: Document, broken: list[Broken], stated: list[tuple[str, str, str]], statements: list[Statement]
) -> Iterator[tuple[int, Sequence[str]]]:
    statement, repeated = _Statement(0), Statements()
    balance: dict[str, str] = {}
    entry: _Entry | None = None
    last = 0
    with document.open() as stream:
        for kind, path, text, currency, line in _events(stream):
            if kind == "open":
                statement = _Statement(statement.number + 1)
            elif kind == "close":
                stated.extend(_stated(statement))
                stated.extend(repeated.end(statement.account, statement.id, *statement.balances.values()))
                statements.extend(filter(None, [_balances(statement)]))
            elif kind == "entry":
                # lines tell rows apart: where several entries share one, the number of the entry stands for it
                last = max(line, last + 1)
                entry = _Entry(last)
            elif entry is not None:
                if path == "Ntry":
                    row = _row(entry, statement)
                    if isinstance(row, str):
                        broken.append(Broken(entry.line, row))
                    else:
                        repeated.row(row)
                        yield entry.line, row
                    entry = None
                elif text:
                    entry.size += len(text)
                    if entry.size > MAX_ENTRY:
                        raise RefusedFile(f"the entry at line {entry.line} has more than {MAX_ENTRY:,} characters")
                    entry.texts.setdefault(path[5:], []).append(text)
                    if path == "Ntry/Amt":
                        entry.currency = currency
                    elif currency and path.endswith("/Amt"):
                        entry.texts.setdefault(f"{path[5:]}@Ccy", []).append(currency)
            elif path.startswith("Bal"):
                if path == "Bal":
                    _take_balance(statement, balance)
                    balance = {}
                elif text:
                    balance.setdefault(path[4:], text)
                    if path == "Bal/Amt":
                        statement.currency = statement.currency or currency
            else:
                _take(statement, path, text)
    if not statement.number:
        raise RefusedFile("there is no statement in it, as it has neither <Stmt> nor <Ntfctn>", advice="Download it again.")


def _take(statement: _Statement, path: str, text: str) -> None:
    if path == "Id":
        statement.id = text
    elif path in ("Acct/Id/IBAN", "Acct/Id/Othr/Id"):
        statement.account = statement.account or text
    elif path == "CreDtTm":
        statement.created = text
    elif path == "Acct/Ccy":
        statement.currency = text
    elif path.startswith("TxsSummry/") and text:
        statement.summary.setdefault(path[len("TxsSummry/"):], text)


def _take_balance(statement: _Statement, balance: dict[str, str]) -> None:
    code = balance.get("Tp/CdOrPrtry/Cd", "")
    if not code:
        return
    day = balance.get("Dt/Dt") or balance.get("Dt/DtTm", "")
    if day and (code.startswith("CLBD") or not statement.dated):
        statement.dated = day
    statement.days.setdefault(code, day)
    try:
        amount = _signed(balance.get("Amt", ""), balance.get("CdtDbtInd", "CRDT"))  # without a side it is what is there
    except ValueError:
        amount = Decimal("NaN")  # stated, but not as a number: nothing can equal it
    # of several opening balances the first counts, of closing ones the last
    if code.startswith("CL"):
        statement.balances[code] = amount
    else:
        statement.balances.setdefault(code, amount)


def _signed(amount: str, mark: str) -> Decimal:
    """An amount with the sign of its side. Raises ValueError saying what is wrong."""
    if not _AMOUNT.match(amount):
        raise ValueError(f"Amt {shape(amount)!r} is no amount; expected digits such as 1234.50")
    if mark not in ("CRDT", "DBIT"):
        raise ValueError(f"CdtDbtInd {shape(mark)!r} is neither CRDT nor DBIT")
    return Decimal(amount) if mark == "CRDT" else -Decimal(amount)


def _row(entry: _Entry, statement: _Statement) -> tuple[str, ...] | str:
    """The cells of an entry, or why it has none. CdtDbtInd is the side of this entry, also where it reverses another."""
    statement.entries += 1
    try:
        amount = _signed(entry.first("Amt"), entry.first("CdtDbtInd"))
    except ValueError as error:
        return str(error)
    # a notification may leave the dates of a booked entry to its own
    moment = _moment(entry.first("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm") or statement.dated or statement.created)
    if not any(moment):
        return "without BookgDt, ValDt and CreDtTm; expected a date"
    status = entry.first("Sts/Cd", "Sts/Prtry", "Sts") or "BOOK"
    if status == "BOOK":
        statement.total += amount
        statement.foreign += bool(entry.currency and statement.currency and entry.currency != statement.currency)
        if entry.first("RvslInd") in ("true", "1"):
            statement.reversed += amount
    side = statement.credits if amount >= 0 and entry.first("CdtDbtInd") == "CRDT" else statement.debits
    side[0] += 1
    side[1] += abs(amount)
    transactions = max((len(v) for p, v in entry.texts.items() if p.startswith("NtryDtls/TxDtls/") and p.endswith(_ONE)), default=0)
    batch = entry.first("NtryDtls/Btch/NbOfTxs")
    if batch.isdigit() and transactions > 1:
        statement.batched[0] += int(batch)
        statement.batched[1] += transactions
    details = "NtryDtls/TxDtls/"
    party = "Dbtr" if amount >= 0 else "Cdtr"
    remark = " ".join(
        dict.fromkeys(
            text
            for path in (f"{details}RmtInf/Ustrd", f"{details}RmtInf/Strd/CdtrRefInf/Ref", f"{details}AddtlTxInf", "AddtlNtryInf")
            for text in entry.texts.get(path, [])[:20]
        )
    )
    single = transactions <= 1
    return (
        statement.account, statement.id,
        entry.first("AcctSvcrRef") or _own_name(entry, statement), f"{amount:f}",
        entry.currency or statement.currency, status, entry.first("RvslInd"),
        *moment,
        entry.first(f"{details}Refs/EndToEndId") if single else "", remark,
        entry.first(f"{details}RltdPties/{party}/Nm", f"{details}RltdPties/{party}/Pty/Nm") if single else "",
        str(transactions),
    )


def _own_name(entry: _Entry, statement: _Statement) -> str:
    """What names an entry without the bank's reference: NtryRef, often a mere number, with the balance behind the entry, which is the
    same in every statement that has it; where no opening balance is stated, with the statement."""
    name = entry.first("NtryRef") or str(statement.entries)
    opening = statement.balances.get("OPBD", statement.balances.get("PRCD"))
    if opening is None or not opening.is_finite():
        return f"{statement.id}/{name}"
    return f"{entry.first('NtryRef')}/{opening + statement.total:f}"


_ONE = ("TxDtls/Amt", "TxDtls/AmtDtls/TxAmt/Amt")


def _moment(text: str) -> tuple[str, str]:
    """(day or clock time of the bank, time with its offset or ''); a day's zone and fractions are left out.

    The first is empty where the time is in UTC, as whose clock the bank goes by is not told then; midnight is a day in any case.
    """
    if re.match(r"\d{4}-\d\d-\d\d(Z|[+-]\d\d:\d\d)$", text):
        return text[:10], ""
    bare = re.sub(r"(\d\d:\d\d:\d\d)\.\d+", r"\1", text).replace("Z", "+00:00")
    found = re.fullmatch(r"(.*T(.*))([+-]\d\d:\d\d)", bare)
    if found is None:
        return bare, ""
    in_utc = found[3] in ("+00:00", "-00:00") and found[2] != "00:00:00"
    return "" if in_utc else found[1], bare


def _balances(statement: _Statement) -> Statement | None:
    """Its opening and its closing balance with their days; None where it does not state both."""
    first = next((code for code in ("OPBD", "PRCD") if code in statement.balances), "")
    return Statement.of(
        statement.account, statement.currency, statement.balances.get(first), statement.balances.get("CLBD"),
        lambda: [dt.date.fromisoformat(statement.days[code][:10]) for code in (first, "CLBD")])


def _stated(statement: _Statement) -> Iterator[tuple[str, str, str]]:
    name = statement.id or str(statement.number)
    opening = statement.balances.get("OPBD", statement.balances.get("PRCD"))
    closing = statement.balances.get("CLBD")
    if opening is not None and closing is not None:
        computed = opening + statement.total
        other = statement.reversed and computed - 2 * statement.reversed == closing
        words = ", which its rows give where reversals count the other way round" if computed != closing and other else ""
        yield f"closing balance {name}{words}", f"{closing:f}", f"{computed:f}"
    if statement.foreign:
        yield f"entries in another currency than their account {name}", "0", str(statement.foreign)
    sides = (
        ("TtlCdtNtries", "credits", statement.credits),
        ("TtlDbtNtries", "debits", statement.debits),
        ("TtlNtries", "entries", [a + b for a, b in zip(statement.credits, statement.debits, strict=True)]),
    )
    for path, words, (count, amount) in sides:
        for key, stated_as, computed in (("NbOfNtries", f"number of {words}", count), ("Sum", f"sum of {words}", amount)):
            if text := statement.summary.get(f"{path}/{key}"):
                # a sum of debits is unsigned; some banks sign it
                yield f"{stated_as} {name}", _number(text.removeprefix("-") if path == "TtlDbtNtries" else text), f"{computed:f}"
    net = statement.summary.get("TtlNtries/TtlNetNtry/Amt") or statement.summary.get("TtlNtries/TtlNetNtryAmt")
    if net:
        mark = statement.summary.get("TtlNtries/TtlNetNtry/CdtDbtInd") or statement.summary.get("TtlNtries/CdtDbtInd", "")
        computed = statement.credits[1] - statement.debits[1]
        yield f"net of entries {name}", _number(f"-{net}" if mark == "DBIT" else net), f"{computed:f}"
    if statement.batched[0]:
        yield f"transactions in batches {name}", str(statement.batched[0]), str(statement.batched[1])


def _number(text: str) -> str:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return "NaN"
