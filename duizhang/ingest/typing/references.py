"""What matching reads of a remark: ids that stand in it, and words that name a payment channel or say that nobody paid it out. The text
itself is not kept."""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from duizhang.declared.matching_passes import load_matching
from duizhang.ingest.specification import OF_PARTY, OF_REFERENCE, SourceSpec

# of fewer characters only the number of an order as shops write it
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{4,}[A-Za-z0-9]|#[A-Za-z0-9]{3,5}(?![A-Za-z0-9_.-])")
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}")
# what is as long as an id and is a person's: a telephone number, the number of an identity card (Chinese, American, Brazilian)
_PERSONAL = re.compile(
    r"(?i)(?:tel|phone|mobile|mob|cell|handy)?(?:(?:00)?86)?1[3-9]\d{9}|\d{17}[\dx]|\d{3}-\d{2}-\d{4}|\d{3}\.\d{3}\.\d{3}-\d{2}"
)
# telephone numbers in several groups: behind a word for one, with a country or an area
_TELEPHONE = re.compile(
    r"(?i)(?P<told>(?:(?<![a-z])(?:tel(?:e(?:ph|f)on[eo]?)?|phone|mob(?:ile?)?|cell|handy|fax)|电话|手机号?)[.:：\s_-]+"
    r"|(?<![a-z0-9])(?=\+)|(?=\(\d{2,5}\)\s?\d)|(?<![\w-])(?=0\d{2,3}[-/]\d{7,8}(?![\w-])))"
    r"(?P<number>[+(]?\d+(?:[\s()/.-]+\d+)*)(?![a-z0-9])"
)
# without one of these there is none, and that is told of all texts at once
_DIALLED = r"(?i)tel|phone|mob|cell|handy|fax|电话|手机|[+(]|0\S{2,3}[-/]"
_SHORTEST = 11  # characters of the shortest number that is a person's
_LONGEST = 15  # digits that a telephone number may have (E.164)


@lru_cache(256)
def remark_fields(spec: SourceSpec, *, masked: bool = True) -> frozenset[str]:
    """The fields of which nothing but ids and channel words is kept: the words of a bank's line that no other expression reads. Not
    masked: only those that are read for an id in them and for nothing else."""
    remarks = " ".join(t.columns.get("remark", "") for t in spec.tables if t.table == "bank_entries")
    others = " ".join(
        " ".join([t.where, *(said for name, said in t.columns.items() if name != "remark" or t.table != "bank_entries")])
        for t in spec.tables)
    others += " ".join(total.computed for total in spec.totals)
    read, elsewhere = set(re.findall(r"\w+", remarks)), set(re.findall(r"\w+", others))
    return frozenset(
        name for name, column in spec.fields.items()
        if name in read - elsewhere and column.type in ("text", "id") and not column.personal and column.values is None
        and (masked or name.endswith((OF_REFERENCE, OF_PARTY)))
    )


def parties(cells: pa.Array) -> pa.Array:
    """The known words of each text alone, as of the other party's name, which may be a person's; '' where there are none."""
    coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    kept = [" ".join(_words_of(text)) if text else text for text in coded.dictionary.to_pylist()]
    return pa.array(kept, pa.string()).take(coded.indices)


def references(cells: pa.Array) -> pa.Array:
    """The ids and known words of each text, in their order; '' where there are none."""
    coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    dialled = pc.match_substring_regex(coded.dictionary, _DIALLED)
    texts = zip(coded.dictionary.to_pylist(), dialled.to_pylist(), strict=True)
    kept = [_of(text, has_telephone=has_telephone) if text else text for text, has_telephone in texts]
    return pa.array(kept, pa.string()).take(coded.indices)


def _of(text: str, *, has_telephone: bool) -> str:
    # not by a pattern: one for mail addresses would take the square of a long text's length
    said = " ".join(word for word in text.split() if "@" not in word)
    if has_telephone:
        said = _TELEPHONE.sub(_behind, said)
    ids = [found for found in _ID.findall(said) if any(ch.isdigit() for ch in found) and not _is_personal(found)]
    return " ".join(dict.fromkeys([*ids, *_words_of(text)]))


def _words_of(text: str) -> list[str]:
    folded = text.casefold()
    return [word for word in _known_words() if word in folded]


def _behind(found: re.Match[str]) -> str:
    """What stands behind a telephone number in the groups of digits that were found."""
    digits, end = 0, 0
    for group in re.finditer(r"\d+", found["number"]):
        digits += len(group[0])
        if digits > _LONGEST:
            break
        end = group.end()
    return " " + found["number"][end:]


def _is_personal(found: str) -> bool:
    """Whether it is somebody's number, or has one in it."""
    if len(found) < _SHORTEST:
        return False
    parts = [found, *re.split(r"[_.-]", found), *([re.sub(r"[.-]", "", found)] if not re.search("[A-Za-z_]", found) else [])]
    return any(_PERSONAL.fullmatch(part) or _is_iban(part) for part in parts) or _is_card(found)


def _is_card(text: str) -> bool:
    """Whether it is the number of a bank card: its check digit holds, and it has UnionPay's beginning or is written in four groups."""
    if not re.fullmatch(r"62\d{14,17}|\d{4}([.-])\d{4}\1\d{4}\1\d{4}", text):
        return False
    digits = [int(ch) for ch in reversed(text) if ch.isdigit()]
    return sum(digit if n % 2 == 0 else sum(divmod(2 * digit, 10)) for n, digit in enumerate(digits)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Whether it is the number of somebody's bank account: its check digits hold."""
    return bool(_IBAN.fullmatch(text)) and int("".join(str(int(ch, 36)) for ch in text[4:] + text[:4])) % 97 == 1


@lru_cache(maxsize=1)
def _known_words() -> tuple[str, ...]:
    rules = load_matching()
    return tuple(word.casefold() for words in (*rules.parties.values(), rules.no_payout) for word in words)
