"""What a workbook shows at its numbers: a cell whose number is 12.5 and whose format is `#,##0.00 "€"` says 12.50 €, and one whose number
is 1234 and whose format is `000000` says 001234."""

from __future__ import annotations

import html
import re
import zipfile

from duizhang.declared.currency import CODE_OF_SIGN, known_currencies
from duizhang.ingest.opening.workbook_parts import column_number

_FORMAT = re.compile(r'<(?:\w+:)?numFmt\s[^>]*>')
_STYLES = re.compile(r"<(?:\w+:)?cellXfs[\s>].*?</(?:\w+:)?cellXfs>", re.DOTALL)
_STYLE = re.compile(r'<(?:\w+:)?xf\s[^>]*?numFmtId="(\d+)"')
_CELL = re.compile(rb'<c (?=[^>]*\br="([A-Z]{1,3})([0-9]+)")(?=[^>]*\bs="(\d+)")[^>]*[^/]>')
_BRACKETED = re.compile(r"\[\$([^\]-]+)(?:-([0-9A-Fa-f]+))?\]")
_QUOTED = re.compile(r'"([^"]*)"|\\(.)')
_SIGN = re.compile(r"US\$|HK\$|NT\$|R\$|[€£₹₩₺₽₴₱฿₫円元$¥￥]|zł|Kč|Ft|kr|\b[A-Z]{3}\b")
_PADDED = re.compile(r"0{2,20}")
# signs of several currencies, by the language that Excel writes behind them
_OF_LANGUAGES = {
    ("$", 0x409): "USD", ("$", 0x1009): "CAD", ("$", 0xC0C): "CAD", ("$", 0xC09): "AUD", ("$", 0x1409): "NZD", ("$", 0x4809): "SGD",
    ("$", 0x80A): "MXN", ("$", 0x404): "TWD", ("$", 0xC04): "HKD", ("¥", 0x804): "CNY", ("¥", 0x411): "JPY", ("kr", 0x41D): "SEK",
    ("kr", 0x414): "NOK", ("kr", 0x406): "DKK",
}


def shown_at_numbers(members: zipfile.ZipFile, sheet: bytes) -> dict[tuple[int, int], str]:
    """(row, column), from 0, of the cells of a sheet whose format shows something -> what (`shown_by`)."""
    styles = _shown_by_styles(members)
    if not styles:
        return {}
    return {
        (int(row) - 1, column_number(letters) - 1): styles[int(style)]
        for letters, row, style in (match.groups() for match in _CELL.finditer(sheet)) if int(style) in styles
    }


def with_shown(text: str, shown: str) -> str:
    """A number as its cell shows it: with a code behind it, a sign in front, or zeros."""
    if not shown.strip("0"):
        return text.zfill(len(shown))
    if len(shown) == len("EUR"):
        return f"{text} {shown}"
    return f"-{shown}{text[1:]}" if text.startswith("-") else f"{shown}{text}"


def _shown_by_styles(members: zipfile.ZipFile) -> dict[int, str]:
    try:
        text = members.read("xl/styles.xml").decode("utf-8", "replace")
    except KeyError:
        return {}
    formats: dict[str, str] = {}
    for tag in _FORMAT.findall(text):
        number, code = re.search(r'numFmtId="(\d+)"', tag), re.search(r'formatCode="([^"]*)"', tag)
        if number and code and (found := shown_by(html.unescape(code[1]))):
            formats[number[1]] = found
    styles = _STYLES.search(text) if formats else None
    numbers = _STYLE.findall(styles[0]) if styles else []
    return {at: formats[number] for at, number in enumerate(numbers) if number in formats}


def shown_by(pattern: str) -> str:
    """What a number format shows: a currency (`currency_of`), or as many zeros as a whole number is filled up to; '' for neither."""
    first = pattern.partition(";")[0]
    return first if _PADDED.fullmatch(first) else currency_of(pattern)


def currency_of(pattern: str) -> str:
    """The currency that a number format shows: its code, or a sign that several currencies have; '' where it shows none."""
    first = pattern.partition(";")[0]
    if found := _BRACKETED.search(first):
        sign, language = found[1].strip().replace("￥", "¥"), int(found[2] or "0", 16) & 0xFFFF
        if (sign, language) in _OF_LANGUAGES:
            return _OF_LANGUAGES[sign, language]
        return _code(sign)
    literal = " ".join(quoted or escaped for quoted, escaped in _QUOTED.findall(first))
    bare = re.sub(r"[^€£$¥￥₹₩₺₽₴₱฿₫]", " ", _QUOTED.sub(" ", re.sub(r"\[[^\]]*\]", "", first)))
    return next((code for text in (literal, bare) if (code := _code(text))), "")


def _code(text: str) -> str:
    for sign in _SIGN.findall(text):
        code = CODE_OF_SIGN.get(sign, "¥" if sign == "￥" else sign)
        if not code.isalpha() or code == "kr" or code in known_currencies():
            return code
    return ""
