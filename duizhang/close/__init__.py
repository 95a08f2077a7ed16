"""The close: events, decisions, approvals, proof and replay."""

from duizhang.close.approval import approve, close_periods, reopen
from duizhang.close.decisions import (
    Decision,
    correction_claims,
    decisions,
    item_decisions,
    journal_proposals,
    record_decisions,
)
from duizhang.close.events import append_event, archive_books, archive_sources, events, verify_chain
from duizhang.close.letters import dispute, statement
from duizhang.close.proof import announce, replay, verify
from duizhang.close.workbook import export_exceptions, read_decisions

__all__ = [
    "Decision", "announce", "append_event", "approve", "archive_books", "archive_sources",
    "close_periods", "correction_claims", "decisions", "dispute", "events",
    "export_exceptions", "item_decisions", "journal_proposals", "read_decisions", "record_decisions", "reopen", "replay",
    "statement", "verify", "verify_chain",
]
