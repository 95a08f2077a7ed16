"""From text to amounts of money: decimals with four places, exact. No more digits than a column of money has room for."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.texts import may_hold, spread, text_bytes
from duizhang.schema import MONEY, RATE, WHOLE_DIGITS

MAX_DIGITS = 30  # of longer ones Arrow's cast overflows without a word: five hundred nines become -1
# what is tried as an amount or a rate; LARGEST is what a file may state of money, less than a sum of many may come to
_READ = {MONEY: MONEY, RATE: RATE}
LARGEST = Decimal(10) ** WHOLE_DIGITS
TOO_LARGE = f"has more than {WHOLE_DIGITS} digits before its decimal mark, the most that have room to be added up"
_SURE = WHOLE_DIGITS  # bytes of a plain amount that has no more digits before its point than are allowed, whatever they are
_MARKS = tuple(mark.encode() for mark in "$¥£€￥")  # the currency signs that may stand before an amount
# what stands between thousands besides the mark of the other kind, as in SQL: blanks of four widths and apostrophes
_GROUPS = (" ", "\u00a0", "\u202f", "\u2009", "''", "\u2019")
_WIDE, _NARROW = "０１２３４５６７８９．，－−–＋（）￥", "0123456789.,---+()¥"
_OPEN, _CLOSE, _PLUS, _COMMA, _MINUS, _POINT, _NINE = b"()+,-.9"


def fast_money(texts: pa.Array, decimal: str, kind: pa.DataType = MONEY) -> pa.Array | None:
    """All cells as amounts (kind: MONEY or RATE), an empty one null; None where one needs the slow way (`money_sql`)."""
    if decimal == "." and _is_plain(texts):
        return _cast(texts, kind)
    plain = _plain(texts, decimal)
    return None if plain is None else _cast(plain, kind)


def _is_plain(texts: pa.Array) -> bool:
    """Whether there are but digits, points and signs (and slashes, which the cast does not take)."""
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    return not len(inside) or bool(inside.min() >= _PLUS and inside.max() <= _NINE and not (inside == _COMMA).any())


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """All cells as plain decimals, or None where one is anything else. The cast must not be shown an exponent: it takes it."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > MAX_DIGITS:
        return None
    try:
        read = pc.cast(pc.if_else(pc.equal(texts, ""), None, texts), _READ[kind])
    except pa.ArrowInvalid:
        return None
    # the same words: only how many digits they may have differs
    return pa.Array.from_buffers(kind, len(read), read.buffers(), read.null_count, read.offset)


class _Marked:
    """Cells out of which bytes are to go. `starts` and `stops` bound what is left to be looked at in each cell.

    data: the bytes of all cells; kept: which of them stay; gone: how many go, by cell.
    """

    def __init__(self, data: np.ndarray, ends: np.ndarray) -> None:
        self.data, self.ends = data, ends
        self.starts, self.stops = ends[:-1].astype(np.int64), ends[1:].astype(np.int64)
        self.kept = np.ones(len(data), np.bool_)
        self.gone = np.zeros(len(ends) - 1, np.int32)

    def filled(self) -> np.ndarray:
        """The cells in which there is something left."""
        return np.flatnonzero(self.stops > self.starts)

    def unbracket(self) -> bool:
        """A bracket before becomes a minus, the one behind goes. False where they are no pair."""
        brackets = (self.data == _OPEN) | (self.data == _CLOSE)
        if not brackets.any():
            return True
        cells = self.filled()
        cells = cells[self.data[self.starts[cells]] == _OPEN]
        if (self.data[self.stops[cells] - 1] != _CLOSE).any() or np.count_nonzero(brackets) != 2 * len(cells):
            return False
        self.data[self.starts[cells]] = _MINUS
        self.stops[cells] -= 1
        self.kept[self.stops[cells]] = False
        self.gone[cells] += 1
        return True

    def unsign(self) -> None:
        """`starts` moves behind the sign."""
        cells = self.filled()
        first = self.data[self.starts[cells]]
        self.starts[cells] += (first == _PLUS) | (first == _MINUS)

    def unmark(self) -> None:
        """A currency sign goes, and `starts` moves behind it. A second one stays, for the cast to stumble on."""
        if self.data.max() < 0x80 and not (self.data == _MARKS[0][0]).any():
            return
        left = self.filled()
        for mark in _MARKS:
            found = left[self.stops[left] - self.starts[left] > len(mark)]
            for n, byte in enumerate(mark):
                found = found[self.data[self.starts[found] + n] == byte]
            for n in range(len(mark)):
                self.kept[self.starts[found] + n] = False
            self.starts[found] += len(mark)
            self.gone[found] += len(mark)
            left = np.setdiff1d(left, found, assume_unique=True)

    def ungroup(self, thousands: int, point: int) -> bool:
        """Separators of thousands go. False where one does not stand before every three digits up to the point or the end,
        with one to three digits before the first of them."""
        data = self.data
        at = np.flatnonzero(data == thousands)
        if not len(at):
            return True
        cells = np.searchsorted(self.stops, at, side="right")
        before, after = at - self.starts[cells], self.stops[cells] - at
        if before.min() < 1 or after.min() < 4:
            return False
        follower = np.where(after > 4, data[np.minimum(at + 4, len(data) - 1)], point)
        grouped = _digit(data[at + 1]) & _digit(data[at + 2]) & _digit(data[at + 3]) & ((follower == thousands) | (follower == point))
        head = _digit(data[at - 1]) & ((before < 2) | _digit(data[at - 2])) & ((before < 3) | _digit(data[at - 3])) & (before <= 3)
        inner = (before > 4) & (data[at - 4] == thousands)
        if not (grouped & (head | inner)).all():
            return False
        self.kept[at] = False
        self.gone += np.bincount(cells, minlength=len(self.gone)).astype(np.int32)
        return True

    def left(self) -> pa.Array | None:
        """The cells without what goes; None where one is so long that its digits would have to be counted."""
        ends = self.ends.copy()
        ends[1:] -= np.cumsum(self.gone, dtype=np.int32)
        return spread(self.data[self.kept], ends) if np.diff(ends).max() <= _SURE else None


def _plain(texts: pa.Array, decimal: str) -> pa.Array | None:
    """The cells without separators of thousands, currency signs and brackets: `($1,234.50)` is `-1234.50`.

    None where something stands in a place that is not its own. What is left is for the cast to judge.
    """
    data, ends = text_bytes(texts)
    if ends[0] == ends[-1]:
        return texts
    if may_hold(texts, "e", "E"):
        return None
    cells = _Marked(data[ends[0] : ends[-1]].copy(), ends - ends[0])
    if not cells.unbracket():
        return None
    cells.unsign()
    cells.unmark()
    thousands, point = (_COMMA, _POINT) if decimal == "." else (_POINT, _COMMA)
    if not cells.ungroup(thousands, point):
        return None
    if decimal == ",":
        cells.data[cells.data == _COMMA] = _POINT
    return cells.left()


def _digit(byte: np.ndarray) -> np.ndarray:
    return np.asarray(byte - np.uint8(48) < 10)  # what is below '0' wraps to far above 9


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


def bounded(amounts: pa.Array) -> pa.Array | None:
    """Which amounts are too large to be added up; None where none is."""
    if amounts.type != MONEY or not reaches(amounts, (1 << 63) - 1):
        return None
    large = pc.fill_null(pc.greater_equal(pc.abs(amounts), pa.scalar(LARGEST, MONEY)), False)
    return large if pc.any(large, min_count=0).as_py() else None


def money_sql(decimal: str, kind: pa.DataType = MONEY) -> tuple[str, str]:
    """(value, reason) in SQL over the text `x`: signs, currency marks, brackets, separators of thousands, full-width digits and
    a side (CR, DR, S, H) behind the amount allowed."""
    read, places = _READ[kind], kind.scale
    digits = read.precision - read.scale
    own, mark = (",", r"\.") if decimal == "." else (r"\.", ",")
    # a blank (also one that does not break), an apostrophe, or the mark itself stand between thousands, the same throughout
    grouped = "|".join(rf"\d{{1,3}}({group}\d{{3}})+" for group in (own, *_GROUPS))
    if decimal == ".":
        grouped += r"|\d{1,2}(,\d{2})+,\d{3}"  # lakh and crore
    number = rf"(0*\d{{1,{digits}}}|{grouped})?({mark}\d{{0,{places}}}0*)?"
    plain_x = f"trim(translate(x, '{_WIDE}', '{_NARROW}'))"
    side = rf"upper(regexp_extract({plain_x}, '(?i)[\d.)]\s*(CR|DR|S|H)\.?$', 1))"  # behind the amount: credit or debit
    bare = rf"regexp_replace({plain_x}, '(?i)([\d.)])\s*(CR|DR|S|H)\.?$', '\1')"
    # the marks that stand around an amount: a currency sign or code before or behind, 元
    bare = rf"regexp_replace({bare}, '^([-+(]?)\s*([¥$€£]|人民币|[A-Z]{{2,3}}\$?)\s*', '\1')"
    bare = rf"regexp_replace(trim(regexp_replace({bare}, '\s*([¥$€£元]|[A-Z]{{3}})(\)?)$', '\2')), '^([-+(])\s+', '\1')"
    good = rf"regexp_full_match({bare}, '([+-]?({number})|\(({number})\)|({number})-)') and regexp_matches({bare}, '\d')"
    # an amount that is a debit twice over has no certain sign
    good = rf"{good} and not ({side} in ('DR', 'S') and regexp_matches({bare}, '^[-(]|-$'))"
    left_out = "".join((own[-1], *_GROUPS)).replace("''", "'").replace("'", "''")
    plain = rf"regexp_replace(translate({bare}, '{left_out}', ''), '[+()-]', '', 'g')"
    if decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    sign = rf"case when {side} in ('DR', 'S') or regexp_matches({bare}, '^[-(]|-$') then -1 else 1 end"
    value = f"case when {good} then {sign} * try_cast({plain} as decimal({read.precision}, {read.scale})) end"
    example = "1234.50" if decimal == "." else "1234,50"
    named = {4: "four", 8: "eight"}[places]
    return value, f"is no amount; expected at most {digits} digits and {named} decimals, such as {example}"
