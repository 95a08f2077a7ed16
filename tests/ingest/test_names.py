"""The name under which a content first came is the one that its rows carry, whatever becomes of the file."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from duizhang.books import Books, Shop
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest.inbox import collect
from tests.thoroughness import some


class Inbox:
    """An inbox and a home; `names` are those of record that count, with the file's time in seconds."""

    def __init__(self, root: Path) -> None:
        self.root, self.inbox = root, root / "inbox"
        self.inbox.mkdir()

    def put(self, name: str, content: str, at: int = 1) -> None:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        os.utime(path, (at, at))

    def move(self, name: str, to: str) -> None:
        (self.inbox / to).parent.mkdir(parents=True, exist_ok=True)
        (self.inbox / name).rename(self.inbox / to)

    def names(self) -> dict[str, int]:
        books = Books(root=self.root, entity="acme", start=dt.date(2026, 3, 1),
                      shops={n: Shop(platform="own", provider="wechat") for n in ("a", "b")})
        found = collect(books, Store(self.root / "home"), State(self.root / "home"))
        return {r.path: r.modified // 10**9 for r in found if r.status in ("read", "refused")}


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


@pytest.mark.parametrize("content", some(["known to nobody\n", SKUS := "sku,cost,currency,as_of\nS1,1.00,CNY,2026-03-02\n"], SKUS))
def test_a_renamed_or_copied_file_keeps_its_name_and_time(inbox: Inbox, content: str) -> None:
    inbox.put("company/2026-03-02/m.csv", content)
    assert inbox.names() == {"company/2026-03-02/m.csv": 1}
    inbox.put("company/2026-03-02/a.csv", content, at=5)  # a copy that sorts before it
    assert inbox.names() == {"company/2026-03-02/m.csv": 1}
    inbox.move("company/2026-03-02/m.csv", "company/z/2026-03-02.csv")
    for _ in range(2):
        assert inbox.names() == {"company/2026-03-02/m.csv": 1}
    inbox.put("company/2026-03-02/m.csv", content + content.splitlines()[-1].replace("S1", "S2") + "\n", at=9)
    assert set(inbox.names()) == {"company/2026-03-02/a.csv", "company/2026-03-02/m.csv"}


def test_another_shops_folder_is_another_meaning(inbox: Inbox) -> None:
    inbox.put("a/m.csv", SKUS)
    assert set(inbox.names()) == {"a/m.csv"}
    inbox.move("a/m.csv", "b/m.csv")
    assert set(inbox.names()) == {"b/m.csv"}


def test_empty_days_of_the_same_bytes_stay_days_of_their_own(inbox: Inbox) -> None:
    empty = SKUS.splitlines()[0] + "\n"
    for day in (2, 3, 4):
        inbox.put(f"company/2026-03-0{day}/skus.csv", empty, at=day)
    want = {f"company/2026-03-0{day}/skus.csv": day for day in (2, 3, 4)}
    assert inbox.names() == want
    inbox.move("company/2026-03-03/skus.csv", "company/2026-03-03/again.csv")
    assert inbox.names() == want
    (inbox.inbox / "company/2026-03-02/skus.csv").unlink()  # an inbox that was cleared takes nothing back
    assert inbox.names() == want
    inbox.move("company/2026-03-04/skus.csv", "company/2026-03-05/skus.csv")  # a day that only the path says
    assert set(inbox.names()) == {*want, "company/2026-03-05/skus.csv"}
