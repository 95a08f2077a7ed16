"""What if: a changed entry of books.yaml or another rule, computed over past periods in a copy of the home, as a difference of
versions. Nothing is written to the home."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.what_if.effect import Effect, WhatIfDay
    from duizhang.what_if.trial import Proposed, what_if
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["Effect", "Proposed", "WhatIfDay", "what_if"]
