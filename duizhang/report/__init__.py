"""The report: one self-contained page a period, made of the published tables alone."""

from duizhang.report.page import write_report

__all__ = ["write_report"]
