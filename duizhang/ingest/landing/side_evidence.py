"""What besides a running balance tells whose debits and credits a file has: its columns, the lines above them, what its rows say."""

from __future__ import annotations

import re

import polars as pl

from duizhang.ingest.moves import BY_CARD, CAME_IN, GIVEN, LEFT, PAID_OUT, TAKEN, TURNED, any_of
from duizhang.ingest.rows import Batch
from duizhang.ingest.specification import Sides
from duizhang.ingest.texts import series
from duizhang.ingest.typing import ColumnTyper

# columns that the exports of banks and cards have, and no ledger
_OF_BANKS = re.compile(
    r"(?i)^(?:(?:our |own |account )?iban|bic|swift|bic.?swift.*|sort code|card (?:no|number|member|holder)\.?|posted date|value date"
    r"|valuta.*|wert(?:stellung)?|date (?:de )?valeur|fecha valor|data valuta|merchant category.*|mandate.*|mandatsreferenz|creditor id"
    r"|对方(?:账号|帐号|账户.*|帐户.*|户名|行名|行号|开户行.*)|对手.*|(?:银行|交易)流水号?"
    r"|交易(?:渠道|网点|场所|机构|地点)|钞汇.*"
    "|柜员.*|起息日|币种代码)$")
_LEDGER_ABOVE = re.compile(
    r"(?i)日记账|明细账|总账|往来账|科目|\b(?:general |cash ?|sub-?)?ledger\b(?! ?balance)"
    r"|\bcash ?book\b|\bjournal\b|\bkassenbuch\b|\bsachkonto\b"
    "|grand livre")
_BANK_ABOVE = re.compile(
    r"(?i)对账单|交易明细|账户明细|交易流水|活期|开户行|开户银行|\b(?:bank|account|card) statement\b"
    r"|\bstatement (?:of account|period|date)\b|\biban\b|kontoauszug|relev[ée] de compte|estratto conto|extracto|rekeningafschrift")
_AWAY = any_of(TAKEN, TURNED, LEFT, BY_CARD)
_OFTEN = 4  # times as many rows for one reading as against it


def is_of_ledger(typer: ColumnTyper, batch: Batch, rule: Sides) -> bool | None:
    """Whether debits are money in, as in a ledger of one's own; None where nothing tells."""
    debits, credits = (typer.amounts(name, batch).fill_null(0) for name in (rule.debit, rule.credit))
    signed = [(typer.signs(name, batch)[0] < 0).any() for name in (rule.debit, rule.credit)]
    if signed == [True, False] and (typer.signs(rule.debit, batch)[0] < 0).all():
        return False  # a minus says what it is
    rows = _rows(typer, batch, debits, credits)
    if rows is not None:
        return rows
    if any(_LEDGER_ABOVE.search(line) for line in typer.above.splitlines()):
        return True
    if any(_OF_BANKS.match(name.strip()) for name in typer.header) or _BANK_ABOVE.search(typer.above):
        return False
    return None


def all_came_in(typer: ColumnTyper, batch: Batch, amount: str) -> bool:
    """Whether every row with an amount says of itself that its money came in, and none anything else."""
    return _all_say(typer, batch, amount, any_of(CAME_IN, PAID_OUT), _AWAY)


def all_are_payouts(typer: ColumnTyper, batch: Batch, amount: str) -> bool:
    """Whether every row with an amount says that its money came in, or is a payout, which came in at a bank, and none anything else."""
    return _all_say(typer, batch, amount, any_of(CAME_IN, PAID_OUT, GIVEN), _AWAY)


def all_went_out(typer: ColumnTyper, batch: Batch, amount: str) -> bool:
    """Whether every row with an amount says of itself that its money went out, as a fee does, and none anything else."""
    return _all_say(typer, batch, amount, any_of(TAKEN, LEFT), any_of(TURNED, GIVEN, CAME_IN, PAID_OUT))


def _all_say(typer: ColumnTyper, batch: Batch, amount: str, said: str, against: str) -> bool:
    known = {typer.positions[name] for name, column in typer.spec.fields.items() if column.type in ("money", "time")}
    texts = pl.DataFrame({str(place): series(cells).fill_null("") for place, cells in enumerate(batch.columns) if place not in known})
    if not texts.width:
        return False
    text = texts.select(x=pl.concat_str(pl.all(), separator=" ")).to_series().filter(typer.amounts(amount, batch).fill_null(0) != 0)
    return bool(len(text) and (text.str.contains(said) & ~text.str.contains(against)).all())


def _rows(typer: ColumnTyper, batch: Batch, debits: pl.Series, credits: pl.Series) -> bool | None:
    """What the texts of the rows say: a fee is money out, interest and a payout are money in."""
    places = {place for name in ("payout", "counterparty") if (place := typer.positions.get(name)) is not None}
    if not places:
        return None
    texts = pl.DataFrame({str(place): series(batch.columns[place]).fill_null("") for place in places})
    text = texts.select(x=pl.concat_str(pl.all(), separator=" ")).to_series()
    out, into = text.str.contains(any_of(TAKEN)), text.str.contains(any_of(GIVEN))
    out, into = out & ~into, into & ~out
    bank = int(((out & (debits != 0) & (credits == 0)) | (into & (credits != 0) & (debits == 0))).sum())
    ledger = int(((out & (credits != 0) & (debits == 0)) | (into & (debits != 0) & (credits == 0))).sum())
    if bank > _OFTEN * ledger:
        return False
    return True if ledger > _OFTEN * bank else None
