"""From text to amounts: decimals of a fixed scale, exact. No more digits than a column of money has room for."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from duizhang.declared.schema import MONEY, WHOLE_DIGITS
from duizhang.ingest.texts import DIGITS, X
from duizhang.ingest.typing.reading import KEPT, Reading

TOO_LARGE = f"has more than {WHOLE_DIGITS} digits before its decimal mark, the most that have room to be added up"
_EXACT = 14  # digits that a number of a computer has exactly
_LARGEST = Decimal(10) ** WHOLE_DIGITS  # what a file may state of money, less than a sum of many may come to
MINUS = "－−–‐‑‒—―﹣△▲"  # dashes that stand for a minus, and triangles by which Japanese accounts show one
_SPELLED = {
    **DIGITS, **dict.fromkeys(MINUS, "-"), **dict(zip("．，＋（）￥", ".,+()¥", strict=True)),
    "\u200e": "", "\u200f": "", "\ufeff": "", "٬": "",
}
# what stands between thousands besides the mark of the other kind: blanks of four widths and apostrophes
_GROUPS = (" ", "\u00a0", "\u202f", "\u2009", "'", "\u2019")
SIDE = r"([0-9.)])\s*(?:\((CR|DR|DB|OD)\.?\)|(CR|DR|DB|OD|S|H|C|D)\.?)$"  # behind the amount: credit, debit or overdrawn, in either case
BEFORE = r"^(CR|DR|DB)\.?\s*([0-9.,])"  # the same in front of it
_COINS = r"kr|R\$|Rs|zł|Kč|Ft|lei|лв|руб|Bs|S/|RM|Rp|TL|soles"  # marks of currencies that are letters, which may have a dot behind
# a number as a computer counted it, whose digits past the cents are all 0 or 9 but the last: 19.989999999999998
_NOISE = (r"^[-+]?[0-9]{1,9}", r"[0-9]{0,4}?(?:0{6,}|9{6,})[0-9]{1,3}$")


@lru_cache(KEPT)
def amounts(decimal: str, kind: pa.DataType = MONEY) -> Reading:
    """How amounts are read. decimal: the mark before the cents; kind: MONEY or RATE.

    Polars rounds what has more decimals than a column and says nothing, so a text is only cast where a pattern has counted its
    digits. Thorough: signs before or behind, currency marks, brackets, any separators of thousands, full-width digits and a side
    (CR, DR, DB, OD, S, H, C, D) behind the amount.
    """
    own, mark = (",", r"\.") if decimal == "." else (r"\.", ",")
    digits, places = kind.precision - kind.scale, kind.scale
    sure = min(digits, WHOLE_DIGITS - 1)
    number = rf"(?:[0-9]{{1,3}}(?:{own}[0-9]{{3}}){{1,{sure // 3 - 1}}}|[0-9]{{1,{sure}}})(?:{mark}[0-9]{{0,{places}}})?"
    quick = pl.when(X.str.contains(f"^[-+]?{number}$")).then(_cast(X.str.replace_all(own[-1], "", literal=True), decimal, kind))
    example = "1234.50" if decimal == "." else "1234,50"
    named = {4: "four", 8: "eight"}[places]
    reason: pl.Expr = pl.when(pl.col("value").is_null()).then(
        pl.lit(f"is no amount; expected at most {digits} digits and {named} decimals, such as {example}"))
    if kind == MONEY:
        reason = pl.when(pl.col("value").abs() >= pl.lit(_LARGEST)).then(pl.lit(TOO_LARGE)).otherwise(reason)
    return Reading(quick, _thorough(own, mark, decimal, kind), reason)


def _cast(text: pl.Expr, decimal: str, kind: pa.DataType) -> pl.Expr:
    if decimal == ",":
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Decimal(kind.precision, kind.scale), strict=False)


def _thorough(own: str, mark: str, decimal: str, kind: pa.DataType) -> pl.Expr:
    # the same separator throughout
    grouped = "|".join(rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" for group in (own, *_GROUPS))
    if decimal == ".":
        grouped += "|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"  # lakh and crore
    number = rf"(?:0*[0-9]{{1,{kind.precision - kind.scale}}}|{grouped})?(?:{mark}[0-9]{{0,{kind.scale}}}0*)?"
    text = in_our_digits(X).str.replace("٫", decimal, literal=True).str.strip_chars(" ")
    sides = (text.str.extract(f"(?i){SIDE}", 2), text.str.extract(f"(?i){SIDE}", 3), text.str.extract(f"(?i){BEFORE}", 1))
    debit = pl.coalesce(sides).str.to_uppercase().is_in(["DR", "DB", "OD", "S", "D"]).fill_null(value=False)
    noise = text.str.contains(rf"{_NOISE[0]}{mark}{_NOISE[1]}") & (text.str.count_matches("[0-9]") > _EXACT)
    bare = text.str.replace(f"(?i){SIDE}", "${1}").str.replace(f"(?i){BEFORE}", "${2}")
    # the marks that stand around an amount: a currency sign or code before or behind, 元
    bare = bare.str.replace(r"^([-+(]?)\s*(?:[¥$€£₩₹₺₽₴₱฿₫]|人民币|[A-Z]{2,3}\$?)\s*", "${1}")
    bare = bare.str.replace(rf"^([-+(]?)\s*(?:{_COINS})\.?\s*", "${1}").str.replace(rf"\s*(?:{_COINS})\.?(\)?)$", "${1}")
    bare = bare.str.replace(r"\s*(?:[¥$€£元円원₩₹₺₽₴₱฿₫]|[A-Z]{3})(\)?)$", "${1}").str.strip_chars(" ").str.replace(r"^([-+(])\s+", "${1}")
    bare = bare.str.replace(r"\s+([-+)])$", "${1}")
    negative = bare.str.contains(r"^[-(]|-$")
    nothing = (bare == "-") & (text != "-")  # as spreadsheets show 0 in accounts: `$ -`
    good = bare.str.contains(rf"^(?:[+-]?(?:{number})|\((?:{number})\)|(?:{number})[-+])$") & bare.str.contains("[0-9]")
    digits = bare.str.replace_all(rf"[{own}{''.join(_GROUPS)}+()-]", "").str.strip_chars_start("0")
    value = _cast(pl.concat_str(pl.when(debit | negative).then(pl.lit("-")).otherwise(pl.lit("")), pl.lit("0"), digits), decimal, kind)
    # what is a debit twice over has no certain sign; Polars rounds what has more decimals than there is room for
    found = pl.when(good & ~(debit & negative)).then(value).when(noise).then(_cast(text, decimal, kind))
    return found.when(nothing).then(pl.lit(0).cast(pl.Decimal(kind.precision, kind.scale)))


def in_our_digits(text: pl.Expr) -> pl.Expr:
    """Amounts in digits and signs that all the rest knows."""
    return text.str.replace_many(list(_SPELLED), list(_SPELLED.values()))


def reaches(amounts: pa.Array, bound: int) -> bool:
    """Whether one of the amounts is as far from 0 as `bound` ten thousandths, which fit 64 bits; perhaps where some are null."""
    if not len(amounts):
        return False
    low, high = np.frombuffer(amounts.buffers()[1], np.int64).reshape(-1, 2)[amounts.offset : amounts.offset + len(amounts)].T
    return bool((high != low >> 63).any()) or max(int(low.max(initial=0)), -int(low.min(initial=0))) >= bound


def ten_thousandths(amounts: pa.Array) -> np.ndarray:
    """Amounts in ten thousandths: int64 where also the sum of all of them fits it, else Python's own numbers. Of a null anything."""
    if reaches(amounts, (1 << 62) // max(len(amounts), 1)):
        return np.array([0 if value is None else int(value.scaleb(4)) for value in amounts.to_pylist()], object)
    if not len(amounts):
        return np.zeros(0, np.int64)
    return np.frombuffer(amounts.buffers()[1], np.int64).reshape(-1, 2)[amounts.offset : amounts.offset + len(amounts), 0]
