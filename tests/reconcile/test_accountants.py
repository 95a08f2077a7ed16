"""Cases of real books whose obvious name is wrong: each has a test that says what an accountant would say."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.reconcile.test_cases import CASES

TESTS = Path(__file__).parents[1]

# what happened: titles of cases.txt and causes.txt, and tests of other files as `folder/file.py::name`
REALISTIC: dict[str, list[str]] = {
    "a presale: a tenth is paid, the balance days later": ["a deposit of a round share waits for its balance"],
    "two equal refunds of one order, the books have one": [
        "two refunds of one amount are two where their ids differ; the books have one of them",
        "a refund whose id comes twice is one that was read again"],
    "two refunds of one order, the books have the larger one": ["of two refunds the books lack one"],
    "one of three pieces cancelled before it was sent, and not paid": [
        "of three pieces one is not paid: cancelled, unless the platform says that it was typed",
        "the shipment tells that a piece was cancelled"],
    "a trade before midnight whose fee is booked after it": ["a fee booked after midnight is on its way, and then missing"],
    "fees that are billed once a month": [
        "fees of a provider that bills them once a month wait for the bill",
        "reconcile/test_declared.py::test_a_monthly_bill_is_held_against_the_fees_of_its_month"],
    "one ordered, two sent": [
        "more shipped than ordered is the warehouse's, less is on its way",
        "reconcile/test_goods_on_their_way.py::test_a_gift_is_recorded_or_declared_and_no_more_than_that"],
    "a shop that shows less than there is on purpose": [
        "a shop that shows less than there is may do so on purpose",
        "reconcile/test_declared.py::test_stock_that_is_held_back_is_not_missing"],
    "an order in euro that is paid in dollars": ["euros paid in dollars are converted, and the rest is an exchange difference"],
    "a carrier that bills less than its card": [
        "what a carrier charges too little is nothing to claim",
        "advice/test_advice.py::test_a_rate_that_is_charged_from_a_day_on_is_found_with_its_day"],
    "the provider's file of a day is not there at all": [
        "six buyers in a row of a day on which the provider says nothing at all: the file is missing, not six payments",
        "reconcile/test_sides.py::test_an_expected_file_that_has_nothing_for_a_day_is_one_item_of_that_day"],
    "no orders of our own were ever supplied": [
        "reconcile/test_sides.py::test_first_days_of_companies_as_they_are",
        "reconcile/test_one_truth.py::test_a_day_of_which_nothing_agrees_does_not_look_green"],
    "the platform is the order system, and half was charged": [
        "reconcile/test_sides.py::test_a_shop_without_orders_of_its_own_goes_by_those_of_its_platform"],
    "a payout and a credit of one amount that no id joins": ["a payout and a bank credit of one day and amount, without an id"],
    "payments without an order number that would net with a refund": [
        "reconcile/test_sides.py::test_first_days_of_companies_as_they_are",
        "reconcile/test_legs.py::test_records_without_an_order_number_stand_by_themselves"],
    "a statement of a day that has only a header": [
        "reconcile/test_sides.py::test_a_statement_without_rows_is_dated_by_its_day"],
    "a carrier's bill in its own currency for a shop in another": [
        "reconcile/test_room.py::test_freight_is_in_the_currency_of_the_carriers_card_not_of_the_shop"],
    "a payment that is written off": ["close/test_decisions.py::test_one_event_is_decided_once_and_shown_in_each_leg"],
    "sold in dollars, bought in yuan": ["reconcile/test_room.py::test_a_sale_in_dollars_is_held_against_its_cost_in_dollars"],
    "unpaid orders in a row where many stay unpaid": [
        "five in a row may be chance or a gap where every third order stays unpaid",
        "five in a row are nothing unusual where three of four orders stay unpaid"],
    "a parcel refused at the door comes back unpaid": [
        "reconcile/test_cases.py::test_goods_that_were_refused_at_the_door_are_not_paid_back"],
    "a marketplace keeps tax or commission out of what it pays": [
        "orders of a shop that are short by one rate are no debts of their buyers: it was kept back, or a discount"],
    "sales tax on top of prices that our orders have without": [
        "orders of a shop that were paid more by one rate: tax or shipping that stands in no order of ours"],
    "a part is paid by gift card": ["half of an order is no deposit: it is underpaid"],
    "the platform cancelled an order that the books keep": [
        "an order that the platform closed and that our books keep is neither to be paid nor to be sent"],
    "duty that the carrier paid, the way back of a parcel, a compensation": [
        "duty, the way back and a compensation on a carrier's bill are no wrong weight and no bill twice"],
    "a voucher is imported twice": ["a voucher that was imported twice, and one of an amount that the account has already"],
    "a fee is taken before its trade is billed": ["a fee of a transaction of which nothing else is known is no rate"],
    "the bank sends a payout back": ["a payout that the bank credits and sends back"],
    "a loan instalment is kept back from a payout": ["what the bank kept of one payout is not known, what it keeps of each is its charge"],
    "a payout that two banks credit, and one line for the payouts of two shops": [
        "a payout whose parts two banks credit, and one line for the payouts of two shops"],
    "a refund is paid from another account, or given as credit of the shop": [
        "a refund that the provider does not have may have gone another way"],
    "a dispute of the buyer's bank is won in part": ["a buyer's bank takes the money back, and what is won in part comes in again"],
    "a refund before the capture": ["a refund that comes before the payment"],
}


@cache
def _tests(path: Path) -> frozenset[str]:
    return frozenset(node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("case", REALISTIC)
def test_a_realistic_case_has_a_test_of_its_own(case: str) -> None:
    assert REALISTIC[case]
    for name in REALISTIC[case]:
        path, _, test = name.partition("::")
        assert test in _tests(TESTS / path) if test else name in CASES, name
