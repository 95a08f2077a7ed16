"""The software bill of materials: what requirements.lock pins, as CycloneDX 1.6. `make sbom` writes it into sbom.json.

Packages come from the lock alone, with the digests of all their files there, so that the same lock gives the same bytes. Licences are what
the installed packages say of themselves as an SPDX expression; of one that says nothing, or is not installed, none is given.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(lock: str, version: str) -> dict[str, Any]:
    """The bill of what a lock pins. version: of duizhang itself. ValueError where a line of the lock is not understood."""
    components: list[dict[str, Any]] = []
    for line in lock.splitlines():
        digests = _DIGEST.findall(line)
        pinned = _PINNED.match(line)
        if pinned:
            name = re.sub(r"[-_.]+", "-", pinned["name"]).lower()
            components.append({
                "type": "library", "name": name, "version": pinned["version"], "bom-ref": (purl := f"pkg:pypi/{name}@{pinned['version']}"),
                "purl": purl, "hashes": [], **_licence(name, pinned["version"]),
            })
        elif line.strip() and not line.lstrip().startswith("#") and not digests:
            raise ValueError(f"requirements.lock: not understood: {line}")
        if digests:
            components[-1]["hashes"] += [{"alg": "SHA-256", "content": digest} for digest in digests]
    root = f"pkg:pypi/duizhang@{version}"
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, version + lock)}",
        "version": 1,
        "metadata": {"component": {
            "type": "application", "name": "duizhang", "version": version, "bom-ref": root, "purl": root,
            "licenses": [{"expression": "Apache-2.0"}],
        }},
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _licence(name: str, version: str) -> dict[str, Any]:
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return {}
    expression = said.get("License-Expression") if said.get("Version") == version else None
    return {"licenses": [{"expression": expression}]} if expression else {}


def main() -> int:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (version,) = re.findall(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = bill(lock, version)
    (ROOT / "sbom.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    silent = sum("licenses" not in one for one in found["components"])
    sys.stdout.write(f"sbom.json: {len(found['components'])} packages, {silent} without a licence that they state\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
