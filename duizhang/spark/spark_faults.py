"""Spark's errors in our words: of a value, of the cluster, or of Spark itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from duizhang.errors import UserError, ValueFault

# of a value that has no room in its type, or is not of the type that it is taken for
_OF_VALUES = ("ARITHMETIC_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE", "CAST_INVALID_INPUT", "CAST_OVERFLOW", "DIVIDE_BY_ZERO")


@contextmanager
def told() -> Iterator[None]:
    """Raises ValueFault where a value has no room or is not what it is taken for, UserError where Spark is gone or stumbles, and what
    Spark raised where it refuses a statement."""
    from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JNetworkError, Py4JError, ConnectionError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        text = lines[0]
        if isinstance(error, Py4JJavaError):  # whose first line only says which call it was
            text = lines[min(1, len(lines) - 1)].lstrip(": ")
        elif isinstance(error, Py4JError) and not isinstance(error, Py4JNetworkError):  # that it does not know a class
            text = "its Java process is gone"
        if any(f"[{name}" in str(error) for name in _OF_VALUES):
            raise ValueFault(text) from error
        if isinstance(error, PySparkException) and error.getCondition():
            raise
        what = "could not go on" if isinstance(error, Py4JJavaError) else "stopped answering"
        raise UserError(f"Spark {what}: {text}", advice="What is published stands; run the same command again.") from error
