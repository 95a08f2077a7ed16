"""What has to be computed again, and why: the inputs of every period, recorded when it was computed and derived anew.

A period depends on the files that touch it, the parts of books.yaml that are in force on it, the rules, what people
decided, and what the day before left open. Nothing else; so a period whose inputs are as recorded is current.
"""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.home.lock import acquire
    from duizhang.plan.foreseeing import Preflight, preflight
    from duizhang.plan.inputs import Inputs, begin, derive, record, recorded
    from duizhang.plan.plan import OPENING, Plan, Reason, last_day, make_plan, opens_differently
    from duizhang.plan.restoring import restore
    from duizhang.plan.standing import not_current
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "OPENING", "Inputs", "Plan", "Preflight", "Reason", "acquire", "begin", "derive", "last_day", "make_plan",
    "not_current", "opens_differently", "preflight", "record", "recorded", "restore",
]
