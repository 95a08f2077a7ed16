"""A letter of dispute: what a counterparty has to answer for, each event once, in words that are meant for it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from duizhang.books import Books, Counterparty
from duizhang.close.decisions import CHASE, STANDING, Decision, decisions
from duizhang.close.groups import no_such_day
from duizhang.close.letters import write_letter
from duizhang.declared.currency import in_places
from duizhang.declared.schema import TABLES
from duizhang.errors import UserError
from duizhang.home.published import open_published
from duizhang.home.state import State
from duizhang.home.store import Store, connect
from duizhang.speech.labels import load_labels
from duizhang.yaml_reading import load_yaml

if TYPE_CHECKING:
    import duckdb

Parcels = Mapping[str, tuple[tuple[str, str], ...]]

SOON = dt.timedelta(days=7)
REQUESTS_FILE = Path(__file__).with_name("requests.yaml")
COLUMNS = {
    "number": "序号", "since": "发生日期", "order_id": "订单号", "reference": "贵方单号", "subject": "事项", "currency": "币种",
    "due": "应为", "stated": "贵方记录", "claim": "请求金额", "request": "请贵方", "claim_by": "索赔期限", "evidence": "凭据",
}


class ShownBy(BaseModel):
    """A leg that shows an event: whose it is, and what we ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    leg: str
    to: Literal["key", "provider", "platform", "carrier", "chased"]
    claim: Literal[1, -1]
    only: Literal["positive", "negative"] | None = None


class Words(BaseModel):
    """What something is called, and what we ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    ask_zh: str
    ask: str


class Request(Words):
    """One entry of requests.yaml."""

    cause: str
    legs: tuple[ShownBy, ...]
    figures: bool = True
    records: bool = False
    sum_zh: str = ""
    sum_en: str = ""
    credited: Words | None = None

    def of_credited(self) -> Request | None:
        """What is asked where they have credited us, and only their bill lacks the payment; None where that makes no difference."""
        return self.model_copy(update=dict(self.credited)) if self.credited else None

    def subject(self, order_id: str) -> str:
        """What it is called, in both languages."""
        return f"{self.sum_zh} / {self.sum_en}" if self.sum_en and not order_id else f"{self.zh} / {self.en}"


@dataclass(frozen=True)
class Item:
    """One event as the letter shows it. claim: what we ask for, negative where it is in their favour; zero where records are asked for
    and no money."""

    request: Request
    since: dt.date
    order_id: str
    reference: str
    currency: str
    due: Decimal | None
    stated: Decimal | None
    claim: Decimal
    evidence: str = ""
    leg: str = ""
    key: str = ""


@dataclass(frozen=True)
class _Found:
    """A row of `variances`, with carrier and number of each of the order's parcels."""

    leg: str
    cause: str
    order_id: str
    key: str
    currency: str
    left: Decimal
    right: Decimal
    difference: Decimal
    first_seen: dt.date
    shop: str
    evidence: str
    entity: str
    parcels: tuple[tuple[str, str], ...]

    @property
    def place(self) -> tuple[str, str, str, str]:
        return self.leg, self.entity, self.key, self.currency


@cache
def load_requests() -> tuple[Request, ...]:
    """What can be asked for, in the order of the letter."""
    return tuple(Request(**entry) for entry in load_yaml(REQUESTS_FILE.read_text(encoding="utf-8")))


def dispute(
    home: Path, books: Books, counterparty: str, period: dt.date, out: Path, *, answer_by: dt.date | None = None
) -> list[Item]:
    """Write what `counterparty` (a provider, a platform or a carrier) has to answer for, as it is open at a period's
    end; the items of the letter. `out` is .xlsx (letter and items), .txt (both) or .csv (items).

    Raises UserError where nobody is called so, the period is not published, or there is nothing to dispute.
    """
    found = to_answer(home, books, period)
    if counterparty.casefold() not in {name.casefold() for name in found}:
        raise UserError(f"nobody who is asked for anything is called {counterparty!r}", advice=f"Known: {', '.join(found)}.")
    items = next(items for name, items in found.items() if name.casefold() == counterparty.casefold())
    if not items:
        raise UserError(f"nothing is open on {period} that {counterparty} has to answer for")
    _write(out, books, counterparty, period, items, totals(items), answer_by)
    return items


def to_answer(home: Path, books: Books, period: dt.date) -> dict[str, list[Item]]:
    """What each provider, platform and carrier, and whoever is chased, has to answer for, as it is open at a period's end. What somebody
    decided to chase is asked of that party and of nobody else. Raises UserError where it is not published."""
    with open_published(home) as con:
        no_such_day(con, period)
        parcels = _parcels(Store(home), period)
        chases = chased(State(home, read_only=True), period)
        own = {item.place for d in chases for item in d.about}
        rows = [(request, [row for row in _open(con, period, request, parcels) if row.place not in own]) for request in load_requests()]
        credited = _credited(con, period)
        known = sorted({*_known(con, books, parcels), *(d.to for d in chases)})
        asked: dict[str, list[Item]] = {}
        for d in chases:
            asked.setdefault(d.to, []).extend(_chased(con, period, d, parcels))
    return {
        name: [*(item for request, found in rows for item in _items(request, found, books, name, credited)), *asked.get(name, ())]
        for name in known
    }


def chased(state: State, period: dt.date) -> list[Decision]:
    """The decisions to chase that hold on a day: the last about an item, not taken back, its day not past."""
    latest: dict[tuple[str, ...], Decision] = {}
    for d in decisions(state):
        if d.period <= period and d.decision in STANDING and not (d.taken_back and d.taken_back.period <= period):
            latest.update({item.place: d for item in d.about if item.is_booked})
    found = {d.id: d for d in latest.values() if d.decision == CHASE and (d.until is None or d.until >= period)}
    return [found[number] for number in sorted(found)]


def parties(home: Path, books: Books, period: dt.date) -> tuple[str, ...]:
    """Who can be asked for something: providers, platforms, carriers, and whom the books name under `counterparties`."""
    with open_published(home) as con:
        return tuple(sorted({*_known(con, books, _parcels(Store(home), period)), *books.counterparties}))


def _chased(con: duckdb.DuckDBPyConnection, period: dt.date, d: Decision, parcels: Parcels) -> Iterator[Item]:
    """What is asked for because somebody decided so, in the words of its cause where there are some: as much of it as is still open."""
    lead = next((item for item in d.about if item.is_booked), d.about[0])
    of_lead = [item for item in d.about if item.is_booked and item.leg == lead.leg] or [lead]
    rows = {(*row.place, row.cause): row for row in _rows(con, period, "leg = ?", [lead.leg], parcels)}
    for item in of_lead:
        row = rows.get((*item.place, item.cause)) or next((r for (*place, _), r in rows.items() if tuple(place) == item.place), None)
        if row is None:
            continue
        open_now = min(row.difference, item.difference, key=abs)
        request, shown = next(
            (r, s) for r in load_requests() for s in r.legs
            if s.leg == row.leg and (s.to == "chased" or (r.cause == row.cause and s.only in (None, _sign(open_now))))
        )
        due, stated = (row.left, row.right) if request.figures else (None, None)
        yield Item(
            request, row.first_seen, row.order_id, _reference(row, shown, d.to), row.currency, due, stated,
            _asked_for(request, shown, open_now),
            _evidence(row.leg, row.evidence, row.currency), row.leg, row.key,
        )


def totals(items: Sequence[Item]) -> dict[str, Decimal]:
    """The money that is asked for, by currency; none of an item that asks for records."""
    found: dict[str, Decimal] = {}
    for item in (item for item in items if not item.request.records):
        found[item.currency] = found.get(item.currency, Decimal(0)) + item.claim
    return found


def party_of(books: Books, name: str) -> Counterparty:
    """What the books say of a counterparty."""
    return next((p for known, p in books.counterparties.items() if known.casefold() == name.casefold()), Counterparty())


def _parcels(store: Store, period: dt.date) -> dict[str, tuple[tuple[str, str], ...]]:
    """Carrier and tracking number of the parcels of each order, up to a day."""
    with connect() as con:
        store.view(con, "shipments", [p for p in store.periods("shipments") if p <= period], TABLES["shipments"])
        rows = con.execute(
            "select distinct order_id, carrier, tracking_number from shipments where order_id <> '' and carrier <> '' order by all"
        ).fetchall()
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for order_id, carrier, number in rows:
        found[order_id] = (*found.get(order_id, ()), (carrier, number or ""))
    return found


def _known(con: duckdb.DuckDBPyConnection, books: Books, parcels: Parcels) -> list[str]:
    carriers = {str(carrier) for (carrier,) in con.execute("select distinct carrier from freight_audit").fetchall()}
    carriers |= {carrier for several in parcels.values() for carrier, _ in several}
    carriers |= {card.provider for card in books.rate_cards}
    shops = books.shops.values()
    return sorted(name for name in {*carriers, *(s.provider or "" for s in shops), *(s.platform for s in shops)} if name)


def _open(con: duckdb.DuckDBPyConnection, period: dt.date, request: Request, parcels: Parcels) -> list[_Found]:
    """The open items of a request's cause, of its legs in their order, the largest first."""
    legs = [shown.leg for shown in request.legs]
    found = _rows(con, period, "status <> 'accepted' and cause = ? and list_contains(?, leg)", [request.cause, legs], parcels)
    return sorted(found, key=lambda row: legs.index(row.leg))


def _rows(con: duckdb.DuckDBPyConnection, period: dt.date, which: str, values: Sequence[object], parcels: Parcels) -> list[_Found]:
    rows = con.execute(
        "select leg, cause, order_id, \"key\", currency, left_amount, right_amount, difference, first_seen, shop, evidence, entity "
        f'from variances where period = ? and {which} order by currency, abs(difference) desc, "key"', [period, *values],
    ).fetchall()
    return [_Found(*(*row, parcels.get(row[2], ()))) for row in rows]


def _credited(con: duckdb.DuckDBPyConnection, period: dt.date) -> dict[tuple[str, str, str], Decimal]:
    """What providers credited for orders whose payment their bill does not have, less their fees: by entity, order and currency."""
    rows = con.execute(
        "select entity, order_id, currency, sum(right_amount) from variances where period = ? and leg = 'payment_settlement' "
        "and left_amount = 0 and right_amount > 0 and order_id <> '' group by all", [period],
    ).fetchall()
    return {(entity, order_id, currency): amount for entity, order_id, currency, amount in rows}


def _items(
    request: Request, found: list[_Found], books: Books, counterparty: str, credited: Mapping[tuple[str, str, str], Decimal]
) -> Iterator[Item]:
    """The items of one request: an event that several legs show is told by the first of them."""
    shown_by = {shown.leg: shown for shown in request.legs}
    told: dict[tuple[str, str], str] = {}
    for row in (line for whole in found for line in _lines(whole)):
        shown = shown_by[row.leg]
        if shown.only not in (None, _sign(row.difference)):
            continue
        if counterparty.casefold() not in (name.casefold() for name in _owners(row, shown, books)):
            continue
        event = (row.order_id or row.key, row.currency)
        if told.setdefault(event, row.leg) != row.leg:
            continue
        due, stated = (row.left, row.right) if request.figures else (None, None)
        asked, claim = request, _asked_for(request, shown, row.difference)
        paid, of_credited = credited.get((row.entity, row.order_id, row.currency)), request.of_credited()
        if paid is not None and of_credited:
            asked, stated, claim = of_credited, paid, Decimal(0)
        yield Item(
            asked, row.first_seen, row.order_id, _reference(row, shown, counterparty), row.currency, due, stated, claim,
            _evidence(row.leg, row.evidence, row.currency), row.leg, row.key,
        )


def _asked_for(request: Request, shown: ShownBy, difference: Decimal) -> Decimal:
    return Decimal(0) if request.records else difference * shown.claim


def known_as(name: str) -> str:
    """A provider, platform or carrier by the name that everybody knows it by, in both languages; others by the name that they have here."""
    entry = next((load_labels()[group][name] for group in ("providers", "channels") if name in load_labels()[group]), None)
    return name if entry is None else entry["zh"] if entry["zh"] == entry["en"] else f"{entry['zh']} / {entry['en']}"


def _lines(row: _Found) -> Iterator[_Found]:
    """The lines of a sum that was split by the causes of its lines; any other item itself. Of a sum that days without a statement make up
    together with lines that we lack, what those days come to."""
    entries = json.loads(row.evidence or "[]")
    lines = [entry for entry in entries if "side" not in entry]
    if row.leg == "finance" and any("because" in entry for entry in entries):
        row = replace(row, difference=sum((Decimal(str(entry["amount"])) for entry in entries if "side" in entry), Decimal(0)))
    if row.leg != "finance" or not lines:
        yield row
        return
    rest, zero = row.difference, Decimal(0)
    by_order: dict[str, Decimal] = {}
    for entry in lines:
        order_id = str(entry["key"]).split("/")[1] if "/" in str(entry["key"]) else ""
        by_order[order_id] = by_order.get(order_id, zero) + Decimal(str(entry["difference"]))
        rest -= Decimal(str(entry["difference"]))
    for order_id, difference in [*by_order.items(), ("", rest)]:
        if difference:
            yield _Found(row.leg, row.cause, order_id, row.key, row.currency, difference, zero, difference, row.first_seen,
                         row.shop, "", row.entity, row.parcels)


def _owners(row: _Found, shown: ShownBy, books: Books) -> tuple[str, ...]:
    shop = books.shops.get(row.shop)
    if shown.to == "key":
        return (row.key.split("/")[0],)
    if shown.to == "carrier":
        return tuple(carrier for carrier, _ in row.parcels)
    if shop is None:
        return ()
    return ((shop.provider or "") if shown.to == "provider" else shop.platform,)


def _sign(amount: Decimal) -> str:
    return "positive" if amount > 0 else "negative"


def _reference(row: _Found, shown: ShownBy, counterparty: str) -> str:
    """Their own number of it: of a parcel its tracking number, else what the key names behind whose it is."""
    if shown.to == "carrier":
        return ", ".join(number for carrier, number in row.parcels if carrier.casefold() == counterparty.casefold())
    words = load_labels()
    if row.leg == "finance":
        measure = words["columns"].get(row.key.rpartition("/")[2], {})
        return f"{measure['zh']} / {measure['en']}" if measure and not row.order_id else ""
    # words of ours in a key say nothing to others
    parts = [part for part in row.key.split("/")[1:] if part and part != row.order_id and part not in words["key_parts"]]
    return parts[0] if row.leg in ("fee", "payment_settlement", "freight", "payout_bank", "return_refund") and parts else ""


def _evidence(leg: str, evidence: str, currency: str) -> str:
    """The rows behind a difference as both sides know them: whose, on which day, how much. Names of files say nothing to others. Both
    sides of a leg may be theirs: what a provider has on its bill, and what it settles."""
    said, words = [], load_labels()["whose"]
    for entry in json.loads(evidence or "[]"):
        if "side" in entry:
            side = words.get(f"{leg}/{entry['side']}", words[entry["side"]])
            whose = f"{side['zh']} / {side['en']}"
            amount = str(in_places(Decimal(str(entry["amount"])), currency))
            said.append(" ".join(filter(None, [whose, entry.get("claimed"), amount])))
    return "; ".join(said)


def claim_by(since: dt.date, party: Counterparty) -> dt.date | None:
    """The last day on which the contract lets a difference be claimed; None where the books say nothing of it."""
    return since + dt.timedelta(days=party.claim_days) if party.claim_days else None


def _write(
    out: Path, books: Books, counterparty: str, period: dt.date, items: list[Item], asked: dict[str, Decimal],
    answer_by: dt.date | None,
) -> None:
    party = party_of(books, counterparty)
    late = [i for i in items if (by := claim_by(i.since, party)) and by < period]
    soon = [i for i in items if (by := claim_by(i.since, party)) and period <= by <= period + SOON]
    rows = [
        [number, i.since, i.order_id, i.reference, i.request.subject(i.order_id), i.currency, i.due, i.stated,
         None if i.request.records else i.claim, f"{i.request.ask_zh} / {i.request.ask}", claim_by(i.since, party), i.evidence]
        for number, i in enumerate(items, 1)
    ]
    by_subject: dict[tuple[str, str], list[Item]] = {}
    for i in items:
        by_subject.setdefault((i.request.subject(i.order_id), i.currency), []).append(i)
    preface = [
        f"对账差异函 / Letter of dispute: {books.name or books.entity} → {party.name or known_as(counterparty)}",
        *([party.address] if party.address else []),
        f"截至 / as of {period}: {len(items)} 项 / items",
        *(f"{subject}: {len(several)} 项 / items" + "".join(
            f", {in_places(total, currency):,f} {currency}" for currency, total in totals(several).items()
        ) for (subject, _), several in by_subject.items()),
        *(f"请求金额合计 / total asked for: {in_places(total, currency):,f} {currency}" for currency, total in sorted(asked.items())),
        "请核对所附明细并书面回复。负数为应付贵方。/ Please check the items attached and answer in writing. Negative amounts are in "
        "your favour.",
    ]
    if soon:
        preface.append(f"其中 {len(soon)} 项的索赔期限在 {SOON.days} 天内。/ For {len(soon)} of them the time to claim ends within "
                       f"{SOON.days} days.")
    if late:
        preface.append(f"其中 {len(late)} 项已超过索赔期限，恳请通融。/ For {len(late)} of them that time is over; we ask for goodwill.")
    if answer_by:
        preface.append(f"请于 {answer_by} 前答复。/ Please answer by {answer_by}.")
    write_letter(out, preface, "dispute", COLUMNS, rows)
