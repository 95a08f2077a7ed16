"""Log lines know what they belong to, and are seen by who asked for them."""

from __future__ import annotations

import logging

import pytest

from duizhang.logs import FIELDS, Pace, fields, forwarded, hushed, shown

LOG = logging.getLogger("duizhang.somewhere")


class Kept(logging.Logger):
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__("kept")
        self.records: list[logging.LogRecord] = []

    def handle(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def values(record: logging.LogRecord) -> dict[str, str]:
    return {name: getattr(record, name) for name in FIELDS}


def test_a_line_has_the_fields_around_it_and_its_own() -> None:
    kept = Kept()
    with forwarded(kept):
        with fields(run=7, stage="reconcile"):
            with fields(period="2026-03-01"):
                LOG.info("claims of %s", "fee", extra={"leg": "fee"})
            LOG.warning("held")
        LOG.info("outside")
    LOG.info("nobody listens")
    assert [(r.levelname, r.getMessage()) for r in kept.records] == [("INFO", "claims of fee"), ("WARNING", "held"), ("INFO", "outside")]
    assert [values(r) for r in kept.records] == [
        {"run": "7", "period": "2026-03-01", "stage": "reconcile", "leg": "fee"},
        {"run": "7", "period": "", "stage": "reconcile", "leg": ""},
        dict.fromkeys(FIELDS, ""),
    ]


def test_a_field_that_nobody_reads_is_refused() -> None:
    with pytest.raises(TypeError, match="no field order"), fields(order="A1"):
        pass


def test_lines_are_shown_once_from_the_level_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    LOG.warning("before")
    with shown(logging.WARNING):
        LOG.info("progress that nobody asked for")
        with shown():
            LOG.info("progress")
        LOG.info("no more")
        with hushed():
            LOG.warning("a trial")
        LOG.warning("waiting")
    LOG.warning("behind")
    assert capsys.readouterr().err == "  progress\n  waiting\n"


def test_the_form_of_lines_is_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(formatter=logging.Formatter("%(run)s|%(message)s")), fields(run=3), shown():
        LOG.info("a")
    with shown():
        LOG.info("b")
    assert capsys.readouterr().err == "3|a\n  b\n"


def test_how_long_the_rest_takes_is_told_at_the_pace_so_far() -> None:
    now = iter([0.0, 1.0, 10.0, 10.0, 20.0, 30.0])
    pace = Pace(400, lambda: next(now))
    assert pace.after(50) == "", "too soon to say"
    assert pace.after(100) == ", 10 a second, about 30 s left"
    assert pace.after(5) == ", 30 a minute, about 13 min left"
    assert pace.after(0) == pace.after(400) == ""
