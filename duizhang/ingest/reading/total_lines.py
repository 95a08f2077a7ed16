"""Lines among the rows of a table that state what its columns add up to: Total, 合计, Summe."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

# as the whole of a cell: `Subtotal`, `Total credits`, `Total 1200 Cash` and `本页合计` sum up something that they alone know
TOTAL = re.compile(
    r"(?i)^[\W_]*(?:(?:grand |overall )?totals?|sums?|summen?|gesamt(?:summe|betrag)?|totaal|totale?s?|total g[eé]n[eé]ral|totale generale|"
    r"sumy?|suma|razem|celkem|összesen|toplam|итого|всего|합계|총계|合计|总计|合計|総計|總計)[\W_]*$")
_PARTIAL = re.compile(
    r"(?i)^[\W_]*(?:(?:sub|grand|running|page)[- ]?)?(?:total|totaal|totale|summe|zwischensumme|gesamt|合计|总计|小计|合計|小計|總計)")
_NUMBER = re.compile(r"[^\W\d_]{0,3}\W{0,3}\d[\d.,'\u2019\s]*\W{0,3}(?:[^\W\d_]{0,3})\W?")
_CODE = re.compile(r"[A-Z]{3}")
_BLANK = " \t\r\n\"'`\ufeff\xa0"


def names_total(cells: Sequence[str], word: re.Pattern[str] = TOTAL) -> bool:
    """Whether the first filled cell of a line is a word for the total of all rows, with a number in another."""
    filled = [cell.strip(_BLANK) for cell in cells if cell.strip(_BLANK)]
    return len(filled) > 1 and word.match(filled[0]) is not None and any(any(map(str.isdigit, cell)) for cell in filled[1:])


def names_part(cells: Sequence[str]) -> bool:
    """Whether a line is a total of some rows of which it alone knows which they are."""
    return not names_total(cells) and names_total(cells, _PARTIAL)


def is_total_line(cells: Sequence[str], days: Collection[int]) -> bool:
    """Whether a line is a total and no row: beside the word nothing but numbers and a currency, and no day. days: the places of days."""
    if not names_total(cells) or any(any(map(str.isdigit, cells[n])) for n in days if n < len(cells)):
        return False
    others = [cell.strip(_BLANK) for cell in cells if cell.strip(_BLANK)][1:]
    return all(_NUMBER.fullmatch(cell) or _CODE.fullmatch(cell) for cell in others)
