"""The tables that analysts read, column by column. In `published.duckdb` every one has `period` and `version` first.

difference = left - right. For each leg, entity, currency and period:
closing = opening + left_amount - right_amount = sum(open_items.difference) = sum(variances.difference).

Every command opens them through `open_published`: read-only, and without a way to any other file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import pyarrow as pa

from duizhang.declared.schema import DAY, INSTANT, MONEY, TEXT
from duizhang.errors import UserError
from duizhang.home.reading_only import only_reads
from duizhang.home.store import quoted

POINTER = "published.duckdb"

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
    # Records whose leg is not run for their shop, provider, warehouse or account, since its other side was never supplied.
    # missing: left | right; wanted: the canonical tables that would be that side; claims: records so left out on the day.
    "legs_not_run": _table(
        ("leg", TEXT), ("entity", TEXT), ("shop", TEXT), ("channel", TEXT), ("missing", TEXT), ("wanted", TEXT), ("claims", _INT),
    ),
    # status: open | waiting | chased | accepted. proposal, confidence: what a later matching pass suggests, and how sure it is.
    # An item whose difference has several causes has a row each; their amounts and quantities add up to the item's.
    # evidence: JSON, the first eight rows behind the difference: [{"claimed","side","kind","amount","source","file","line"},
    # ...], claimed: their day, with "claims", how many there are, where there are more, and "because", the numbers that a part
    # follows from, where an item has several; of a sum that was split by the causes of its lines, the first eight of
    # those lines: [{"key","difference"}, ...], with "lines", how many there are, where there are more.
    # cause_confidence: certain | likely | unknown. candidates: JSON, what else it may be, the likelier first, with what would show
    # it: [{"cause","tells"}, ...].
    "variances": _table(
        *_ITEM, ("shop", TEXT), ("order_id", TEXT), ("proposal", TEXT), ("confidence", pa.decimal128(5, 4)),
        ("evidence", TEXT), ("cause_confidence", TEXT), ("candidates", TEXT),
    ),
    "open_items": _table(*_ITEM, ("shop", TEXT), ("order_id", TEXT), ("sla_days", _INT), ("overdue", pa.bool_())),
    # The items that show one fault, by `event`: a decision on the event clears all of them and books its money once. difference:
    # what of the item is of this event; the rows of an item add up to it. is_booked: its amount is the event's money, which the
    # rows beside it show again. age_days, status: the item's.
    "event_items": _table(
        ("event", TEXT), ("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("cause", TEXT), ("difference", MONEY),
        ("quantity", MONEY), ("is_booked", pa.bool_()), ("shop", TEXT), ("order_id", TEXT), ("age_days", _INT), ("status", TEXT),
    ),
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
    # snapshot_difference, count_difference: what the leg `stock` leaves open, in pieces; difference is both together,
    # difference_value the same at unit_cost, in cost_currency.
    "stock_rollforward": _table(
        ("entity", TEXT), ("warehouse", TEXT), ("sku", TEXT), ("opening", MONEY), ("received", MONEY),
        ("shipped", MONEY), ("returned", MONEY), ("adjusted", MONEY), ("expected", MONEY), ("snapshot", MONEY),
        ("counted", MONEY), ("snapshot_difference", MONEY), ("count_difference", MONEY), ("difference", MONEY),
        ("unit_cost", MONEY), ("cost_currency", TEXT), ("difference_value", MONEY),
    ),
    # sku '': of the order as a whole; order_id '': of no order. Rows add up over days, SKUs and orders.
    "order_pnl": _table(
        ("entity", TEXT), ("shop", TEXT), ("order_id", TEXT), ("sku", TEXT), ("currency", TEXT), ("quantity", MONEY),
        ("revenue", MONEY), ("discount", MONEY), ("refund", MONEY), ("commission", MONEY), ("fee", MONEY), ("service", MONEY),
        ("freight", MONEY), ("cost", MONEY), ("profit", MONEY), ("not_in_profit", MONEY),
        ("pieces_without_cost", MONEY),
    ),
    # stage: account (at the provider) | bank, where it has yet to arrive.
    "cash_in_transit": _table(
        ("entity", TEXT), ("shop", TEXT), ("provider", TEXT), ("stage", TEXT), ("since", DAY), ("currency", TEXT), ("items", _INT),
        ("amount", MONEY),
    ),
    # Lines of bank statements that no leg claims. kind: out | in.
    "bank_unclaimed": _table(
        ("entity", TEXT), ("bank_account", TEXT), ("entry_id", TEXT), ("currency", TEXT), ("kind", TEXT), ("amount", MONEY),
        ("reference", TEXT), ("occurred_at", INSTANT), ("source", TEXT), ("file", TEXT), ("line", _INT),
    ),
    "channel_pnl": _table(
        ("entity", TEXT), ("shop", TEXT), ("currency", TEXT), ("orders", _INT), ("revenue", MONEY),
        ("discount", MONEY), ("refund", MONEY), ("commission", MONEY), ("fee", MONEY), ("service", MONEY),
        ("freight", MONEY), ("cost", MONEY), ("profit", MONEY), ("not_in_profit", MONEY),
        ("pieces_without_cost", MONEY),
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
        ("kind", TEXT), ("entity", TEXT), ("shop", TEXT), ("subject", TEXT), ("measure", TEXT), ("currency", TEXT),
        ("value", MONEY), ("expected", MONEY), ("reason", TEXT),
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
    # Cells of raw files that were read as somebody corrected them, in each period of their file. was: the cell in its shape.
    "corrected_cells": _table(
        ("source", TEXT), ("file", TEXT), ("line", _INT), ("column_name", TEXT), ("was", TEXT), ("value", TEXT), ("reason", TEXT),
        ("corrected_by", TEXT), ("correction", TEXT),
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

# Built from causes.yaml at every publication: the closed list of causes. sequence: the order in which their rules are tried.
CAUSES: pa.Schema = pa.schema(
    [
        ("cause", TEXT), ("sequence", _INT), ("label_en", TEXT), ("label_zh", TEXT), ("owner", TEXT), ("action_en", TEXT),
        ("action_zh", TEXT),
    ]
)


@contextmanager
def open_published(home: Path, *, also: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """HOME/published.duckdb, read-only; nothing but the published objects, and the file `also`, can be reached through it.

    Raises UserError where nothing is published, or where what is cannot be read.
    """
    path = home / POINTER
    if not path.is_file():
        raise UserError(
            f"{home} has nothing published yet" if not path.is_symlink() and not path.exists() else f"{path} is not a file",
            advice="Run `duizhang run` first, or give the right folder with --home or DUIZHANG_HOME.",
        )
    try:
        # names of a query are tables, never variables of this program
        con = duckdb.connect(str(path), read_only=True, config={
            "autoinstall_known_extensions": "false", "python_enable_replacements": "false",
        })
    except duckdb.Error as error:
        raise UserError(f"{path} cannot be opened: {_first_line(error)}", advice=_opening_advice(error)) from error
    try:
        con.execute("set timezone = 'UTC'")
        con.execute("set enable_progress_bar = false")
        con.execute(f"set allowed_directories = [{quoted(str(path.resolve().parent / 'objects') + '/')}]")
        if also:
            con.execute(f"set allowed_paths = [{quoted(also.resolve())}]")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        yield con
    except duckdb.Error as error:
        raise UserError(
            f"what is published in {home} cannot be read: {_first_line(error)}",
            advice="`duizhang verify` lists what is damaged; `duizhang run` makes it again.",
        ) from error
    finally:
        con.close()


def run_select(
    con: duckdb.DuckDBPyConnection, query: str, *, most: int | None = None, seconds: float | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one select, or of the explanation of one; UserError for anything else, and where it takes more than
    `seconds`. most: so many rows and one more, which tells that there are more."""
    timer = Timer(seconds, con.interrupt) if seconds else None
    try:
        statements = con.extract_statements(query)
        if len(statements) != 1 or not only_reads(con, statements[0]):
            raise UserError(
                "only one select, or explain of a select, at a time",
                advice="The published tables are read-only. A pivot with a word that could write in it lists its columns: in (...).",
            )
        if timer:
            timer.start()
        found = con.execute(statements[0])
        names = [str(column[0]) for column in found.description or []]
        return names, found.fetchall() if most is None else found.fetchmany(most + 1)
    except duckdb.InterruptException as error:
        raise UserError(f"the query took more than {seconds:g} s", advice="Ask for fewer days, or add up in the query.") from error
    except duckdb.IOException:
        raise  # of the published file itself: whoever opened it says what to do
    except duckdb.Error as error:
        raise UserError(f"SQL: {error}") from error
    finally:
        if timer:
            timer.cancel()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _opening_advice(error: Exception) -> str:
    if "lock" in str(error):
        return "Somebody has it open for writing; open it with read_only=True (docs/reading.md)."
    return "`duizhang run` makes it again from what is published."
