"""What names a row of a file, so that another file of the same account can be seen to have the same one.

It follows from the tables that a specification feeds: a movement is named by the id of its entry, a refund by its number, a level
by warehouse and SKU. A name that holds the row's place in its file, or the amounts themselves, says less: it is taken apart here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from duizhang.declared import schema
from duizhang.ingest.landing import Setting, expressions_of, landed_schema
from duizhang.ingest.specification import SourceSpec, Table

# table -> (columns of which one must be filled for a row to have a name, columns that belong to the name as well)
_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "orders": (("order_id",), ("line_id", "sku", "origin")),
    "payments": (("transaction_id",), ()),
    "refunds": (("refund_id", "transaction_id"), ("sku", "origin")),
    "settlements": (("entry_id",), ()),
    "payouts": (("payout_id",), ()),
    "bank_entries": (("entry_id",), ()),
    "shipments": (("tracking_number",), ("order_id", "sku")),
    "freight_charges": (("tracking_number",), ("charge_type", "order_id")),
    "returns": (("return_id",), ("sku",)),
    "stock_moves": (("move_id",), ("sku", "warehouse")),
    "stock_snapshots": (("sku",), ("warehouse", "origin")),
    "stock_counts": (("sku",), ("warehouse",)),
    "journal_lines": (("voucher",), ("line_no", "account")),
    "platform_statements": (("measure",), ()),
    "skus": (("sku",), ()),
    "fx_rates": (("base",), ("quote",)),
    "opening_items": (("key",), ("leg", "side", "kind")),
    "sku_map": (("code",), ("system",)),
    "bundles": (("set_sku",), ("sku",)),
}
# their entry names the whole line, with everything else that it gives
_ENTRIES = ("settlements", "bank_entries")
# what a row says of a movement beside its name and amounts: texts that may change while it stays the same
_ATTRIBUTES = ("file", "source", "currency", "kind", "status", "statement_id", "payout_id", "customer", "transaction_id")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class RowNames:
    """SQL for one part of a specification's tables, over its landed rows with `real_line` for the line and a `line` of one's choice.

    name: all of what names a row, text. has_ids: whether something of it is an id that the source gave. texts: what the row says in
    words. Where `line` or amounts are in them, they differ with these, which tells it.
    """

    name: str
    has_ids: str
    texts: str


def row_names(spec: SourceSpec, part: Table, setting: Setting) -> RowNames:
    """How rows of a part of a specification's tables are named."""
    own = expressions_of(part, spec, setting)
    entry = next((expressions_of(t, spec, setting)["entry_id"] for t in spec.tables if t.table in _ENTRIES and t.of == part.of), "")
    if spec.overlap == "latest":
        measured = set(measures(part.table))
        primary = further = [own[c] for c in spec.grain_of(part.table) if c not in measured]
    else:
        first, more = _NAMES[part.table]
        primary = [entry] if entry else [own[c] for c in first]
        further = [own[c] for c in (*first, *more)] + [
            next(e for t in spec.tables if c in t.columns for e in [expressions_of(t, spec, setting)[c]]) for c in spec.grain]
    beside = [own[c] for c in ("shop", "bank_account", "provider", "fee_type") if c in own]
    names = list(dict.fromkeys([*primary, *further, *beside]))
    fields = {name.casefold(): name for name in landed_schema(spec, masked=setting.masked).names}
    ids = sorted({
        fields[word] for expression in primary for word in map(str.casefold, _WORD.findall(expression))
        if word in fields and fields[word] in spec.fields and spec.fields[fields[word]].type == "id"
    })
    texts = [own[c.name] for c in schema.TABLES[part.table]
             if pa.types.is_string(c.type) and c.name not in _ATTRIBUTES and own[c.name] != "''"]
    # readers of statements name an entry without the bank's reference by its place, or by the balance behind it
    given = "coalesce({0}, '') <> ''" if spec.reader in ("table", "json") else "not regexp_matches({0}, '^$|/[-0-9a-f.]+$')"
    if spec.overlap == "latest":
        return RowNames(_joined(names), "true", _joined(texts))
    return RowNames(_joined(names), " or ".join(given.format(name) for name in ids) or "false", _joined(texts))


def measures(table: str) -> list[str]:
    """The columns of a table that a row states in figures; a balance is where it led, not what it moves."""
    return [c.name for c in schema.TABLES[table] if pa.types.is_decimal(c.type) and c.name != "balance"]


def _joined(expressions: Sequence[str]) -> str:
    return "concat_ws('\x1f', " + ", ".join(f"coalesce(cast({e} as varchar), '')" for e in expressions) + ")" if expressions else "''"
