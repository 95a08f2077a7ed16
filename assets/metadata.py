"""What a partition of an asset has in it: rows, amounts by currency, files and their control totals."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from duizhang.home.store import Store
from duizhang.ingest import FileRecord

Metadata = dict[str, int | str | bool]


def of_table(store: Store, name: str, period: dt.date) -> Metadata:
    """Rows of a stored table on a day, and its amount in each currency."""
    rows = store.read(name, period)
    found: Metadata = {"rows": rows.num_rows}
    if {"amount", "currency"} <= {*rows.column_names}:
        for total in rows.group_by("currency").aggregate([("amount", "sum")]).sort_by("currency").to_pylist():
            found[f"amount {total['currency']}"] = _plain(total["amount_sum"])
    return found


def of_source(files: Iterable[FileRecord], source: str, period: dt.date) -> Metadata:
    """The files of a source that touch a day; their rows and control totals are of whole files."""
    own = [f for f in files if f.source == source and period in f.days()]
    found: Metadata = {
        "files": len(own), "control totals tie": all(bool(f.detail.get("control_totals_ok", True)) for f in own),
    }
    for name in ("rows_read", "rows_parsed", "rows_quarantined", "rows_ignored"):
        found[name] = sum(int(str(f.detail.get(name, 0))) for f in own)
    found["paths"] = ", ".join(f.path for f in own)
    wrong = [f.problem for f in own if f.problem]
    return {**found, "problems": "; ".join(wrong)} if wrong else found


def _plain(amount: Decimal | None) -> str:
    return f"{amount or Decimal(0):f}"
