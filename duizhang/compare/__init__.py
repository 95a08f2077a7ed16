"""Compare any two files by key and amount, to the cent; needs no books and no configuration.

`compare_files` is the whole comparison with its key counts. `sketch`, `shortlist` and `net_by_key` find the keys that
differ in relations of any size, with memory for the buckets only; sketches are saved, loaded and added.
"""

from __future__ import annotations

from duizhang.compare.comparison import Comparison, Side, compare_files
from duizhang.compare.net import net_by_key, shortlist, signed
from duizhang.compare.sketch import Sketch, load, sketch

__all__ = [
    "Comparison", "Side", "Sketch", "compare_files", "load", "net_by_key", "shortlist", "signed", "sketch",
]
