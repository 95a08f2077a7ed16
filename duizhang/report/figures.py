"""Numbers and evidence as a reader sees them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from duizhang.declared.currency import in_places
from duizhang.declared.schema import PIECES
from duizhang.declared.terms import Side
from duizhang.speech.labels import Labels, Language
from duizhang.speech.phrases import in_language

# decimals of amounts of which no currency is known, beyond cents
_ZEROS = re.compile(r"(\d\.\d\d)0+(?!\d)")
_AMOUNT = re.compile(r"(?<![\w./-])-?\d{4,}\.\d\d(?![\w.])")


def number(value: Any) -> str:
    """A count with thousands separators; '' for nothing."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def quantity(value: Any) -> str:
    """A number of pieces without needless decimals."""
    if value is None:
        return ""
    return f"{int(value):,}" if value == int(value) else f"{value.normalize():,f}"


def amount(value: Any, currency: str) -> str:
    """Money with the places of its currency, more where more are significant, or pieces."""
    if currency == PIECES:
        return quantity(value)
    return f"{in_places(value, currency):,f}" if isinstance(value, Decimal) else number(value)


def percent(value: Decimal | None) -> str:
    """A fraction of 1 with two decimals. What is not everything never looks like 100%, what is not nothing never like 0%."""
    if value is None:
        return ""
    shown = (value * 100).quantize(Decimal("0.01"))
    if value != 1 and shown == 100:
        return "99.99%"
    return "0.01%" if value and not shown else f"{shown}%"


def with_currency(value: Decimal, currency: str, labels: Labels) -> str:
    """An amount and what it is an amount of."""
    if currency == PIECES:
        return labels.text("pieces_of", n=quantity(value))
    return f"{amount(value, currency)} {currency}".strip()


def in_words(text: str, language: Language) -> str:
    """What the core says of an item, in a language and without the zeros by which it keeps money exact."""
    return in_language(_ZEROS.sub(r"\1", text), language)


def evidence_lines(evidence: str | None, labels: Labels, shown: int) -> Sequence[str]:
    """The column `evidence` of `variances` in words: of one of several causes of an item the numbers that it follows from, then the first
    entries, those that tell most of the difference before the others, and how many more there are."""
    entries: list[dict[str, Any]] = json.loads(evidence or "[]")
    because = next((str(entry["because"]) for entry in entries if entry.get("because")), "")
    told = [_AMOUNT.sub(lambda m: f"{Decimal(m[0]):,}", in_words(because, labels.language))] if because else []
    found = [*_telling([e for e in entries if "side" in e]), *(e for e in entries if "side" not in e)]
    lines = [_claim(entry, labels) if "side" in entry else f"{entry['key']} {_plain(entry['difference'])}" for entry in found[:shown]]
    there = max([len(entries), *(int(entry.get("claims") or entry.get("lines") or 0) for entry in entries)])
    return [*told, *lines, labels.text("more", n=there - len(lines))] if there > len(lines) else [*told, *lines]


def candidate_lines(candidates: str | None, labels: Labels) -> list[str]:
    """The column `candidates` of `variances` in words: what else it may be, the likelier first, with what would show it."""
    named = [str(entry["cause"]) for entry in json.loads(candidates or "[]")]
    return [labels.text("may_be_told", cause=labels.cause(name), tells=labels.tells(name)) if labels.tells(name)
            else labels.text("may_be", cause=labels.cause(name)) for name in named]


def proposal_lines(proposal: str | None, labels: Labels) -> list[str]:
    """The column `proposal` of `variances` in words, a line where there is one: what the item pairs with, or may pair with."""
    return [labels.text("proposed", what=in_words(proposal, labels.language))] if proposal else []


def is_of_lines(evidence: str | None) -> bool:
    """Whether an item is a sum of which the evidence names other items, and no claims of its own."""
    entries = json.loads(evidence or "[]")
    return bool(entries) and all("side" not in entry for entry in entries)


def follows_from(evidence: str | None) -> bool:
    """Whether the evidence says what numbers the item follows from."""
    return any(entry.get("because") for entry in json.loads(evidence or "[]"))


def _telling(claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Claims whose amount the other side does not have, of both sides in turn, and after them those on which both agree."""
    sides: dict[str, list[dict[str, Any]]] = {}
    for claim in claims:
        sides.setdefault(claim["side"], []).append(claim)
    amounts = {side: Counter(Decimal(str(claim["amount"])) for claim in those) for side, those in sides.items()}
    both = Counter[Decimal]()
    if len(amounts) > 1:
        one, other = amounts.values()
        both = one & other
    differing: list[list[dict[str, Any]]] = []
    agreeing = []
    for those in sides.values():
        left = both.copy()
        differing.append([])
        for claim in those:
            amount = Decimal(str(claim["amount"]))
            if left[amount]:
                left[amount] -= 1
                agreeing.append(claim)
            else:
                differing[-1].append(claim)
    return [claim for pair in zip_longest(*differing) for claim in pair if claim] + agreeing


def _claim(entry: dict[str, Any], labels: Labels) -> str:
    place = _place(entry, labels)
    side = labels.text(entry["side"]) if entry["side"] in tuple(Side) else entry["side"]
    parts = [entry.get("claimed"), side, labels.of("kinds", str(entry["kind"])), _plain(entry["amount"]), place]
    return " ".join(str(part) for part in parts if part)


def _place(entry: dict[str, Any], labels: Labels) -> str:
    """Where it stands; what is computed of other rows and what people decided stands in no file."""
    line = entry.get("line")
    if entry.get("source") == "corrections" and line is not None:
        return labels.text("of_decision", number=f"C{line:06d}")
    if entry.get("source") == "journal_proposals":
        return labels.text("of_entries")
    return str(entry["file"] or labels.text("computed")) + ("" if line is None else f":{line}")


def _plain(value: object) -> str:
    exact = Decimal(str(value))
    return f"{exact:,.2f}" if exact == round(exact, 2) else f"{exact.normalize():,f}"


__all__ = ["amount", "candidate_lines", "evidence_lines", "follows_from", "is_of_lines", "number", "percent", "proposal_lines", "quantity",
           "with_currency"]
