"""Fixtures of the end-to-end tests: a small business that was run."""

from tests.pipelines.test_end_to_end import home, made, raw

__all__ = ["home", "made", "raw"]
