"""OFX bank and card statements: 1.x (SGML, tags left open) and 2.x (XML); a row is a `STMTTRN`.

A class of its own: the libraries read a file whole and refuse it whole for one field out of order, and a row of theirs has
no line. Here tags are walked as they come, in bounded memory, so one bad transaction is one quarantined row. No entity is
resolved but the five of XML and numbers; a document type is refused. Source: Open Financial Exchange 1.6 and 2.2, chapter 11.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Sequence

from duizhang.declared.currency import places_by_currency
from duizhang.errors import RefusedFile
from duizhang.ingest.opening import Document, text_blocks
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Broken, Reading, batches_of

COLUMNS = ("account", "entry_id", "amount", "currency", "date", "date_at", "kind", "remark", "counterparty")
MAX_TAG = 1 << 16  # characters between two tags
_TAG = re.compile(r"<(/?)([A-Za-z][\w.]*)\s*(/?)>([^<]*)")
_DATE = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(?:(\d\d)(?:\.\d+)?)?)?\s*"
    r"(?:\[([+-]?\d{1,2})(?:\.(\d+)|:?(\d\d))?(?::?[A-Za-z/_+\-]*)?\])?$")
_ACCOUNTS = ("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM")
_STATEMENTS = ("STMTRS", "CCSTMTRS", "INVSTMTRS")
_ENDS = ("BANKTRANLIST", "INVTRANLIST", *_STATEMENTS, "OFX")  # where a transaction is over that nobody has closed
_AGGREGATES = (*_ACCOUNTS, "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY", "PAYEE")
_INNER = (("CURRENCY", "CURSYM"), ("PAYEE", "NAME"))  # ORIGCURRENCY says what it was before, CURRENCY what TRNAMT is in


def read_ofx(document: Document, place: Place) -> Reading:
    """The transactions of all accounts of a document. OFX states no total: its ledger balance is not an opening one."""
    broken: list[Broken] = []
    stated: list[tuple[str, str, str]] = []
    rows = _rows(document, place.encoding, broken, stated)
    return Reading(list(COLUMNS), place.encoding, batches_of(rows, len(COLUMNS), broken), stated=stated)


def _tags(document: Document, encoding: str) -> Iterator[tuple[bool, str, str, int]]:
    """(closes, name, text behind it, line) of every tag in its order."""
    rest, line = "", 1
    for block in text_blocks(document, encoding):
        text = rest + block
        if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
            raise RefusedFile("OFX with a document type or entities, which no bank writes", advice="Check where it comes from.")
        # what follows the last `<` may go on in the next block
        cut = text.rfind("<") if block else len(text)
        if block and len(text) - max(cut, 0) > MAX_TAG + len(block):
            raise RefusedFile(f"line {line}: more than {MAX_TAG:,} characters without a tag", advice="Check that this is OFX.")
        whole, rest = (text[:cut], text[cut:]) if cut >= 0 else ("", text)
        at = 0
        for found in _TAG.finditer(whole):
            line += whole.count("\n", at, found.start())
            at = found.start()
            closes, name, empty, value = found.groups()
            yield bool(closes), name.upper(), html.unescape(value).strip() if not closes and not empty else "", line
        line += whole.count("\n", at)


class _Walk:
    """Transactions out of tags as they come, and what the rest of the document says of them."""

    def __init__(self, broken: list[Broken]) -> None:
        self.broken = broken
        self.account = self.currency = ""
        self.inside = ""  # the aggregate that a tag belongs to, as far as it matters
        self.fields: dict[str, str] | None = None  # of the transaction that has begun
        self.start = self.last = 0  # its line, and that of the last one
        self.complete = False
        self.answer: dict[str, str] = {}  # what the bank's server says of the request
        self.problem = ""
        self.statements = self.invested = 0
        self.seen: set[tuple[str, ...]] = set()
        self.corrects = 0  # transactions that say that they replace or delete another
        self.traded = 0  # transactions of shares and funds, whose money is in an aggregate of its own
        self.grouped = 0  # amounts whose only mark may part thousands: 1.234
        self.again = 0  # transactions that say the same as one before, its FITID included, which names one transaction alone

    def rows(self, tags: Iterable[tuple[bool, str, str, int]]) -> Iterator[tuple[int, Sequence[str]]]:
        for closes, name, value, line in tags:
            had_begun = self.fields is not None
            if name == "STMTTRN" or (closes and name in _ENDS):
                yield from self._ended()
            if name == "STMTTRN" and not closes:
                self._begun(line)
            elif name == "STMTTRN":
                if not had_begun:
                    self._not_begun(line)
            elif name in _STATEMENTS and not closes:
                self.account = self.currency = ""
                self.statements += 1
                self.invested += name == "INVSTMTRS"
            elif name in _AGGREGATES:
                self.inside = "" if closes else name
            elif name == "INVTRAN":
                self.traded += not closes
            elif closes:
                self.complete = self.complete or name == "OFX"
            elif self.fields is None:
                self._said(name, value)
            elif value and (not self.inside or (self.inside, name) in _INNER):
                self.fields.setdefault(name, value)
        if self.fields is not None:
            self.broken.append(Broken(self.start, "the file ends within this transaction; download it again"))

    def _ended(self) -> Iterator[tuple[int, Sequence[str]]]:
        """The transaction that is over, where one had begun."""
        if self.fields is not None and "DTPOSTED" in self.fields:
            row = _row(self.fields, self.account, self.currency)
            may_be = re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", self.fields.get("TRNAMT", "")) is not None
            self.grouped += may_be and places_by_currency().get(row[3]) != 3
            self.again += row in self.seen and bool(self.fields.get("FITID", "").strip("0"))
            self.seen.add(row)
            self.corrects += bool(self.fields.get("CORRECTFITID"))
            yield self.start, row
        elif self.fields is not None:
            self.broken.append(Broken(self.start, "a transaction without DTPOSTED; expected such as 20260301120000"))
        self.fields = None

    def _begun(self, line: int) -> None:
        # lines tell rows apart: where several transactions share one, the number of the transaction stands for it
        self.start = self.last = max(line, self.last + 1)
        self.fields, self.inside = {}, ""

    def _not_begun(self, line: int) -> None:
        self.last = max(line, self.last + 1)
        self.broken.append(Broken(self.last, "a transaction ends that has not begun; expected <STMTTRN> before its fields"))

    def _said(self, name: str, value: str) -> None:
        """What is said outside of transactions."""
        if name == "STATUS":
            self.answer = {}
        elif name in ("CODE", "SEVERITY", "MESSAGE"):
            self.answer[name] = value
            if self.answer.get("SEVERITY", "").upper() == "ERROR":
                said = f"{self.answer.get('CODE', '')} {self.answer.get('MESSAGE', '')}".strip()
                self.problem = max(self.problem, said, key=len)
        elif name == "CURDEF" and value:
            self.currency = value.upper()
        elif name == "ACCTID" and value and self.inside in _ACCOUNTS:
            self.account = value


def _rows(
    document: Document, encoding: str, broken: list[Broken], stated: list[tuple[str, str, str]]
) -> Iterator[tuple[int, Sequence[str]]]:
    walk = _Walk(broken)
    yield from walk.rows(_tags(document, encoding))
    if walk.problem and not walk.statements:
        raise RefusedFile(
            f"the bank answered with an error instead of a statement: {walk.problem}", advice="Sign in at the bank and download it again.")
    if walk.statements == walk.invested and not walk.last and not broken:
        what = "only one of investments, without transactions of its cash" if walk.invested else "no statement of a bank account or a card"
        raise RefusedFile(f"there is {what} in it", advice="Download the statement of the account.")
    if walk.again:
        stated.append(("transactions that stand there twice under one FITID", "0", str(walk.again)))
    if walk.traded:
        stated.append(("transactions of shares, which move money and are not read", "0", str(walk.traded)))
    if walk.grouped:
        stated.append(("amounts with three digits behind their only mark, which may be thousands", "0", str(walk.grouped)))
    if walk.corrects:
        stated.append(("transactions that replace or delete another (CORRECTFITID)", "0", str(walk.corrects)))
    if not walk.complete:
        stated.append(("</OFX> at the end of the file", "1", "0"))


def _row(fields: dict[str, str], account: str, currency: str) -> tuple[str, ...]:
    # a bank that leaves FITID empty still says the same of a transaction in every download; who somebody is stands in no id
    said = "/".join(fields[n] for n in ("DTPOSTED", "TRNAMT", "CHECKNUM") if n in fields)
    who = hashlib.sha256(f"{said}/{fields.get('NAME', '')}".encode()).hexdigest()[:12]
    name = fields.get("FITID") or f"{said}/{who}"
    return (
        account, name, _amount(fields.get("TRNAMT", "")), fields.get("CURSYM", currency).upper(), *_moment(fields.get("DTPOSTED", "")),
        fields.get("TRNTYPE", ""), " ".join(fields[n] for n in ("NAME", "MEMO") if n in fields), fields.get("NAME", ""),
    )


def _amount(text: str) -> str:
    """An amount with a point: OFX lets either mark stand for it, and no separator of thousands. Where both are written, the last one parts
    the cents."""
    if re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+,\d{1,2}", text):
        return text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+\.\d{1,2}", text):
        return text.replace(",", "")
    return text.replace(",", ".") if re.fullmatch(r"[+-]?\d*,\d+", text) else text


def _moment(text: str) -> tuple[str, str]:
    """(clock time of the bank, time with its offset or '').

    `20130831165153.000[-8:PST]` is `2013-08-31T16:51:53-08:00`. Without an offset it is the bank's own clock, whose day is the day of
    posting; the UTC that the standard has in mind is not what banks write. With one the day is the bank's own as well.
    """
    found = _DATE.match(text)
    if found is None:
        return text, ""
    year, month, day, hour, minute, second, offset, part, past = found.groups()
    stamp = f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:{second or '00'}"
    if offset is None:
        return stamp, ""
    minutes = round(float(f"0.{part}") * 60) if part else int(past or 0)
    return stamp, f"{stamp}{'-' if offset.startswith('-') else '+'}{int(offset.lstrip('+-')):02d}:{minutes:02d}"
