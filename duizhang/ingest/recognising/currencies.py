"""The currency that a header, the lines above it or the cells below it state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from duizhang.declared.currency import CODE_OF_SIGN
from duizhang.ingest.recognising.column_names import AGAIN, names_by_field, names_of, unique_names, unnumbered
from duizhang.ingest.specification import SourceSpec, normalised, word_list

SIGN = "signs of its currency: "  # begins a line among those above the rows
BESIDE = "currency of another column: "  # so do these
AROUND = "currency of the lines around the rows: "
_ALL_IN = re.compile(
    r"(?i:\b(?:amounts?|figures|values|beträge|montants|importes|importi|bedragen|kwoty|valores)\b|金额|单位)[^\n]{0,24}?[\s:：(（]([A-Z]{3})(?![A-Za-z])")
# a label of one, or a bracket, with the currency of all amounts behind it
_LABEL = re.compile(
    r"(?:^|[,;|\t(（\"])\s*(?i:(?:reporting |statement |account )?currency|units?|währung|waehrung|devise|monnaie|moneda|moeda|valuta"
    r"|waluta)\s*[:：=,;\t]+[\s\"]*([A-Z]{3})(?![A-Za-z])|[(（]\s*(?i:in|en|em)\s+([A-Z]{3})\s*[)）]")
_CLOSES = frozenset(")）]］")
# a line that says something of the whole account, and a code in it that stands alone: before a number, or at the end of a cell
_LABELLED = re.compile(
    r"(?i)\b(saldo|solde|balance|konto\w*|currency|währung|waehrung|devise|monnaie|moneta|valuta|divisa|moneda|moeda|waluta|měna|controvalore"
    r"|conto|account|compte|cuenta|conta|rekening\w*|rachunek|ccy|curr\.?|mata uang|валюта|счет|para birimi|döviz|hesap"
    r"|devizanem|pénznem|számla\w*|mena|deviza|valuuta|νόμισμα|loại tiền)\b|币种|币别|幣別|幣種|通貨|残高|통화|สกุลเงิน|מטבע|العملة")
_STATED = re.compile(r"(?<=[\s:;,(\"=])([A-Z]{3})(?=\s*[\d.,'+-]*\d|\s*[;,)\"\t]|\s+[-–|]\s|\s*$)")
# of whom or what else a currency may be than of the amounts
_OTHERS = re.compile(
    r"(?i)orig|foreign|fremd|ausland|étrang|etrang|extranj|ester[ao]|counter|gegen|\b(from|to|home|local|base)\b|source|target|receiv|account"
    r"|konto|card|karte|country|land\b|pays\b|país|paese|原|外")
_SYMBOLS = {**CODE_OF_SIGN, "$": "", "EURO": "EUR", "EUROS": "EUR", "EUROA": "EUR"}
_CURRENCY = re.compile(
    r"(.*?\S)\s*(?:[(（\[]\s*(?:in |en )?([A-Z]{3}|R\$|[$€£元円원₹]|(?i:euros?))\s*[)）\]]|\s(?:in |en )?([A-Z]{3}|(?i:euro[as]?)))$")
_WORDS = "currencies_cn"
_SHARED = ("$", "¥", "￥", "kr", "Rs")
_SIGNED = re.compile(r"[-+(−–]?\s*([$¥￥]|kr|Rs)\.?\s*[-+(]?\d[\d., ']*[)-]?|[-+(−–]?\d[\d., ']*\s*([$¥￥]|kr|Rs)\.?[)-]?")


def without_currency(name: str) -> tuple[str, str]:
    """(a column's name without the currency behind it, that currency or ''): `Amount (EUR)`, `Betrag in EUR`, `Balance USD`."""
    bare = name.strip()
    if not (bare[-1:] in _CLOSES or (bare[-3:].isupper() and bare[-3:].isascii()) or "euro" in bare[-5:].lower()):
        return name, ""  # most names end in neither, and the pattern takes its time
    found = _CURRENCY.match(bare)
    currency = (found[2] or found[3]) if found else ""
    currency = _SYMBOLS.get(currency.upper(), currency)
    return (found[1], currency) if found and (currency in iso_codes() or not currency) else (name, "")


def currencies_of_all(lines: Sequence[str]) -> set[str]:
    """The currencies that lines around a table state of all amounts: `* Amounts in EUR`, `Unit: USD`, `(in USD)`, `单位：美元`."""
    found = {code for line in lines for code in _ALL_IN.findall(line)}
    found |= {code for line in lines for match in _LABEL.findall(line) for code in match} - {"ALL"}  # no choice rather than the lek
    return {code for code in found if code in iso_codes()} | {
        word_list(_WORDS)[word] for line in lines for word in _in_words().findall(line)}


@cache
def _in_words() -> re.Pattern[str]:
    """A Chinese label with the currency of all amounts behind it, in words or as a code."""
    words = "|".join(sorted((word for word in word_list(_WORDS) if not word.isdigit()), key=len, reverse=True))
    return re.compile(
        rf"(?<![\u4e00-\u9fff])(?:账户|帳戶|金额|金額|货币|貨幣|交易|结算|计价)?(?:币种|幣種|币别|幣別|货币|貨幣|单位|單位)\s*[:：=,，;\t]?\s*({words})(?!\w)")


def currencies_above(lines: Sequence[str]) -> set[str]:
    """The currencies that the lines above a table state for all of it, beside a word for balance or currency: `Saldo: CHF 120.50`."""
    told = (line for line in lines if _LABELLED.search(line))
    return {code for line in told for code in _STATED.findall(line) if code in iso_codes()}


def signs_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The signs that amounts or their columns have which several currencies share."""
    found = {sign for name in names for sign in _SHARED if re.search(rf"[(（\[]\s*{re.escape(sign)}\s*[)）\]]", name)}
    for row in rows:
        found |= {match[1] or match[2] for cell in row if (match := _SIGNED.fullmatch(cell.strip()))}
    return " ".join(sorted({"¥" if sign == "￥" else sign for sign in found}))


def with_currency(spec: SourceSpec, names: tuple[str, ...], rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], set[str]]:
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
        if not cells or not cells <= iso_codes() or normalised(name) in known:
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
def iso_codes() -> frozenset[str]:
    from iso4217 import Currency  # reads a table

    return frozenset(str(currency.value) for currency in Currency) - {"XXX", "XTS"}  # none, and that of trials


def header_currency(
    spec: SourceSpec, header: Sequence[str], above: Sequence[str], rows: Sequence[Sequence[str]],
) -> tuple[tuple[str, ...], list[str]]:
    """(the names of a header without a currency in them, what is told as if it stood above: the currency that they, the lines above or the
    cells state, else the signs that the cells have)."""
    apart = list(map(without_currency, header))
    names = unique_names([name for name, _ in apart])
    # of two columns of one name the first is read
    stated = {c for (_, c), name in zip(apart, names, strict=True) if c and not AGAIN.search(name)}
    stated = stated or currencies_above(above) or currencies_of_all(above)
    if not stated:
        names, stated = with_currency(spec, names, rows)
    if stated:
        return names, [f"currency of the header: {'/'.join(sorted(stated))}"]
    signs, beside = signs_of(header, rows), _beside(header, rows)
    return names, [*([f"{SIGN}{signs}"] if signs else []), *(f"{BESIDE}{code}" for code in beside)]


def _beside(header: Sequence[str], rows: Sequence[Sequence[str]]) -> set[str]:
    """The currency that all rows name in columns of another one than that of their amounts: the original, that of the card."""
    wide = [row for row in rows if len(row) == len(header)]
    cells = [{row[at].strip() for row in wide} for at, name in enumerate(header) if _OTHERS.search(name)]
    return set().union(*(codes for codes in cells if len(codes) == 1 and codes <= iso_codes()))
