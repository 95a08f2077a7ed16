"""One archived file, read into its own folder of `landed/` with a description of every bill in it; there whole, or not at all."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from duizhang.digest import file_digest
from duizhang.errors import RefusedFile, SpecError
from duizhang.home.disk import make_folder
from duizhang.ingest.files import READ, REFUSED, path_day
from duizhang.ingest.landing import Extraction, Setting, extract, is_whole, seal
from duizhang.ingest.landing import replace as put_in_place
from duizhang.ingest.opening import MEMBER, LockedFile, is_apart
from duizhang.ingest.specification import SourceSpec
from duizhang.ingest.typing import shape
from duizhang.secrecy.sealing import opened


def is_locked(landed: Path) -> bool:
    """Whether a file was refused for its password alone."""
    meta = landed / "meta.json"
    return meta.is_file() and any(detail.get("locked") for detail in json.loads(meta.read_text(encoding="utf-8")))


def needs_own_process(archived: Path) -> bool:
    with opened(archived) as path:
        return is_apart(path)


def land(archived: Path, name: str, setting: Setting, landed: Path, specs: Mapping[str, SourceSpec]) -> None:
    """Read one archived file into `landed`; there whole, with its meta.json, or not at all."""
    make_folder(landed.parent)
    working = Path(tempfile.mkdtemp(prefix=".landing-", dir=landed.parent))
    try:
        with opened(archived) as path:
            bills = extract(path, specs, setting, file=name, into=working)
        details = [
            {**described(found, f"{name}{MEMBER}{found.member}" if found.member else name), "member": found.member,
             "folder": found.folder.relative_to(working).as_posix()}
            for found in bills
        ]
    except (RefusedFile, SpecError) as error:
        details = [refused_detail(name, f"{error} ({error.advice})" if error.advice else str(error))]
        if isinstance(error, LockedFile):
            details[0]["locked"] = True
    for detail in details:
        # of what is read of it from now on, so that nothing else is taken for it
        detail["contents"] = {p.name: file_digest(p) for p in sorted((working / str(detail["folder"])).glob("*.parquet"))}
    (working / "meta.json").write_text(json.dumps(details, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    seal(working)
    if is_whole(landed):  # somebody else's, in the meantime
        shutil.rmtree(working)
    else:
        put_in_place(working, landed)


def refused_detail(name: str, problem: str) -> dict[str, Any]:
    """What is left of a file that cannot be read: its problem, and the day of its path."""
    day = path_day(name)
    return {"status": REFUSED, "source": "", "problem": f"{name}: {problem}", "days": [day.isoformat()] if day else [],
            "member": "", "folder": "."}


def stated(total: str) -> str:
    """A total as a file states it; where that is no number, its shape."""
    return total if re.fullmatch(r"[\d.,+()\s¥￥$€£-]{1,30}", total) else shape(total)


def details_of(meta: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(meta.read_text(encoding="utf-8"))
    return found


def _of_no_shop(found: Extraction) -> list[str]:
    """What is to be known of parcels, out or back, that name no shop where the books have several: no order of any can meet them."""
    setting = found.setting
    if setting.shop or len(setting.entities) < 2:
        return []
    places = {str(warehouse or "") for table in {"shipments", "returns"} & set(found.tables)
              for shop, warehouse in found.distinct(table, ["shop", "warehouse"]) if not shop} - set(setting.warehouses)
    if not places:
        return []
    of = f" (warehouse {', '.join(sorted(places - {''}))})" if places - {""} else ""
    return [f"parcels in it name no shop{of}, so no order is held against them: put it into inbox/<shop id>/, or say in books.yaml, "
            "shared_accounts, of which shops the warehouse is"]


def described(found: Extraction, name: str) -> dict[str, object]:
    days = set(found.days)
    if found.coverage:
        start, end = found.coverage
        days |= {start + dt.timedelta(days=n) for n in range(min((end - start).days, 400) + 1)}
    for statement in found.statements:
        days |= statement.days()
    if not days and (day := path_day(name)):
        days = {day}
    bad = [t for t in found.totals if not t.ok]
    status, problem = READ, "; ".join(
        f"{name}: control total {t.name} states {stated(t.stated) if t.stated is not None else 'nothing'}, its rows give {t.computed}"
        for t in bad
    )
    problem = "; ".join([*([problem] if problem else []), *(f"{name}: {note}" for note in (*found.notes, *_of_no_shop(found)))])
    if found.undated:
        status, problem = REFUSED, (
            f"{name}: {found.undated} rows of {found.spec.name} have no date, so they belong to no period (Give them their date; "
            "what the source's page in docs/ says of it may help.)")
    elif not days and (found.rows_quarantined or bad):
        # it would stand in no day, and nobody would see what is wrong with it
        first = found.quarantine().slice(0, 1).to_pylist()
        why = f"; line {first[0]['line']}, {first[0]['column_name'] or 'the row'}: {first[0]['reason']}" if first else f"; {problem}"
        status, problem = REFUSED, f"{name}: no row of it could be read, so no day of it is known{why} (Correct it, or download it again.)"
    return {
        "status": status, "source": found.spec.name, "problem": problem, "days": sorted(d.isoformat() for d in days),
        "rows_read": found.rows_read, "rows_parsed": found.rows_parsed, "rows_quarantined": found.rows_quarantined,
        "rows_ignored": found.rows_ignored, "control_totals_ok": not bad,
        "coverage": [d.isoformat() for d in found.coverage] if found.coverage else None,
        "totals": [{**t.__dict__, "stated": None if t.stated is None else stated(t.stated)} for t in found.totals],
        "statements": [[one.account, one.currency, one.opened.isoformat(), f"{one.opening:f}", one.closed.isoformat(), f"{one.closing:f}"]
                       for one in found.statements],
        "tables": sorted(found.tables),
        **({"bank_accounts": [account for account, in found.distinct("bank_entries", ["bank_account"]) if account]}
           if "bank_entries" in found.tables else {}),
    }
