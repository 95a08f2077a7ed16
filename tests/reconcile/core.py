"""Runs the core on claims alone: claims in, tables out, for any split of a range."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from duizhang.books import Books
from duizhang.declared.schema import CLAIM
from duizhang.digest import table_digest
from duizhang.home import published
from duizhang.home.store import Store, days
from duizhang.reconcile import ITEM_TABLES, KEPT_TABLES, STATE_TABLES, Session, assert_conservation, normalise_keys, settle

FIRST = dt.date(2025, 12, 30)
KEPT = (*(name for name in ITEM_TABLES if name != "legs_not_run"), "open_claims")


def books(root: Path, **entries: Any) -> Books:
    return Books.model_validate({
        "root": root, "entity": "demo", "start": FIRST,
        "shops": {
            "tb": {"platform": "taobao", "provider": "alipay", "warehouse": "W"},
            "ps": {"platform": "own", "provider": "monthly"}, "own": {"platform": "own", "provider": "card"},
        },
        "expected": [{"source": "taobao_order_lines", "shop": "tb"}],
        "sla_days": {"order_payment/carrier": 4},
        "instalments": [{"shop": "ps", "from_day": FIRST, "days": 3}],
        "fee_billing": [{"provider": "monthly", "from_day": FIRST}],
        "fx_rates": [{"base": base, "quote": "CNY", "from_day": FIRST, "rate": rate} for base, rate in (("EUR", "7.8"), ("USD", "7.2"))],
        **entries,
    })


def claim(leg: str, key: str, side: str, amount: Decimal | str | int, day: int, **values: Any) -> dict[str, Any]:
    """One claim; day counts from 0 at FIRST, on the last but one day of a year."""
    period = FIRST + dt.timedelta(days=day)
    given = {
        "period": period, "leg": leg, "entity": "demo", "key": key, "currency": "CNY", "side": side, "kind": "sale",
        "amount": Decimal(amount), "quantity": Decimal(0), "attribute": None, "shop": key.split("/")[0], "channel": "",
        "order_id": key.split("/")[1] if "/" in key else "", "sku": "", "discount": Decimal(0), "unit_price": None,
        "customer": "", "occurred_at": dt.datetime(period.year, period.month, period.day, 4),  # noqa: DTZ001
        "source": "s", "file": f"{leg}.csv", "line": 1, "sequence": None, "counterparty": "", "remark": "", "record_id": "",
        "instalments": None, "zone": "", "weight": None,
    }
    unknown = values.keys() - given.keys()
    assert not unknown, f"no such columns: {unknown}"
    return {**given, **values}


@dataclass
class Outcome:
    """What the runs of a range left in the store, and the groups that the matching passes made."""

    store: Store
    periods: list[dt.date]
    groups: list[dict[str, Any]] = field(default_factory=list)
    given_up: list[dict[str, Any]] = field(default_factory=list)

    def rows(self, table: str, day: int) -> list[dict[str, Any]]:
        return self.store.read(table, FIRST + dt.timedelta(days=day)).to_pylist()

    def digests(self) -> dict[tuple[str, dt.date], str]:
        return {(t, p): table_digest(self.store.read(t, p)) for t in KEPT for p in self.periods}


def run(root: Path, claims: Sequence[dict[str, Any]], length: int, ends: Iterable[int] = (), **entries: Any) -> Outcome:
    """Settle the claims over `length` days, in one pass or in several that begin after the days `ends`; entries: more of books.yaml."""
    store = Store(root)
    outcome = Outcome(store, days(FIRST, FIRST + dt.timedelta(days=length - 1)))
    table = pa.Table.from_pylist(list(claims), schema=CLAIM)
    cuts = sorted({0, *(end + 1 for end in ends if end + 1 < length), length})
    for start, stop in pairwise(cuts):
        periods = outcome.periods[start:stop]
        within = table.filter(pc.is_in(table["period"], value_set=pa.array(periods, pa.date32())))
        with Session(books(root, **entries), store, periods) as session:
            session.con.register("given", within)
            session.set_claims("given")
            normalise_keys(session)
            session.con.execute("alter table leg_claims rename to claims")
            session.run("derived/bank_days.sql")  # which items are judged by
            session.con.register("closed_orders", KEPT_TABLES["closed_orders"].empty_table())
            settle(session)
            assert_conservation(session)
            for leg in sorted({c["leg"] for c in claims}):
                session.con.execute(f"create view \"{leg}\" as select * from claims where leg = '{leg}'")
                session.keep(leg, CLAIM)
            for name in KEPT[:-1]:
                session.keep(name, published.TABLES[name])
            session.keep("open_claims", STATE_TABLES["open_claims"])
            for name, kept in (("matched", outcome.groups), ("given_up", outcome.given_up)):
                kept += session.con.sql(f"select * from {name}").to_arrow_table().to_pylist()
    return outcome
