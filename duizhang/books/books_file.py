"""books.yaml: whose books, which shops, what is expected every day, what is tolerated, and where it is accounted.

The model is closed: an unknown key is an error that names the line's place, so a typing mistake never passes silently.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from duizhang.books.books_entries import (
    Account,
    BankAccount,
    Certify,
    Counterparty,
    Database,
    FeeBilling,
    Feed,
    FxRate,
    Instalments,
    JournalAccounts,
    Notify,
    PolicyChange,
    PseudonymKey,
    RateCard,
    Retention,
    Shop,
    SourceReading,
    StockAllocation,
)
from duizhang.books.books_expected import Calendar, Expected
from duizhang.books.books_goods import Bundle, Gift, NotShipped, SharedAccount, SkuCode
from duizhang.books.books_names import NAMED, Place, line_of, source_names, twice, unknown_names, unlisted_names
from duizhang.books.engine_names import PATTERN as ENGINES
from duizhang.books.staff import Person, Role, staff_problem
from duizhang.declared.legs import LEGS, load_legs
from duizhang.declared.matching_passes import Pass, load_matching
from duizhang.digest import mapping_digest
from duizhang.errors import BooksError
from duizhang.memory import PATTERN
from duizhang.secrecy.pseudonym_key import new_key
from duizhang.spelling import meant, nearest
from duizhang.yaml_reading import compose_yaml, load_yaml

_T = TypeVar("_T")
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
TRANSIT_DAYS = 7  # for goods between two warehouses, unless `sla_days` says otherwise by `stock/transit`
# entries that name a shop, a leg or the like, and those that have what is named
_NAMING = {"shops", "roles", "calendars", *(pattern[0] for patterns in NAMED.values() for pattern in patterns)}
# by words of what PyYAML says
_YAML_ADVICE = {
    "\\t": "Indent with blanks, not with a tab.",
    "mapping values are not allowed": "A text in which a colon and a blank stand needs quotation marks around it.",
    "": "Look at that line and the one above it: blanks indent, and a colon and a blank stand between a name and what it has.",
}
# entries of books.yaml that change no result: where files are, who acts, whom letters go to
_NO_RESULT = (
    "root", "language", "inbox", "sources", "databases", "pseudonym_key", "encrypt_archive", "retention", "roles", "people",
    "counterparties", "feeds", "notify", "certify", "memory", "engine",
)


class Books(BaseModel):
    """The parsed books.yaml, with `root`, the folder it stands in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path = Field(exclude=True)
    books: Literal[1] = 1
    entity: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    name: str = ""
    time_zone: str = "Asia/Shanghai"
    language: Literal["zh", "en"] = "zh"  # of the report and the workbook of exceptions; changes no result
    cut_off: Annotated[str, Field(pattern=_CLOCK)] = "00:00"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"
    start: dt.date
    inbox: str = "inbox"
    sources: str = "sources"  # a folder with own source specifications, beside books.yaml
    databases: tuple[Database, ...] = ()
    memory: Annotated[str, Field(pattern=PATTERN)] = ""  # of a run, 2GB where nothing is said; what does not fit is spilled
    engine: Annotated[str, Field(pattern=ENGINES)] = ""  # that computes the models; DuckDB on this machine where nothing is said
    pseudonym_key: PseudonymKey = PseudonymKey()
    encrypt_archive: bool = False  # raw files are sealed with keys that DUIZHANG_ARCHIVE_KEY wraps; once they are they stay so
    retention: Retention = Retention()
    readings: dict[str, SourceReading] = {}  # by source
    shops: dict[str, Shop] = {}
    bank_accounts: dict[str, str | BankAccount] = {}  # account number: the entity that owns it, or more of it
    expected: tuple[Expected, ...] = ()
    calendars: dict[str, Calendar] = {}  # by name, for `expected`
    legs: tuple[str, ...] = LEGS  # those that the books have both sides of; the others take no part
    matching: dict[str, tuple[Pass, ...]] = {}  # by leg: its passes, in the order in which they are tried, in the place of matching.yaml's
    tolerances: dict[str, Annotated[Decimal, Field(ge=0)]] = {}
    sla_days: dict[str, Annotated[int, Field(ge=0)]] = {}
    accounts: dict[str, Account] = {}
    journal: JournalAccounts = JournalAccounts()
    counterparties: dict[str, Counterparty] = {}  # by provider, platform or carrier
    feeds: dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")], Feed] = {}  # by the system that takes them
    notify: tuple[Notify, ...] = ()
    certify: Certify | None = None
    rate_cards: tuple[RateCard, ...] = ()
    policy_changes: tuple[PolicyChange, ...] = ()
    fx_rates: tuple[FxRate, ...] = ()
    gifts: tuple[Gift, ...] = ()
    not_shipped: tuple[NotShipped, ...] = ()
    shared_accounts: dict[str, SharedAccount] = {}
    sku_map: tuple[SkuCode, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    # whether a code that neither `sku_map` nor the list of our SKUs knows is ours (`any`) or is told as unknown (`listed`);
    # '': it is told where there are both a map or bundles and a list of SKUs
    own_skus: Literal["", "any", "listed"] = ""
    fx_tolerance_percent: Decimal = Decimal(1)  # a bank's rate may differ so much from the dated one
    instalments: tuple[Instalments, ...] = ()
    deposit_days: int = 30  # so long an order waits for its balance where a round share of it was paid; 0: no longer than any
    delivery_days: Annotated[int, Field(ge=0, le=400)] = 15  # so long an order that was sent unpaid waits for its money
    fee_billing: tuple[FeeBilling, ...] = ()
    stock_allocations: tuple[StockAllocation, ...] = ()
    roles: dict[str, Role] = {}
    people: dict[str, Person] = {}  # where there are any, what people do is signed with their keys

    @field_validator("cut_off", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        """YAML takes 10:30 without quotation marks for a number to the base of 60."""
        found = f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else value
        if isinstance(found, str) and not re.fullmatch(_CLOCK, found):
            raise ValueError(f"{found!r} is no time of a day; expected such as 04:00")
        return found

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone {value!r}; expected an IANA name such as Asia/Shanghai") from error
        return value

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Books:
        """That its entries fit together. Of a file, names are told before with their lines (`unknown_names`)."""
        for place, said in unlisted_names(self.model_dump(include=_NAMING), LEGS):
            raise ValueError(f"{'.'.join(map(str, place))}: {said}")
        tried = load_matching().legs
        for leg, passes in self.matching.items():
            if leg not in tried:
                raise ValueError(f"matching: no passes are tried in {leg!r}; expected one of {', '.join(tried)}")
            if again := _repeated(passes):
                raise ValueError(f"matching: {leg}: {', '.join(again)} stands there twice")
        cards = [(c.kind, c.provider, c.from_day, c.category, c.zone, c.currency or "") for c in self.rate_cards]
        for kind, provider, day, *_ in _repeated(cards):
            raise ValueError(f"rate_cards: two {kind} cards of {provider} hold from {day} for the same category, zone and currency")
        for e in self.expected:
            if e.calendar and (e.calendar not in self.calendars or e.every != "business_day"):
                raise ValueError(f"expected: {e.source}: calendar {e.calendar!r} is not in `calendars`, or `every` is not business_day")
        for name in self.shared_accounts.keys() & self.shops.keys():
            raise ValueError(f"shared_accounts: {name!r} is the name of a shop")
        for name in _repeated(database.name for database in self.databases):
            raise ValueError(f"databases: {name!r} stands there twice")
        if problem := staff_problem(self.roles, self.people):
            raise ValueError(problem)
        return self

    @field_validator("inbox")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if "://" in value and parts.scheme not in ("s3", "sftp"):
            raise ValueError(f"unknown kind of inbox {parts.scheme!r}; expected a folder, s3://bucket/prefix or sftp://host/path")
        if "://" in value and (parts.password or not parts.netloc):
            raise ValueError("expected s3://bucket/prefix or sftp://host/path, without a password: that comes from the environment")
        return value

    @property
    def remote_inbox(self) -> bool:
        """Whether the inbox is a URL; a local one is at `inbox_path`."""
        return "://" in self.inbox

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def inbox_path(self) -> Path:
        return (self.root / self.inbox).resolve()

    @property
    def sources_path(self) -> Path:
        return (self.root / self.sources).resolve()

    @property
    def cut_off_minutes(self) -> int:
        """Minutes after local midnight at which the business day begins."""
        hours, minutes = self.cut_off.split(":")
        return int(hours) * 60 + int(minutes)

    def said_of_sources(self) -> dict[str, tuple[str, ...]]:
        """By source, what `readings` says of it: (day or month first, decimal mark, fees, amounts, sides), '' where nothing is said."""
        said = self.readings.items()
        return {name: (one.dates, one.decimal, one.fees, one.amounts, one.sides) for name, one in said}

    @property
    def bank_account_owners(self) -> dict[str, str]:
        """Account number: the entity that owns it."""
        return {number: said if isinstance(said, str) else said.entity for number, said in self.bank_accounts.items()}

    @property
    def silent_accounts(self) -> frozenset[str]:
        """Account numbers whose statements print no numbers of payouts."""
        return frozenset(number for number, said in self.bank_accounts.items() if not isinstance(said, str) and not said.payout_numbers)

    @property
    def bank_account_currencies(self) -> dict[str, str]:
        """Account number: the currency of its statements, where the books say it."""
        return {number: said.currency for number, said in self.bank_accounts.items() if not isinstance(said, str) and said.currency}

    def currencies_of_sources(self) -> dict[str, str]:
        """By source, the currency of rows that name none, where `readings` says it."""
        return {name: reading.currency for name, reading in self.readings.items() if reading.currency}

    def due(self, day: dt.date) -> list[Expected]:
        """The files that have to be there for a day."""
        return [e for e in self.expected if e.is_due(day, self.calendars)]

    def currency_of(self, shop: str) -> str:
        """The currency of a shop's amounts that name none; the books' own for '' or a shop without one."""
        found = self.shops.get(shop)
        return (found.currency if found else None) or self.currency

    def shops_by_name(self) -> dict[str, str]:
        """Name -> id of the shops whose name is theirs alone: an order system's export calls them by it."""
        names = Counter(shop.name for shop in self.shops.values() if shop.name)
        return {shop.name: key for key, shop in self.shops.items() if names[shop.name] == 1 and shop.name not in self.shops}

    def entity_of(self, shop: str) -> str:
        """The legal entity of a shop; the books' own for '' or a shop without one."""
        found = self.shops.get(shop)
        shared = self.shared_accounts.get(shop)
        return (found.entity if found else None) or (shared.entity if shared else None) or self.entity

    def entity_of_account(self, account: Account) -> str:
        """The legal entity whose ledger account it is."""
        if account.entity:
            return account.entity
        return self.entity_of(account.shop) if account.shop else self.bank_account_owners.get(account.bank_account, self.entity)

    def entity_of_warehouse(self, warehouse: str) -> str:
        """The legal entity whose stock a warehouse holds: that of its shops where they have one, else the books' own."""
        owners = {self.entity_of(name) for name, shop in self.shops.items() if shop.warehouse == warehouse}
        return owners.pop() if len(owners) == 1 else self.entity

    def sla(self, leg: str, channel: str = "") -> int:
        """Days for which a one-sided item is mere timing. `leg/channel` wins over `leg`, and both over the channel in legs.yaml.
        What is said of a shop by its name or platform is in the relation `sla`."""
        for key in (f"{leg}/{channel}", leg):
            if key in self.sla_days:
                return self.sla_days[key]
        found = load_legs()[leg]
        return found.days_of(channel)

    def in_force(self, period: dt.date) -> dict[str, object]:
        """Everything in books.yaml that can change a result of the period, by entry: not where the files are, and
        nothing that says by `from_day` that it begins later."""
        dumped = self.model_dump(mode="json", exclude=set(_NO_RESULT))
        return {name: _begun(value, period.isoformat()) for name, value in dumped.items()}

    def digest(self, period: dt.date) -> str:
        """Digest of what is in force on a period."""
        return mapping_digest(self.in_force(period))

    @property
    def key_path(self) -> Path:
        """The file of the pseudonym key, where the environment has none."""
        return self.root / self.pseudonym_key.file

    def key(self) -> bytes:
        """The pseudonym key. Where there is none yet, one is made beside books.yaml, readable by its owner alone."""
        text = os.environ.get(self.pseudonym_key.env, "")
        if text:
            return text.encode()
        path = self.key_path
        if not path.is_file():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                handle.write(new_key().text())
        found = path.read_text().strip()
        if not found:
            raise BooksError(f"{path} is empty", advice="Put a secret of at least 16 characters into it.")
        return found.encode()


def _begun(value: object, day: str) -> object:
    """A value without the entries of its lists that begin after the day."""
    if isinstance(value, list):
        kept = [v for v in value if not (isinstance(v, dict) and str(v.get("from_day") or "") > day)]
        return [_begun(v, day) for v in kept]
    if isinstance(value, dict):
        return {name: _begun(v, day) for name, v in value.items()}
    return value


def load_books(path: Path) -> Books:
    """Read and check books.yaml; a BooksError says all that is wrong, each with its line."""
    if path.is_dir():
        within = shlex.quote(str(path / "books.yaml"))
        raise BooksError(f"{path} is a folder, and books are a file", advice=f"Give the file: --books {within}.")
    if not path.is_file():
        raise BooksError(f"{path}: no such file", advice="Give the path of your books.yaml with --books.")
    try:
        text = path.read_text(encoding="utf-8")
        raw, node = load_yaml(text), compose_yaml(text)
    except UnicodeDecodeError as error:
        raise BooksError(f"{path} is not in UTF-8", advice="Save it as UTF-8 and run the command again.") from error
    except yaml.YAMLError as error:
        has_place = isinstance(error, yaml.MarkedYAMLError)
        advice = next(said for words, said in _YAML_ADVICE.items() if words in str(error)) if has_place else ""
        raise BooksError(f"{path} is not valid YAML: {error}", advice=advice) from error
    if not isinstance(raw, dict):
        raise BooksError(f"{path} is empty or not a mapping", advice="See the example in README.md.")
    root = path.resolve().parent
    names = source_names(root / str(raw.get("sources") or "sources"))
    problems = [*twice(node), *unknown_names(raw, names, LEGS)]
    try:
        books = Books(root=root, **raw)
    except ValidationError as error:
        # what the model says of the whole is about names, each of which was just told
        problems += [_problem(e) for e in error.errors() if e["loc"] or not problems]
    except TypeError as error:
        problems.append(((), str(error)))
    if not problems:
        return books
    # what is wrong between entries begins with the name of one of them
    told = {
        (line_of(node, place or (said.partition(":")[0],)), ".".join(map(str, place)) or "books", said) for place, said in problems
    }
    listed = [f"line {line}, {place}: {said}" for line, place, said in sorted(told)]
    count = "" if len(listed) == 1 else f"{len(listed)} problems\n  "
    raise BooksError(f"{path}: {count}" + "\n  ".join(listed), advice="Correct these entries of books.yaml.")


def _repeated(values: Iterable[_T]) -> list[_T]:
    """What stands there more than once, in the order in which it first does."""
    return [value for value, count in Counter(values).items() if count > 1]


def _problem(error: ErrorDetails) -> tuple[Place, str]:
    """What pydantic says of a place; of a name that a closed list does not have, the nearest one."""
    place, said = tuple(error["loc"]), error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return place, f"unknown key{meant(str(place[-1]), _keys(place[:-1]))}"
    if error["type"].startswith(("date_", "datetime_")):
        return place, f"{error['input']!r} is no day such as 2026-03-31"
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        known = [name for name in re.findall(r"'([^']*)'", said) if name]
        close = nearest(error["input"], known)
        return place, f"expected one of {', '.join(known)}" + (f"; did you mean {close!r}?" if close else "")
    return place, said


def _keys(place: Place) -> list[str]:
    """The keys that the mapping at a place may have."""
    model: Any = Books
    for step in place:
        if isinstance(step, str) and step in getattr(model, "model_fields", {}):
            inner = [a for a in _inside(model.model_fields[step].annotation) if issubclass(a, BaseModel)]
            if inner:
                model = inner[0]
    return [name for name in model.model_fields if name != "root"]


def _inside(annotation: Any) -> Iterator[type]:
    """The classes that a type is made of."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from _inside(part)


__all__ = ["TRANSIT_DAYS", "Books", "load_books"]
