"""Files as somebody hostile would hand them in: samples of every layout with cells, lines, columns or containers changed.

A case is made of its number alone, so that one that fails is made again.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from itertools import pairwise

CELLS = (
    # numbers, days and times
    "1e400", "NaN", "-Infinity", "9" * 500, "99999999999999.9999", "-0", "1,2,3.4.5", "１２３．４５", "٣٫٥", "0x10", "1_000", "--5", "(5",
    "5e-7", "0001-01-01", "9999-12-31 23:59:59", "2026-02-30", "0000-00-00", "2026-03-08 02:30:00", "1" * 20, "24:00:00", "-1",
    "1970-01-01T00:00:00+99:99",
    # what would do something elsewhere
    "=1+1", "@SUM(A1)", "\t=1", "<script>alert(1)</script>", "&lt;b&gt;", "' or 1=1 --", "\"; drop table rows; --", "{{7*7}}", "${jndi:x}",
    "../../etc/passwd", "%s%n",
    # letters that are not seen, turn others around, end lines or cells
    "a\x00b", "\x1b[2J", "\u202eabc", "a\u200bb", "e\u0301", "\ufeffx", "\ud7ff", "\U0010ffff", "x" * 70_000, "a\nb", 'a"b', '"', "'", "",
    " ", "\u3000", "null", "#REF!", "true", "\\", "\\N", "a,b;c\td|e", "\r",
)


def _laughs() -> bytes:
    """An entity of entities, 2 to the 24th times a thousand letters."""
    first = b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 1000 + b'">'
    names = ["a", *(f"a{n}" for n in range(24))]
    return first + "".join(f'<!ENTITY {name} "&{before};&{before};">' for before, name in pairwise(names)).encode() + b"]>"


ENTITIES = (
    _laughs(), b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
)
NAMES = ("../../../tmp/x.csv", "/etc/x.csv", "C:\\x.csv", "a/../../b.csv", "con", "", "x" * 300, "\u202ecsv.exe", "a\nb.csv", "bill.csv")


def case(number: int, samples: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """(what it is, its bytes)."""
    chance = random.Random(number)  # noqa: S311 - cases, no secrets
    name, body = samples[chance.randrange(len(samples))]
    told = [name]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        change = chance.choice(CHANGES)
        told.append(change.__name__.strip("_"))
        body = change(body, chance)
    return " ".join(told), body


def _lines(body: bytes) -> tuple[list[str], str, str]:
    """(lines, what stands between cells, encoding) of a text."""
    encoding = "utf-8"
    for encoding in ("utf-8", "gb18030", "latin-1"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeError:
            continue
    lines = text.split("\n")
    counted = {mark: sum(line.count(mark) for line in lines) for mark in ",;\t|"}
    return lines, max(counted, key=lambda mark: counted[mark]), encoding


def _cell(body: bytes, chance: random.Random) -> bytes:
    """One cell of one line says something else."""
    lines, mark, encoding = _lines(body)
    at = chance.randrange(len(lines))
    try:
        cells = next(csv.reader([lines[at].rstrip("\r")], delimiter=mark), [""])
    except csv.Error:
        cells = [lines[at]]
    place = chance.randrange(len(cells)) if cells else 0
    cells[place : place + 1] = [chance.choice(CELLS)]
    return _joined(lines, at, cells, mark, encoding, chance)


def _column(body: bytes, chance: random.Random) -> bytes:
    """One column says something else in every line, or is gone, or stands there twice."""
    lines, mark, encoding = _lines(body)
    place, way, value = chance.randrange(12), chance.choice(("says", "gone", "twice", "first")), chance.choice(CELLS)
    out = []
    for line in lines:
        cells = line.split(mark)
        if place < len(cells):
            cells[place : place + 1] = {"says": [value], "gone": [], "twice": [cells[place]] * 2, "first": []}[way]
            cells = [line.split(mark)[place], *cells] if way == "first" else cells
        out.append(mark.join(cells))
    return "\n".join(out).encode(encoding, "replace")


def _line(body: bytes, chance: random.Random) -> bytes:
    """Lines are gone, twice, exchanged, a thousand times there, empty, or the header stands in the middle."""
    lines = body.split(b"\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.choice(("gone", "twice", "exchanged", "many", "empty", "header", "half", "backwards"))
    if way == "exchanged":
        lines[at], lines[other] = lines[other], lines[at]
    elif way == "backwards":
        lines = lines[::-1]
    else:
        line = lines[at]
        lines[at : at + 1] = {
            "gone": [], "twice": [line, line], "many": [line] * 1000, "empty": [b"", b",,,,"], "header": [line, *lines[:3]],
            "half": [line[: len(line) // 2]],
        }[way]
    return b"\n".join(lines)


def _alike(body: bytes, chance: random.Random) -> bytes:
    """A line once more whose ids differ by case or blanks alone."""
    lines = body.split(b"\n")
    at = chance.randrange(len(lines))
    line = lines[at]
    blanks = (line.replace(b",", b" ,"), line.replace(b",", b"\xc2\xa0,"))
    lines[at:at] = [chance.choice((line.upper(), line.lower(), line.swapcase(), *blanks))]
    return b"\n".join(lines)


def _bytes(body: bytes, chance: random.Random) -> bytes:
    """Bytes are flipped, cut off, put in, or all in another encoding."""
    at = chance.randrange(len(body) + 1)
    way = chance.choice(("flip", "cut", "zeros", "bom", "utf-16", "returns", "invalid", "repeat"))
    return {
        "flip": lambda: body[:at] + bytes([body[at % max(len(body), 1)] ^ 0x80] if body else b"") + body[at + 1 :],
        "cut": lambda: body[:at],
        "zeros": lambda: body[:at] + b"\0" * 100 + body[at:], "bom": lambda: body[:at] + b"\xef\xbb\xbf" + body[at:],
        "utf-16": lambda: body.decode("utf-8", "replace").encode("utf-16"), "returns": lambda: body.replace(b"\n", b"\r\r\n"),
        "invalid": lambda: body[:at] + b"\xff\xfe\x80\xc0" + body[at:], "repeat": lambda: body + body,
    }[way]()


def _nested(body: bytes, chance: random.Random) -> bytes:
    """Entities, depth and sections where XML, JSON or tags are read."""
    way = chance.choice(("entity", "deep tags", "deep list", "open tag", "huge number", "twice"))
    at = chance.randrange(len(body) + 1)
    if way == "entity":
        first = body.find(b"?>") + 2 if body.lstrip().startswith(b"<?") else 0
        return body[:first] + chance.choice(ENTITIES) + body[first:].replace(b">", b">&a;", 1)
    return {
        "deep tags": lambda: body[:at] + b"<a>" * 20_000 + body[at:], "deep list": lambda: body[:at] + b"[" * 20_000 + body[at:],
        "open tag": lambda: body[:at] + b"<![CDATA[" + body[at:], "huge number": lambda: body.replace(b"1", b"1" * 5000, 1),
        "twice": lambda: body.replace(b"{", b'{"id": 1, "id": 2, ', 1),
    }[way]()


def _contained(body: bytes, chance: random.Random) -> bytes:
    """In a container whose names lead elsewhere, or that says something else of its size than is true."""
    packed = io.BytesIO()
    way = chance.choice(("zip", "zip", "gzip", "tar", "zip in zip", "size"))
    name = chance.choice(NAMES)
    if way == "gzip":
        return gzip.compress(body, mtime=0)
    if way == "tar":
        with tarfile.open(fileobj=packed, mode="w") as archive:
            info = tarfile.TarInfo(name[:90] or "x")
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        return packed.getvalue()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name or "x", (1980, 1, 1, 0, 0, 0)), body if way != "zip in zip" else _contained(body, chance))
    made = packed.getvalue()
    return made.replace(len(body).to_bytes(4, "little"), b"\xff\xff\xff\x7f") if way == "size" else made


def _joined(lines: list[str], at: int, cells: list[str], mark: str, encoding: str, chance: random.Random) -> bytes:
    if chance.random() < 0.7:
        made = io.StringIO()
        csv.writer(made, delimiter=mark, lineterminator="").writerow(cells)
        lines[at] = made.getvalue()
    else:
        lines[at] = mark.join(cells)
    return "\n".join(lines).encode(encoding, "replace")


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_cell, _cell, _cell, _column, _line, _alike, _bytes, _nested, _contained)
