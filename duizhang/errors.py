"""What can go wrong, by what the user should do about it.

A `UserError` is shown as one clear message without a traceback and ends the command with exit code 1.
`Retryable` marks a fault that may pass by itself (a lock, a full disk, a lost connection).
"""

from __future__ import annotations


class DuizhangError(Exception):
    """Base of every error that the engine raises on purpose."""


class UserError(DuizhangError):
    """Something that the user can correct: a setting, an argument, a file.

    `advice` says what to do; it is shown on a line of its own.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class BooksError(UserError):
    """`books.yaml` is missing, unreadable or says something impossible."""


class SpecError(UserError):
    """A source specification is invalid."""


class RefusedFile(UserError):
    """A raw file that cannot be read at all; it is listed as refused, with the reason, and loses nothing."""


class StateError(UserError):
    """The state database is damaged, gone or cannot be written."""


class ClosedPeriodError(UserError):
    """New numbers for a closed period: it must be reopened, with a reason, first."""


class ConservationError(DuizhangError):
    """Rows or amounts were lost or made up. A defect of the engine, never of the data."""


class ModelFault(DuizhangError):
    """A model that cannot be computed with the values of its days: an amount that has no room, a text that is no number.

    model: the model at work, `sql/...`, or what came behind it; problem: what the database says of the value.
    """

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(f"{model}: {problem}")
        self.model, self.problem = model, problem


class ValueFault(DuizhangError):
    """A value that has no room in its type, or is not of the type that it is taken for, as an engine other than DuckDB says it."""


class Retryable(DuizhangError):
    """A fault that may pass by itself; the same call may succeed later."""
