"""Who is signed in: sessions in the memory of the server, and how often somebody may try to sign in."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 10 * 60 * 60
TRIES, TRY_SECONDS = 5, 15 * 60
_MOST = 10_000  # sessions, or names and addresses that tried


@dataclass
class Session:
    """One person's sign-in. csrf: goes into every form, and has to come back with it. key: what the person signs with, in memory
    alone; None where the books name nobody."""

    name: str
    csrf: str
    began: float
    seen: float
    key: Ed25519PrivateKey | None = field(default=None, repr=False)


class Sessions:
    """Sessions by a token that only the browser knows."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._by_token: dict[str, Session] = {}

    def open(self, name: str, key: Ed25519PrivateKey | None = None) -> str:
        """A new session; its token."""
        token, at = secrets.token_urlsafe(32), self._now()
        with self._lock:
            self._by_token = {t: s for t, s in self._by_token.items() if self._is_alive(s, at)}
            if len(self._by_token) >= _MOST:
                self._by_token.pop(min(self._by_token, key=lambda t: self._by_token[t].seen))
            self._by_token[token] = Session(name, secrets.token_urlsafe(32), at, at, key)
        return token

    def find(self, token: str) -> Session | None:
        """The session of a token, while it lasts."""
        at = self._now()
        with self._lock:
            session = self._by_token.get(token)
            if session is None or not self._is_alive(session, at):
                self._by_token.pop(token, None)
                return None
            session.seen = at
            return session

    def close(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._by_token.pop(token, None)

    @staticmethod
    def _is_alive(session: Session, at: float) -> bool:
        return at - session.seen < IDLE_SECONDS and at - session.began < LONGEST_SECONDS


class Tries:
    """Failed sign-ins by name and by address: after `TRIES` within `TRY_SECONDS` there is a pause."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._failed: defaultdict[str, deque[float]] = defaultdict(deque)

    def pause(self, *who: str) -> int:
        """Seconds to wait before the next try; 0 for none."""
        at = self._now()
        with self._lock:
            waits = [self._wait(name, at) for name in who]
        return max(waits, default=0)

    def failed(self, *who: str) -> None:
        """Note a failed try."""
        at = self._now()
        with self._lock:
            if len(self._failed) > _MOST:
                self._failed.clear()
            for name in who:
                self._failed[name].append(at)

    def _wait(self, name: str, at: float) -> int:
        tries = self._failed.get(name)
        while tries and at - tries[0] > TRY_SECONDS:
            tries.popleft()
        return int(TRY_SECONDS - (at - tries[0])) + 1 if tries and len(tries) >= TRIES else 0


def same_secret(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
