"""Who may come in: people with their keys, sessions and how long they last, and a pause after failed tries."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from pathlib import Path

import pytest

from duizhang.close import verify
from duizhang.close.keys import new_key
from duizhang.errors import UserError
from duizhang.home.events import append_event
from duizhang.home.state import State
from duizhang.review import serve
from duizhang.review.sessions import IDLE_SECONDS, LONGEST_SECONDS, TRIES, TRY_SECONDS, Sessions, Tries
from tests.review.conftest import DAY, Serving


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_when_idle_when_old_and_when_closed() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    token = sessions.open("Li Na")
    assert sessions.find(token) and not sessions.find("another") and sessions.open("Li Na") != token
    clock.now += IDLE_SECONDS - 1
    assert sessions.find(token)
    clock.now += IDLE_SECONDS - 1
    assert sessions.find(token), "every look keeps it alive"
    clock.now += IDLE_SECONDS
    assert not sessions.find(token)
    token, began = sessions.open("Li Na"), clock.now
    while clock.now - began < LONGEST_SECONDS - IDLE_SECONDS:
        clock.now += IDLE_SECONDS - 1
        assert sessions.find(token)
    clock.now = began + LONGEST_SECONDS
    assert not sessions.find(token), "however busy"
    token = sessions.open("Li Na")
    sessions.close(token)
    assert not sessions.find(token)


def test_after_failed_tries_there_is_a_pause_for_that_name_alone() -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(TRIES):
        assert tries.pause("li") == 0
        tries.failed("li")
    assert tries.pause("li") > 0 and tries.pause("wang") == 0
    clock.now += TRY_SECONDS + 1
    assert tries.pause("li") == 0


def name_people(home: Path, keys: Path) -> None:
    """Books whose last run named two people, Li Na who decides and makes, and Wang Wei who checks and closes."""
    public = {who: new_key(keys / f"{who}.pem") for who in ("li", "wang")}
    books = json.dumps({  # JSON is YAML
        "entity": "acme", "currency": "CNY",
        "roles": {"bookkeeper": {"may": ["decide", "make"]}, "controller": {"may": ["check", "close", "reopen"]}},
        "people": {
            "li": {"name": "Li Na", "role": "bookkeeper", "key": public["li"]},
            "wang": {"name": "Wang Wei", "role": "controller", "key": public["wang"]},
        },
    }).encode()
    sha = hashlib.sha256(books).hexdigest()
    (home / "archive" / sha[:2]).mkdir(parents=True, exist_ok=True)
    (home / "archive" / sha[:2] / sha).write_bytes(books)
    append_event(State(home), actor="pipeline", kind="run_started", payload={
        "books": sha, "books_path": "books.yaml", "from": DAY.isoformat(), "to": DAY.isoformat(), "rules": "r", "sources": {}})


def test_people_sign_in_with_their_own_keys_and_what_they_do_is_signed(home: Path, serving: Serving, tmp_path: Path) -> None:
    name_people(home, tmp_path)
    server = serving(home)
    assert server.ask(server.entry.removeprefix(server.address))[0] == 200, "the printed address opens nothing now"
    assert "duizhang_session" not in server.cookies
    li, wang = (tmp_path / "li.pem").read_bytes(), (tmp_path / "wang.pem").read_bytes()
    for name, key in (("Li Na", wang), ("Li Na", b"nonsense"), ("Nobody", li)):
        assert server.send("/sign-in", {"name": name, "passphrase": ""}, key)[0] == 403
    assert server.send("/sign-in", {"name": "li na", "passphrase": ""}, li)[0] == 303
    text = server.ask(f"/day/{DAY}?lang=en")[1]
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found and "Sign as maker" in text and "Sign as checker" not in text
    chosen = {"csrf": found[1], "event": ["E000000000001"], "decision": "accept", "reason": "known", "until": ""}
    assert server.ask(f"/day/{DAY}/decided", chosen)[0] == 303
    assert server.ask(f"/day/{DAY}/reopen", {"csrf": found[1], "reason": "x"})[0] == 400
    problems = [p for p in verify(home).problems if "archived file" not in p]
    assert problems == [], "the signature in the event holds"


def test_after_five_wrong_keys_there_is_a_pause(home: Path, serving: Serving, tmp_path: Path) -> None:
    name_people(home, tmp_path)
    server = serving(home)
    assert [server.send("/sign-in", {"name": "Li Na", "passphrase": ""}, b"x")[0] for _ in range(TRIES)] == [403] * TRIES
    status, _, headers = server.send("/sign-in", {"name": "Li Na", "passphrase": ""}, (tmp_path / "li.pem").read_bytes())
    assert status == 429 and int(headers["retry-after"]) > 0


def test_a_port_that_is_taken_is_told_and_nobody_is_sent_to_who_has_it(reviewed: Path) -> None:
    """Fails if the address is told before it is ours: it would be that of the other program."""
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1, port {port}"):
            serve(reviewed, by="Li Na", port=port, tell=told.append)
    assert not told
