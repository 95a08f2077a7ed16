"""How likely a text is in an encoding: by which letters stand there, and beside which others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

BARRED = ("gb18030", "cp932", "cp949", "cp950", "euc_jp")  # a character is of several bytes
_SHOWN = 4096  # bytes that are enough to tell how likely an encoding is
_LETTERS = re.compile("[^\0-\x7f\u3000\xa0\ufffd£€¥§°«»–—’“”„…]")  # beside the signs of every language
_SIGN_INSIDE = re.compile(r"(?<=[^\W\d_])[£€¥§°«»–—“”„…](?=[^\W\d_])")  # of these signs one that stands inside a word
_COMMON = 0xC6  # the last first byte of the characters of Big5 that are in use
_FIRST_LEVEL = 0xCF  # the same of Japanese
_FIRST_SHIFTED = 0x97  # the same of Japanese in Shift-JIS
_FIRST_CHINESE = 0xD7  # the same of GB 2312
_OF_KOREAN = 2  # bytes of a syllable that is in use; others are put together of more
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"


def _cases(letters: str) -> frozenset[str]:
    return frozenset(letters + letters.upper())


_WESTERN = ("cp1252", "cp850", "mac_roman")
_WEST = tuple(map(_cases, ("äöüß", "àâæçèéêëîïôœùûü", "áàçéèíïñòóúü", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöæøéü", "áèéêëïíóöü")))
_MIDDLE = tuple(map(_cases, ("ąćęłńóśźż", "áčďéěíňóřšťúůýžäĺľôŕ", "áéíóöőúüű", "ăâîșțşţ", "čćđšž", "äöüß")))
# the letters beyond ASCII of every language, or of all that share a script, that an encoding is for
_LETTERS_OF: Mapping[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys(_WESTERN, _WEST), **dict.fromkeys(("cp1250", "cp852", "iso8859_2"), _MIDDLE),
    **dict.fromkeys(("cp1254", "cp857"), (_cases("çğıöşüâîûİ"),)),
    "cp1257": tuple(map(_cases, ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"))),
    "cp1251": (_cases(_CYRILLIC + "ўјљњћђџѓќѕ"),),
    **dict.fromkeys(("koi8_r", "cp866", "iso8859_5", "mac_cyrillic"), (_cases(_CYRILLIC),)),
    **dict.fromkeys(("cp1253", "cp737"), (_cases("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"),)),
    "cp1255": (frozenset(map(chr, range(ord("א"), ord("ת") + 1))),),
    "cp1256": (frozenset(letter for letter in map(chr, range(0x621, 0x6D3)) if unicodedata.category(letter)[0] in "LM"),),
    "cp874": (frozenset(map(chr, range(ord("ก"), ord("๛") + 1))),),
}
_OTHER_SCRIPTS = frozenset(("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "cp737", "cp1255", "cp1256", "cp874"))
# where nothing is strange in these, it is no chance: what is all Hangul, or words with capitals and vowels where they belong, is that,
# though its bytes are Chinese characters too
_FIRST = ("cp949", "cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "cp737", "cp1255", "cp1256")
_VOWELS = frozenset("аеиоуыэюяёіїєαεηιουωάέήίόύώ")
_WITH_VOWELS = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "cp737")


def likely(head: bytes, encodings: Sequence[str]) -> list[str]:
    """Encodings that a head decodes under, that in which it looks least strange first."""
    return sorted(encodings, key=lambda name: (name != "utf-8", strangeness(head, name), name not in _FIRST))


def rivals(head: bytes, encoding: str, encodings: Sequence[str]) -> list[str]:
    """Other encodings under which a head looks as little strange as under one, and is another text."""
    shown = _shown(head)
    if encoding not in encodings or encoding == "utf-8" or shown.isascii():
        return []
    least, text = strangeness(head, encoding), shown.decode(encoding, "replace")
    return [other for other in encodings
            if other not in ("utf-8", encoding) and strangeness(head, other) <= least and shown.decode(other, "replace") != text]


def _shown(head: bytes) -> bytes:
    """The lines of a head that are enough to tell."""
    return head if len(head) <= _SHOWN else head[: head.rfind(b"\n", 0, _SHOWN) + 1] or head[:_SHOWN]


def strangeness(head: bytes, encoding: str) -> float:
    """Which share of the characters that are not ASCII stand as they do in no text of that encoding's languages: of words in two
    scripts, signs instead of letters, characters that are hardly used or none. Under the right encoding it is next to 0."""
    text = f" {_shown(head).decode(encoding, 'replace')} "
    lost, text = text.count("\ufffd"), text.replace("\ufffd", "")
    around = [(text[at - 1], text[at], text[at + 1]) for at in (found.start() for found in _LETTERS.finditer(text))]
    inside = 0 if encoding in BARRED else len(_SIGN_INSIDE.findall(text))
    count = len(around) + inside + lost
    if not count:
        return 0.0
    amiss = [_is_amiss(*one, encoding) for one in around]
    odd = sum(amiss) + inside + lost
    if languages := _LETTERS_OF.get(encoding, ()):
        sound = [here for (_, here, _), is_odd in zip(around, amiss, strict=True) if not is_odd]
        odd += min(sum(here not in letters for here in sound) for letters in languages)
    if encoding in _WITH_VOWELS and 5 * sum(here.lower() in _VOWELS for _, here, _ in around) < len(around):
        return 1.0
    return round(odd / count, 1)


def _is_amiss(before: str, here: str, after: str, encoding: str) -> bool:
    """Whether a character stands beside others as it does in no language."""
    if encoding in BARRED:
        inside = before.isascii() and before.isalpha() and "a" <= after <= "z"
        return _is_rare(here, encoding) or (here.isalpha() and ("a" <= before <= "z" or inside))
    turned = before.islower() and here.isupper()
    if encoding in _OTHER_SCRIPTS:
        beside = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
        return beside or turned or (after.isdigit() and encoding != "cp874")
    # of the letters of the West few have an accent, and hardly two of them stand side by side
    beside = encoding in _WESTERN and not before.isascii() and before.isalpha() and here != "ß"
    return not here.isalpha() or turned or beside or after.isdigit()


def _is_rare(character: str, encoding: str) -> bool:
    """Whether a character is hardly one of those that the languages of an encoding are written in."""
    try:
        if encoding == "cp932":
            return "｡" <= character <= "ﾟ" or character.encode(encoding)[0] > _FIRST_SHIFTED
        if encoding == "cp949":
            return not "가" <= character <= "힣" or len(character.encode("euc_kr")) > _OF_KOREAN
        if encoding == "euc_jp":
            return not 0xA1 <= character.encode(encoding)[0] <= _FIRST_LEVEL
        return character.encode("big5")[0] > _COMMON if encoding == "cp950" else (
            character.encode("gb2312")[0] > _FIRST_CHINESE or "ぁ" <= character <= "ヶ")
    except UnicodeEncodeError:
        return True
