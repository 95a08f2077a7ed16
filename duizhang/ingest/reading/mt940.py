"""MT940 and MT942 customer statements: every :61: read by the mt-940 library; opening + lines = closing for every message.

The messages are walked here, line by line, because the library reads a file as a whole: one line that it cannot read costs
it the file, several messages run into one, and a line has no number. A :61: that it cannot read is a broken row.
Source: SWIFT MT940 customer statement message; tags :20:, :25:, :28C:, :34F:, :60F/M:, :61:, :86:, :62F/M:, :90D/C:, :NS:.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import mt940

from duizhang.ingest.opening import Document, text_lines
from duizhang.ingest.reading.repeated import Statements
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Broken, Reading, Statement, batches_of
from duizhang.ingest.typing import without_values

COLUMNS = ("account", "entry_id", "amount", "currency", "date", "remark", "statement", "counterparty", "end_to_end_id")

logging.getLogger("mt940").setLevel(logging.CRITICAL)  # what it cannot read is reported as a broken row

_TAG = re.compile(r":(\d\d[A-Z]?|NS):")
_KNOWN = {"13", "13D", "20", "21", "25", "25P", "28", "28C", "34F", "60", "60F", "60M", "61", "62", "62F", "62M", "64", "65",
          "86", "90", "90C", "90D", "NS"}
# The library stops at 15 characters of an amount and takes what follows for a reference: 1234.50 would be 1234.
_WHOLE_AMOUNT = re.compile(r"\d{6}(?:\d{4}|\s{4})?R?[DC][A-Z]?[\n ]?(\d+,?\d*|,\d+)(?=[A-Z\s]|$)", re.IGNORECASE)
# Some banks write no type of transaction behind the amount.
_NO_TYPE = re.compile(r"^(\d{6}(?:\d{4})?R?[DC][A-Z]?)(\d+,\d*)(?=//)", re.IGNORECASE)
# The same in a balance: what does not fit to the end is cut off without a word.
_WHOLE_BALANCE = re.compile(r"([DC]\d{6})([A-Z]{3}|)((?:\d+,?\d*|,\d+)$)", re.IGNORECASE)
_OPTIONS = mt940.options.Options.all()
_LINE_TAG = mt940.tags.StatementGLS()  # as the plain one, and takes references beyond 16 characters, which many banks send
_DETAILS_TAG = mt940.tags.TransactionDetails()
_BALANCE_TAG = mt940.tags.FinalOpeningBalance()
_AFTER_20 = re.compile(r":(?:21|25P?|28C?|52|NS|60|13)\b|:2[158]|$")  # what follows the reference of a message
_INTERIM = ("13", "13D", "34F", "90C", "90D")  # of an MT942, which has no closing balance
_SUM = re.compile(r"(\d*)([A-Z]{3})(\d+,?\d*)$")
_FULL = 60  # a line of :86: that is as long as this goes on in the next one without a blank
_NAME = re.compile(r"/NAME/([^/]+)")
_EREF = re.compile(r"(?:/EREF/([^/]+)|\bEREF\+([^?+]+))")


@dataclass
class _Entry:
    line: int
    value: list[str]
    details: list[str] = field(default_factory=list)


@dataclass
class _Message:
    """What a message states outside its lines. entries: how many lines it has had so far."""

    number: int
    tags: dict[str, str] = field(default_factory=dict)
    entries: int = 0

    def first(self, *tags: str) -> str:
        return next((self.tags[t] for t in tags if t in self.tags), "")

    @property
    def name(self) -> str:
        """Its reference and number, as :20: and :28C: say."""
        return "/".join(part for part in (self.first("20").strip(), self.first("28C", "28").strip()) if part)


@dataclass
class _Sums:
    """What the lines of a message gave: how many were met, and those that could be read, by side.

    place: (account, currency, name) of the message, once it is known; opening: its opening balance, where it states one.
    """

    entries: int = 0
    place: tuple[str, str, str] | None = None
    opening: Decimal | None = None
    context: mt940.models.Transactions = field(default_factory=lambda: mt940.models.Transactions(options=_OPTIONS))
    counts: dict[str, int] = field(default_factory=lambda: {"C": 0, "D": 0})
    amounts: dict[str, Decimal] = field(default_factory=lambda: {"C": Decimal(0), "D": Decimal(0)})


def read_mt940(document: Document, place: Place) -> Reading:
    """The statement lines of all messages of a document; `stated` holds the closing balance of each and its sums (:90:)."""
    broken: list[Broken] = []
    stated: list[tuple[str, str, str]] = []
    statements: list[Statement] = []
    rows = _rows(_walk(text_lines(document, place.encoding)), broken, stated, statements)
    return Reading(list(COLUMNS), place.encoding, batches_of(rows, len(COLUMNS), broken), stated=stated, statements=statements)


def _walk(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[_Message, _Entry | None]]:
    """Every :61: with its message as soon as it is complete, and (message, None) at the end of each message."""
    message = _Message(1)
    entry: _Entry | None = None
    into: list[str] | None = None
    for (number, raw), (_, below) in itertools.pairwise(itertools.chain(lines, [(0, "")])):
        line = raw.strip("\x01\x03\ufeff").rstrip()
        ended = line.startswith(("-}", "{1:")) or line == "-"
        found = None if ended else _TAG.match(line.lstrip())
        tag = found.group(1) if found else ""
        if tag == "20" and entry is not None and into is entry.details and not _AFTER_20.match(below.lstrip()):
            tag = ""  # an hour in the text
        if entry is not None and (ended or (tag in _KNOWN and tag not in ("86", "NS"))):
            yield message, entry
            entry = into = None
        if ended or tag == "20":
            if message.tags or message.entries:
                yield message, None
                message = _Message(message.number + 1)
            into = None
        if ended:
            if line.startswith("{1:") and "{4:" in line and (inner := _TAG.match(line.split("{4:", 1)[1])):
                message.tags[inner.group(1)] = line.split("{4:", 1)[1][inner.end():]
            continue
        if found is None or tag not in _KNOWN:
            if into is not None:
                into.append(line)
            continue
        value = line.lstrip()[found.end():]
        into = None
        if tag == "61":
            entry = _Entry(number, [value])
            into = entry.value
            message.entries += 1
        elif tag in ("86", "NS"):
            # behind the closing balance it is about the message as a whole
            if entry is not None:
                into = entry.details
                into.append(value)
        elif tag.startswith("62") or tag not in message.tags:
            # of repeated opening balances the first counts, of closing ones the last
            message.tags[tag] = value
    if entry is not None:
        yield message, entry
    if message.tags or message.entries:
        yield message, None


def _rows(
    walked: Iterable[tuple[_Message, _Entry | None]], broken: list[Broken], stated: list[tuple[str, str, str]],
    statements: list[Statement],
) -> Iterator[tuple[int, Sequence[str]]]:
    waiting: list[_Entry] = []
    sums, repeated = _Sums(), Statements()
    page: tuple[str, Decimal | None] = "", None  # of the message before: its account and the balance that it carries forward
    for message, entry in walked:
        if entry is not None:
            waiting.append(entry)
        # the opening balance or the floor limit tells the currency; where there is none, the closing balance does
        if entry is None or message.first("60F", "60M", "60", "34F"):
            for line, row in _read(message, waiting, sums, broken):
                repeated.row(row)
                yield line, row
            waiting = []
        if entry is None:
            stated.extend(_stated(message, sums))
            account, name = sums.place[0] if sums.place else "", message.name or str(message.number)
            brought, carried, closing = (_balance(message.first(*tags))[0] for tags in (("60M",), ("62M",), ("62F", "62M", "62")))
            if brought is not None and page[1] is not None and page[0] == account:
                stated.append((f"balance brought forward to {name}", f"{brought:f}", f"{page[1]:f}"))
            page = account, carried
            statements.extend(filter(None, [_statement(message, *sums.place[:2])] if sums.place else []))
            stated.extend(repeated.end(account, name, sums.opening, closing))
            sums = _Sums()


def _read(
    message: _Message, entries: Iterable[_Entry], sums: _Sums, broken: list[Broken]
) -> Iterator[tuple[int, Sequence[str]]]:
    if sums.place is None:
        currency = next(filter(None, (_balance(message.first(tag))[1] for tag in ("60F", "60M", "60", "62F", "62M", "62"))), "")
        sums.place = (*_account(message, currency), message.name)
        sums.opening = _balance(message.first("60F", "60M", "60"))[0]
    account, currency, statement = sums.place
    context = sums.context
    for entry in entries:
        sums.entries += 1
        try:
            found = _parse(context, entry)
        except Exception as error:  # the library tells of what it cannot read in many ways
            reason = without_values(str(error.args[0]))[:120] if error.args else type(error).__name__
            broken.append(
                Broken(entry.line, f"not a readable :61: line ({reason}); expected such as 2603010301C16,50NTRFREF//BANKREF"))
            continue
        amount = found["amount"].amount
        side = "C" if amount >= 0 else "D"
        sums.counts[side] += 1
        sums.amounts[side] += abs(amount)
        day = str(found.get("entry_date") or found["date"])
        remark = _remark(entry.details, str(found.get("extra_details") or ""))
        reference = str(found.get("bank_reference") or "").strip()
        yield entry.line, (
            account, reference if reference not in ("", "NONREF") else _without_reference(day, amount, sums, statement),
            f"{amount:f}", currency, day, remark, statement, *_parties(context, entry, remark),
        )


def _without_reference(day: str, amount: Decimal, sums: _Sums, statement: str) -> str:
    """What names a line that has no reference: the balance behind it, which is the same in every statement that has the line;
    where no opening balance is stated, its place in the statement."""
    if sums.opening is None or not sums.opening.is_finite():
        return f"{statement}/{sums.entries}"
    return f"{day}/{amount:f}/{sums.opening + sums.amounts['C'] - sums.amounts['D']:f}"


def _stated(message: _Message, sums: _Sums) -> Iterator[tuple[str, str, str]]:
    """The closing balance, and the sums and counts (:90:), of a message that states them."""
    name = message.name or message.number
    (opening, before), (closing, behind) = _balance(message.first("60F", "60M", "60")), _balance(message.first("62F", "62M", "62"))
    if before and behind and before != behind:
        yield f"currencies of the balances of {name}", "1", "2"
    if opening is not None and closing is not None:
        yield f"closing balance {name}", f"{closing:f}", f"{opening + sums.amounts['C'] - sums.amounts['D']:f}"
    elif closing is None and (opening is not None or not sums.entries) and not any(tag in message.tags for tag in _INTERIM):
        yield f":62F:, the closing balance, at the end of {name}", "1", "0"  # the file is cut
    for mark, words in (("C", "credits"), ("D", "debits")):
        if (given := _SUM.match(message.first(f"90{mark}").strip())) is not None:
            yield f"{words} {name}", _plain(given.group(3)), f"{sums.amounts[mark]:f}"
            if given.group(1):
                yield f"number of {words} {name}", given.group(1), str(sums.counts[mark])


def _parse(context: mt940.models.Transactions, entry: _Entry) -> dict[str, Any]:
    """The fields of a :61:. Raises what the library raises, ValueError where an amount would be cut."""
    first, *more = [line for line in entry.value if line.strip()] or [""]
    # supplementary details may be wrapped; the library knows one line of them
    value = "\n".join([first.strip(), " ".join(part.strip() for part in more)]).strip()
    value = _NO_TYPE.sub(r"\1\2NMSC", value)
    whole = _WHOLE_AMOUNT.match(value)
    if whole is None:
        raise ValueError("date, mark D, C, RD or RC, and amount do not stand at its beginning")
    parsed = _LINE_TAG.parse(context, value)
    if parsed["amount"] != whole.group(1):
        raise ValueError("the amount has more than 15 characters")
    return dict(_LINE_TAG(context, mt940.processors.date_fixup_pre_processor(context, _LINE_TAG, parsed)))


def _balance(text: str) -> tuple[Decimal | None, str]:
    """(signed amount, currency) of a balance; (None, '') where there is none."""
    if not text.strip():
        return None, ""
    context = mt940.models.Transactions(options=_OPTIONS)
    whole = _WHOLE_BALANCE.match(text.strip())
    if not whole:
        # stated, but not as a number: nothing can equal it, so the message does not tie
        return Decimal("NaN"), ""
    try:
        # some banks leave the currency out of a closing balance: XXX is ISO 4217 for none
        [balance] = _BALANCE_TAG(context, _BALANCE_TAG.parse(context, f"{whole[1]}{whole[2] or 'XXX'}{whole[3]}")).values()
        return balance.amount.amount, whole[2].upper()
    except Exception:  # the library tells of what it cannot read in many ways
        return Decimal("NaN"), ""


def _statement(message: _Message, account: str, currency: str) -> Statement | None:
    """The balances of a message with their days; None where it does not state both."""
    first, last = message.first("60F", "60M", "60").strip(), message.first("62F", "62M", "62").strip()
    (opening, _), (closing, _) = _balance(first), _balance(last)
    return Statement.of(account, currency, opening, closing, lambda: [
        dt.datetime.strptime(text[1:7], "%y%m%d").date() for text in (first, last)])  # noqa: DTZ007 - a day


def _account(message: _Message, currency: str) -> tuple[str, str]:
    """(account, currency): some banks write the currency behind the account number, MT942 in the floor limit."""
    account = message.first("25", "25P").strip()
    found = re.fullmatch(r"(.*\d)\s*([A-Z]{3})", account)
    if found and (not currency or found.group(2) == currency):
        return found.group(1), found.group(2)
    return account, currency or message.first("34F")[:3]


def _plain(text: str) -> str:
    return text.rstrip(",").replace(",", ".") or "0"


def _remark(details: Sequence[str], extra: str) -> str:
    """The text of a line's :86: and :NS:, unwrapped, without the numbers of its sub-fields (?20, >20)."""
    text = last = ""
    for line in details or [extra]:
        part = line.rstrip()
        if part.strip():
            # wrapped in the middle of a word, where the line is full or the sub-field goes on
            text += part if not text or structured(text) or len(last) >= _FULL else f" {part.strip()}"
            last = part
    return re.sub(r"[?>]\d\d", lambda m: " " if m.group(0)[1:] in ("00", "10", "20", "30", "31", "32") else "", text).strip()


def structured(text: str) -> bool:
    """Whether a :86: is made of numbered sub-fields."""
    return re.match(r"\d{3}[?>]\d\d", text) is not None


def _parties(context: mt940.models.Transactions, entry: _Entry, remark: str) -> tuple[str, str]:
    """(counterparty, end-to-end id) out of the structured details."""
    text = "\n".join(entry.details)
    if structured(text):
        details = {"transaction_details": text}
        try:
            given = mt940.processors.transaction_details_post_processor(context, _DETAILS_TAG, details, dict(details))
        except (LookupError, ValueError):  # keywords that the library does not know; the remark still holds them
            return "", ""
        return str(given.get("applicant_name") or ""), str(given.get("end_to_end_reference") or "")
    name, reference = _NAME.search(remark), _EREF.search(remark)
    return (
        name.group(1).strip() if name else "",
        next((part.strip() for part in reference.groups() if part), "") if reference else "",
    )
