"""No value of a person stands in clear in anything that is written, but in the archive."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duizhang.books import Books
from duizhang.ingest import build_canonical, collect
from duizhang.ingest.masks import shape, without_values
from duizhang.state import State
from duizhang.store import Store

NAME, PHONE = "张三丰", "13912345678"


@pytest.mark.parametrize(("value", "shown"), [
    ("", ""), ("1.2.3", "1.2.3"), ("#REF!", "#REF!"), ("--", "--"), ("12,34,5", "12,34,5"), (PHONE, "99999999999"),
    (f"{NAME} {PHONE}", "xxx 99999999999"), ("a@b.cn", "x@x.xx"), ("2026-13-45", "9999-99-99"), ("x" * 90, "x" * 40), ("一二三", "xxx"),
])
def test_a_value_is_shown_in_its_shape(value: str, shown: str) -> None:
    assert shape(value) == shown


def test_what_libraries_quote_is_shown_in_its_shape() -> None:
    assert without_values(f"Could not convert string '{NAME}' to DECIMAL\nLINE 1: {PHONE}") == "Could not convert string 'xxx' to DECIMAL"


def written(home: Path) -> dict[str, bytes]:
    """Every byte below a home but the archive's, Parquet as text."""
    import pyarrow.parquet as pq

    found = {}
    for path in sorted(p for p in home.rglob("*") if p.is_file() and "archive" not in p.relative_to(home).parts):
        body = path.read_bytes()
        if path.suffix == ".parquet":
            body += repr(pq.ParquetFile(path).read().to_pydict()).encode()
        found[path.relative_to(home).as_posix()] = body
    return found


def test_a_shifted_export_leaves_no_name_and_no_number_in_clear(tmp_path: Path) -> None:
    shop = tmp_path / "inbox" / "tb-01"
    shop.mkdir(parents=True)
    head = "provider,entry_id,type,transaction_id,order_id,gross,fee,net,currency,payout_id,created_at"
    good = "own,E1,charge,T1,O1,10.00,0,10.00,CNY,,2026-03-02 03:00:00"
    shifted = f"own,E2,{NAME} {PHONE},T2,O2,{NAME} {PHONE},{PHONE}{NAME},10.00,CNY,,{NAME}{PHONE}"
    (shop / "bill.csv").write_text("\n".join([head, good, shifted, ""]), encoding="utf-8")
    (shop / "all-wrong.csv").write_text("\n".join([head, shifted, ""]), encoding="utf-8")
    from duizhang.books import Shop

    books = Books(root=tmp_path, entity="acme", start=dt.date(2026, 3, 2), shops={"tb-01": Shop(platform="own")})
    home = tmp_path / "home"
    store, state = Store(home), State(home)
    said: list[str] = []
    collect(books, store, state, progress=said.append)
    build_canonical(books, store, state, [dt.date(2026, 3, 2)])
    cells = store.read("quarantine", dt.date(2026, 3, 2)).to_pylist()
    assert {cell["value"] for cell in cells if cell["column_name"] == "gross"} == {"xxx 99999999999"}
    for marker in (NAME.encode(), PHONE.encode()):
        assert [name for name, body in written(home).items() if marker in body] == []
    assert not any(NAME in line or PHONE in line for line in said)
