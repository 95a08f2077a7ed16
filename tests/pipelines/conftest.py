"""Fixtures that every end-to-end test shares."""

from tests.pipelines.test_end_to_end import home, raw

__all__ = ["home", "raw"]
