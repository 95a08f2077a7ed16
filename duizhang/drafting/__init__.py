"""From a folder of bills to a first books.yaml: what the files are, whose they are, where each belongs, what nobody can know."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.drafting.bills import Bill, Folder, clocks, look_at
    from duizhang.drafting.draft import Answers, Question, books_text, last_whole_day, leg_sides, open_lines, questions, zone_question
    from duizhang.drafting.whose import Shops, days_text, find_shops, place_of, repeated
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "Answers", "Bill", "Folder", "Question", "Shops", "books_text", "clocks", "days_text", "find_shops", "last_whole_day",
    "leg_sides", "look_at", "open_lines", "place_of", "questions", "repeated", "zone_question",
]
