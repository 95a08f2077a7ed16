"""The bill of materials is the lock, in the terms of CycloneDX."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bill() -> Any:
    return runpy.run_path(str(ROOT / ".ci" / "sbom.py"))["bill"]


def test_every_pinned_package_stands_once_in_the_bill_with_all_its_digests(bill: Any) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = bill(lock, "1.2.3")
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["serialNumber"])
    parts = found["components"]
    assert len(parts) == len(re.findall(r"(?m)^\w.*?==", lock)) > 50
    assert sum(len(part["hashes"]) for part in parts) == lock.count("--hash=sha256:")
    assert all(part["hashes"] for part in parts)
    refs = [part["bom-ref"] for part in parts]
    assert len({*refs, found["metadata"]["component"]["bom-ref"]}) == len(refs) + 1
    assert found["dependencies"] == [{"ref": "pkg:pypi/duizhang@1.2.3", "dependsOn": refs}]
    assert "pkg:pypi/great-expectations@" in " ".join(refs)
    assert {key for part in parts for key in part} <= {"type", "name", "version", "bom-ref", "purl", "hashes", "licenses"}
    assert bill(lock, "1.2.3") == found != bill(lock + "# renewed\n", "1.2.3")


def test_a_line_of_the_lock_that_is_not_understood_is_no_package_left_out(bill: Any) -> None:
    with pytest.raises(ValueError, match="git\\+https"):
        bill("a==1 --hash=sha256:" + "0" * 64 + "\ngit+https://example.org/b\n", "1")
