"""The closed lists of words that are stored, published and compared: whoever asks for one asks by name, and a word that is not on its
list does not pass the type checker."""

from __future__ import annotations

from enum import StrEnum


class PeriodStatus(StrEnum):
    """How a period stands, for whoever reads it."""

    OPEN = "open"
    RECONCILED = "reconciled"
    HELD = "held"
    PROVISIONAL = "provisional"
    APPROVED = "approved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What became of a period in a run."""

    PUBLISHED = "published"
    PROVISIONAL = "provisional"
    HELD = "held"
    UNCHANGED = "unchanged"


class FileStatus(StrEnum):
    """What became of a file of the inbox. MISSING: it is expected, and not there. TWICE: it tells the same money as another, so that
    its day is held. CONTRADICTORY: it states another amount of a movement than another file does, so that its day is held. ACCEPTED: it
    was refused, and somebody said so be it. WITHDRAWN: somebody took it out of the books."""

    READ = "read"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    MISSING = "missing"
    TWICE = "twice"
    CONTRADICTORY = "contradictory"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class Side(StrEnum):
    """The sides of a leg."""

    LEFT = "left"
    RIGHT = "right"


class DecisionKind(StrEnum):
    """What somebody may decide of a difference."""

    ACCEPT = "accept"
    WRITE_OFF = "write_off"
    CORRECT = "correct"
    WAIT = "wait"
    LINK = "link"
    RECLASSIFY = "reclassify"
    CHASE = "chase"
    ADJUST = "adjust"
    SPLIT = "split"


class EventKind(StrEnum):
    """What the log tells."""

    RUN_STARTED = "run_started"
    FILES_TAKEN = "files_taken"
    COMPUTED = "computed"
    PUBLISHED = "published"
    ACCEPTED = "accepted"
    DECIDED = "decided"
    TAKEN_BACK = "taken_back"
    SIGNED = "signed"
    CLOSED = "closed"
    REOPENED = "reopened"
    DISPUTED = "disputed"
    EXCEPTIONS_EXPORTED = "exceptions_exported"
    JOURNAL_EXPORTED = "journal_exported"
    FILE_ACCEPTED = "file_accepted"
    FILE_WITHDRAWN = "file_withdrawn"
    FILE_RESTORED = "file_restored"
    CELL_CORRECTED = "cell_corrected"
    CELL_RESTORED = "cell_restored"
    FILES_REMOVED = "raw_files_removed"
    REIDENTIFIED = "reidentified"
    PERSON_ERASED = "person_erased"
    COMMENTED = "commented"
    CERTIFIED = "certified"
    NOT_CERTIFIED = "not_certified"
    FEED_MADE = "feed_made"
    FEED_DELIVERED = "feed_delivered"
    FEED_FAILED = "feed_failed"


__all__ = ["DecisionKind", "EventKind", "FileStatus", "Outcome", "PeriodStatus", "Side"]
