"""Who may come in: sign-in with a person's key, or by the address that the server printed; and what every answer tells the browser."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders, UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duizhang.books.staff import Duty
from duizhang.close.authority import Staff, staff_of
from duizhang.close.keys import loaded_key, public_key
from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.review.rendering import plain_page
from duizhang.review.sessions import Sessions, Tries, same_secret
from duizhang.review.visiting import Visit
from duizhang.review.wording import LANGUAGES

COOKIE, LANGUAGE_COOKIE = "duizhang_session", "duizhang_language"
MOST_KEY_BYTES = 20_000
ALL_DUTIES = frozenset(get_args(Duty))

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class SafeHeaders:
    """Headers of every answer: nothing from elsewhere, in no frame, kept by nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = _POLICY
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
                headers["cross-origin-opener-policy"] = "same-origin"
                headers["cache-control"] = "no-store"
            await send(message)

        await self.app(scope, receive, careful if scope["type"] == "http" else send)


class Doorkeeper:
    """Sessions of a server, and the ways to get one."""

    def __init__(self, home: Path, *, name: str, secret: str) -> None:
        self._home, self._name, self._secret = home, name, secret
        self._sessions, self._tries = Sessions(), Tries()

    def visit(self, request: Request) -> Visit | None:
        """The visit of somebody who is signed in, None of nobody. What a person may is asked of the books every time."""
        session = self._sessions.find(request.cookies.get(COOKIE, ""))
        if session is None:
            return None
        staff = self._staff()
        if not staff.people:
            duties, is_known = ALL_DUTIES, session.key is None and session.name == self._name
        else:
            own = [p for p in staff.people.values() if session.key and p.name == session.name and p.key == public_key(session.key)]
            duties, is_known = (frozenset(staff.roles[own[0].role].may), True) if own else (frozenset(), False)
        return Visit(request, session, language(request), is_known=bool(staff.people), duties=duties) if is_known else None

    def is_own_form(self, visit: Visit) -> bool:
        """Whether a form was made by a page of this session, and sent from one."""
        site = visit.request.headers.get("sec-fetch-site", "same-origin")
        return site in ("same-origin", "none") and same_secret(visit.sent("csrf"), visit.session.csrf)

    async def page(self, request: Request) -> Response:
        """The sign-in; with the server's secret in the address the session begins at once."""
        brought = request.query_params.get("secret", "")
        has_people = bool((await run_in_threadpool(self._staff)).people)
        if not has_people and self._secret and same_secret(brought, self._secret):
            return self._opened(request, self._name, None)
        return self._asked(request, "", has_people=has_people)

    async def sign_in(self, request: Request) -> Response:
        """A name and the person's key; a wrong one is told, and after a few there is a pause."""
        if int(request.headers.get("content-length") or MOST_KEY_BYTES + 1) > MOST_KEY_BYTES:
            return PlainTextResponse("that is no key", status_code=413)
        address = request.client.host if request.client else ""
        if wait := self._tries.pause(address):
            return self._asked(request, "too_many", has_people=True, status=429, wait=wait)
        async with request.form(max_fields=10, max_files=1) as form:
            name, passphrase, upload = str(form.get("name", "")), str(form.get("passphrase", "")), form.get("key")
            body = await upload.read() if isinstance(upload, UploadFile) else b""
        found = await run_in_threadpool(self._known, name, body, passphrase)
        if found is None:
            self._tries.failed(address)
            return self._asked(request, "wrong_key", has_people=True, status=403)
        return self._opened(request, *found)

    def _known(self, name: str, body: bytes, passphrase: str) -> tuple[str, Ed25519PrivateKey] | None:
        """The person and the key, where they belong together."""
        staff = self._staff()
        try:
            person = staff.people[staff.find(name.strip())]
            key = loaded_key(body, passphrase, "the file")
        except (UserError, KeyError):
            return None
        return (person.name, key) if public_key(key) == person.key else None

    def _staff(self) -> Staff:
        return staff_of(self._home, State(self._home, read_only=True))

    def sign_out(self, visit: Visit) -> Response:
        """End the session."""
        self._sessions.close(visit.request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    def _opened(self, request: Request, name: str, key: Ed25519PrivateKey | None) -> Response:
        answer = RedirectResponse(_own_path(request.query_params.get("next", "")), status_code=303)
        answer.set_cookie(
            COOKIE, self._sessions.open(name, key), path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )
        return answer

    def _asked(self, request: Request, problem: str, *, has_people: bool, status: int = 200, wait: int = 0) -> Response:
        answer = plain_page("sign_in.html.j2", language(request), {
            "problem": problem, "wait": wait, "asked_next": request.query_params.get("next", ""), "has_people": has_people,
        }, status=status)
        if wait:
            answer.headers["retry-after"] = str(wait)
        return answer


def _own_path(path: str) -> str:
    """A path of these pages; their first one instead of anything that leads elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def language(request: Request) -> str:
    """zh or en: as asked for in the address or chosen before, else as the browser prefers."""
    for chosen in (request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, "")):
        if chosen in LANGUAGES:
            return chosen
    prefers = request.headers.get("accept-language", "").casefold()
    zh, en = prefers.find("zh"), prefers.find("en")
    return "en" if en >= 0 and (zh < 0 or en < zh) else "zh"
