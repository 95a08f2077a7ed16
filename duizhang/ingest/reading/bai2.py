"""BAI2 cash management files: a row is a 16 record; the control totals and record counts of 49, 98 and 99 are checked.

A class of its own: the one Python library for BAI2 calls itself not ready for production, holds the whole file, and refuses
it as a whole for one bad record. Source: Cash Management Balance Reporting Specifications, Version 2 (BAI).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from duizhang.ingest.opening import Document, text_lines
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Broken, Reading, batches_of
from duizhang.ingest.typing import shape

COLUMNS = ("account", "entry_id", "amount", "currency", "date", "type_code", "customer_reference", "remark")
# type codes: debits and credits; 890 tells something and moves no money
_CREDIT, _DEBIT, _WORDS = ((100, 399), (920, 959)), ((400, 699), (960, 999)), "890"
_CODES = ("01", "02", "03", "16", "49", "88", "98", "99")
_OPENING, _CLOSING = "010", "015"  # ledger balances
_UNDONE = {"2": "takes back what was sent", "4": "is a test"}  # of a group by its status: it takes back what was sent, or is none of it
_AMOUNT = re.compile(r"[+-]?\d{1,18}$")
# some banks write several records in one line
_NEXT = re.compile(r"/\s+(?=(?:02|03|16|49|88|98|99),)")


@dataclass
class _Record:
    """A record with its continuations (88): `text` as one list of fields, `physical` the number of records it took."""

    line: int
    code: str
    text: str
    ended: bool
    physical: int = 1


@dataclass
class _Sum:
    """The control total (minor units, algebraic), parts and records of an account, a group or the file. moved: what the rows of an
    account move; balances: its ledger balances by their codes."""

    name: str = ""
    total: int = 0
    parts: int = 0
    records: int = 0
    moved: int = 0
    balances: dict[str, int] = field(default_factory=dict)


@dataclass
class _State:
    stated: list[tuple[str, str, str]]
    broken: list[Broken]
    file: _Sum = field(default_factory=lambda: _Sum("file"))
    group: _Sum | None = None
    account: _Sum | None = None
    group_currency: str = ""
    number: str = ""
    currency: str = ""
    date: str = ""
    groups: int = 0
    row: int = 0
    finished: bool = False


def read_bai2(document: Document, place: Place) -> Reading:
    """The 16 records of a document, amounts signed, in the currency's smallest unit."""
    broken: list[Broken] = []
    stated: list[tuple[str, str, str]] = []
    rows = _rows(_records(text_lines(document, place.encoding), broken), _State(stated, broken))
    return Reading(list(COLUMNS), place.encoding, batches_of(rows, len(COLUMNS), broken), stated=stated)


def _records(lines: Iterable[tuple[int, str]], broken: list[Broken]) -> Iterator[_Record]:
    """Records with their 88 continuations joined. A line that is no record and goes on from none is broken."""
    current: _Record | None = None
    last = 0
    for number, raw in lines:
        for part in _NEXT.sub("/\n", raw.strip("\ufeff\x1a")).split("\n"):
            text = part.strip()
            if not text:
                continue
            last = max(number, last + 1)
            code = text[:2] if text[2:3] in (",", "/") else ""
            ended = text.endswith("/")
            body = text[3:].removesuffix("/")
            if code == "88" and current is not None:
                current.text += f"{',' if current.ended else ' '}{body}"
                current.physical += 1
                current.ended = ended
            elif code in _CODES and code != "88":
                if current is not None:
                    yield current
                current = _Record(last, code, body, ended)
            elif not code and current is not None and current.code == "16" and not current.ended:
                current.text += f" {text.removesuffix('/')}"
                current.ended = ended
            else:
                broken.append(Broken(last, f"no record of BAI2; expected one that begins with {', '.join(_CODES)} and a comma"))
    if current is not None:
        yield current


def _rows(records: Iterable[_Record], state: _State) -> Iterator[tuple[int, Sequence[str]]]:
    for record in records:
        for level in (state.file, state.group, state.account):
            if level is not None:
                level.records += record.physical
        fields = record.text.split(",")
        if record.code == "02":
            _unclosed(state, groups=True)
            state.groups += 1
            state.group = _Sum(f"group {state.groups}", records=record.physical)
            state.date, state.group_currency = _at(fields, 3), _at(fields, 5)
            if undone := _UNDONE.get(_at(fields, 2)):
                state.stated.append((f"group {state.groups}, which {undone}", "0", "1"))
        elif record.code == "03":
            _unclosed(state, groups=False)
            summaries = list(_summaries(fields[2:]))
            state.account = _Sum(
                f"{_at(fields, 0)} in group {state.groups}", sum(amount for _, amount in summaries), records=record.physical,
                balances=dict(reversed(summaries)))
            state.number = _at(fields, 0)
            state.currency, state.row = _at(fields, 1) or state.group_currency or "USD", 0
        elif record.code == "16":
            state.row += 1
            row = _row(fields, state) if state.account is not None else "a 16 record outside an account; expected a 03 record above it"
            if isinstance(row, str):
                state.broken.append(Broken(record.line, row))
            else:
                yield record.line, row
        elif record.code == "49":
            _close_account(fields, state)
        elif record.code == "98":
            _close_group(fields, state)
        elif record.code == "99":
            _unclosed(state, groups=True)
            _state_level(state, state.file, fields, "groups", state.file.parts)
            state.finished = True
    _unclosed(state, groups=True)
    if not state.finished:
        state.stated.append(("trailers 99 of the file", "1", "0"))


def _at(fields: Sequence[str], index: int) -> str:
    return fields[index].strip() if index < len(fields) else ""


def _row(fields: list[str], state: _State) -> tuple[str, ...] | str:
    """The cells of a 16 record, or why it has none; what it adds to the control total of its account."""
    account = state.account
    if account is None:
        return "no account"
    code, amount = _at(fields, 0), _at(fields, 1)
    if amount and not _AMOUNT.match(amount):
        return f"amount {shape(amount)!r} is none; expected digits in the smallest unit, without a point"
    account.total += int(amount or 0)
    number = int(code) if code.isdigit() and len(code) == 3 else 0
    if code == _WORDS:
        sign = 0
    elif any(low <= number <= high for low, high in _CREDIT):
        sign = 1
    elif any(low <= number <= high for low, high in _DEBIT):
        sign = -1
    else:
        return f"type code {shape(code)!r} is neither credit (1xx-3xx) nor debit (4xx-6xx)"
    account.moved += sign * int(amount or 0)
    rest = fields[2:]
    skip = _availability(rest)
    bank, customer = _at(rest, skip), _at(rest, skip + 1)
    entry = bank or f"{state.date}/{state.groups}/{state.row}"
    return (
        state.number, entry, str(sign * int(amount or 0)), state.currency, state.date, code, customer,
        ",".join(rest[skip + 2:]).strip(", "),
    )


def _availability(fields: Sequence[str], start: int = 0) -> int:
    """How many fields from `start` on the funds type and its availability take: S three amounts, V date and time, D n pairs."""
    kind = _at(fields, start)
    if kind == "S":
        return 4
    if kind == "V":
        return 3
    if kind == "D":
        pairs = _at(fields, start + 1)
        return 2 + 2 * int(pairs) if pairs.isdigit() and len(pairs) < 4 else 2
    return 1


def _summaries(fields: list[str]) -> Iterator[tuple[str, int]]:
    """The type codes and amounts of a 03 record: repeated (type code, amount, item count, funds type and availability)."""
    index = 0
    while index < len(fields):
        if not _at(fields, index):
            index += 1  # no type code: an empty summary, or a comma too many before a continuation
            continue
        amount = _at(fields, index + 1)
        if _AMOUNT.match(amount):
            yield _at(fields, index), int(amount)
        index += 3 + _availability(fields, index + 3)


def _close_account(fields: Sequence[str], state: _State) -> None:
    if state.account is None:
        state.stated.append(("accounts before a 49 record", "1", "0"))
        return
    _state_level(state, state.account, fields, "", 0)
    balances = state.account.balances
    if state.row and _OPENING in balances and _CLOSING in balances:
        state.stated.append(
            (f"closing balance {state.account.name}", str(balances[_CLOSING]), str(balances[_OPENING] + state.account.moved)))
    if state.group is not None:
        state.group.total += state.account.total
        state.group.parts += 1
    state.account = None


def _close_group(fields: Sequence[str], state: _State) -> None:
    _unclosed(state, groups=False)
    if state.group is None:
        state.stated.append(("groups before a 98 record", "1", "0"))
        return
    _state_level(state, state.group, fields, "accounts", state.group.parts)
    state.file.total += state.group.total
    state.file.parts += 1
    state.group = None


def _state_level(state: _State, level: _Sum, fields: Sequence[str], parts: str, count: int) -> None:
    """Take what a trailer states: control total, number of parts (not of an account), number of records."""
    if total := _at(fields, 0):
        state.stated.append((f"control total {level.name}", _number(total), str(level.total)))
    if parts and (stated := _at(fields, 1)):
        state.stated.append((f"{parts} of {level.name}", _number(stated), str(count)))
    if stated := _at(fields, 2 if parts else 1):
        state.stated.append((f"records of {level.name}", _number(stated), str(level.records)))


def _unclosed(state: _State, *, groups: bool) -> None:
    """An account or group that begins while another is open, or is open at the end, lacks its trailer."""
    if state.account is not None:
        state.stated.append((f"trailers 49 of {state.account.name}", "1", "0"))
        if state.group is not None:
            state.group.total += state.account.total
            state.group.parts += 1
        state.account = None
    if groups and state.group is not None:
        state.stated.append((f"trailers 98 of {state.group.name}", "1", "0"))
        state.file.total += state.group.total
        state.file.parts += 1
        state.group = None


def _number(text: str) -> str:
    """What a trailer states, also where it has a point that it should not have; whatever else it is ties to nothing."""
    return text if re.fullmatch(r"[-+]?\d+(\.\d+)?", text) else "NaN"
