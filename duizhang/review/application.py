"""The pages and what they do: routes over the published database and over the functions that the commands use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from duizhang.errors import UserError
from duizhang.review.acting import Acting
from duizhang.review.doorkeeper import Doorkeeper, SafeHeaders
from duizhang.review.pages import Pages
from duizhang.review.rendering import rendered
from duizhang.review.visiting import Visit
from duizhang.speech.language import speaking
from duizhang.speech.phrases import spoken

Answer = Callable[[Visit], Response]
_STATIC = Path(__file__).with_name("static")
MOST_FORM_BYTES = 2_000_000


def create_application(
    home: Path, *, name: str = "", secret: str = "", hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
) -> Starlette:
    """The review page of one home.

    Where the books name people, they sign in with their keys; else whoever brings `secret`, the part of the address that the
    server prints at its start, acts as `name`. hosts: the names under which the page may be asked for; every other is refused, so
    that no foreign page reaches it by a name of its own.
    """
    keeper = Doorkeeper(home, name=name, secret=secret)
    pages, acting = Pages(home), Acting(home)

    def reads(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        return _guarded(keeper, answer, writes=False)

    def writes(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        return _guarded(keeper, answer, writes=True)

    routes = [
        Route("/", reads(pages.days), name="days"),
        Route("/day/{day}", reads(pages.day), name="day"),
        Route("/day/{day}/queue", reads(pages.queue), name="queue"),
        Route("/day/{day}/item", reads(pages.item), name="item"),
        Route("/day/{day}/files", reads(pages.files), name="files"),
        Route("/day/{day}/record", reads(pages.record), name="record"),
        Route("/life", reads(pages.life), name="life"),
        Route("/day/{day}/decide", writes(acting.preview), methods=["POST"]),
        Route("/day/{day}/decided", writes(acting.decide), methods=["POST"]),
        Route("/day/{day}/taken-back", writes(acting.take_back), methods=["POST"]),
        Route("/day/{day}/correct", writes(acting.correct), methods=["POST"]),
        Route("/day/{day}/restored", writes(acting.restore), methods=["POST"]),
        Route("/day/{day}/commented", writes(acting.comment), methods=["POST"]),
        Route("/day/{day}/view", writes(acting.keep_view), methods=["POST"]),
        Route("/day/{day}/sign", writes(acting.sign), methods=["POST"]),
        Route("/day/{day}/close", writes(acting.close), methods=["POST"]),
        Route("/day/{day}/reopen", writes(acting.reopen), methods=["POST"]),
        Route("/sign-in", keeper.page, methods=["GET"], name="sign_in"),
        Route("/sign-in", keeper.sign_in, methods=["POST"]),
        Route("/sign-out", writes(keeper.sign_out), methods=["POST"]),
        Mount("/static", StaticFiles(directory=_STATIC), name="static"),
    ]
    return Starlette(routes=routes, middleware=[
        Middleware(SafeHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
    ], exception_handlers={404: _not_found})


def _guarded(keeper: Doorkeeper, answer: Answer, *, writes: bool) -> Callable[[Request], Awaitable[Response]]:
    """Let in who is signed in; what writes also needs the form's own token. A mistake is a page with one message."""

    async def endpoint(request: Request) -> Response:
        visit = keeper.visit(request)
        if visit is None:
            return RedirectResponse(_sign_in(request), status_code=303)
        if writes:
            if int(request.headers.get("content-length") or MOST_FORM_BYTES + 1) > MOST_FORM_BYTES:
                return PlainTextResponse("the form is too large", status_code=413)
            visit.form = await request.form(max_fields=5_000)
            if not keeper.is_own_form(visit):
                return PlainTextResponse("this form is not of this page, or its session has ended; load the page again", status_code=403)
        return await run_in_threadpool(_told, answer, visit)

    return endpoint


def _sign_in(request: Request) -> str:
    """The sign-in that leads back to what was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?{urlencode({'next': asked})}" if request.method == "GET" and asked != "/" else "/sign-in"


def _told(answer: Answer, visit: Visit) -> Response:
    with speaking(visit.language):
        try:
            return answer(visit)
        except UserError as error:
            return rendered(visit, "message.html.j2", {"message": spoken(str(error)), "advice": spoken(error.advice or "")}, status=400)


async def _not_found(_request: Request, _error: Any) -> Response:
    return PlainTextResponse("there is no such page", status_code=404)
