"""Where in an XLSX a sheet is, and which column the letters of a reference name."""

from __future__ import annotations

import html
import re
import zipfile

_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")


def sheet_part(members: zipfile.ZipFile, sheet: str) -> str:
    """The member of an XLSX that holds a sheet; '' where nothing says which, as in a workbook of another kind."""
    try:
        book, relations = (members.read(name).decode("utf-8", "replace") for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    except KeyError:
        return ""
    targets = {_attribute(tag, "Id"): _attribute(tag, "Target") for tag in _RELATION.findall(relations)}
    for tag in _SHEET.findall(book):
        if _attribute(tag, "name") == sheet:
            target = targets.get(_attribute(tag, r"\w+:id"), "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return ""


def column_number(letters: bytes) -> int:
    """The column that letters name, counted from 1."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""
