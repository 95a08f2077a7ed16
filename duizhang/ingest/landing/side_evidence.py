"""What besides a running balance tells whose debits and credits a file has: its columns, the lines above them, what its rows say."""

from __future__ import annotations

import re

import polars as pl

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
# what a bank takes, and what it gives
_TAKEN = (
    r"(?i)手续费|工本费|账户管理费|管理费|年费|短信费|网银服务费|汇划费|扣费|消费|取现|取款|税款|\bcharges\b|\bfee\b|\batm\b|\bwithdrawal\b"
    r"|\bpos\b|\b(?:bank|service|account|monthly|annual|wire|overdraft) (?:service |maintenance )?fees\b|card purchase|direct debit"
    r"|standing order|kontoführung|entgelt|lastschrift|frais (?:bancaires|de tenue)|commissioni?\b|comisi[óo]n(?:es)?\b|prelievo|retiro"
    "|bankkosten")
_GIVEN = (
    r"(?i)结息|利息|存款|存入|工资|代发|\binterest (?:paid|earned|credit)|\b(?:salary|payroll|deposit)\b|gehalt|lohn\b|\bgutschrift"
    r"|virement re[çc]u|\bpayouts?\b|/PAYOUT/|\bstripe\b|\bshopify\b|\badyen\b|\bpaypal transfer\b"
    "|(?:支付宝|财付通).*(?:提现|结算)|清算款|交收款")
# a payout is money out of a provider's account, which does not name itself, and money in at the bank whose row names the provider
_PAID_OUT = (
    r"\b(?:stripe|paypal) transfer\b|\b(?:payout|settlement|disbursement|transfer) from \w|(?:支付宝|财付通|微信支付).*(?:提现|结算)"
    r"|\b(?:stripe|shopify|adyen|paypal|klarna|mollie|amazon|alipay|tiktok|shopee|lazada|square|worldpay|airwallex|payoneer|tenpay"
    r"|wechat ?pay)\b.*\b(?:payouts?|settlement|disbursement|remittance)\b")
_CAME_IN = (  # what says of a row by itself that its money came in
    r"(?i)\bdeposits?\b|\b(?:bank|giro|direct|ach|wire|transfer|interest) credit\b|\bcredit (?:transfer|interest|advice)\b|\bincoming\b"
    r"|\breceived from\b|\bpayments? received\b|\bmoney in\b|\bgutschr|zahlungseingang|geldeingang|\bhaben(?:zinsen|buchung)"
    r"|\bvirements? (?:re[çc]us?|en votre faveur)|\bvir(?:ement)? re[çc]u|\bencaissement|\bremise de ch[èe]ques?|\bversement\b"
    r"|transferencia (?:recibida|a su favor)|\babono\b|\bingreso\b|bonifico (?:a vostro favore|ricevuto|in entrata)|\baccredito\b"
    r"|bijschrijving|\bontvangen\b|\bstorting\b|przelew przychodz|\bwpłata\b|\buznanie\b|transfer[êe]ncia recebida|pix recebido"
    r"|\brecebimento\b|\bdepósito\b|insättning|innbetaling|indbetaling|příchozí|入金|振込入金|存入|转入|收款|入账|입금")
_WENT_OUT = (
    r"(?i)returned|reversal|chargeback|\brefund|\bstorno|rückgabe|rücklast|rejet|retour|devoluci|estorno|zwrot|退款|退回|撤销|冲正|转出|付款"
    r"|\bcard\b|karte|\bcarte\b|tarjeta|\bfee\b|\bwithdraw|\boutgoing\b|\bsent\b|\bdirect debit\b")
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
    return _all_say(typer, batch, amount, f"{_CAME_IN}|{_PAID_OUT}")


def all_are_payouts(typer: ColumnTyper, batch: Batch, amount: str) -> bool:
    """Whether every row with an amount says that its money came in, or is a payout, which came in at a bank, and none anything else."""
    return _all_say(typer, batch, amount, f"{_CAME_IN}|{_PAID_OUT}|{_GIVEN.removeprefix('(?i)')}")


def _all_say(typer: ColumnTyper, batch: Batch, amount: str, said: str) -> bool:
    known = {typer.positions[name] for name, column in typer.spec.fields.items() if column.type in ("money", "time")}
    texts = pl.DataFrame({str(place): series(cells).fill_null("") for place, cells in enumerate(batch.columns) if place not in known})
    if not texts.width:
        return False
    text = texts.select(x=pl.concat_str(pl.all(), separator=" ")).to_series().filter(typer.amounts(amount, batch).fill_null(0) != 0)
    return bool(len(text) and (text.str.contains(said) & ~text.str.contains(f"{_TAKEN}|{_WENT_OUT}")).all())


def _rows(typer: ColumnTyper, batch: Batch, debits: pl.Series, credits: pl.Series) -> bool | None:
    """What the texts of the rows say: a fee is money out, interest and a payout are money in."""
    places = {place for name in ("payout", "counterparty") if (place := typer.positions.get(name)) is not None}
    if not places:
        return None
    texts = pl.DataFrame({str(place): series(batch.columns[place]).fill_null("") for place in places})
    text = texts.select(x=pl.concat_str(pl.all(), separator=" ")).to_series()
    out, into = text.str.contains(_TAKEN), text.str.contains(_GIVEN)
    out, into = out & ~into, into & ~out
    bank = int(((out & (debits != 0) & (credits == 0)) | (into & (credits != 0) & (debits == 0))).sum())
    ledger = int(((out & (credits != 0) & (debits == 0)) | (into & (debits != 0) & (credits == 0))).sum())
    if bank > _OFTEN * ledger:
        return False
    return True if ledger > _OFTEN * bank else None
