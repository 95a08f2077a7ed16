"""The tables that analysts read, column by column. In `published.duckdb` every one has `period` and `version` first.

difference = left - right. For each leg, entity, currency and period:
closing = opening + left_amount - right_amount = sum(open_items.difference) = sum(variances.difference).
"""

from __future__ import annotations

import pyarrow as pa

from duizhang.schema import DAY, INSTANT, MONEY, TEXT

_INT = pa.int64()


def _table(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([("period", DAY), *columns])


_ITEM = (
    ("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("cause", TEXT),
    ("left_amount", MONEY), ("right_amount", MONEY), ("difference", MONEY),
    ("left_quantity", MONEY), ("right_quantity", MONEY), ("first_seen", DAY), ("age_days", _INT), ("status", TEXT),
)

TABLES: dict[str, pa.Schema] = {
    "recon_summary": _table(
        ("leg", TEXT), ("entity", TEXT), ("currency", TEXT), ("opening", MONEY), ("left_amount", MONEY),
        ("right_amount", MONEY), ("cleared", MONEY), ("closing", MONEY), ("left_rows", _INT), ("right_rows", _INT),
        ("matched_keys", _INT), ("open_keys", _INT), ("match_rate", pa.decimal128(9, 6)),
    ),
    # status: open | waiting | accepted. proposal, confidence: what a later matching pass suggests, and how sure it is.
    # An item whose difference has several causes has a row each; their amounts and quantities add up to the item's.
    # evidence: JSON, the rows behind the difference: [{"side","kind","amount","source","file","line"}, ...], with
    # "because", the numbers that a part follows from, where an item has several; of a sum that was split by the causes of
    # its lines, those lines: [{"key","difference"}, ...].
    "variances": _table(
        *_ITEM, ("shop", TEXT), ("order_id", TEXT), ("proposal", TEXT), ("confidence", pa.decimal128(5, 4)),
        ("evidence", TEXT),
    ),
    "open_items": _table(*_ITEM, ("shop", TEXT), ("order_id", TEXT), ("sla_days", _INT), ("overdue", pa.bool_())),
    # One row a key that cleared in the period after it had been open at the end of an earlier one. amount: gross, what
    # netted on the left side. was_open, cleared_by: JSON, the first eight claims of each:
    # [{"claimed","side","kind","amount","source","file","line"}, ...].
    "clearings": _table(
        ("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("shop", TEXT), ("order_id", TEXT),
        ("opened", DAY), ("cleared_on", DAY), ("age_days", _INT), ("amount", MONEY), ("open_claims", _INT),
        ("clearing_claims", _INT), ("was_open", TEXT), ("cleared_by", TEXT),
    ),
    # One row an order that had an event in the period; amounts are of the period.
    "order_trace": _table(
        ("entity", TEXT), ("shop", TEXT), ("order_id", TEXT), ("currency", TEXT), ("books_amount", MONEY),
        ("platform_amount", MONEY), ("paid", MONEY), ("books_refunded", MONEY), ("refunded", MONEY),
        ("settled", MONEY), ("fees", MONEY), ("quantity_ordered", MONEY), ("quantity_shipped", MONEY),
        ("quantity_returned", MONEY), ("books_status", TEXT), ("platform_status", TEXT),
        ("tracking_numbers", TEXT), ("open_legs", TEXT),
    ),
    "stock_rollforward": _table(
        ("entity", TEXT), ("warehouse", TEXT), ("sku", TEXT), ("opening", MONEY), ("received", MONEY),
        ("shipped", MONEY), ("returned", MONEY), ("adjusted", MONEY), ("expected", MONEY), ("snapshot", MONEY),
        ("counted", MONEY), ("difference", MONEY), ("unit_cost", MONEY), ("difference_value", MONEY),
    ),
    "channel_pnl": _table(
        ("entity", TEXT), ("shop", TEXT), ("currency", TEXT), ("orders", _INT), ("revenue", MONEY),
        ("discount", MONEY), ("refund", MONEY), ("commission", MONEY), ("fee", MONEY), ("freight", MONEY),
        ("cost", MONEY), ("profit", MONEY),
    ),
    "customer_balances": _table(
        ("entity", TEXT), ("customer", TEXT), ("currency", TEXT), ("ordered", MONEY), ("refund_granted", MONEY),
        ("paid", MONEY), ("refunded", MONEY), ("balance", MONEY),
    ),
    "fee_audit": _table(
        ("entity", TEXT), ("shop", TEXT), ("provider", TEXT), ("transaction_id", TEXT), ("currency", TEXT),
        ("base_amount", MONEY), ("expected_fee", MONEY), ("charged_fee", MONEY), ("difference", MONEY),
    ),
    "freight_audit": _table(
        ("entity", TEXT), ("carrier", TEXT), ("tracking_number", TEXT), ("order_id", TEXT), ("currency", TEXT),
        ("zone", TEXT), ("billed_weight", MONEY), ("expected_weight", MONEY), ("expected", MONEY),
        ("charged", MONEY), ("difference", MONEY),
    ),
    "ledger_tieout": _table(
        ("entity", TEXT), ("account", TEXT), ("account_name", TEXT), ("currency", TEXT), ("subledger", MONEY),
        ("ledger", MONEY), ("difference", MONEY),
    ),
    # Balanced by `entry`: sum(debit) = sum(credit).
    "journal_proposals": _table(
        ("entry", TEXT), ("line_no", _INT), ("entity", TEXT), ("account", TEXT), ("summary", TEXT),
        ("debit", MONEY), ("credit", MONEY), ("currency", TEXT), ("leg", TEXT), ("key", TEXT), ("cause", TEXT),
        ("origin", TEXT),
    ),
    "anomalies": _table(
        ("kind", TEXT), ("entity", TEXT), ("shop", TEXT), ("subject", TEXT), ("measure", TEXT), ("value", MONEY),
        ("expected", MONEY), ("reason", TEXT),
    ),
    "recurring_causes": _table(
        ("leg", TEXT), ("entity", TEXT), ("shop", TEXT), ("cause", TEXT), ("currency", TEXT), ("items", _INT),
        ("difference", MONEY), ("oldest", DAY),
    ),
    "source_files": _table(
        ("source", TEXT), ("shop", TEXT), ("file", TEXT), ("sha256", TEXT), ("status", TEXT), ("rows_read", _INT),
        ("rows_parsed", _INT), ("rows_quarantined", _INT), ("rows_ignored", _INT), ("control_totals_ok", pa.bool_()),
        ("problem", TEXT),
    ),
    "quarantine": _table(
        ("source", TEXT), ("file", TEXT), ("line", _INT), ("column_name", TEXT), ("value", TEXT), ("reason", TEXT),
        ("is_money", pa.bool_()),
    ),
    "quality_results": _table(
        ("table_name", TEXT), ("expectation", TEXT), ("column_name", TEXT), ("success", pa.bool_()),
        ("unexpected", _INT), ("detail", TEXT),
    ),
}

# Built from state at every publication: one row a period that was ever run.
PERIOD_STATUS: pa.Schema = pa.schema(
    [
        ("period", DAY), ("version", _INT), ("state", TEXT), ("published_at", INSTANT), ("held_reasons", TEXT),
        ("approved_by", TEXT), ("digest", TEXT),
    ]
)
