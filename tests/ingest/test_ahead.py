"""Files that are read by several processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from duizhang.errors import Retryable, UserError
from duizhang.ingest import ahead


def work(folder: Path, number: int, what: str) -> None:
    if what == "fail" and number == 3:
        raise UserError("three")
    if what == "kill" and number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / str(number)).write_text(f"{what} {os.getpid()}")


@pytest.mark.parametrize(("what", "error"), [("write", None), ("fail", UserError), ("kill", Retryable)])
def test_every_task_is_done_or_the_error_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, error: type[Exception] | None
) -> None:
    monkeypatch.setattr(ahead, "ENOUGH", 2)
    tasks = [(tmp_path, number) for number in range(8)]
    if error is None:
        assert len(list(ahead.each(work, tasks, what, processes=2))) == 8
        said = {path.read_text() for path in tmp_path.iterdir()}
        assert len(list(tmp_path.iterdir())) == 8 and f"write {os.getpid()}" not in said
    else:
        with pytest.raises(error):
            list(ahead.each(work, tasks, what, processes=2))
