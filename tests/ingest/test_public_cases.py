"""Files that somebody's program once read wrongly: each is read right here, or refused with the true reason (cases/expected.yaml)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load((CASES / "expected.yaml").read_text(encoding="utf-8"))
NOT_YET = (CASES / "not_yet.txt").read_text(encoding="utf-8").split()


def test_every_case_has_its_right_value() -> None:
    files = {p.relative_to(CASES).as_posix() for p in CASES.glob("*/*") if p.name != "books.yaml"}
    assert files == set(EXPECTED) and set(NOT_YET) <= files


def _awaits_a_specification(right: dict[str, Any]) -> bool:
    return right.get("source", "_").endswith(("_", "_payments"))


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.xfail(strict=not _awaits_a_specification(right), reason="is read wrongly as yet"))
    if name in NOT_YET else name for name, right in EXPECTED.items()
])
def test_case(name: str, tmp_path: Path) -> None:
    right = EXPECTED[name]
    setting = Setting(zone=right.get("zone", "Asia/Shanghai"))
    try:
        [found] = extract(CASES / name, load_specs(), setting, file=name, into=tmp_path)
    except RefusedFile as error:
        assert "refused" in right, f"refused: {error}"
        assert re.search(right["refused"], str(error)), str(error)
        assert right.get("advice", "") in str(error.advice)
        return
    source = right["source"] if "source" in right else right["or_source"]
    assert found.spec.name == source or (source.endswith("_") and found.spec.name.startswith(source))
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    if "source" in right:
        _holds(right, found)


def _holds(right: dict[str, Any], found: Extraction) -> None:
    rows = [found.rows_read, found.rows_parsed, found.rows_quarantined, found.rows_ignored]
    assert rows == right.get("rows", rows)
    assert found.rows_parsed == right.get("parsed", found.rows_parsed)
    if "sums" in right:
        summaries = {table: found.summary(table) for table in found.tables}
        sums = {table: {c: f"{amount:.2f}" for c, amount in by.items()} for table, (count, by) in summaries.items() if count}
        assert sums == right["sums"]
    assert sorted(map(str, found.days)) == right.get("days", sorted(map(str, found.days)))
    if "parsed" not in right:
        assert [t.name for t in found.totals if not t.ok] == right.get("untied", []) or "said" in right
        assert sorted({cell["line"] for cell in found.quarantine().to_pylist()}) == right.get("wrong", [])
    for total, stated in right.get("said", {}).items():
        assert (total, stated) in [(t.name, t.stated) for t in found.totals]
    if "times" in right:
        assert sorted(map(str, found.table("settlements")["occurred_at"].unique().to_pylist())) == right["times"]
    if "accounts" in right:
        assert len(found.table("bank_entries")["bank_account"].unique()) == right["accounts"]
