"""Advice from history: entries of books.yaml that what was published speaks against, each tried over the past before it is given."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.advice.candidates import Advice, AdviceKind, advice_of
    from duizhang.advice.trying import Tried, try_out
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["Advice", "AdviceKind", "Tried", "advice_of", "try_out"]
