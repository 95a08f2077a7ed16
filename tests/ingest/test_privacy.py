"""No value of a person stands in clear in anything that is written, but in the archive."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duizhang.books import Books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect
from duizhang.ingest.typing.masks import shape, without_values

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


TEXTS = {
    "company/orders.csv": (
        "order_id,line_id,shop,sku,product,quantity,unit_price,amount,currency,status,ordered_at,paid_at,customer\n"
        f"O1,1,tb-01,CUP,{NAME}定制 {PHONE},1,10.00,10.00,CNY,paid,2026-03-02 10:00:00,2026-03-02 10:00:05,{NAME}\n"),
    "company/skus.csv": f"sku,product,category,cost,price,currency,weight,as_of\nCUP,{NAME}的杯 {PHONE},瓷,4.20,10.00,CNY,0.35,2026-03-02\n",
    "company/journal.csv": (
        "日期,凭证字,凭证号,摘要,科目编码,科目名称,借方,贷方\n"
        f"2026-03-02,记,12,收{NAME} {PHONE}货款,1122,应收账款-{NAME},113.00,\n2026-03-02,记,12,{NAME}{PHONE},6001,收入,,113.00\n"),
    "company/bank.sta": (
        ":20:X\n:25:6225880000010001\n:28C:1/1\n:60F:C260302CNY0,00\n"
        f":61:2603020302C100,00NTRFZHANG SAN//B1\n:86:ZHANGSANFENG {PHONE} PAYMENT /PAYOUT/P-778899\n:62F:C260302CNY100,00\n"),
}


def test_free_texts_and_names_of_people_are_kept_nowhere_but_in_the_archive(tmp_path: Path) -> None:
    from duizhang.books import Shop

    for name, text in TEXTS.items():
        place = tmp_path / "inbox" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    books = Books(root=tmp_path, entity="acme", start=dt.date(2026, 3, 2), shops={"tb-01": Shop(platform="own")})
    store, state = Store(tmp_path / "home"), State(tmp_path / "home")
    assert {r.path: r.status for r in collect(books, store, state)} == dict.fromkeys(TEXTS, "read")
    rows = build_canonical(books, store, state, [dt.date(2026, 3, 2)])
    assert (rows["orders"], rows["skus"], rows["journal_lines"], rows["bank_entries"]) == (1, 1, 2, 1)
    assert store.read("bank_entries", dt.date(2026, 3, 2))["reference"].to_pylist() == ["P-778899"]
    for marker in (NAME, PHONE, "ZHANGSANFENG"):
        assert [name for name, body in written(tmp_path / "home").items() if marker.encode() in body or marker in body.decode("utf-8", "replace")] == []


def test_of_a_remark_ids_and_channels_are_kept() -> None:
    import pyarrow as pa

    from duizhang.ingest import load_specs
    from duizhang.ingest.typing.references import parties, references, remark_fields

    texts = pa.array([f"支付宝 提现 {NAME} 20260302ABC {PHONE} 110101199003071234 DE89370400440532013000 anna.s1984@mail.example", "", None, "货款", f"结息 {NAME}"])
    assert references(texts).to_pylist() == ["20260302ABC 支付宝", "", None, "", "结息"]
    # the ways in which people write them; what follows and what only looks alike is an id
    told = ["Tel.13912345678", "TEL13912345678 PO-2026", "139-1234-5678", "139.1234.5678", "0086-13912345678", "010-62345678", "0171/1234567",
            "+49 171 1234567 20260301", "+1-415-555-2671", "(415) 555-2671", "Mobile: 0171 1234567 PO-2026", "手机 6234 567890", "WANG_13912345678",
            "6222021234567890128", "4111-1111-1111-1111", "123-45-6789", "123.456.789-09", "IBAN-DE89370400440532013000", "ID.110101199003071234"]
    assert references(pa.array(told)).to_pylist() == ["", "PO-2026", "", "", "", "", "", "20260301", *[""] * 2, "PO-2026", *[""] * 8]
    ids = ["EREF+20260301123456", "T200P13912345678", "2088000000000001", "112-1234567-1234567", "iPhone 20260301", "2026-03-01/00012", "REFUND #1043, 1044 #12-3"]
    assert references(pa.array(ids)).to_pylist() == ["20260301123456", *ids[1:4], "20260301", "2026-03-01", "#1043"]
    specs = load_specs()
    # also of what a payout's id is taken out of, whatever its form
    shown_to_nobody = {"reference_words", "counterparty_party"}
    assert {*shown_to_nobody, "kind"} == remark_fields(specs["bank_n26"])
    assert shown_to_nobody == remark_fields(specs["bank_n26"], masked=False), "those are shown to nobody, not even of a file alone"
    assert {"payout_words", "remark", "counterparty_party"} == remark_fields(specs["bank_cmb_company"])
    # of a name, which may be a person's, not even what looks like an id
    names = ["支付宝（中国）网络技术有限公司", "Jane Roe 20260301", "PayPal (Europe) S.a r.l. 112-1234567", "", None]
    assert parties(pa.array(names)).to_pylist() == ["支付宝", "", "paypal", "", None]
    assert (specs["bank_cmb_company"].fields["payout_words"].column, specs["bank_cmb_company"].fields["remark"].column) == ("用途", "摘要")
    assert remark_fields(specs["bank_mt940"]) == {"payout_words", "counterparty_party"} and "payout_words" in specs["bank_mt940"].tables[0].columns["remark"]
