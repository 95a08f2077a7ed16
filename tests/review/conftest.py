"""A published day with many differences, and a server of its pages that tests talk to."""

from __future__ import annotations

import datetime as dt
import http.client
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn

from duizhang.books import Books
from duizhang.gate import run_gate
from duizhang.publish import publish
from duizhang.review import create_application
from tests.publish.conftest import _FAKES

DAY = dt.date(2026, 3, 1)
ITEMS = 123
SECRET = "the part of the address that the server prints"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one published day of 123 differences, some of one size; one key would like to be a script."""
    fake = _FAKES.Fake(tmp_path_factory.mktemp("review") / "home")
    fake.fill([DAY])
    items = []
    for number in range(ITEMS):
        amount = Decimal(number // 3 + 1)
        key = f"s/{HOSTILE}" if number == 7 else f"s/o{number:03d}"
        items.append({
            "leg": "order_payment", "key": key, "cause": "amount_entry", "left_amount": amount, "difference": amount,
            "first_seen": DAY, "status": "open", "cause_confidence": "likely", "shop": "s", "order_id": key.removeprefix("s/"),
        })
    total = sum(item["difference"] for item in items)
    fake.put("recon_summary", DAY, {
        "leg": "order_payment", "left_amount": total, "closing": total, "left_rows": ITEMS, "open_keys": ITEMS,
    })
    fake.put("variances", DAY, *items)
    fake.put("open_items", DAY, *items)
    fake.put("event_items", DAY, *({**item, "event": f"E{number:012X}", "is_booked": True} for number, item in enumerate(items)))
    run_gate(fake.store, fake.state, [DAY])
    [outcome] = publish(
        Books(root=fake.home, entity="acme", start=DAY), fake.store, fake.state, fake.home, [DAY], rules_digest="r",
    )
    assert outcome.state == "published", outcome
    return Path(fake.home)


@pytest.fixture
def home(reviewed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(reviewed, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


Serving = Callable[..., "Server"]


@pytest.fixture
def serving() -> Iterator[Serving]:
    """Starts servers, and stops them at the end."""
    started: list[Server] = []

    def start(home: Path, name: str = "Li Na") -> Server:
        started.append(Server(home, name))
        return started[-1]

    yield start
    for server in started:
        server.stop()


class Server:
    """The pages of a home on a free port, and a browser of the simplest kind: it keeps cookies and follows nothing."""

    def __init__(self, home: Path, name: str) -> None:
        application = create_application(home, name=name, secret=SECRET)
        self._server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.entry = f"{self.address}/sign-in?{urlencode({'secret': SECRET})}"
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, text and headers of an answer to a page, or to a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        return self._ask(path, urlencode(form, doseq=True).encode() if form is not None else None, {**kind, **headers})

    def send(self, path: str, form: dict[str, str], file: bytes) -> tuple[int, str, dict[str, str]]:
        """The same of a form with a file in its field `key`."""
        edge = "edge-of-a-part"
        parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in form.items()]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="key"; filename="key.pem"\r\n\r\n'.encode()
        body = b"".join([*parts, head, file, f"\r\n--{edge}--\r\n".encode()])
        return self._ask(path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        connection.request("GET" if body is None else "POST", path, body=body, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        found = {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return answer.status, text, found

    def enter(self) -> str:
        """Sign in by the printed address; the token that forms need."""
        assert self.ask(self.entry.removeprefix(self.address))[0] == 303
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("/")[1])
        assert found
        return found[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
