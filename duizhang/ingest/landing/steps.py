"""What a row moves, without a query: additions, signs and choices between words are worked out on whole columns of integers.

The expressions are SQL; those that are more than this (`parse` gives None) are left to DuckDB, and both give the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.texts import whole
from duizhang.ingest.typing import ten_thousandths

# (amounts in ten thousandths, which of them are null: None where none is)
Amounts = tuple[np.ndarray, np.ndarray | None]
Step = Callable[[pa.Table], Amounts]
_TOKEN = re.compile(r"\s*([a-z_]\w*|'[^']*'|\d+|[-+(),])")
_WORDS = ("abs", "coalesce", "case", "when", "then", "else", "end")


class _NotSimple(Exception):
    """The expression is more than is worked out here."""


@cache
def parse(expression: str) -> Step | None:
    """The step that an SQL expression over money fields says; None where it is more than additions, `abs`, `coalesce` and
    `case field when 'word' then .. else .. end`."""
    tokens: list[str] = []
    at, text = 0, expression.strip().casefold()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        tokens.append(expression.strip()[found.start(1) : found.end(1)] if found.group(1).startswith("'") else found.group(1))
        at = found.end()
    try:
        parser = _Parser(tokens)
        step = parser.sum()
    except _NotSimple:
        return None
    return None if parser.left else step


def moved(step: Step, typed: pa.Table) -> np.ndarray:
    """What every row moves, 0 where that is null; in ten thousandths."""
    amounts, nothing = step(typed)
    return amounts if nothing is None else np.where(nothing, 0, amounts)


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.left = list(tokens)

    def sum(self) -> Step:
        step = self._negative() if self._took("-") else self._term()
        while self.left and self.left[0] in "+-":
            sign = 1 if self.left.pop(0) == "+" else -1
            step = _added(step, self._term(), sign)
        return step

    def _negative(self) -> Step:
        term = self._term()
        return lambda typed: _each(term(typed), np.negative)

    def _term(self) -> Step:
        word = self._next()
        if word == "(":
            return self._closed(self.sum())
        if word == "0":
            return lambda typed: (np.zeros(typed.num_rows, np.int64), None)
        if word == "abs":
            self._expect("(")
            inner = self._closed(self.sum())
            return lambda typed: _each(inner(typed), np.abs)
        if word == "coalesce":
            self._expect("(")
            step = self.sum()
            while self._took(","):
                step = _first(step, self.sum())
            return self._closed(step)
        if word == "case":
            return self._case()
        if word in _WORDS or not word[0].isalpha():
            raise _NotSimple
        return lambda typed: _column(typed, word)

    def _case(self) -> Step:
        field, choices = self._next(), []
        while self._took("when"):
            value = self._next()
            if not value.startswith("'"):
                raise _NotSimple
            self._expect("then")
            choices.append((value[1:-1], self.sum()))
        if not choices or not field[0].isalpha() or field in _WORDS:
            raise _NotSimple
        self._expect("else")
        step = self.sum()
        self._expect("end")
        for value, then in reversed(choices):
            step = _chosen(field, value, then, step)
        return step

    def _next(self) -> str:
        if not self.left:
            raise _NotSimple
        return self.left.pop(0)

    def _took(self, token: str) -> bool:
        if self.left and self.left[0] == token:
            self.left.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise _NotSimple

    def _closed(self, step: Step) -> Step:
        self._expect(")")
        return step


def _column(typed: pa.Table, name: str) -> Amounts:
    amounts = whole(typed[name])
    return ten_thousandths(amounts), (~np.asarray(amounts.is_valid()) if amounts.null_count else None)


def _each(amounts: Amounts, rule: np.ufunc) -> Amounts:
    return rule(amounts[0]), amounts[1]


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return b if a is None else a if b is None else a | b


def _added(one: Step, other: Step, sign: int) -> Step:
    def step(typed: pa.Table) -> Amounts:
        (a, no_a), (b, no_b) = one(typed), other(typed)
        return (a + b if sign > 0 else a - b), _either(no_a, no_b)

    return step


def _first(one: Step, other: Step) -> Step:
    def step(typed: pa.Table) -> Amounts:
        a, no_a = one(typed)
        if no_a is None:
            return a, None
        b, no_b = other(typed)
        return np.where(no_a, b, a), (None if no_b is None else no_a & no_b)

    return step


def _chosen(field: str, value: str, then: Step, otherwise: Step) -> Step:
    def step(typed: pa.Table) -> Amounts:
        cells = whole(typed[field])
        if pa.types.is_dictionary(cells.type):
            hit = np.asarray(pc.fill_null(pc.equal(cells.dictionary, value).take(cells.indices), False))
        else:
            hit = np.asarray(pc.fill_null(pc.equal(cells, value), False))
        (a, no_a), (b, no_b) = then(typed), otherwise(typed)
        nothing = None if no_a is None and no_b is None else np.where(
            hit, no_a if no_a is not None else False, no_b if no_b is not None else False)
        return np.where(hit, a, b), nothing

    return step
