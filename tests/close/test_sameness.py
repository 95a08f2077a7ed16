"""Two decisions book the same money where an order and an amount say so, or where what they are about says nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from duizhang.close.sameness import Footprint, same_money

DAY = dt.date(2026, 3, 2)
ORDER = Footprint("order_payment", "acme", "CNY", "tb", Decimal("245.88"), DAY, frozenset({"tb/1"}))
BUYER = replace(ORDER, leg="customer", amount=Decimal("-245.88"))
SUM = replace(BUYER, leg="finance", orders=frozenset(), first_seen=DAY + dt.timedelta(days=7))
ACCOUNT = replace(SUM, leg="ledger", shop="", orders=frozenset({"tb/9"}))


def test_one_order_and_amount_in_two_legs_is_the_same_money() -> None:
    assert same_money(ORDER, BUYER) and same_money(BUYER, ORDER)


@pytest.mark.parametrize("other", [
    {"leg": "order_payment"}, {"entity": "beta"}, {"currency": "USD"}, {"amount": Decimal("245.87")}, {"orders": frozenset({"tb/2"})},
])
def test_another_leg_entity_currency_amount_or_order_is_other_money(other: dict[str, Any]) -> None:
    changed = replace(BUYER, **other)
    assert not same_money(ORDER, changed) and not same_money(changed, ORDER)


@pytest.mark.parametrize("blind", [SUM, ACCOUNT])
def test_what_knows_no_order_may_be_any_of_the_amount_within_a_week(blind: Footprint) -> None:
    assert same_money(ORDER, blind) and same_money(blind, ORDER)
    assert not same_money(ORDER, replace(blind, first_seen=DAY + dt.timedelta(days=8)))
    assert not same_money(ORDER, replace(blind, shop="jd"))
    assert same_money(replace(ORDER, shop=""), replace(blind, shop="jd"))


def test_a_sum_that_knows_its_orders_is_not_any_sum() -> None:
    assert not same_money(ORDER, replace(SUM, orders=frozenset({"tb/2"})))
    # a leg of single records that names no order is not blind: it is about something else
    assert not same_money(ORDER, replace(SUM, leg="payout_bank"))
