"""Pages from templates: every value is escaped, every word is of the page's language."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.responses import HTMLResponse, Response

from duizhang.close.decisions import DECISIONS
from duizhang.reconcile import load_causes
from duizhang.report.figures import amount, in_words, percent
from duizhang.report.tables import currency_name
from duizhang.review.visiting import Visit
from duizhang.review.wording import LANGUAGES, say, say_value
from duizhang.speech.labels import Labels


@cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    found.filters["money"] = money
    found.filters["lines"] = lambda event: event.items
    found.filters["count"] = lambda value: "" if value is None else f"{value:,}"
    found.filters["share"] = percent
    found.filters["combined"] = lambda values, more: {**values, **more}
    found.filters["query"] = lambda values: urlencode({name: value for name, value in values.items() if value})
    return found


def rendered(visit: Visit, template: str, values: dict[str, Any], *, status: int = 200) -> Response:
    """A page for somebody who is signed in."""
    own = {
        "csrf": visit.session.csrf, "me": visit.name, "is_known": visit.is_known, "duties": visit.duties,
        "path": visit.request.url.path, "kinds": DECISIONS, "asked": dict(visit.request.query_params),
    }
    answer = plain_page(template, visit.language, own | values, status=status)
    chosen = visit.query("lang")
    if chosen in LANGUAGES:
        answer.set_cookie("duizhang_language", chosen, path="/", samesite="strict", httponly=True)
    return answer


def plain_page(template: str, language: str, values: dict[str, Any], *, status: int = 200) -> Response:
    """A page for anybody."""
    word: Callable[[str], str] = partial(say, language=language)
    causes = load_causes()
    zh = language == "zh"

    def cause(name: str) -> str:
        found = causes.get(name)
        return (found.zh if zh else found.en) if found else name

    def action(name: str) -> str:
        found = causes.get(name)
        return (found.action_zh if zh else found.action) if found else ""

    labels = Labels("zh" if zh else "en")

    def owner(name: str) -> str:
        return labels.who(name) if name in causes else ""

    def tells(name: str) -> str:
        return labels.tells(name) if name in causes else ""

    defaults: dict[str, Any] = {"csrf": "", "me": "", "is_known": True, "duties": frozenset(), "path": "", "asked": {}}
    text = _templates().get_template(template).render(
        **(defaults | values), t=word, language=language, cause=cause, action=action, owner=owner, leg=labels.leg, tells=tells,
        value=partial(say_value, language=language),
        days_old=lambda days: labels.text("ages_note", a=days), unit=partial(currency_name, labels=labels),
        told=partial(in_words, language=labels.language),
    )
    return HTMLResponse(text, status_code=status)


def money(value: object, currency: str) -> str:
    """An amount as the report shows it; anything that is none as it is."""
    return amount(value, currency) if isinstance(value, Decimal) else "" if value is None else str(value)
