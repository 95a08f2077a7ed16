"""A person stands in every column that may name one, in a file of every layout: no byte of them is written outside of the archive."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from duizhang.books import Books, Shop
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import FileRecord, SourceSpec, load_specs
from duizhang.ingest.inbox import collect
from duizhang.ingest.landing.extract import bills
from duizhang.ingest.recognising import Place
from duizhang.ingest.specification import normalised
from tests.ingest.test_damage import SAMPLES
from tests.thoroughness import THOROUGH

MARKED = "Zoe Quxley 13912345678 zoe.quxley@example.com"
MARKERS = (b"quxley", b"13912345678")
# columns in which somebody is named, or writes what they like
MAY_NAME = re.compile(
    r"(?i)name|姓名|户名|昵称|收货|收件|寄件|买家|客户|会员|phone|mobile|电话|手机|地址|address|e-?mail|memo|remark|备注|摘要|附言|用途|留言|note|"
    r"comment|message|descri|libell|buchungstext|verwendung|payee|payer|counterpart|对方|对手|beneficiary|auftraggeber|detail|reason|details?\b")
# of these columns the words are the layout's own (kinds of charges, sides) or the company's (products, accounts that have no code)
WORDS = {
    "amazon_orders": {"product-name"}, "amazon_new_orders": {"product-name"}, "ebay_orders": {"Variation Details", "Variantendetails"},
    "etsy_order_items": {"Item Name"}, "lazada_orders": {"itemName", "Item Name"}, "woocommerce_orders": {"Item Name"},
    "shopee_orders": {"Product Name", "Variation Name"}, "tiktok_orders": {"Product Name"},
    "amazon_settlement_v1": {"other-fee-reason-description"}, "amazon_settlement_v2": {"amount-description"}, "bank_n26": {"Account Name"},
    "checkout_actions": {"Fee Detail"},
    "dhl_invoice": {"Product Name"}, "douyin_insurance_ledger": {"摘要描述"}, "ebay_transactions": {"Description"},
    "klarna_settlement": {"detailed_type"}, "shopify_orders": {"Lineitem name"},
    "walmart_settlement": {"Transaction Description"}, "wave_journal": {"Account Name"}, "xero_report": {"Account", "Account Name"},
}
# no sample of text has a column for people: workbooks and JSON (their own tests), and lists of goods, rates and stock
UNNAMED = {
    "bank_abnamro", "bank_asn", "bank_camt054", "bank_ccb", "bank_citic", "bank_easybank", "bank_elba", "bank_lcl", "bank_santander_pl",
    "bank_spdb", "bank_targobank", "bank_td", "bank_wells_fargo", "bol_specification", "books_bundles", "books_fx_rates", "books_journal",
    "books_opening_items", "books_refunds", "books_sku_map", "books_skus", "douyin_insurance_ledger", "gopay_account", "jd_orders",
    "kuaishou_account", "kuaishou_insurance", "platform_settlement", "platform_statement", "sf_bill", "shop_stock", "shopee_income",
    "shopify_api_payouts", "shopify_api_transactions", "sibs_settlement", "stripe_api", "temu_chargeback", "temu_freight_income",
    "temu_freight_refund", "temu_income", "temu_label", "temu_refund", "temu_return_label", "temu_violation", "ups_billing",
    "coupang_growth", "eleme_takeaway", "etsy_deposits", "flipkart_settlement", "jd_account", "meesho_settlement", "meituan_takeaway",
    "meituan_takeaway_account", "naver_orders", "ozon_accruals", "wms_count", "wms_moves", "wms_snapshot",
    "zettle_account", "zettle_receipts",
}
# where formats that are no tables say who somebody is, and what they wrote
PEOPLE = {
    "mt940": re.compile(r"(?m)(?<=\?32).*$|(?<=^:86:).*$"),
    "camt": re.compile(r"(?<=<Nm>)[^<]*|(?<=<Ustrd>)[^<]*|(?<=<AddtlNtryInf>)[^<]*"),
    "ofx": re.compile(r"(?<=<NAME>)[^<\r\n]*|(?<=<MEMO>)[^<\r\n]*"), "bai2": re.compile(r"(?m)(?<=^88,).*$"),
}


def free(spec: SourceSpec) -> tuple[set[str], set[str]]:
    """(columns that are read for something else than who somebody is or what somebody wrote, columns that may say that)."""
    kept, may = set(), set()
    for field in spec.fields.values():
        names = {normalised(name) for name in (field.column, *field.also, *field.join)}
        said = any(MAY_NAME.search(name) and name not in WORDS.get(spec.name, ()) for name in (field.column, *field.also))
        words = field.personal or (said and field.type == "text" and field.values is None and not field.extract)
        (may if words else kept).update(names)
    kept |= {normalised(name) for column in (*spec.recognise.header, spec.absorbs or "") for name in column.split("|") if name not in may}
    kept |= {normalised(capture.cell) for capture in spec.captures.values() if not isinstance(capture, str)}
    return kept - may, may


def marked_table(body: bytes, place: Place) -> bytes | None:
    """The table with a person in every cell that the specification does not need as it is; None where that is no text."""
    try:
        lines = body.decode(place.encoding).splitlines(keepends=True)
    except (UnicodeError, LookupError):
        return None
    if place.header < 0 or not place.names:
        return None
    kept, may = free(place.spec)
    at = [n for n, name in enumerate(place.names) if normalised(name) not in kept or normalised(name) in may]
    out = lines[: place.header + 1]
    for line in lines[place.header + 1 :]:
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=place.delimiter), [])
        if len(cells) >= len(place.names):
            for n in at:
                cells[n] = MARKED
            made = io.StringIO()
            csv.writer(made, delimiter=place.delimiter, lineterminator="\n").writerow(cells)
            line = made.getvalue()
        out.append(line)
    return "".join(out).encode(place.encoding)


def samples(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """(name, specification, a sample in which somebody stands wherever somebody may)."""
    for name, body in sorted(SAMPLES.items()):
        path = folder / "sample.bin"
        path.write_bytes(body)
        for _, place, member in bills(path, load_specs()):
            spec = place.spec
            if member:
                continue
            made = marked_table(body, place) if spec.reader == "table" else None
            if spec.reader in PEOPLE:
                text = body.decode("utf-8", "surrogateescape")
                made = PEOPLE[spec.reader].sub(MARKED.replace("@", " "), text).encode("utf-8", "surrogateescape")
            if made is not None and b"Quxley" in made:
                yield name, spec.name, made


@dataclass(frozen=True)
class Taken:
    """A home that took in all of them. wanted: file -> specification; found: what is known of each file; said: while they were read."""

    home: Path
    wanted: dict[str, str]
    found: dict[str, FileRecord]
    said: list[str]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    root = tmp_path_factory.mktemp("marked")
    wanted: dict[str, str] = {}
    for number, (_, spec, body) in enumerate(samples(root)):
        if spec in wanted.values() and not THOROUGH:  # in `make test` a file of each layout
            continue
        place = root / "inbox" / "tb-01" / f"{number:03}.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        wanted[f"tb-01/{number:03}.csv"] = spec
    books = Books(root=root, entity="acme", start=dt.date(2026, 3, 2), shops={"tb-01": Shop(platform="own")})
    told: list[str] = []
    found = collect(books, Store(root / "home"), State(root / "home"), progress=told.append)
    return Taken(root / "home", wanted, {record.path: record for record in found}, told)


def test_all_layouts_of_text_are_among_them(taken: Taken) -> None:
    """Fails if a layout is added whose columns are tried by nobody: it has a sample in which somebody is named, or stands here."""
    covered = {name for name, spec in load_specs().items() if spec.tables} - set(taken.wanted.values())
    assert covered == UNNAMED
    read = [name for name in taken.wanted if taken.found[name].status == "read"]
    assert len(read) > 0.8 * len(taken.wanted), "most of them are read although somebody is named in them"


def test_no_byte_of_a_person_is_written_outside_of_the_archive(taken: Taken) -> None:
    home, leaks = taken.home, []
    for path in sorted(p for p in home.rglob("*") if p.is_file() and "archive" not in p.relative_to(home).parts):
        body = path.read_bytes()
        if path.suffix == ".parquet":
            body += repr(pq.ParquetFile(path).read().to_pydict()).encode()
        leaks += [(path.relative_to(home).as_posix(), marker) for marker in MARKERS if marker in body.lower()]
    leaks += [(line, marker) for line in taken.said for marker in MARKERS if marker.decode() in line.casefold()]
    assert leaks == []
