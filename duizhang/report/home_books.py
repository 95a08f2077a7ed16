"""What the books of a home's last run say that a page needs and no published table has: language, name, shops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import yaml

from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import last_before
from duizhang.home.state import State
from duizhang.speech.language import LANGUAGES
from duizhang.yaml_reading import load_yaml

if TYPE_CHECKING:
    from duizhang.speech.labels import Language


@dataclass(frozen=True)
class HomeBooks:
    """language: of reports, None where the books do not say. time_zone: of their days. shops: name and platform by id.
    providers: the channels that pay for them. waits: for what they declare how long it is waited for, as `leg` or `leg/channel`."""

    language: Language | None = None
    name: str = ""
    time_zone: str = "UTC"
    shops: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    providers: frozenset[str] = frozenset()
    waits: frozenset[str] = frozenset()

    def shop(self, shop: str) -> str:
        """A shop as people call it."""
        return self.shops.get(shop, ("", ""))[0] or shop

    def clock(self, moment: dt.datetime | None) -> str:
        """What the clocks of the books show at a moment of a table, which is in UTC; '' for none."""
        return f"{moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.time_zone)):%Y-%m-%d %H:%M:%S}" if moment else ""

    def channel(self, shop: str) -> str:
        return self.shops.get(shop, ("", ""))[1]


def read_home_books(home: Path) -> HomeBooks:
    """From the books.yaml that is archived with the last run; nothing where there is none, or where it cannot be read."""
    try:
        state = State(home, read_only=True)
        run = last_before(state, EventKind.RUN_STARTED)
        sha = str(run.payload.get("books", "")) if run else ""
        raw = load_yaml((home / "archive" / sha[:2] / sha).read_text(encoding="utf-8")) if sha else {}
    except (UserError, OSError, UnicodeDecodeError, yaml.YAMLError):
        return HomeBooks()
    return _said(raw if isinstance(raw, dict) else {})


def _said(raw: dict[str, Any]) -> HomeBooks:
    listed = raw.get("shops")
    shops = {
        str(name): (str(shop.get("name") or ""), str(shop.get("platform") or ""))
        for name, shop in (listed if isinstance(listed, dict) else {}).items() if isinstance(shop, dict)
    }
    language = raw.get("language")
    zone = str(raw.get("time_zone") or "Asia/Shanghai")
    waits = raw.get("sla_days")
    told = [shop for shop in listed.values() if isinstance(shop, dict)] if isinstance(listed, dict) else []
    providers = {str(shop.get("provider") or "") for shop in told}
    return HomeBooks(
        language if language in LANGUAGES else None, str(raw.get("name") or ""), zone if zone in available_timezones() else "UTC", shops,
        frozenset(providers), frozenset(map(str, waits)) if isinstance(waits, dict) else frozenset())


__all__ = ["HomeBooks", "read_home_books"]
