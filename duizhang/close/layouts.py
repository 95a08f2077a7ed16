"""Entries as files that ledgers take: the layouts of Kingdee, Yonyou, Xero, QuickBooks, DATEV and FEC as our own specifications read
them (assets/sources), and plain CSV. A file has one entity and one currency: none of the layouts says more."""

from __future__ import annotations

import csv
import datetime as dt
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from duizhang.books import Books
from duizhang.close.workbook import safe_cell
from duizhang.declared.currency import in_places
from duizhang.errors import UserError
from duizhang.home.published import open_published


@dataclass(frozen=True)
class Posting:
    """A published line of an entry. number: of the entry, 1 and up; amount: + debit, - credit."""

    period: dt.date
    entry: str
    line_no: int
    account: str
    account_name: str
    summary: str
    amount: Decimal
    currency: str
    entity: str

    @property
    def number(self) -> int:
        return int(self.entry[1:])

    @property
    def money(self) -> str:
        """The amount without its sign, with the places of its currency."""
        return str(in_places(abs(self.amount), self.currency))

    @property
    def debit(self) -> str:
        return self.money if self.amount > 0 else ""

    @property
    def credit(self) -> str:
        return self.money if self.amount < 0 else ""


Rows = Iterator[Sequence[object]]
log = logging.getLogger(__name__)


def postings(home: Path, books: Books, start: dt.date, end: dt.date, *, entity: str = "", currency: str = "") -> list[Posting]:
    """The lines of the published entries of a range, of one entity (the books' by default) and one currency (the books').

    Raises UserError where there are none, or an entry does not balance.
    """
    wanted = (entity or books.entity, currency or books.currency)
    with open_published(home) as con:
        rows = con.execute(
            "select period, entry, line_no, account, summary, debit - credit, currency, entity from journal_proposals "
            "where period between ? and ? and entity = ? and currency = ? order by entry, line_no", [start, end, *wanted],
        ).fetchall()
    if not rows:
        also = ", ".join(f"{e} in {c}" for e, c, _ in entries_beside(home, start, end, wanted))
        raise UserError(f"there are no entries of {wanted[0]} in {wanted[1]} from {start} to {end}",
                        advice=f"There are some of {also}." if also else "Entries follow from decisions that were computed.")
    names = {code: account.name for code, account in books.accounts.items()}
    found = [Posting(p, e, n, a, names.get(a, ""), s, amount, c, who) for p, e, n, a, s, amount, c, who in rows]
    balance: dict[str, Decimal] = {}
    for posting in found:
        balance[posting.entry] = balance.get(posting.entry, Decimal(0)) + posting.amount
    if wrong := [entry for entry, total in balance.items() if total]:
        raise UserError(f"{wrong[0]} does not balance", advice="`duizhang verify` says whether it was changed.")
    return found


def entries_beside(home: Path, start: dt.date, end: dt.date, wanted: tuple[str, str]) -> list[tuple[str, str, int]]:
    """(entity, currency, how many) of the published entries of a range that are not of the entity and currency that are wanted."""
    with open_published(home) as con:
        return con.execute(
            "select entity, currency, count(distinct entry) from journal_proposals "
            "where period between ? and ? and (entity <> ? or currency <> ?) group by all order by all", [start, end, *wanted],
        ).fetchall()


def write_postings(found: Sequence[Posting], layout: str, out: Path) -> None:
    """Write entries in a layout. Raises UserError for a layout that is not known."""
    if layout not in LAYOUTS:
        raise UserError(f"unknown layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    rows, delimiter, encoding = LAYOUTS[layout]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([["" if cell is None else safe_cell(cell) for cell in row] for row in rows(found)])
    out.parent.mkdir(parents=True, exist_ok=True)
    body = text.getvalue().encode(encoding, "replace")
    if lost := sorted({character for character in text.getvalue() if character not in body.decode(encoding)}):
        log.warning("a %s file cannot hold %s; each stands as a question mark", layout, " ".join(map(ascii, lost[:20])))
    out.write_bytes(body)


def _kingdee(found: Sequence[Posting]) -> Rows:
    yield "日期", "凭证字", "凭证号", "摘要", "科目编码", "科目名称", "借方", "贷方"
    for p in found:
        yield p.period, "记", p.number, p.summary, p.account, p.account_name, p.debit, p.credit


def _yonyou(found: Sequence[Posting]) -> Rows:
    yield "凭证日期", "凭证类别", "凭证号", "附单据数", "摘要", "科目编码", "科目名称", "借方金额", "贷方金额"
    for p in found:
        yield p.period, "记", p.number, 0, p.summary, p.account, p.account_name, p.debit, p.credit


def _xero(found: Sequence[Posting]) -> Rows:
    yield ("journal_line_id", "journal_id", "journal_number", "net_amount", "account_id", "account_code", "account_name", "description",
           "journal_date")
    for p in found:
        signed = p.money if p.amount > 0 else f"-{p.money}"
        yield f"{p.entry}-{p.line_no}", p.entry, p.entry, Decimal(signed), p.account, p.account, p.account_name, p.summary, p.period


def _quickbooks(found: Sequence[Posting]) -> Rows:
    yield ("journal_entry_id", "index", "amount", "posting_type", "account_id", "account_name", "description", "currency_id",
           "transaction_date")
    for p in found:
        side = "Debit" if p.amount > 0 else "Credit"
        yield p.entry, p.line_no, p.money, side, p.account, p.account_name, p.summary, p.currency, p.period


def _datev(found: Sequence[Posting]) -> Rows:
    first, last = min(p.period for p in found), max(p.period for p in found)
    if first.year != last.year:
        raise UserError("a DATEV file is of one year", advice="Export each year by itself.")
    yield ("EXTF", 700, 21, "Buchungsstapel", 9, "", "", "", "", "", "", "", f"{first.year}0101", 4, f"{first:%Y%m%d}", f"{last:%Y%m%d}")
    yield ("Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz", "Konto",
           "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext")
    for debit, credit, amount in _pairs(found):
        money = str(in_places(amount, debit.currency)).replace(".", ",")
        yield (money, "S", debit.currency, "", "", "", debit.account, credit.account, "", f"{debit.period:%d%m}", debit.entry, "", "",
               debit.summary[:60])


def _fec(found: Sequence[Posting]) -> Rows:
    yield ("JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib", "PieceRef",
           "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise")
    for p in found:
        if p.currency != "EUR":
            raise UserError(f"an FEC file is in EUR, and {p.entry} is in {p.currency}")
        debit, credit = ((money or "0,00").replace(".", ",") for money in (p.debit, p.credit))
        day = f"{p.period:%Y%m%d}"
        yield ("OD", "Opérations diverses", p.number, day, p.account, p.account_name, "", "", p.entry, day, p.summary, debit, credit,
               "", "", day, "", "")


def _plain(found: Sequence[Posting]) -> Rows:
    yield "date", "entry", "line", "entity", "account", "account_name", "summary", "debit", "credit", "currency"
    for p in found:
        yield p.period, p.entry, p.line_no, p.entity, p.account, p.account_name, p.summary, p.debit, p.credit, p.currency


def _pairs(found: Sequence[Posting]) -> Iterator[tuple[Posting, Posting, Decimal]]:
    """Each entry as amounts from one debit to one credit line, in the order of the lines."""
    for entry in dict.fromkeys(p.entry for p in found):
        debits = [(p, p.amount) for p in found if p.entry == entry and p.amount > 0]
        credits = [(p, -p.amount) for p in found if p.entry == entry and p.amount < 0]
        while debits and credits:
            (debit, left), (credit, right) = debits.pop(0), credits.pop(0)
            amount = min(left, right)
            yield debit, credit, amount
            if left > amount:
                debits.insert(0, (debit, left - amount))
            if right > amount:
                credits.insert(0, (credit, right - amount))


# name -> rows, what stands between the cells, encoding
LAYOUTS: dict[str, tuple[Callable[[Sequence[Posting]], Rows], str, str]] = {
    "kingdee": (_kingdee, ",", "utf-8-sig"), "yonyou": (_yonyou, ",", "utf-8-sig"), "xero": (_xero, ",", "utf-8"),
    "quickbooks": (_quickbooks, ",", "utf-8"), "datev": (_datev, ";", "cp1252"), "fec": (_fec, "|", "utf-8"),
    "csv": (_plain, ",", "utf-8-sig"),
}
