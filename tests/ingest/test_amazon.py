"""Amazon's settlement files and date range report: every amount column counts, and the deposit is what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

V1_COLUMNS = (
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type order-id "
    "merchant-order-id adjustment-id shipment-id marketplace-name shipment-fee-type shipment-fee-amount order-fee-type "
    "order-fee-amount fulfillment-id posted-date order-item-code merchant-order-item-id merchant-adjustment-item-id sku "
    "quantity-purchased price-type price-amount item-related-fee-type item-related-fee-amount misc-fee-amount "
    "other-fee-amount other-fee-reason-description promotion-id promotion-type promotion-amount direct-payment-type "
    "direct-payment-amount other-amount"
).split()
V2_COLUMNS = (
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type order-id "
    "merchant-order-id adjustment-id shipment-id marketplace-name amount-type amount-description amount fulfillment-id "
    "posted-date posted-date-time order-item-code merchant-order-item-id merchant-adjustment-item-id sku "
    "quantity-purchased promotion-id"
).split()


def tsv(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> str:
    return "".join("\t".join(line) + "\n" for line in [columns, *([row.get(c, "") for c in columns] for row in rows)])


def v1(columns: Sequence[str], total: str, *rows: dict[str, str]) -> bytes:
    head = {
        "settlement-id": "6650", "settlement-start-date": "2026-02-14T10:00:00+00:00", "total-amount": total,
        "settlement-end-date": "2026-02-28T10:00:00+00:00", "deposit-date": "2026-03-02T10:00:00+00:00", "currency": "CAD",
    }
    lines = [{"settlement-id": "6650", "posted-date": "2026-02-20T20:30:00+00:00", **row} for row in rows]
    return tsv(columns, [head, *lines]).encode()


ORDER = {"transaction-type": "Order", "order-id": "701-1", "shipment-id": "D1", "marketplace-name": "Amazon.ca", "sku": "A"}
REFUND = {"transaction-type": "Refund", "order-id": "701-1", "adjustment-id": "R1", "marketplace-name": "Amazon.ca", "sku": "A"}
V1_ROWS = (
    {**ORDER, "quantity-purchased": "1"},
    {**ORDER, "price-type": "Principal", "price-amount": "20.00", "item-related-fee-type": "Commission", "item-related-fee-amount": "-3.00"},
    {**ORDER, "price-type": "Shipping", "price-amount": "4.50", "item-related-fee-type": "FBAPerUnitFulfillmentFee",
     "item-related-fee-amount": "-5.12"},
    {**ORDER, "shipment-fee-type": "FBA transportation fee", "shipment-fee-amount": "-1.01"},
    {**ORDER, "order-fee-type": "FBA order fee", "order-fee-amount": "-0.50"},
    {**REFUND, "price-type": "Principal", "price-amount": "-6.00", "item-related-fee-type": "RefundCommission", "item-related-fee-amount": "0.90"},
    {**ORDER, "direct-payment-type": "Direct", "direct-payment-amount": "-0.07"},
    {"transaction-type": "Subscription Fee", "other-amount": "-2.00", "posted-date": "2026-03-01T00:00:05+00:00"},
    {"transaction-type": "Storage Fee", "misc-fee-amount": "-0.30"},
    {"transaction-type": "ServiceFee", "other-fee-amount": "-0.40", "other-fee-reason-description": "Cost of Advertising"},
)
PROMOTION = {**ORDER, "promotion-id": "P1", "promotion-type": "Shipping", "promotion-amount": "-1.50"}
NARROW = [c for c in V1_COLUMNS if not c.startswith("promotion")]


def v2(decimal: str, *rows: tuple[str, str, str, str]) -> bytes:
    german = decimal == ","
    at = "20.02.2026 20:30:00 UTC" if german else "2026-02-20 20:30:00 UTC"
    deposit = "02.03.2026 10:00:00 UTC" if german else "2026-03-02 10:00:00 UTC"
    lines = [{
        "settlement-id": "177", "transaction-type": kind, "order-id": "302-1", "amount-type": amount_type, "sku": "B",
        "amount-description": description, "amount": amount, "posted-date": at[:10], "posted-date-time": at,
        "adjustment-id": "R2" if kind == "Refund" else "", "marketplace-name": "Amazon.de" if german else "Amazon.com",
    } for kind, amount_type, description, amount in rows]
    total = sum((Decimal(row[3].replace(".", "").replace(",", ".") if german else row[3]) for row in rows), Decimal(0))
    head = {"settlement-id": "177", "deposit-date": deposit, "total-amount": f"{total}".replace(".", decimal),
            "currency": "EUR" if german else "USD"}
    return tsv(V2_COLUMNS, [head, *lines]).encode()


V2_GERMAN = v2(
    ",", ("Order", "ItemPrice", "Principal", "1.234,56"), ("Order", "ItemPrice", "Tax", "10,00"), ("Order", "ItemFees", "Commission", "-185,19"),
    ("Order", "ItemFees", "FBAPerUnitFulfillmentFee", "-5,30"), ("Order", "Promotion", "Principal", "-4,00"),
    ("Refund", "ItemPrice", "Principal", "-34,56"), ("other-transaction", "other-transaction", "Storage Fee", "-7,01"),
)
V2_US = v2(".", ("Order", "ItemPrice", "Principal", "1234.56"), ("Order", "ItemFees", "Commission", "-185.19"))

RANGE_2017 = (
    "date/time|settlement id|type|order id|sku|description|quantity|marketplace|fulfillment|order city|order state|order postal|"
    "product sales|shipping credits|gift wrap credits|promotional rebates|sales tax collected|Marketplace Facilitator Tax|"
    "selling fees|fba fees|other transaction fees|other|total"
).split("|")
RANGE_2026 = (
    "date/time|settlement id|type|order id|sku|description|quantity|marketplace|account type|fulfillment|order city|order state|"
    "order postal|tax collection model|product sales|product sales tax|shipping credits|shipping credits tax|gift wrap credits|"
    "giftwrap credits tax|Regulatory Fee|Tax On Regulatory Fee|promotional rebates|promotional rebates tax|"
    "marketplace withheld tax|selling fees|fba fees|other transaction fees|other|total"
).split("|")
RANGE_GERMAN = (
    "Datum/Uhrzeit|Abrechnungsnummer|Typ|Bestellnummer|SKU|Beschreibung|Menge|Marketplace|Versand|Ort der Bestellung|Bundesland|"
    "Postleitzahl|Steuererhebungsmodell|Umsätze|Produktumsatzsteuer|Gutschrift für Versandkosten|Steuer auf Versandgutschrift|"
    "Gutschrift für Geschenkverpackung|Steuer auf Geschenkverpackungsgutschriften|Rabatte aus Werbeaktionen|"
    "Steuer auf Aktionsrabatte|Einbehaltene Steuer auf Marketplace|Verkaufsgebühren|Gebühren zu Versand durch Amazon|"
    "Andere Transaktionsgebühren|Andere|Gesamt"
).split("|")
RANGE_FRENCH = (
    "date/heure|numéro de versement|type|numéro de la commande|sku|description|quantité|Marketplace|traitement|"
    "ville d'où provient la commande|Région d'où provient la commande|code postal de la commande|Modèle de perception des taxes|"
    "ventes de produits|Taxes sur la vente des produits|crédits d'expédition|taxe sur les crédits d’expédition|"
    "crédits sur l'emballage cadeau|Taxes sur les crédits cadeaux|Rabais promotionnels|Taxes sur les remises promotionnelles|"
    "Taxes retenues sur le site de vente|frais de vente|Frais Expédié par Amazon|autres frais de transaction|autre|total"
).split("|")
NOTES = (
    "Includes Amazon Marketplace, Fulfillment by Amazon (FBA), and Amazon Webstore transactions",
    "All amounts in USD, unless specified", "Definitions:", "Sales tax collected: Includes sales tax collected from buyers.",
    "Selling fees: Includes variable closing fees and referral fees.", "Other transaction fees: Includes shipping chargebacks.",
    'Other: Includes non-order transaction amounts. See the ""Type"" and ""Description"" columns.',
)


def date_range(columns: Sequence[str], notes: Sequence[str], *rows: dict[str, str]) -> bytes:
    def quoted(cells: Sequence[str]) -> str:
        return ",".join(f'"{cell}"' for cell in cells) + "\n"

    zero = "0,00" if columns is RANGE_GERMAN or columns is RANGE_FRENCH else "0"
    first = next(i for i, c in enumerate(columns) if c in ("product sales", "Umsätze", "ventes de produits"))
    lines = [[row.get(c, zero if i >= first else "") for i, c in enumerate(columns)] for i_, row in enumerate(rows)]
    return ("\ufeff" + "".join(f'"{note}"\n' for note in notes) + quoted(columns) + "".join(map(quoted, lines))).encode()


RANGE_US = date_range(
    RANGE_2017, NOTES,
    {"date/time": "Dec 1, 2017 12:38:23 AM PST", "settlement id": "65", "type": "Order", "order id": "113-1", "sku": "A", "description": 'Tape 2 in, ""wide""',
     "quantity": "1", "marketplace": "amazon.com", "product sales": "1,057.96", "shipping credits": "3.00", "promotional rebates": "-1.00",
     "selling fees": "-158.69", "fba fees": "-10.19", "total": "891.08"},
    {"date/time": "Jul 2, 2018 3:00:00 PM PDT", "settlement id": "65", "type": "Refund", "order id": "113-1", "sku": "A", "description": "Tape",
     "marketplace": "amazon.com", "product sales": "-57.96", "selling fees": "6.95", "total": "-51.01"},
    {"date/time": "Dec 3, 2017 1:00:00 AM PST", "settlement id": "65", "type": "Service Fee", "description": "Subscription Fee", "other": "-39.99", "total": "-39.99"},
    {"date/time": "Dec 4, 2017 1:00:00 AM PST", "settlement id": "65", "type": "Transfer", "description": "To your account ending in: 123",
     "other": "-800.08", "total": "-800.08"},
)
RANGE_WIDE = date_range(
    RANGE_2026, NOTES[:3],
    {"date/time": "Sep 4, 2026 1:05:07 AM PDT", "settlement id": "99", "type": "Order", "order id": "111-1", "sku": "M", "marketplace": "amazon.com",
     "account type": "Standard Orders", "product sales": "76.00", "product sales tax": "6.08", "shipping credits": "5.00", "promotional rebates": "-4.00",
     "marketplace withheld tax": "-6.08", "selling fees": "-11.55", "total": "65.45"},
)
RANGE_DE = date_range(
    RANGE_GERMAN, ("Umfasst Amazon Marketplace, Versand durch Amazon (FBA) und Amazon Webstore", "Alle Beträge in Euro sofern nicht anders gekennzeichnet",
                   "Definitionen:"),
    {"Datum/Uhrzeit": "01.01.2026 23:30:00 UTC", "Abrechnungsnummer": "77", "Typ": "Bestellung", "Bestellnummer": "302-1", "SKU": "B",
     "Marketplace": "amazon.de", "Umsätze": "1.234,56", "Verkaufsgebühren": "-185,18", "Gesamt": "1.049,38"},
    {"Datum/Uhrzeit": "2 März 2026 06:05:04 UTC", "Abrechnungsnummer": "77", "Typ": "Erstattung", "Bestellnummer": "302-1", "SKU": "B",
     "Marketplace": "amazon.de", "Umsätze": "-34,56", "Verkaufsgebühren": "4,15", "Gesamt": "-30,41"},
)
RANGE_FR = date_range(
    RANGE_FRENCH, ("Inclut les ventes Amazon Marketplace", "Tous les montants sont en EUR, sauf mention contraire.", "Définitions :"),
    {"date/heure": "5 févr. 2026 00:12:33 UTC", "numéro de versement": "78", "type": "Commande", "numéro de la commande": "403-1", "sku": "C",
     "Marketplace": "amazon.fr", "ventes de produits": "20,00", "frais de vente": "-3,00", "total": "17,00"},
    {"date/heure": "6 août 2026 00:12:33 UTC", "numéro de versement": "78", "type": "Transfert", "autre": "-17,00", "total": "-17,00"},
)

SAMPLES: dict[str, bytes] = {
    "amazon_v1_36.txt": v1(V1_COLUMNS, "5.50", *V1_ROWS, PROMOTION), "amazon_v1_33.txt": v1(NARROW, "7.00", *V1_ROWS),
    "amazon_v2_de.txt": V2_GERMAN, "amazon_v2_us.txt": V2_US, "amazon_range_2017.csv": RANGE_US, "amazon_range_2026.csv": RANGE_WIDE,
    "amazon_range_de.csv": RANGE_DE, "amazon_range_fr.csv": RANGE_FR,
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s", zone="Asia/Shanghai"), file="f", into=folder / "out")
    return found


def total(found: Extraction, table: str = "settlements", **wanted: str) -> Decimal:
    rows = found.table(table).to_pylist()
    return sum((r["amount"] for r in rows if all(r[k] == v for k, v in wanted.items())), Decimal(0))


@pytest.mark.parametrize(("name", "deposit"), [("amazon_v1_36.txt", "5.50"), ("amazon_v1_33.txt", "7.00")])
def test_v1_every_amount_counts_and_the_deposit_is_their_sum(tmp_path: Path, name: str, deposit: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    rows = len(V1_ROWS) + (name == "amazon_v1_36.txt")
    # the line with the quantity has no amount
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("amazon_settlement_v1", rows, rows - 1, 1)
    assert [(t.name, t.stated, t.ok) for t in found.totals] == [("total-amount", deposit, True)]
    assert total(found) == Decimal(deposit)
    assert {r["currency"] for r in found.table("settlements").to_pylist()} == {"CAD"}
    assert total(found, kind="sale") == total(found, "payments") == Decimal("24.50")
    assert -total(found, kind="refund") == total(found, "refunds") == Decimal(6)
    assert total(found, kind="commission") == Decimal("-2.10")
    [payout] = found.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"], payout["currency"], str(payout["occurred_at"])) == (
        "amazon/6650", Decimal(deposit), "CAD", "2026-03-02 10:00:00")


def test_v1_negative_totals_pay_nothing_out(tmp_path: Path) -> None:
    found = read(tmp_path, v1(NARROW, "-2.00", {"transaction-type": "Subscription Fee", "other-amount": "-2.00"}))
    assert found.totals[0].ok and found.table("payouts").num_rows == 0 and total(found) == Decimal(-2)


@pytest.mark.parametrize("name", ["amazon_v1_36.txt", "amazon_v1_33.txt", "amazon_v2_de.txt", "amazon_v2_us.txt"])
def test_a_settlement_file_without_one_of_its_lines_does_not_tie(tmp_path: Path, name: str) -> None:
    lines = SAMPLES[name].splitlines(keepends=True)
    found = read(tmp_path, b"".join(lines[:3] + lines[4:]))
    assert [t.ok for t in found.totals] == [False]


def test_a_tab_too_many_at_the_end_of_every_line(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["amazon_v1_33.txt"].replace(b"\n", b"\t\n").replace(b"other-amount\t\n", b"other-amount\n"))
    assert found.rows_quarantined == 0 and found.totals[0].ok and found.table("payouts").num_rows == 1


def test_a_line_of_totals_that_cannot_be_read_is_no_payout_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="line 2, which carries the totals: deposit-date"):
        read(tmp_path, SAMPLES["amazon_v1_33.txt"].replace(b"2026-03-02T10", b"2026-43-02T10"))


def test_v2_with_decimal_commas(tmp_path: Path) -> None:
    found = read(tmp_path, V2_GERMAN)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("amazon_settlement_v2", 7, 7)
    assert found.totals[0].ok and total(found) == Decimal("1008.50")
    assert total(found, kind="sale") == Decimal("1244.56") and total(found, "refunds") == Decimal("34.56")
    [payout] = found.table("payouts").to_pylist()
    assert (payout["amount"], payout["currency"], str(payout["occurred_at"])) == (Decimal("1008.50"), "EUR", "2026-03-02 10:00:00")
    assert str(found.table("settlements").to_pylist()[0]["occurred_at"]) == "2026-02-20 20:30:00"


def test_v2_of_the_us(tmp_path: Path) -> None:
    found = read(tmp_path, V2_US)
    assert found.spec.name == "amazon_settlement_v2" and found.totals[0].ok and total(found) == Decimal("1049.37")
    assert {r["currency"] for r in found.table("settlements").to_pylist()} == {"USD"}


@pytest.mark.parametrize(("start", "end", "deposit", "posted", "days"), [
    # words of zones; a line of totals whose days tell the order, or a clock of the United States; a spreadsheet's way of writing
    ("2026-03-01 10:00:00 PST", "2026-03-15 10:00:00 PDT", "2026-03-16 20:00:00 PDT", "2026-03-05 20:00:00 PST", ["2026-03-06", "2026-03-17"]),
    ("2026/03/01 10:00:00 JST", "2026/03/15 10:00:00 JST", "2026/03/17 08:00:00 JST", "2026/03/05 08:00:00 JST", ["2026-03-04", "2026-03-16"]),
    ("01/03/2026 10:00:00 UTC", "15/03/2026 10:00:00 UTC", "05/04/2026 10:00:00 UTC", "05/03/2026 20:00:00 UTC", ["2026-03-05", "2026-04-05"]),
    ("03/01/2026 10:00:00 PST", "03/11/2026 10:00:00 PDT", "03/12/2026 10:00:00 PDT", "03/05/2026 20:00:00 PST", ["2026-03-06", "2026-03-12"]),
    ("3/1/2026 10:00", "3/15/2026 10:00", "4/5/2026 10:00", "3/5/2026 20:00", ["2026-03-05", "2026-04-05"]),
    ("01/03/2026", "15/03/2026", "05/04/2026", "05/03/2026", ["2026-03-05", "2026-04-05"]),
])
def test_v2_with_days_as_other_countries_and_spreadsheets_write_them(
    tmp_path: Path, start: str, end: str, deposit: str, posted: str, days: list[str],
) -> None:
    """Fails if the day of a deposit is read by another order than those of its rows."""
    head = {"settlement-id": "1", "settlement-start-date": start, "settlement-end-date": end, "deposit-date": deposit, "total-amount": "85.00",
            "currency": "USD"}
    row = {"settlement-id": "1", "transaction-type": "Order", "order-id": "702-1", "posted-date-time": posted, "posted-date": posted.split(" ")[0]}
    rows = ({**row, "amount-type": "ItemPrice", "amount-description": "Principal", "amount": "100.00"},
            {**row, "amount-type": "ItemFees", "amount-description": "Commission", "amount": "-15.00"})
    (tmp_path / "any.txt").write_text(tsv(V2_COLUMNS, [head, *rows]), encoding="utf-8")
    [found] = extract(tmp_path / "any.txt", load_specs(), Setting(zone="UTC"), file="any", into=tmp_path / "out")
    assert sorted(map(str, found.days)) == days


def test_v2_of_which_nothing_tells_the_day_from_the_month_is_refused(tmp_path: Path) -> None:
    head = {"settlement-id": "1", "settlement-start-date": "01/03/2026", "settlement-end-date": "08/03/2026", "deposit-date": "10/03/2026", "total-amount": "85.00",
            "currency": "USD"}
    row = {"settlement-id": "1", "transaction-type": "Order", "posted-date-time": "05/03/2026", "amount-type": "ItemPrice", "amount": "85.00"}
    (tmp_path / "any.txt").write_text(tsv(V2_COLUMNS, [head, row]), encoding="utf-8")
    with pytest.raises(RefusedFile, match="nothing in the file tells"):
        extract(tmp_path / "any.txt", load_specs(), Setting(zone="UTC"), file="any", into=tmp_path / "out")


def test_date_range_with_seven_notes(tmp_path: Path) -> None:
    found = read(tmp_path, RANGE_US)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("amazon_date_range", 4, 4)
    assert [t.ok for t in found.totals] == [True, True] and total(found) == Decimal(0)
    assert total(found, kind="sale") == total(found, "payments") == Decimal("1060.96")
    assert total(found, kind="refund") == -total(found, "refunds") == Decimal("-57.96")
    [payout] = found.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"], payout["currency"]) == ("amazon/65", Decimal("800.08"), "USD")
    # Pacific time, winter and summer
    days = {r["kind"]: str(r["occurred_at"]) for r in found.table("settlements").to_pylist() if r["kind"] in ("sale", "refund")}
    assert days == {"sale": "2017-12-01 08:38:23", "refund": "2018-07-02 22:00:00"}


@pytest.mark.parametrize(("name", "amount", "currency", "times"), [
    ("amazon_range_2026.csv", "65.45", "USD", ["2026-09-04 08:05:07"]),
    ("amazon_range_de.csv", "1018.97", "EUR", ["2026-01-01 23:30:00", "2026-03-02 06:05:04"]),
    ("amazon_range_fr.csv", "0", "EUR", ["2026-02-05 00:12:33", "2026-08-06 00:12:33"]),
])
def test_date_range_of_other_years_and_languages(tmp_path: Path, name: str, amount: str, currency: str, times: list[str]) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert found.spec.name == "amazon_date_range" and found.rows_parsed == found.rows_read == len(times)
    assert [t.ok for t in found.totals] == [True, True] and total(found) == Decimal(amount)
    rows = found.table("settlements").to_pylist()
    assert {r["currency"] for r in rows} == {currency} and sorted({str(r["occurred_at"]) for r in rows}) == times


def test_date_range_tells_a_changed_cent(tmp_path: Path) -> None:
    assert [t.ok for t in read(tmp_path, RANGE_US.replace(b"-10.19", b"-10.20")).totals] == [False, True]
