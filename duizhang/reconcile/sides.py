"""Which sides of a leg there are: what books.yaml declares (expected files, databases), by the tables of their specifications.

What the claims themselves show is added by sql/sides. Never by a source's name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from duizhang.books import Books
from duizhang.declared.schema import TEXT
from duizhang.ingest import SourceSpec, load_specs
from duizhang.reconcile.outputs import SIDES

# canonical table and origin ('' = any): the sides that its rows are
FEEDS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("orders", "books"): (
        ("orders", "left"), ("order_platform", "left"), ("order_payment", "left"), ("order_shipment", "left"),
        ("customer", "left"), ("finance", "left"),
    ),
    # a shop without orders of its own goes by the platform's
    ("orders", "platform"): (
        ("orders", "right"), ("order_platform", "right"), ("order_payment", "left"), ("order_shipment", "left"), ("customer", "left"),
    ),
    ("payments", ""): (("order_payment", "right"), ("customer", "right"), ("payment_settlement", "left"), ("fee", "left")),
    # a shop without refunds of its own goes by the provider's
    ("refunds", "books"): (("refunds", "left"),),
    ("refunds", "provider"): (("return_refund", "right"),),
    ("settlements", ""): (("payment_settlement", "right"), ("fee", "right")),
    ("payouts", ""): (("payout_bank", "left"),),
    ("bank_entries", ""): (("payout_bank", "right"),),
    ("shipments", ""): (("order_shipment", "right"), ("freight", "left")),
    ("freight_charges", ""): (("freight", "right"),),
    ("returns", ""): (("return_refund", "left"),),
    ("stock_moves", ""): (("stock", "left"),),
    ("stock_snapshots", "warehouse"): (("stock", "right"),),
    ("platform_statements", ""): (("finance", "right"),),
    ("journal_lines", ""): (("ledger", "right"),),
}

# whose records have no shop, or meet whatever the shop is
_OF_THE_COMPANY = frozenset({"freight", "payout_bank", "stock", "ledger"})

_DECLARED = pa.schema([
    *(SIDES.field(n) for n in ("leg", "side", "entity", "shop", "channel", "since")), pa.field("source", TEXT), pa.field("named", TEXT),
])
_FEED = pa.schema([("table_name", TEXT), ("origin", TEXT), ("leg", TEXT), ("side", TEXT)])


def declared_sides(books: Books) -> pa.Table:
    """A row a side, shop and source that books.yaml declares: leg, side, entity, shop ('' = all), channel, since, source
    ('' where it is a database's or the books' own), and what else books.yaml calls it: a database's source, a shared account, a channel."""
    specs = load_specs(books.sources_path)
    rows: list[tuple[str, str, str, str, str, dt.date, str, str]] = []
    declared = [(e.source, e.shop, e.from_day or books.start, e.source) for e in books.expected]
    declared += [(d.source, d.shop, books.start, "") for d in books.databases]
    # the files of a shared account are those of its shops
    shared = books.shared_accounts
    declared += [(name, of, since, source) for name, shop, since, source in declared if shop in shared for of in shared[shop].shops]
    for name, shop, since, source in declared:
        if name in specs:
            entity = books.entity_of(shop) if shop else ""
            wallet = _account_of(specs[name])
            rows += [(leg, side, entity, "" if leg in _OF_THE_COMPANY else shop, wallet if leg == "payment_settlement" else "", since,
                      source, name) for leg, side in sides_of(specs[name])]
    # a shared account serves its shops from the start, also one whose first row finds its order late
    for called, account in shared.items():
        table = ("payments", "") if account.provider else ("shipments", "") if account.warehouse else ("freight_charges", "")
        rows += [(leg, side, books.entity_of(of), of, "", books.start, "", called) for of in account.shops for leg, side in FEEDS[table]]
    # who says how long a channel's counterpart may take waits for it
    for key in books.sla_days:
        leg, _, channel = key.partition("/")
        rows += [(of, side, books.entity_of(name), name, "", books.start, "", channel) for name, shop in books.shops.items()
                 if channel and channel in (name, shop.provider, shop.platform)
                 for of in ((leg, "customer") if leg == "order_payment" else (leg,)) for side in ("left", "right")
                 if (of, side) != ("payout_bank", "right")]  # whose payouts wait for its first statement anyway
    # the sub-ledger is made of whatever there is
    rows.append(("ledger", "left", "", "", "", books.start, "", ""))
    return _table(sorted(set(rows)), _DECLARED)


def side_feeds() -> pa.Table:
    """Which canonical tables are the sides of the legs."""
    rows = [(table, origin, leg, side) for (table, origin), sides in FEEDS.items() for leg, side in sides]
    return _table([*rows, ("accounts of books.yaml", "", "ledger", "left")], _FEED)


def sides_of(spec: SourceSpec) -> Iterator[tuple[str, str]]:
    """The (leg, side) that files of a kind can supply."""
    for given in spec.tables:
        origin = given.columns.get("origin", "").strip()
        literal = origin[1:-1] if origin.startswith("'") and origin.endswith("'") and origin.count("'") == 2 else ""
        for (table, of), sides in FEEDS.items():
            if table == given.table and (not of or not literal or of == literal):
                yield from sides


def _account_of(spec: SourceSpec) -> str:
    """The provider whose files of a kind say in one sum what a platform's statement says by lines; '' of any other kind."""
    books = any("'released'" in given.columns.get("kind", "") for given in spec.tables)
    return next((given.columns["provider"].strip("' ") for given in spec.tables if given.table == "settlements"), "") if books else ""


@dataclass(frozen=True)
class Supply:
    """What files there are for a leg. left, right: (source, shop) of each side, shop '' for all; alone: shops of which only one
    side is there, with that side."""

    leg: str
    left: frozenset[tuple[str, str]]
    right: frozenset[tuple[str, str]]
    alone: tuple[tuple[str, str], ...]

    @property
    def runs(self) -> bool:
        """Whether both sides are there for anybody."""
        return bool(self.left and self.right) and len(self.alone) < len(self._shops())

    @property
    def lacks(self) -> str:
        """The side that nothing supplies; '' where both are there, or neither."""
        return "" if bool(self.left) == bool(self.right) else "right" if self.left else "left"

    def _shops(self) -> set[str]:
        return {shop for _, shop in self.left | self.right}



def supplies(books: Books, files: Iterable[tuple[str, str]]) -> list[Supply]:
    """What (source, shop) of files, and books.yaml itself, supply to each leg that the books have, in the order of legs."""
    specs = load_specs(books.sources_path)
    sides: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for source, shop in set(files):
        for side in sides_of(specs[source]) if source in specs else ():
            sides.setdefault(side, set()).add((source, shop))
    if books.accounts:
        sides["ledger", "left"] = {("accounts of books.yaml", "")}
    found = []
    for leg in books.legs:
        left, right = (frozenset(sides.get((leg, side), ())) for side in ("left", "right"))
        of = [{shop for _, shop in side} for side in (left, right)]
        alone: list[tuple[str, str]] = []
        if leg not in _OF_THE_COMPANY and left and right and "" not in of[0] | of[1]:
            alone = [(shop, "left" if shop in of[0] else "right") for shop in sorted(of[0] ^ of[1])]
        found.append(Supply(leg, left, right, tuple(alone)))
    return found


def records_of(leg: str, side: str) -> str:
    """Which records (canonical tables) are a side of a leg, as people are told what is missing; a sub-ledger is of no file."""
    return ", ".join(sorted({table for (table, _), sides in FEEDS.items() if (leg, side) in sides})) or "`accounts` of books.yaml"


def _table(rows: Sequence[tuple[object, ...]], columns: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(columns.names, row, strict=True)) for row in rows], schema=columns)


__all__ = ["FEEDS", "Supply", "declared_sides", "records_of", "side_feeds", "sides_of", "supplies"]
