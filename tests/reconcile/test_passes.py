"""The passes on open items alone: each leg goes through those that are declared for it, in order, and an item is placed once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pyarrow as pa
import pytest

from duizhang.declared.matching_passes import load_matching
from duizhang.declared.schema import CLAIM
from duizhang.home.store import connect
from duizhang.reconcile.matching import match, normalise_keys, prepare_matching
from duizhang.reconcile.models import SO_FAR, model_text, prepare_macros
from duizhang.reconcile.session import Session
from tests.reconcile.core import claim

DAY = dt.date(2026, 3, 1)


class Open:
    """What the passes ask of a session, without its inputs. items: leg, key, amount, party."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.books = con, SimpleNamespace(matching={})
        con.execute(f"""create table matchable (leg varchar, "key" varchar, amount decimal(28, 4), party varchar, first_seen date,
            period date default date '{DAY}', entity varchar default 'e', currency varchar default 'CNY', normal_key varchar,
            tolerance decimal(28, 4) default 0.01, one_sided boolean default true, lacks_sale boolean default false,
            source varchar default 's', words varchar default '', window_days integer default 3, left_first boolean default false,
            party_kind varchar default 'channel')""")

    def items(self, *rows: tuple[str, str, str, str]) -> None:
        self.con.execute("delete from matchable")
        for leg, key, amount, party in rows:
            self.con.execute("insert into matchable (leg, \"key\", normal_key, amount, party, first_seen) values (?, ?, ?, ?, ?, ?)",
                             [leg, key, key, amount, party, DAY])

    def matched(self, **own: list[str]) -> list[tuple[str, str, list[str]]]:
        """What the passes place together: the leg, the pass, the members."""
        self.books.matching = own
        match(cast(Session, self))
        found = self.con.execute('select leg, pass, members from matched').fetchall()
        return sorted((leg, name, sorted(members)) for leg, name, members in found)

    def given_up(self) -> list[tuple[str, str]]:
        return self.con.execute('select "key", reason from given_up order by all').fetchall()

    def run(self, path: str) -> None:
        name = Path(path).stem
        self.con.execute(f"create or replace {'view' if name in SO_FAR else 'table'} {name} as {model_text(path)}")

    def add_to(self, table: str, relation: str) -> None:
        names = ", ".join(row[0] for row in self.con.execute(f"select column_name from (describe {table})").fetchall())
        self.con.execute(f"insert into {table} by name select {names} from {relation}")

    def set_claims(self, relation: str) -> None:
        assert relation == "leg_claims"


@pytest.fixture(name="session", scope="module")
def _session() -> Iterator[Open]:
    with connect(threads=1) as con:
        prepare_macros(con)
        prepare_matching(con)
        yield Open(con)


SPLIT = ("payout_bank", "PA1", "60", "alipay"), ("payout_bank", "PA2", "40", "alipay")
WHOLE, DEPOSIT = ("payout_bank", "PA3", "100", "alipay"), ("payout_bank", "bank/1/9", "-100", "alipay")
ORDER, PAYMENT = ("order_payment", "tb/3202603010000012300", "50", ""), ("order_payment", "tb/3202603010000013200", "-50", "")
NEAR = ("order_payment", "near_key", [ORDER[1], PAYMENT[1]])


def test_what_one_pass_has_placed_the_next_does_not_see(session: Open) -> None:
    session.items(*SPLIT, WHOLE, DEPOSIT, ORDER, PAYMENT)
    assert session.matched() == [NEAR, ("payout_bank", "keyless", ["PA3", "bank/1/9"])]
    assert session.matched(payout_bank=["subset", "keyless"]) == [NEAR, ("payout_bank", "subset", ["PA1", "PA2", "bank/1/9"])]
    assert session.matched(payout_bank=[], order_payment=["near_key"]) == [NEAR]


def test_two_pairs_are_two_groups_and_an_item_that_fits_two_is_in_the_better_one(session: Open) -> None:
    other = ("order_payment", "tb/3202603010000099100", "70", ""), ("order_payment", "tb/3202603010000091900", "-70", "")
    session.items(ORDER, PAYMENT, *other)
    assert session.matched() == [NEAR, ("order_payment", "near_key", sorted(key for _, key, *_ in other))]
    # of one party before one of another
    session.items(WHOLE, ("payout_bank", "PW4", "100", "wechat"), DEPOSIT)
    assert session.matched(payout_bank=["keyless"]) == [("payout_bank", "keyless", ["PA3", "bank/1/9"])]


def test_a_search_that_proposes_nothing_says_so_among_the_items_given_up(session: Open) -> None:
    lines = [("payout_bank", f"P{n}", str(amount), "alipay") for n, amount in enumerate((11, 89, 12, 88, 13, 87, 14, 86))]
    session.items(*lines, DEPOSIT)
    assert session.matched(payout_bank=["subset"]) == []
    assert session.given_up() == [("bank/1/9", "4 combinations of 8 items add up: none is proposed")]


def test_every_leg_has_the_passes_that_are_declared_for_it() -> None:
    found: dict[str, list[str]] = {}
    with connect(threads=1) as con:
        prepare_matching(con)
        for leg, name in con.execute("select leg, pass from matching_passes").fetchall():
            found.setdefault(leg, []).append(name)
    assert found == {leg: list(given.passes) for leg, given in load_matching().legs.items() if given.passes}


def test_a_merchant_number_is_the_order_where_it_is_nothing_else_and_its_source_says_so(session: Open) -> None:
    def keys(*rows: dict[str, Any]) -> list[tuple[str, str]]:
        session.con.register("given", pa.Table.from_pylist(list(rows), schema=CLAIM))
        session.con.execute("create or replace table leg_claims as select * from given")
        normalise_keys(cast(Session, session))
        return sorted(session.con.execute('select "key", order_id from leg_claims').fetchall())

    long = claim("order_payment", "tb/T200P260301", "right", 5, 0, source="alipay_trade")
    assert keys(long) == [("tb/260301", "260301")]
    assert keys({**long, "source": "wechat_bill"}) == [("tb/T200P260301", "T200P260301")]
    plain = claim("order_payment", "tb/77", "left", 5, 0, source="alipay_trade")
    assert keys(long, plain) == [("tb/260301", "260301"), ("tb/77", "77")]
    # both stand there: neither is taken for the other
    assert keys(long, claim("order_payment", "tb/260301", "right", 5, 0, source="alipay_trade")) == [
        ("tb/260301", "260301"), ("tb/T200P260301", "T200P260301")]
