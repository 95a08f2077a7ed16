"""Compare any two files by key and amount, to the cent; needs no books and no configuration."""

from __future__ import annotations

from duizhang.compare.engine import Comparison, Side, compare_files
from duizhang.compare.output import check_suffix, safe_text

__all__ = ["Comparison", "Side", "check_suffix", "compare_files", "safe_text"]
