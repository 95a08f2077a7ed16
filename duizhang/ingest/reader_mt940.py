"""MT940 customer statements, read by the mt-940 library; opening + lines = closing for every message.

Source: SWIFT MT940 customer statement message; tags :60F:, :61:, :86:, :62F:.
"""

from __future__ import annotations

import re
from decimal import Decimal

import mt940

from duizhang.errors import RefusedFile
from duizhang.ingest.container import Document
from duizhang.ingest.encoded import blocks, plain
from duizhang.ingest.reading import Reading, batches_of
from duizhang.ingest.recognise import Place

COLUMNS = ("account", "entry_id", "amount", "currency", "date", "remark", "statement")


def read_mt940(document: Document, place: Place) -> Reading:
    """The statement lines of all messages of a document."""
    lines = [
        plain(line, block.encoding)
        for block in blocks(document, place.encoding, place.spec.encodings) for line in block.text.removesuffix(b"\n").split(b"\n")
    ]
    body = "\n".join(lines)
    rows: list[tuple[str, ...]] = []
    stated: list[tuple[str, str, str]] = []
    for message in re.split(r"(?m)^-\}?\s*$", body):
        if ":61:" not in message and ":62F:" not in message:
            continue
        try:
            statement = mt940.parse(message.strip("\r\n") + "\n")
        except Exception as error:
            raise RefusedFile(f"not readable as MT940: {error}", advice="Download the statement again.") from error
        data = statement.data
        account, number = str(data.get("account_identification", "")), str(data.get("transaction_reference", ""))
        opening, closing = data.get("final_opening_balance"), data.get("final_closing_balance")
        currency = str(opening.amount.currency) if opening else ""
        total = Decimal(0)
        for index, entry in enumerate(statement.transactions, 1):
            found = entry.data
            amount = Decimal(str(found["amount"].amount))
            total += amount
            rows.append((
                account, str(found.get("bank_reference") or f"{number}/{index}"), str(amount),
                str(found["amount"].currency or currency), str(found.get("entry_date") or found["date"]),
                str(found.get("transaction_details") or "").replace("\n", ""), number,
            ))
        if opening and closing:
            stated.append((
                f"closing balance {number}", str(closing.amount.amount), str(Decimal(str(opening.amount.amount)) + total)
            ))
    numbers = [n for n, line in enumerate(lines, 1) if line.startswith(":61:")]
    if len(numbers) != len(rows):
        raise RefusedFile(f"{len(numbers)} statement lines, {len(rows)} could be read", advice="Check the :61: lines.")
    return Reading(list(COLUMNS), place.encoding, batches_of(iter(zip(numbers, rows, strict=True)), len(COLUMNS)), stated=stated)
