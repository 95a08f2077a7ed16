"""The close: events, decisions, approvals, proof and replay."""

from typing import TYPE_CHECKING

from duizhang.close.decisions import Decision, decisions, item_decisions
from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.close.approval import approve, close_periods, reopen, signatures, signed_from
    from duizhang.close.archived import archive_books, archive_sources
    from duizhang.close.audit import export_audit
    from duizhang.close.books_of_run import last_books
    from duizhang.close.checkpoints import signed_checkpoint, verifier_key
    from duizhang.close.claiming import clock, told_of
    from duizhang.close.computation import announce
    from duizhang.close.correcting import correct, record_of, take_back_cell
    from duizhang.close.deciding import Taken, accept, decide, prepared, take_back
    from duizhang.close.disputes import dispute, totals
    from duizhang.close.groups import events_of
    from duizhang.close.importing import Imported, import_decisions
    from duizhang.close.journal import correction_claims, entries, journal_proposals
    from duizhang.close.layouts import entries_beside, postings, write_postings
    from duizhang.close.letter_sheets import Sheet, sheets
    from duizhang.close.letters import statement
    from duizhang.close.proof import Proof, verify
    from duizhang.close.rejecting import CellChoice, Corrected, Rejected, rejected
    from duizhang.close.replaying import replay
    from duizhang.close.workbook import export_exceptions
    from duizhang.home.events import append_event, events
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "CellChoice", "Corrected", "Decision", "Imported", "Proof", "Rejected", "Sheet", "Taken", "accept", "announce", "append_event",
    "approve", "archive_books", "archive_sources", "clock", "close_periods", "correct", "correction_claims", "decide",
    "decisions", "dispute", "entries", "entries_beside", "events", "events_of", "export_audit", "export_exceptions",
    "import_decisions", "item_decisions", "journal_proposals", "last_books", "postings", "prepared", "record_of", "rejected",
    "reopen", "replay", "sheets",
    "signatures", "signed_checkpoint", "signed_from", "statement", "take_back", "take_back_cell", "told_of", "totals", "verifier_key",
    "verify", "write_postings",
]
