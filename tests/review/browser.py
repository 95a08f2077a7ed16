"""A real Chromium for tests, driven over its own protocol: go to a page, run a script in it, press keys, and what it complained of."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)
_PATIENCE = 60
_TABS = 400
# the code and the text of keys that are no letters
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, ""), "Escape": (27, "")}


class Page:
    """One tab. asked: every address that it asked for; complaints: errors of its console."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number = socket, 0
        self.asked: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def go(self, address: str) -> None:
        """Open an address and wait until it is there."""
        self._call("Page.navigate", url=address)
        self._until("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def leave_by(self, script: str) -> None:
        """Run what leads to another page, and wait for that."""
        self._call("Runtime.evaluate", expression=script)
        self._until("Page.loadEventFired")

    def resize(self, width: int, height: int) -> None:
        """The size of the window, as of a telephone."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def key(self, key: str) -> None:
        """Press a key: a letter, or one that KEYS names."""
        code, text = KEYS.get(key, (ord(key.upper()[0]), key))
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "")

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        for letter in text:
            self.key(letter)

    def tab_to(self, selector: str) -> None:
        """Press Tab until what has the focus matches: whoever has no mouse can come there."""
        for _ in range(_TABS):
            self.key("Tab")
            if self.run(f"document.activeElement.matches({json.dumps(selector)})"):
                return
        raise AssertionError(f"{selector} is not reached by Tab within {_TABS} steps")

    def leave_with(self, key: str) -> None:
        """Press the key that leads to another page, and wait for that."""
        self.key(key)
        self._until("Page.loadEventFired")

    def _call(self, method: str, **values: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": values}))
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def _until(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._socket.recv(timeout=_PATIENCE))
        said = told.get("params", {})
        if told.get("method") == "Network.requestWillBeSent":
            self.asked.append(said["request"]["url"])
        elif told.get("method") == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.complaints.append(said["entry"]["text"])
        elif told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"]))
        return told


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A tab of a browser with a profile of its own below `folder`; the test is skipped where there is no browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    profile = folder / "profile"
    running = subprocess.Popen([program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr
        found = next(m for line in running.stderr if (m := re.search(r"DevTools listening on ws://([^/]+)/", line)))
        host = found[1]
        with connect(f"ws://{host}/devtools/page/{_tab(host)}", max_size=None) as socket:
            yield Page(socket)
    finally:
        running.terminate()
        running.wait(20)
        if running.stderr:
            running.stderr.close()


def _tab(host: str) -> str:
    for _ in range(_PATIENCE):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("GET", "/json/list")
        tabs = [tab for tab in json.loads(connection.getresponse().read()) if tab["type"] == "page"]
        connection.close()
        if tabs:
            return str(tabs[0]["id"])
        time.sleep(0.2)
    raise AssertionError("the browser has no tab")
