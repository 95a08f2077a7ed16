"""What is in a folder of bills: every file recognised and read as a run would, or named with the reason why not."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from duizhang.declared.schema import REFERENCE
from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, SourceSpec, extract
from duizhang.ingest.files import path_day
from duizhang.ingest.opening import documents, rewritten, shown_name, walk
from duizhang.ingest.recognising import recognise

INBOX = "inbox"
UNSAID = "XXX"  # ISO 4217 for no currency: what a row has that names none
# kept beside bills by duizhang itself, or by whoever looks at them
_OWN = frozenset({"books.yaml", "pseudonym.key", "mkdocs.yml"})
_HOME = "published.duckdb"
_LINES = 5000  # of one bill that are compared
_SIDES = ("orders", "payments", "refunds", "settlements")

Days = dict[tuple[str, ...], dt.date]  # of what -> its first day


@dataclass
class Bill:
    """One bill of a file, read. name: below the folder; top: the first folder of that; numbers: order numbers of its rows and what their
    payments are called, at most 100,000; own: by shop that its rows name, the order numbers of our own system; warehouses: by shop, ''
    where none is named; sent: by warehouse, the order numbers of its shipments; fees: by provider and currency, (amount, fee) of its
    payments. coverage: the days that it says it covers, which a newer file of its kind and shop replaces. paid, settled: (provider,
    transaction) -> its first day; ordered, received: (order,) -> the first day on which the buyer paid, or the money came to us; stated:
    the shops that rows of a platform's statement name; lines: by origin, (order, line, SKU) of some thousand of its order lines; payouts:
    (number, amount, currency); credits: (account, reference, amount, currency) of a bank."""

    name: str
    spec: SourceSpec
    rows: int
    quarantined: int
    loose: int
    days: frozenset[dt.date]
    tables: tuple[str, ...]
    coverage: tuple[dt.date, dt.date] | None = None
    currencies: Counter[str] = field(default_factory=Counter)
    numbers: frozenset[str] = frozenset()
    has_orders: bool = False
    own: dict[str, frozenset[str]] = field(default_factory=dict)
    warehouses: dict[str, frozenset[str]] = field(default_factory=dict)
    sent: dict[str, frozenset[str]] = field(default_factory=dict)
    providers: frozenset[str] = frozenset()
    bank_accounts: frozenset[str] = frozenset()
    ledger: dict[str, str] = field(default_factory=dict)
    fees: dict[tuple[str, str], set[tuple[Decimal, Decimal]]] = field(default_factory=dict)
    paid: Days = field(default_factory=dict)
    settled: Days = field(default_factory=dict)
    ordered: Days = field(default_factory=dict)
    received: Days = field(default_factory=dict)
    payouts: frozenset[tuple[object, ...]] = frozenset()
    credits: frozenset[tuple[object, ...]] = frozenset()
    stated: frozenset[str] = frozenset()
    lines: dict[str, frozenset[tuple[str, str, str]]] = field(default_factory=dict)

    @property
    def top(self) -> str:
        folder, inside, _ = self.name.partition("/")
        return folder if inside else ""

    @property
    def channel(self) -> str:
        return self.spec.name.split("_")[0]


@dataclass
class Folder:
    """A folder that was looked at. root: where books.yaml belongs; inside: whether its files stand in an inbox already; refused: name
    -> why it is not read; copies: name -> of which file it has the content; beside: entries beside an inbox, which were not looked at."""

    root: Path
    inside: bool
    bills: list[Bill] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    hidden: int = 0

    @property
    def days(self) -> list[dt.date]:
        """The days of what is no reference data, in order."""
        return sorted({day for bill in self.bills if not bill.spec.is_reference for day in bill.days})


def _listed(folder: Path) -> Folder:
    """What there is to look at, nothing read yet."""
    folder = folder.resolve()
    root = folder.parent if folder.name == INBOX else folder
    inside = (root / INBOX).is_dir()
    found = walk(root / INBOX if inside else root)
    listed = Folder(root, inside, hidden=found.hidden, refused=dict(found.refused))
    homes = {path.parent for path in found.files.values() if path.name == _HOME}
    for name, path in found.files.items():
        # other drafts, specifications: no bill is YAML
        mine = path.name in _OWN or path.suffix == ".yaml"
        if not inside and (mine or any(home in path.parents for home in homes)):
            continue
        listed.paths[name] = path
    if inside:
        listed.beside = tuple(sorted(
            shown_name(p.name) for p in root.iterdir()
            if p.is_file() and p.name not in _OWN and not p.name.startswith(".") and p.suffix != ".yaml"
        ))
    return listed


def clocks(folder: Path, specs: Mapping[str, SourceSpec]) -> dict[str, set[str]]:
    """By time zone, the kinds of files in a folder whose clock it is; '' for those that go by the zone of the books."""
    found: dict[str, set[str]] = {}
    for path in _listed(folder).paths.values():
        try:
            for document in documents(path):
                spec = recognise(rewritten(document), specs).spec
                if spec.tables:
                    found.setdefault(spec.zone or "", set()).add(spec.name)
        except RefusedFile:
            continue  # told when it is read
    return found


def look_at(
    folder: Path, specs: Mapping[str, SourceSpec], zone: str, say: Callable[[int, int], None] = lambda _done, _all: None
) -> Folder:
    """Read every file of a folder (of its `inbox`, where it has one) by a time zone. Nothing is written. say: (files done, of all)."""
    found = _listed(folder)
    seen: dict[tuple[str, dt.date | None], str] = {}
    without_rows: set[str] = set()  # such a file is of the day that its name says, so two days have the same bytes
    setting = Setting(zone=zone, currency=UNSAID)
    # of copies that which has the shortest name, as it had before it was downloaded again
    for number, (name, path) in enumerate(sorted(found.paths.items(), key=lambda one: (len(one[0]), one[0])), 1):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if other := seen.get((digest, path_day(name) if digest in without_rows else None)):
            found.copies[name] = other
        else:
            bills: list[Bill] = []
            try:
                with tempfile.TemporaryDirectory(prefix="duizhang-init-") as into:
                    bills = [_bill(name, one) for one in extract(path, specs, setting, file=name, into=Path(into))]
            except RefusedFile as error:
                found.refused[name] = f"{error} ({error.advice})" if error.advice else str(error)
            if bills and not any(bill.rows for bill in bills):
                without_rows.add(digest)
            seen[digest, path_day(name) if digest in without_rows else None] = name
            found.bills += bills
        say(number, len(found.paths))
    found.bills.sort(key=lambda bill: bill.name)
    return found


def _bill(name: str, found: Extraction) -> Bill:
    bill = Bill(
        name, found.spec, found.rows_read, found.rows_quarantined, sum(not total.ok for total in found.totals), _days(name, found),
        found.tables, found.coverage)
    numbers: set[str] = set()
    for table in found.tables:
        rows, amounts = found.summary(table)
        if table not in REFERENCE:
            for currency in amounts:
                bill.currencies[currency] += rows
        if table in _SIDES:
            numbers |= {str(number) for (number,) in found.distinct(table, ["order_id"]) if number}
        if table == "orders":
            _orders(bill, found)
            bill.ordered = _first_days(found, table, "order_id")
            numbers |= {name for (names,) in found.distinct(table, ["payment_references"]) for name in str(names or "").split()}
        if table in ("payments", "settlements", "payouts"):
            bill.providers |= {str(provider) for (provider,) in found.distinct(table, ["provider"]) if provider}
        if table == "payments":
            _fees(bill, found)
            bill.paid = _first_days(found, table, "provider", "transaction_id")
            bill.received = _first_days(found, table, "order_id")
        if table == "settlements":
            bill.settled = _first_days(found, table, "provider", "transaction_id")
        if table == "platform_statements":
            bill.stated |= {str(shop) for (shop,) in found.distinct(table, ["shop"]) if shop}
        if table in ("shipments", "stock_moves", "stock_snapshots"):
            for shop, warehouse in found.distinct(table, ["shop", "warehouse"]):
                if warehouse:
                    bill.warehouses[str(shop)] = bill.warehouses.get(str(shop), frozenset()) | {str(warehouse)}
        if table == "shipments":
            for warehouse, number in found.distinct(table, ["warehouse", "order_id"]):
                if warehouse and number:
                    bill.sent[str(warehouse)] = bill.sent.get(str(warehouse), frozenset()) | {str(number)}
        if table == "payouts":
            bill.payouts = frozenset(found.distinct(table, ["payout_id", "amount", "currency"]))
        if table == "bank_entries":
            bill.credits = frozenset(found.distinct(table, ["bank_account", "reference", "amount", "currency"]))
            bill.bank_accounts |= {str(account) for (account,) in found.distinct(table, ["bank_account"]) if account}
        if table == "journal_lines":
            bill.ledger |= {str(code): str(text) for code, text in found.distinct(table, ["account", "account_name"], most=500) if code}
    if not numbers and "order_id" in found.spec.fields and found.rows_parsed:
        numbers |= found.values("order_id")  # rows that feed no table know their orders all the same
        bill.has_orders |= any(table.table == "orders" for table in found.spec.tables)
    bill.numbers = frozenset(numbers)
    return bill


def _days(name: str, found: Extraction) -> frozenset[dt.date]:
    """The days of a file; of one without rows, as for a run, the day that its name says."""
    day = None if found.days or found.rows_read else path_day(name)
    return frozenset({day}) if day else found.days


def _first_days(found: Extraction, table: str, *columns: str) -> Days:
    """What stands in these columns, of which the last is filled -> the first day of it."""
    days: Days = {}
    for *key, day in found.distinct(table, [*columns, "period"]):
        if key[-1] and isinstance(day, dt.date):
            days.setdefault(tuple(map(str, key)), day)
    return days


def _orders(bill: Bill, found: Extraction) -> None:
    of_shop: dict[str, set[str]] = {}
    for origin, shop, number in found.distinct("orders", ["origin", "shop", "order_id"]):
        bill.has_orders |= origin == "platform"
        if origin == "books" and number:
            of_shop.setdefault(str(shop), set()).add(str(number))
    bill.own = {shop: frozenset(numbers) for shop, numbers in of_shop.items()}
    lines: dict[str, set[tuple[str, str, str]]] = {}
    for origin, number, line, sku in found.distinct("orders", ["origin", "order_id", "line_id", "sku"], most=_LINES):
        if number:
            lines.setdefault(str(origin), set()).add((str(number), str(line), str(sku or "")))
    bill.lines = {origin: frozenset(rows) for origin, rows in lines.items()}


def _fees(bill: Bill, found: Extraction) -> None:
    """What was paid and what of it was charged, of at most some thousand different payments."""
    for provider, currency, amount, fee in found.distinct("payments", ["provider", "currency", "amount", "fee"], most=5000):
        if isinstance(amount, Decimal) and isinstance(fee, Decimal) and amount > 0 and fee > 0:
            bill.fees.setdefault((str(provider), str(currency or "")), set()).add((amount, fee))
