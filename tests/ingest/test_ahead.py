"""Files that are read by several processes."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path

import pytest

from duizhang.errors import UserError
from duizhang.ingest.inbox import ahead


def work(folder: Path, number: int, what: str) -> None:
    if what == "fail" and number == 3:
        raise UserError("three")
    if what == "kill" and number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / str(number)).write_text(f"{what} {os.getpid()}")


# where a task ends its process all others are done, as they are where none does
@pytest.mark.slow
@pytest.mark.parametrize(("what", "many"), [*itertools.product(("kill", "fail", "write"), (True, False))])
def test_every_task_is_done_or_the_error_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, *, many: bool
) -> None:
    monkeypatch.setattr(ahead, "ENOUGH", 2 if many else 20)
    tasks = [(tmp_path, number) for number in range(8)]
    found = ahead.each(work, tasks, what, processes=2, apart=lambda task: task[1] == 3)
    if what == "fail":
        with pytest.raises(UserError):
            list(found)
        return
    lost = [task for task in found if task is not None]
    assert lost == ([(tmp_path, 3)] if what == "kill" else []), "what ends a process costs itself alone"
    assert len(list(tmp_path.iterdir())) == 8 - len(lost)
    said = {path.name for path in tmp_path.iterdir() if path.read_text() == f"{what} {os.getpid()}"}
    assert said == (set() if many else {str(n) for n in range(8) if n != 3})
