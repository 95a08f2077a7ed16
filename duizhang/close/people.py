"""Who signs: a name as it is kept, and whether two names may be one person.

Names are what people type, so what cannot be seen makes nobody else: case, width, accents, invisible characters, letters of
another alphabet that look alike, the order of the parts. Where that is too strict, a name with one more part helps.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import permutations

from duizhang.errors import UserError

# letters that look like Latin ones, from Unicode's confusables what names can be typed with; capitals often look like others
_CAPITALS = str.maketrans("АВЕКМНОРСТУХІЈЅ" "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abekmhopctyxijs" "abezhikmnoptyx")
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕһӏԁԛԝвкмнтгпиЬь" "αοριυνκτεηχβγωμ" "օսոհցեք" "01|",
    "aeopcyxijshldqwbkmhtrnubb" "aopiuvktenxbywu" "ounhgep" "oll",
)
_ALPHABETS = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "COPTIC", "CHEROKEE", "LISU", "DESERET", "GEORGIAN"}
_IDEOGRAPHS = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}
# letters by category that show nothing
_BLANK = set("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5")
# a letter with a stroke, hook or tail, a small capital, one without its dot
_BASE = re.compile(r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL |DOTLESS |SCRIPT |LONG )?([A-Z]|ALPHA|IOTA)(?: WITH .*)?")
_NAMED = {"ALPHA": "a", "IOTA": "i"}
_MOST_PARTS = 5


def signed_name(name: str) -> str:
    """A name as it is kept: without what cannot be seen, blanks single.

    Raises UserError where nothing is left that names somebody, or where it mixes alphabets whose letters look alike.
    """
    seen = "".join(c for c in unicodedata.normalize("NFC", name) if c.isspace() or _is_seen(c))
    kept = " ".join(seen.split())
    if not any(unicodedata.category(c)[0] in "LN" for c in kept):
        raise UserError("a name is needed, and what was given is none", advice="Give the name of a person with --by.")
    alphabets = {_alphabet(c) for c in kept} & _ALPHABETS
    if len(alphabets) > 1:
        raise UserError(
            f"the name {kept!r} mixes {' and '.join(a.capitalize() for a in sorted(alphabets))} letters, which look alike",
            advice="Write it in one alphabet.",
        )
    return kept


def same_person(one: str, other: str) -> bool:
    """Whether two names may be the same person's."""
    return bool(_orders(one) & _orders(other))


def _orders(name: str) -> set[str]:
    """The name as it looks, its parts written together in every order."""
    parts = _parts(name)
    if len(parts) > _MOST_PARTS:
        return {"".join(sorted(parts))}
    return {"".join(order) for order in permutations(parts)}


def _parts(name: str) -> list[str]:
    bare = (c for c in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)) if unicodedata.category(c)[0] != "M")
    plain = "".join(bare).translate(_CAPITALS).casefold()
    found: list[str] = []
    word = ""
    for c in plain:
        if not (c.isspace() or _is_seen(c)):
            continue
        if _alphabet(c) in _IDEOGRAPHS or unicodedata.category(c)[0] not in "LN":
            found += [word, c if unicodedata.category(c)[0] in "LN" else ""]
            word = ""
        else:
            word += _look(c)
    return [part.replace("rn", "m").replace("vv", "w") for part in [*found, word] if part]


def _look(letter: str) -> str:
    """The Latin letter that a letter or digit looks like; i and l are one, as a capital I is no other than an l."""
    named = _BASE.fullmatch(unicodedata.name(letter, ""))
    base = _NAMED.get(named[1], named[1].casefold()) if named else letter
    return base.translate(_LOOK_ALIKE).replace("i", "l")


def _alphabet(letter: str) -> str:
    """The first word of the character's name, which is its alphabet; '' of what is no letter."""
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0] if unicodedata.category(letter)[0] == "L" else ""


def _is_seen(c: str) -> bool:
    return unicodedata.category(c) not in ("Cf", "Cc", "Cs", "Co", "Cn") and c not in _BLANK and not "\ufe00" <= c <= "\ufe0f"
