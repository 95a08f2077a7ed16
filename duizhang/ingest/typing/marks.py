"""Whether a file writes its cents behind a point or a comma."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from duizhang.declared.currency import CODE_OF_SIGN, known_currencies, places_by_currency
from duizhang.errors import RefusedFile
from duizhang.ingest.texts import Cells, X, applied
from duizhang.ingest.typing.money import in_our_digits

_OTHER = {",": ".", ".": ","}
# signs of money beside which thousands are parted by a comma, and by a point or a blank
_SIGNS = {".": r"[¥￥円元£₹₩₱฿△▲]|人民币|\b(?:US|HK|NT|C|A|S)\$|\bRs", ",": r"zł|Kč|\bFt\b|₽|₴|R\$|₺"}
# the sign that several currencies share, a sign of one, or a code, which stands at an amount
_AT = re.compile(r"US\$|HK\$|NT\$|R\$|[€£₹₩₺₽₴₱₫]|\b[A-Z]{3}\b")
_FEW = 64  # cells that are looked at first


def _shapes(mark: str) -> list[pl.Expr]:
    """What the cells of a column show of one mark."""
    point, other = re.escape(mark), re.escape(_OTHER[mark])
    before_cents = rf"[0-9]{point}[0-9]{{1,2}}\D*$"
    surely = rf"[0-9]{other}[0-9]{{3}}{point}|^\D*0{point}[0-9]"  # behind thousands, or behind a 0
    finer = rf"^\D*(?:0|[0-9]{{4,}}){point}[0-9]{{3}}|{point}[0-9]{{4,}}\D*$"
    grouped = X.filter(X.str.contains(rf"^\D*[1-9][0-9]{{0,2}}({point}[0-9]{{3}})+\D*$"))
    return [
        (X.str.contains(before_cents).sum() + X.str.contains(surely).sum()).alias(f"cents{mark}"),
        X.str.contains(finer).any().alias(f"finer{mark}"),
        grouped.first().alias(f"group{mark}"),
        (grouped.str.count_matches(mark, literal=True) > 1).any().cast(pl.Int64).alias(f"grouped{mark}"),
    ]


class Marks:
    """What the marks in the amounts of a file show."""

    def __init__(self) -> None:
        self.counts = {",": 0, ".": 0}  # cells that show that this mark stands before cents
        self.groups = {",": "", ".": ""}  # a cell in which it may stand before thousands
        self.has_plain = False  # whether an amount has no mark
        self.is_finer = {",": False, ".": False}  # whether an amount has more than two digits behind this mark, and nothing else it can be

    def look_at(self, texts: Cells) -> None:
        """Count the marks in a column of amounts."""
        if not texts.values.str.len_chars().equals(texts.values.str.len_bytes()):
            texts = Cells(applied(in_our_digits(pl.when(~X.str.contains("٫")).then(X).otherwise(pl.lit(""))), texts.values), texts.places)
        self.has_plain |= bool((texts.values.str.contains("[1-9]") & ~texts.values.str.contains("[.,]")).any())
        cells = texts.values.filter(texts.values.str.contains("[.,]"))
        if not len(cells):
            return
        cells = pl.Series("x", texts.rows()) if texts.places is not None else cells
        # all questions at once: of the few cells of most files each query costs more to begin than to answer
        shown = cells.alias("x").to_frame().select(*(shape for mark in _OTHER for shape in _shapes(mark))).row(0, named=True)
        for mark, other in _OTHER.items():
            self.counts[mark] += shown[f"cents{mark}"]
            self.is_finer[mark] |= shown[f"finer{mark}"]
            self.groups[mark] = self.groups[mark] or shown[f"group{mark}"] or ""
            self.counts[other] += shown[f"grouped{mark}"]

    def decimal(self, said: str, currencies: set[str], days: Sequence[pl.Series], *, eastern: bool = False) -> str:
        """The mark behind which amounts have one or two digits; where none has any and there are marks before three digits only, what
        else the file tells. said: what the books say; currencies, days: that the file names; eastern: whether its columns have
        Chinese, Japanese or Korean names, beside which 5,000 is a thousand.

        Raises RefusedFile where 1.234 may be a thousand or not.
        """
        counts = self.counts
        if any(counts.values()) or not any(self.groups.values()):
            found = "," if counts[","] > counts["."] else "."
            if self.groups[found] and not said and not self.is_finer[found] and not self._has_three(currencies):
                self._undecided(found)  # 1.234 beside 20.50 has a digit too many, or is a thousand
            return said or found
        by_names = "." if eastern and not self.groups["."] else ""
        return said or self._by_currency(currencies) or by_names or _by_days(days) or self._by_signs() or self._undecided()

    def _by_signs(self) -> str:
        """The mark before cents by the signs of money, where it is not the one that may part thousands."""
        [text, *more] = [text for text in self.groups.values() if text]
        return next((mark for mark, sign in _SIGNS.items() if not more and not self.groups[mark] and re.search(sign, text)), "")

    def _has_three(self, currencies: set[str]) -> bool:
        return 3 in {places_by_currency().get(currency) for currency in currencies}

    def _by_currency(self, currencies: set[str]) -> str:
        """The mark that does not part the thousands of 50,000, where every currency that the file names has no decimals (yen, won), and
        that of 5.125, where every one has three (dinar) and so has every amount."""
        places = {places_by_currency().get(currency) for currency in currencies}
        marks = [mark for mark, text in self.groups.items() if text]
        if len(marks) != 1 or len(places) != 1:
            return ""
        return _OTHER[marks[0]] if places == {0} else marks[0] if places == {3} and not self.has_plain else ""

    def _undecided(self, mark: str = "") -> str:
        text = self.groups[mark] if mark else next(found for found in self.groups.values() if found)
        digits = re.sub(r"[^\d.,]", "", text)
        raise RefusedFile(
            f"amounts can be read in two ways: {text!r} is {re.sub('[.,]', '', digits)} where the mark parts thousands, "
            f"{re.sub('[.,]', '.', digits)} where it is the decimal mark, and nothing in the file tells",
            advice="Say in books.yaml, readings: {SOURCE: {decimal: ','}} or {decimal: '.'}, or export amounts with their cents.")


def _by_days(days: Sequence[pl.Series]) -> str:
    """`,` where days are written 31.12.2026, which no country does that writes 1,234.50."""
    filled = (texts.filter(texts != "") for texts in days)
    return "," if any(len(texts) and texts.str.contains(r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}").all() for texts in filled) else ""


_DOLLAR = r"(?:^|[^A-Za-z])\$"


def has_no_cents(currency: str) -> bool:
    """Whether a currency has no decimals, such as yen."""
    return places_by_currency().get(currency) == 0


def currencies_at(texts: Cells) -> set[str]:
    """The codes of the currencies that stand at amounts, where each amount that is not 0 names one."""
    first = texts.values.head(_FEW)
    if not first.filter(first.str.contains("[1-9]")).str.contains(_AT.pattern).all():
        return set()  # nearly all files: the first cells tell
    filled = texts.values.filter(texts.values.str.contains("[1-9]"))
    if filled.is_empty() or not filled.str.contains(_AT.pattern).all():
        return set()
    found = {match[0] for text in filled.unique().to_list() for match in _AT.finditer(text)}
    return {code for sign in found if (code := CODE_OF_SIGN.get(sign, sign)) in known_currencies()}


def dollars_at(texts: Cells) -> set[str]:
    """`$` where each amount that is not 0 has that sign alone, which is one of several currencies and none of any other."""
    first = texts.values.head(_FEW)
    if not first.filter(first.str.contains("[1-9]")).str.contains(_DOLLAR).all():
        return set()
    filled = texts.values.filter(texts.values.str.contains("[1-9]"))
    return {"$"} if len(filled) and filled.str.contains(_DOLLAR).all() else set()
