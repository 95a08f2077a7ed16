"""The close: events, decisions, approvals, proof and replay."""

from typing import TYPE_CHECKING

from duizhang.close.decisions import Decision, correction_claims, decisions, item_decisions, journal_proposals
from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.close.approval import approve, close_periods, reopen
    from duizhang.close.archived import archive_books, archive_sources
    from duizhang.close.audit import export_audit
    from duizhang.close.checkpoints import signed_checkpoint, verifier_key
    from duizhang.close.disputes import dispute
    from duizhang.close.letters import statement
    from duizhang.close.proof import Proof, announce, verify
    from duizhang.close.recording import accept, import_decisions
    from duizhang.close.replaying import replay
    from duizhang.close.workbook import export_exceptions, read_decisions
    from duizhang.events import append_event, events
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "Decision", "Proof", "accept", "announce", "append_event", "approve", "archive_books", "archive_sources", "close_periods",
    "correction_claims", "decisions", "dispute", "events", "export_audit", "export_exceptions", "import_decisions", "item_decisions",
    "journal_proposals", "read_decisions", "reopen", "replay", "signed_checkpoint", "statement", "verifier_key", "verify",
]
