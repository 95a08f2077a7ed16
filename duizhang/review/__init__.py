"""The review page: what is open, one item, one order's life, decisions, signatures and the close, in a browser.

Everything is asked of the published database by queries that give a page of rows at a time, and everything that changes goes
through the functions that the commands use, so that rules and events are the same.
"""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.review.application import create_application
    from duizhang.review.serving import serve
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["create_application", "serve"]
