"""The canonical tables: what every source is turned into, column by column.

Conventions that hold everywhere
- money and quantities are DECIMAL(28,4), with `currency` (ISO 4217) beside every amount; never float;
- ids are text;
- `period` is the business day of the row in the books' time zone and cut-off;
- `*_at` is a naive timestamp in UTC;
- `source`, `file` and `line` say where the row came from: the spec, the file's path below the inbox (its SHA-256
  is in `source_files`) and the line or record number in that file, counted from 1;
- `entity` is the legal entity, `shop` the shop id of books.yaml ('' where the row belongs to no shop);
- `customer` and every other personal field holds a keyed pseudonym, never the clear value.
"""

from __future__ import annotations

import pyarrow as pa

MONEY = pa.decimal128(28, 4)
# Digits before the point that a file may state. The four more that a column has are for sums, and for amounts in a currency of
# which tens of thousands make one of another.
WHOLE_DIGITS = 19
RATE = pa.decimal128(18, 8)
PERCENT = pa.decimal128(12, 4)
TEXT = pa.string()
DAY = pa.date32()
INSTANT = pa.timestamp("us")

_HEAD = [("period", DAY), ("entity", TEXT), ("shop", TEXT)]
_TAIL = [("source", TEXT), ("file", TEXT), ("line", pa.int64())]


def _table(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([*_HEAD, *columns, *_TAIL])


TABLES: dict[str, pa.Schema] = {
    # One row an order line. `amount` is what the seller is to receive for the line (goods less the discounts that the
    # shop bears; a discount borne by the platform is not deducted). Freight charged to the buyer is a line of its own:
    # line_id 'freight', sku '', quantity 0. origin: 'books' (own system) or 'platform'.
    # status: paid | shipped | completed | closed (cancelled after payment) | unpaid. paid_by: the ways in which the platform says that
    # it was paid, in its words; empty where it does not say. payment_references: under which numbers the provider may call the payment,
    # where it does not know the order's, parted by blanks.
    "orders": _table(
        ("origin", TEXT), ("order_id", TEXT), ("line_id", TEXT), ("sku", TEXT), ("product", TEXT),
        ("quantity", MONEY), ("unit_price", MONEY), ("amount", MONEY), ("shop_discount", MONEY),
        ("platform_discount", MONEY), ("currency", TEXT), ("status", TEXT), ("paid_by", TEXT), ("payment_references", TEXT),
        ("customer", TEXT), ("ordered_at", INSTANT), ("paid_at", INSTANT), ("occurred_at", INSTANT),
    ),
    # One row a payment received by a provider for us. amount > 0; fee: cost to us > 0 (as stated by the trade bill).
    "payments": _table(
        ("provider", TEXT), ("transaction_id", TEXT), ("order_id", TEXT), ("amount", MONEY), ("fee", MONEY),
        ("currency", TEXT), ("customer", TEXT), ("occurred_at", INSTANT), ("instalments", pa.int64()),
    ),
    # One row a refund. amount > 0 is money paid back; fee: fee given back to us < 0. origin: 'books' or 'provider'.
    # transaction_id: the id under which the provider's fund bill books the refund. kind (books only): 'return' where the
    # goods have to come back, 'refund_only' where they need not, '' where the record does not say.
    "refunds": _table(
        ("origin", TEXT), ("provider", TEXT), ("refund_id", TEXT), ("transaction_id", TEXT), ("order_id", TEXT),
        ("sku", TEXT), ("kind", TEXT), ("amount", MONEY), ("fee", MONEY), ("currency", TEXT), ("customer", TEXT),
        ("occurred_at", INSTANT),
    ),
    # One row a movement on the account at the provider or a line of a platform's statement; every fee its own row.
    # amount is signed from the seller's view (+ in, - out). kind: sale | refund | fee (the transaction fee that the
    # trade bill states as well) | commission | service (what the account is charged besides: advertising, subscription, storage, fees of
    # disputes and payouts, insurance, fines) | freight | dispute (what a buyer's bank took back, and what was won of it) | deduction (what
    # a marketplace takes off the price itself: discounts that the shop bears, taxes that it remits) | adjustment | payout | released (in an
    # account that is called as the platform with _wallet or _account: one sum for what the lines of the platform's statement say of a
    # transaction) | transfer | other.
    # payout_id: the payout that this line is part of, where the statement says so.
    "settlements": _table(
        ("provider", TEXT), ("entry_id", TEXT), ("transaction_id", TEXT), ("order_id", TEXT), ("kind", TEXT),
        ("fee_type", TEXT), ("amount", MONEY), ("balance", MONEY), ("currency", TEXT), ("payout_id", TEXT),
        ("statement_id", TEXT), ("remark", TEXT), ("occurred_at", INSTANT),
    ),
    # One row a payout that a provider or platform announces. amount > 0 is money sent to our bank.
    "payouts": _table(
        ("provider", TEXT), ("payout_id", TEXT), ("amount", MONEY), ("currency", TEXT), ("bank_account", TEXT),
        ("occurred_at", INSTANT),
    ),
    # One row a bank statement line. amount is signed (+ credit to us). reference: the payout id found in the line.
    # original_amount, original_currency: what was sent, where the bank converted it.
    "bank_entries": _table(
        ("bank_account", TEXT), ("entry_id", TEXT), ("amount", MONEY), ("currency", TEXT), ("reference", TEXT),
        ("counterparty", TEXT), ("remark", TEXT), ("original_amount", MONEY), ("original_currency", TEXT),
        ("occurred_at", INSTANT),
    ),
    # zone: where our own record sends the parcel, in the words of the carrier's rate card. purpose: '' (what was ordered) |
    # exchange | gift | sample.
    "shipments": _table(
        ("order_id", TEXT), ("sku", TEXT), ("quantity", MONEY), ("carrier", TEXT), ("tracking_number", TEXT),
        ("zone", TEXT), ("warehouse", TEXT), ("purpose", TEXT), ("occurred_at", INSTANT),
    ),
    # One row a charge on a carrier's bill. weight in kilograms; amount > 0 is what the carrier wants.
    "freight_charges": _table(
        ("carrier", TEXT), ("tracking_number", TEXT), ("order_id", TEXT), ("zone", TEXT), ("product", TEXT),
        ("weight", MONEY), ("charge_type", TEXT), ("amount", MONEY), ("currency", TEXT), ("occurred_at", INSTANT),
    ),
    # One row a receipt of returned goods. refund_id: the after-sales case that it belongs to; amount: what the case owes
    # the buyer for these goods, empty where the record does not say.
    "returns": _table(
        ("return_id", TEXT), ("refund_id", TEXT), ("order_id", TEXT), ("sku", TEXT), ("quantity", MONEY),
        ("amount", MONEY), ("currency", TEXT), ("warehouse", TEXT), ("occurred_at", INSTANT),
    ),
    # One row a warehouse movement. quantity is signed (+ into the warehouse).
    # kind: purchase_in | sale_out | return_in | transfer (order_id: the transfer, the same at both ends) | adjustment |
    # exchange_in | exchange_out | gift_out | sample_out.
    "stock_moves": _table(
        ("warehouse", TEXT), ("sku", TEXT), ("move_id", TEXT), ("kind", TEXT), ("quantity", MONEY),
        ("order_id", TEXT), ("occurred_at", INSTANT),
    ),
    # One row a SKU's level at the end of the period. origin: 'warehouse' (warehouse set) or 'platform' (shop set).
    "stock_snapshots": _table(
        ("origin", TEXT), ("warehouse", TEXT), ("sku", TEXT), ("quantity", MONEY), ("occurred_at", INSTANT),
    ),
    "stock_counts": _table(
        ("warehouse", TEXT), ("sku", TEXT), ("quantity", MONEY), ("occurred_at", INSTANT),
    ),
    # One row a journal line. amount = debit - credit.
    "journal_lines": _table(
        ("voucher", TEXT), ("line_no", TEXT), ("account", TEXT), ("account_name", TEXT), ("summary", TEXT),
        ("debit", MONEY), ("credit", MONEY), ("amount", MONEY), ("currency", TEXT), ("occurred_at", INSTANT),
    ),
    # One row a measure of a platform's own statement for a shop and day: revenue | discount | refund | commission | fee |
    # service | freight | cost | profit, all positive in the sense of their names. What a platform does not state has no row.
    "platform_statements": _table(
        ("measure", TEXT), ("amount", MONEY), ("currency", TEXT), ("occurred_at", INSTANT),
    ),
    # Reference data: the row that holds on a day is the one with the latest period <= that day.
    "skus": _table(
        ("sku", TEXT), ("product", TEXT), ("category", TEXT), ("cost", MONEY), ("price", MONEY), ("currency", TEXT),
        ("weight", MONEY),
    ),
    # One unit of base is worth `rate` of quote.
    "fx_rates": _table(("base", TEXT), ("quote", TEXT), ("rate", RATE)),
    # What was open when the books began: one row a claim of a leg, under the key that the leg gives it.
    "opening_items": _table(
        ("leg", TEXT), ("side", TEXT), ("key", TEXT), ("kind", TEXT), ("amount", MONEY), ("quantity", MONEY), ("currency", TEXT),
        ("channel", TEXT), ("order_id", TEXT), ("sku", TEXT), ("customer", TEXT), ("remark", TEXT), ("occurred_at", INSTANT),
    ),
    # The code of a system (platform, provider, warehouse; `books`: our own order system; '': all but that) is our SKU.
    "sku_map": _table(("system", TEXT), ("code", TEXT), ("sku", TEXT)),
    # One row a part of a set: `quantity` pieces of sku in one of set_sku, for `share` (0..1) of its price.
    "bundles": _table(("set_sku", TEXT), ("sku", TEXT), ("quantity", MONEY), ("share", RATE)),
}

# Tables of what holds from a day on, and whose it is that a newer row takes the place of. What came before the books began holds
# from their first day.
REFERENCE: dict[str, tuple[str, ...]] = {
    "skus": ("sku",), "fx_rates": ("base", "quote"), "sku_map": ("system", "shop", "code"), "bundles": ("set_sku",),
}

# Columns of the claims. A leg model may leave out `customer`, `counterparty`, `remark`, `sequence` and `record_id`; every other
# column it selects (see sql/claims). counterparty and remark are what the record says in words, for the keyless matching passes.
# sequence: the place of the record among those of its source, shop and day in order of time; a gap in one source is a run
# of such numbers. record_id: the id under which the source knows the record, where the key is of something else; two records
# of different ids are never one.
CLAIM: pa.Schema = pa.schema(
    [
        ("period", DAY), ("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("side", TEXT),
        ("kind", TEXT), ("amount", MONEY), ("quantity", MONEY), ("attribute", TEXT), ("shop", TEXT),
        ("channel", TEXT), ("order_id", TEXT), ("sku", TEXT), ("discount", MONEY), ("unit_price", MONEY),
        ("customer", TEXT), ("occurred_at", INSTANT),
        ("source", TEXT), ("file", TEXT), ("line", pa.int64()), ("sequence", pa.int64()),
        ("counterparty", TEXT), ("remark", TEXT), ("record_id", TEXT), ("instalments", pa.int64()), ("zone", TEXT),
        ("weight", MONEY),
    ]
)

# The unit of the legs that count goods: their amounts are pieces, so they never add up with money.
PIECES = "PCS"
