"""One row of a raw file edited in its bytes, for every kind of file: the canonical rows of that row change, no other does, and
a file that states totals says that they no longer tie."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from duizhang.simulate import Plan, simulate
from duizhang.simulate.text import write_zip
from tests.thoroughness import some

PLAN = Plan(days=3, orders_per_day=60, seed=5, break_rate=0)
DAY = PLAN.date(1).isoformat()
# files that state how many rows they have, or a total or balance over them
STATED = {"alipay_trade", "alipay_fund", "wechat_trade", "wechat_fund", "bank_mt940"}
# from lines, place of the row, how many lines it has, and which try it is
Edit = Callable[[list[str], int, int, int], list[str]]


def _delete(lines: list[str], place: int, span: int, _: int) -> list[str]:
    return lines[:place] + lines[place + span:]


def _repeat(lines: list[str], place: int, span: int, _: int) -> list[str]:
    return lines[:place + span] + lines[place:]


def _in_line(pattern: str, change: Callable[[re.Match[str]], str]) -> Edit:
    """Change a text of the row that fits; the next one with every try."""
    def edit(lines: list[str], place: int, span: int, turn: int) -> list[str]:
        found = list(re.finditer(pattern, lines[place]))
        if turn >= len(found):
            return lines
        start, end = found[turn].span()
        return [*lines[:place], lines[place][:start] + change(found[turn]) + lines[place][end:], *lines[place + 1:]]
    return edit


EDITS: dict[str, Edit] = {
    "deletion": _delete, "duplication": _repeat,
    "amount": _in_line(r"(?<![\d.])[1-9]\d*(?=[.,]\d{2,4}(?!\d))|(?<=,)[1-9]\d{0,3}(?=,|$)", lambda m: str(int(m[0]) + 1)),
    "key": _in_line(r"[A-Z]*\d{4,}(?!\d)", lambda m: m[0][:-1] + str((int(m[0][-1]) + 1) % 10)),
    "date": _in_line(r"03-?02(?!\d)", lambda m: m[0][:-1] + "3"),
}


def _read(path: Path, into: Path) -> Extraction:
    found = extract(path, load_specs(), Setting(shop="s"), file="f", into=into)
    return next(f for f in found if f.spec.tables)


def _rows(found: Extraction) -> dict[int, list[tuple[str, str]]]:
    """What each line gives: (table, row without its line)."""
    rows: dict[int, list[tuple[str, str]]] = {}
    for table in found.tables:
        for row in found.table(table).to_pylist():
            line = row.pop("line")
            # a number of the row that is that of its line moves with it
            rows.setdefault(line, []).append((table, re.sub(rf"(?<=['/]){line}'", "'", repr(row))))
    return rows


def _edited(path: Path, edit: Edit, line: int, turn: int, to: Path) -> bool:
    """Write the file with one row edited; whether anything changed. Text, a ZIP of text, or a workbook."""
    if path.suffix == ".xlsx":
        book = load_workbook(path)
        sheet = book.worksheets[0]
        cells = [c for c in sheet[line] if isinstance(c.value, int | float)][::-1]
        if edit is EDITS["deletion"]:
            sheet.delete_rows(line)
        elif edit is EDITS["duplication"]:
            sheet.append([c.value for c in sheet[line]])
        elif edit is EDITS["amount"] and turn < len(cells):
            cells[turn].value += 1
        else:
            texts = [c for c in sheet[line] if isinstance(c.value, str)]
            changed = [edit([c.value], 0, 1, 0)[0] for c in texts] if turn < len(texts) else []
            if not changed or edit is EDITS["amount"]:
                return False
            texts[turn].value = changed[turn]
        book.save(to)
        return True
    members = [("", path.read_bytes())]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [(m.filename.encode("cp437").decode("gbk"), archive.read(m)) for m in archive.infolist()]
    name, raw = members[-1]
    encoding = "gb18030" if not _is_utf8(raw) else "utf-8"
    lines = raw.decode(encoding).split("\n")
    changed = edit(lines, line - 1, 2 if path.suffix == ".sta" else 1, turn)
    if changed == lines:
        return False
    data = "\n".join(changed).encode(encoding)
    if path.suffix == ".zip":
        write_zip(to, [*members[:-1], (name, data)])
    else:
        to.write_bytes(data)
    return True


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("simulated")
    simulate(out, PLAN)
    return sorted(p for p in out.glob(f"inbox/*/{DAY}/*") if p.is_file())


@pytest.mark.parametrize("change", some(EDITS, "amount"))
def test_an_edited_row_changes_its_own_rows_and_no_others(files: list[Path], tmp_path: Path, change: str) -> None:
    kinds, reached = set(), set()
    whole = change in ("deletion", "duplication")
    for number, path in enumerate(files):
        (tmp_path / f"{number}").mkdir()
        before = _read(path, tmp_path / f"{number}")
        was = _rows(before)
        kinds.add(before.spec.name)
        place = sorted(was)[len(was) // 2]
        name = before.spec.name
        for turn in range(30):  # until the edit is of something that is read from this kind of file
            to = tmp_path / f"{number}-{turn}{path.suffix}"
            if not _edited(path, EDITS[change], place, turn, to):
                break
            (tmp_path / f"{number}-{turn}").mkdir()
            after = _read(to, tmp_path / f"{number}-{turn}")
            now = _rows(after)
            if whole or now.get(place) != was[place]:
                break
        if not to.is_file() or (now.get(place) == was[place] and not whole):
            continue
        assert after.spec.name == name
        assert after.rows_read == after.rows_parsed + after.rows_quarantined + after.rows_ignored
        kept_before = sorted(row for line, rows in was.items() for row in rows if line != place)
        all_after = sorted(row for rows in now.values() for row in rows)
        if change == "deletion":
            assert (after.rows_read, all_after) == (before.rows_read - 1, kept_before), name
        elif change == "duplication":
            assert (after.rows_read, all_after) == (before.rows_read + 1, sorted([*kept_before, *was[place], *was[place]])), name
        else:
            assert {line: rows for line, rows in now.items() if line != place} == {
                line: rows for line, rows in was.items() if line != place}, name
            assert after.rows_read == before.rows_read
        if whole and name in STATED:
            assert not all(total.ok for total in after.totals), name
        reached.add(name)
    assert reached == kinds


