"""OFX bank and card statements: 1.x (SGML, tags left open) and 2.x (XML); a row is a `STMTTRN`.

A class of its own: the libraries read a file whole and refuse it whole for one field out of order, and a row of theirs has
no line. Here tags are walked as they come, in bounded memory, so one bad transaction is one quarantined row. No entity is
resolved but the five of XML and numbers; a document type is refused. Source: Open Financial Exchange 1.6 and 2.2, chapter 11.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Sequence

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


def _rows(
    document: Document, encoding: str, broken: list[Broken], stated: list[tuple[str, str, str]]
) -> Iterator[tuple[int, Sequence[str]]]:
    account = currency = ""
    inside = ""  # the aggregate that a tag belongs to, as far as it matters
    fields: dict[str, str] | None = None
    start = last = 0
    complete = False
    answer: dict[str, str] = {}  # what the bank's server says of the request
    problem, statements, invested = "", 0, 0
    for closes, name, value, line in _tags(document, encoding):
        complete = complete or (closes and name == "OFX")
        ends = name == "STMTTRN" or (closes and name in ("BANKTRANLIST", "INVTRANLIST", *_STATEMENTS, "OFX"))
        if fields is not None and ends:
            if "DTPOSTED" not in fields:
                broken.append(Broken(start, "a transaction without DTPOSTED; expected such as 20260301120000"))
            else:
                yield start, _row(fields, account, currency)
            fields = None
        elif closes and name == "STMTTRN":
            last = max(line, last + 1)
            broken.append(Broken(last, "a transaction ends that has not begun; expected <STMTTRN> before its fields"))
        if name == "STMTTRN" and not closes:
            # lines tell rows apart: where several transactions share one, the number of the transaction stands for it
            start = last = max(line, last + 1)
            fields, inside = {}, ""
        elif name in _STATEMENTS and not closes:
            account = currency = ""
            statements += 1
            invested += name == "INVSTMTRS"
        elif name == "STATUS":
            answer = {}
        elif fields is None and name in ("CODE", "SEVERITY", "MESSAGE") and not closes:
            answer[name] = value
            if answer.get("SEVERITY", "").upper() == "ERROR":
                problem = max(problem, f"{answer.get('CODE', '')} {answer.get('MESSAGE', '')}".strip(), key=len)
        elif name in (*_ACCOUNTS, "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY", "PAYEE"):
            inside = "" if closes else name
        elif closes or not value:
            continue
        elif fields is not None:
            # ORIGCURRENCY says what it was before, CURRENCY what TRNAMT is in
            if not inside or (inside, name) in (("CURRENCY", "CURSYM"), ("PAYEE", "NAME")):
                fields.setdefault(name, value)
        elif name == "CURDEF":
            currency = value.upper()
        elif name == "ACCTID" and inside in _ACCOUNTS:
            account = value
    if fields is not None:
        broken.append(Broken(start, "the file ends within this transaction; download it again"))
    if problem and not statements:
        raise RefusedFile(
            f"the bank answered with an error instead of a statement: {problem}", advice="Sign in at the bank and download it again.")
    if statements == invested and not last and not broken:
        what = "only one of investments, without transactions of its cash" if invested else "no statement of a bank account or a card"
        raise RefusedFile(f"there is {what} in it", advice="Download the statement of the account.")
    if not complete:
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
