"""The balance that stands after every row: what each row moves must lead from one balance to the next.

Rows stand oldest or newest first, and those of one second in any order, so three readings are tried: balance less the sum of
what was moved so far is the same everywhere (oldest first); balance plus that sum is (newest first); or every balance but one is
the one before some row (any order). Where all three fail, a row is missing, was read wrongly, or stands there twice. Sums of
batches join, so nothing is kept of a row but the breaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

SHOWN = 5  # breaks that are kept of a batch


@dataclass(frozen=True)
class Break:
    """A row whose balance is not what the one beside it leads to. Amounts in ten thousandths."""

    line: int
    stated: int
    led_to: int


@dataclass(frozen=True)
class Reading:
    """One order of the rows. first, last: the constant at the ends; breaks: where it changes, `count` of them in all."""

    first: int
    last: int
    breaks: tuple[Break, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Chain:
    """The balances of one account and currency in some rows; chains of rows that follow each other add up.

    moved: the sum of what all rows move. rows: how many have a balance; silent: how many move money and have none. first_line,
    first_balance, first_moved: of the first row that has one, and what the rows up to it move; last_balance, last_moved: of the
    last one, what it moves itself. loose: balances that stand before a row more often than after one (or less often); None where
    that cannot be told. flat: whether all balances are 0, which states none.
    """

    moved: int
    rows: int = 0
    silent: int = 0
    first_line: int = 0
    first_balance: int = 0
    oldest: Reading = Reading(0, 0)
    newest: Reading = Reading(0, 0)
    loose: Mapping[int, int] | None = field(default_factory=dict)
    flat: bool = True

    def __add__(self, other: Chain) -> Chain:
        if not other.rows or not self.rows:
            one = self if self.rows else other
            # rows without a balance before the first shift where it starts
            shift = self.moved if other.rows else 0
            return Chain(
                self.moved + other.moved, one.rows, self.silent + other.silent, one.first_line, one.first_balance,
                _shifted(one.oldest, -shift), _shifted(one.newest, shift), one.loose if not (self.silent + other.silent) else None,
                one.flat)
        loose: Counter[int] | None = None
        if self.loose is not None and other.loose is not None:
            loose = Counter(self.loose)
            for value, count in other.loose.items():
                loose[value] += count
        return Chain(
            self.moved + other.moved, self.rows + other.rows, self.silent + other.silent, self.first_line, self.first_balance,
            _joined(self.oldest, _shifted(other.oldest, -self.moved), other, self.moved),
            _joined(self.newest, _shifted(other.newest, self.moved), other, -self.moved),
            None if loose is None else {value: count for value, count in loose.items() if count}, self.flat and other.flat)

    @property
    def breaks(self) -> tuple[tuple[Break, ...], int]:
        """(the first breaks, how many there are); none where one of the readings holds throughout."""
        if self.flat or self.rows < 2 or not self.oldest.count or not self.newest.count or self._closes():
            return (), 0
        best = min((self.oldest, self.newest), key=lambda reading: reading.count)
        return best.breaks, best.count

    @property
    def begins_with_nothing(self) -> bool:
        """Whether the balance before all rows is 0, in an order in which they follow."""
        opened = [self.oldest.first] * (not self.oldest.count) + [self.newest.last - self.moved] * (not self.newest.count)
        return bool(self.rows) and 0 in opened

    def _closes(self) -> bool:
        return self.loose is not None and sum(abs(count) for count in self.loose.values()) <= 2


def _stands_apart(balances: np.ndarray, own: np.ndarray) -> bool:
    """Whether a row that moves nothing has a balance that no other leads to or from: in any order it would follow itself."""
    still = own == 0
    if not still.any() or still.all():
        return False
    moving = balances[~still]
    return not np.isin(balances[still], np.concatenate([moving, moving - own[~still]])).all()


def _shifted(reading: Reading, by: int) -> Reading:
    return Reading(reading.first + by, reading.last + by, reading.breaks, reading.count) if by else reading


def _joined(above: Reading, below: Reading, chain: Chain, before: int) -> Reading:
    """Two readings of rows that follow each other; `below` begins with the first row of `chain`."""
    breaks, count = (*above.breaks, *below.breaks), above.count + below.count
    if above.last != below.first:
        gap = below.first - above.last
        breaks = (*above.breaks, Break(chain.first_line, chain.first_balance, chain.first_balance - gap), *below.breaks)
        count += 1
    return Reading(above.first, below.last, breaks[:SHOWN], count)


def chain_of(lines: np.ndarray, steps: np.ndarray, balances: np.ndarray, known: np.ndarray) -> Chain:
    """The chain of the rows of one account. steps, balances: in ten thousandths, int64 or Python's own; known: rows with a balance."""
    if object in (steps.dtype, balances.dtype):
        steps, balances = steps.astype(object), balances.astype(object)
    moved = int(steps.sum())
    at = np.flatnonzero(known)
    silent = int(np.count_nonzero(steps[~known])) if len(at) < len(known) else 0
    if not len(at):
        return Chain(moved, silent=silent)
    sums = np.cumsum(steps)
    balances, own = balances[at], steps[at]
    oldest = _reading(balances - sums[at], lines[at], balances)
    newest = _reading(balances + sums[at] - own, lines[at], balances)
    loose: dict[int, int] | None
    if silent or _stands_apart(balances, own):
        loose = None
    elif not oldest.count or not newest.count:
        ends = (balances[0] - own[0], balances[-1]) if not oldest.count else (balances[-1] - own[-1], balances[0])
        loose = {} if ends[0] == ends[1] else {int(ends[0]): 1, int(ends[1]): -1}
    else:
        # sorted with the last bit telling those after a row from those before one, which costs a tenth of sorting them with their places
        both = np.sort(np.concatenate([(balances - own) * 2, balances * 2 + 1]))
        starts = np.flatnonzero(np.append(True, both[1:] >> 1 != both[:-1] >> 1))
        counts = np.add.reduceat(1 - 2 * (both & 1), starts)
        left = np.flatnonzero(counts)
        loose = dict(zip((both[starts[left]] >> 1).tolist(), counts[left].tolist(), strict=True))
    return Chain(
        moved, len(at), silent, int(lines[at[0]]), int(balances[0]), oldest, newest, loose, not balances.any())


def _reading(constant: np.ndarray, lines: np.ndarray, balances: np.ndarray) -> Reading:
    jumps = np.flatnonzero(constant[1:] != constant[:-1]) + 1
    breaks = tuple(
        Break(int(lines[n]), int(balances[n]), int(balances[n] - (constant[n] - constant[n - 1]))) for n in jumps[:SHOWN].tolist())
    return Reading(int(constant[0]), int(constant[-1]), breaks, len(jumps))


def joined(above: Mapping[str, Chain], below: Mapping[str, Chain]) -> dict[str, Chain]:
    """The chains of rows that follow each other, by account and currency."""
    return {
        name: above[name] + below[name] if name in above and name in below else above[name] if name in above else below[name]
        for name in {**above, **below}
    }


def chains_of(names: Sequence[str], places: np.ndarray, lines: np.ndarray, steps: np.ndarray, balances: np.ndarray, known: np.ndarray
              ) -> dict[str, Chain]:
    """The chains of rows of several accounts; places: which of `names` each row belongs to."""
    if len(names) == 1:
        return {names[0]: chain_of(lines, steps, balances, known)}
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(len(names) + 1))
    return {
        name: chain_of(lines[rows], steps[rows], balances[rows], known[rows])
        for n, name in enumerate(names) if len(rows := order[bounds[n] : bounds[n + 1]])
    }
