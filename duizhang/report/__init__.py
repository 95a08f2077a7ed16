"""The report of a range of days, made of the published tables alone: a page, a spreadsheet or a PDF, in Chinese or English."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.report.home_books import read_home_books
    from duizhang.report.spoken_money import spoken_amount, spoken_currency
    from duizhang.report.writing import FORMATS, Format, write_report
    from duizhang.speech.labels import LANGUAGES, Labels, Language
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["FORMATS", "LANGUAGES", "Format", "Labels", "Language", "read_home_books", "spoken_amount", "spoken_currency", "write_report"]
