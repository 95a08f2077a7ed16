"""Fixtures that every end-to-end test shares."""

from tests.pipelines.test_end_to_end import done, home, little, made, raw

__all__ = ["done", "home", "little", "made", "raw"]
