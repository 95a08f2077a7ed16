"""The text of a first books.yaml: what the bills of a folder show, each line with its reason, and what nobody can know as a question."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import available_timezones

from duizhang.declared.legs import LEGS, load_legs
from duizhang.drafting.bills import UNSAID, Bill, Days, Folder
from duizhang.drafting.tariffs import tariff
from duizhang.drafting.whose import Found, Shops, days_text
from duizhang.reconcile import sides_of
from duizhang.speech.folding import folded, width_of
from duizhang.speech.language import counted, current
from duizhang.speech.language import translated as _
from duizhang.standing.bank_accounts import is_number

QUESTION = "QUESTION"
# the clocks of providers that count all their sellers' time by their own; they say nothing of where the seller is
_PROVIDERS_OWN = frozenset({"UTC", "America/Los_Angeles"})
_WIDTH = 112
_PROPOSED = ("# -", "# accounts:", "# rate_cards:", "# sla_days:", "# payment_settlement/", "# fee/")  # an entry that is to be looked at
_ACCOUNTS = 40  # of a ledger that are listed
_USUALLY = 95  # of a hundred settled payments
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
_SPECIAL = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})


@dataclass(frozen=True)
class Question:
    """What only a person can say. key: of books.yaml; default: what is written where nobody answers; hint: what the files show."""

    key: str
    text: str
    default: str
    hint: str = ""


@dataclass(frozen=True)
class Answers:
    """The values of the lines that files may leave open, and why each is so; those in `open` rest on nothing."""

    values: Mapping[str, str]
    because: Mapping[str, str]
    open: frozenset[str]


def zone_question(clocks: Mapping[str, set[str]]) -> tuple[str, str, Question | None]:
    """(zone, why, question) of what the kinds of files say: one clock of a country is evidence, a provider's own is none."""
    said = {zone: sorted(sources) for zone, sources in clocks.items() if zone and zone not in _PROVIDERS_OWN}
    if len(said) == 1:
        [(zone, sources)] = said.items()
        return zone, counted("{sources} keeps this clock", "{sources} keep this clock", len(sources), sources=_listed(sources)), None
    hint = "; ".join(f"{_listed(sorted(s))}: {zone or _('the clock of the books')}" for zone, s in sorted(clocks.items()))
    default = "UTC" if said or not (here := _here()) else here
    text = _("in which time zone a business day begins and ends (an IANA name such as Asia/Shanghai or Europe/Berlin)")
    return default, "", Question("time_zone", text, default, hint)


def _here() -> str:
    """The time zone of this computer, where it has a name."""
    name = os.environ.get("TZ", "").lstrip(":")
    link = Path("/etc/localtime")
    if not name and link.is_symlink():
        name = str(link.readlink()).partition("zoneinfo/")[2]
    name = name.removeprefix("Etc/")
    return name if name in available_timezones() else ""


def questions(folder: Folder) -> tuple[dict[str, str], dict[str, str], list[Question]]:
    """(values, reasons, questions) of what the read bills say of entity and currency."""
    said: Counter[str] = Counter()
    for bill in folder.bills:
        said.update(bill.currencies)
    unsaid = sorted({bill.spec.name for bill in folder.bills if bill.currencies.get(UNSAID)})
    said.pop(UNSAID, None)
    asked = [
        Question("entity", _("what the books are called: letters, digits, `.`, `_` and `-`; it stands on every report"), "my-company")]
    also = _("; rows of {sources} name no currency and are taken to be in it", sources=_listed(unsaid)) if unsaid else ""
    if len(said) == 1:
        [currency] = said
        return {"currency": currency}, {"currency": _("the only currency that the files name") + also}, asked
    counts = sorted(said.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(_("{currency} in {n} rows", currency=currency, n=rows) for currency, rows in counts)
    default = max(said, key=lambda currency: (said[currency], currency), default=UNSAID)
    asked.append(Question("currency", _("the currency of the books (ISO 4217)") + also, default, named or _("no file names one")))
    return {}, {}, asked


def books_text(folder: Folder, shops: Shops, answers: Answers) -> str:
    """A books.yaml that loads, every line with what it rests on."""
    parts = [
        _head(), _basics(folder, answers), _shops(folder, shops), _expected(folder, shops), _patience(folder, shops),
        _accounts(folder, answers), _rates(folder), _legs(folder, shops), _unread(folder),
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def _head() -> list[str]:
    return [
        *_comment(_(
            "Whose books, which shops, what is expected. Drafted by `duizhang init` from the files of this folder: every entry says what "
            "it rests on. An entry marked QUESTION rests on nothing in the files; answer it before you rely on a number.")),
        *_comment(_("`duizhang plan --books books.yaml` says what is missing and what would be held; `duizhang doctor` checks the whole.")),
        *_comment(_("The language of the report and of the workbook of differences: zh or en.")),
        f"language: {current()}",
    ]


def _basics(folder: Folder, answers: Answers) -> list[str]:
    lines = []
    notes = {
        "entity": _("What the books are called."), "time_zone": _("The zone in which a business day begins and ends."),
        "currency": _("The currency of the books, and of rows that name none."),
    }
    for key, note in notes.items():
        because = answers.because.get(key, "")
        lines += _comment(f"{QUESTION}: {because}" if key in answers.open else f"{note} {_('Because: {why}.', why=because)}")
        lines.append(f"{key}: {_plain(answers.values[key])}")
    days = folder.days
    first = days[0] if days else dt.date.today()  # noqa: DTZ011 - a day of the books, of which no zone is sure here
    lines += _comment(_("The first business day: the files have rows of {days}.", days=days_text(days)) if days
                      else f"{QUESTION}: " + _("the first business day; no file that was read has a day, so this is today."))
    gaps = [(a, b) for a, b in pairwise(days) if (b - a).days > 1]
    lines += _comment(_("Between these days no file has a row: {gaps}.", gaps=_listed([f"{a} - {b}" for a, b in gaps])), when=bool(gaps))
    return [*lines, f"start: {first}"]


def _shops(folder: Folder, shops: Shops) -> list[str]:
    if not shops.shops:
        example = "`shops: {my-shop: {platform: taobao, provider: alipay}}`"
        return _comment(f"{QUESTION}: " + _("no bill of a shop was found. A shop: {example}.", example=example))
    lines = _comment(_("Shops. The files of each stand in inbox/<its name>/."))
    naming = [bill for bill in folder.bills if bill.stated - shops.shops.keys()]
    if naming:
        lines += _comment(f"{QUESTION}: " + _(
            "rows of {kinds} name the shops {names}, which are none of these. Call a shop below as they do (and its folder in the inbox), "
            "or their days are held.", kinds=_listed(sorted({bill.spec.name for bill in naming})),
            names=_listed(sorted({f"`{shop}`" for bill in naming for shop in bill.stated - shops.shops.keys()}))))
    lines.append("shops:")
    for name, found in shops.shops.items():
        kinds = Counter(bill.spec.name for bill in found.bills)
        said = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
        lines += _comment("; ".join([said or _("no file"), *found.because]) + ".", "  ")
        for question in found.open:
            lines += _comment(f"{QUESTION}: {question}", "  ")
        lines.append(f"  {_plain(name)}:")
        lines += [f"    {key}: {_plain(value)}" for key, value in (
            ("platform", found.platform), ("provider", found.provider), ("warehouse", found.warehouse)) if value]
        lines += _compare_by(folder, found)
    if shops.shared:
        lines += _comment(_(
            "Accounts and warehouses of several shops: a row is of the shop whose order it names. Files of an account stand in "
            "inbox/<its name>/."))
        lines.append("shared_accounts:")
    for name, account in shops.shared.items():
        kinds = Counter(bill.spec.name for bill in account.bills)
        said = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items())) or _("shipments that name no shop")
        orders = ", ".join(f"{shop} ({number})" for shop, number in account.orders.items())
        lines += _comment(_("{files}; order numbers of {shops}.", files=said, shops=orders), "  ")
        what = f"provider: {_plain(account.provider)}" if account.provider else f"warehouse: {_plain(name)}"
        lines.append(f"  {_plain(name)}: {{{what}, shops: [{', '.join(map(_plain, account.orders))}]}}")
    return lines


def _compare_by(folder: Folder, found: Found) -> list[str]:
    """By what our orders of a shop are held against the platform's, where our lines never have the platform's numbers."""
    theirs = {line for bill in found.bills for line in bill.lines.get("platform", ())}
    known = {order for order, _, _ in theirs}
    ours = {line for bill in folder.bills for line in bill.lines.get("books", ()) if line[0] in known}
    both = {order for order, _, _ in ours}
    # freight, which is no goods, is called alike by all
    numbered = {order for order, _ in {line[:2] for line in ours if line[2]} & {line[:2] for line in theirs if line[2]}}
    if len(numbered) * 10 >= len(both):
        return []
    goods = {(order, sku) for order, _, sku in ours if sku} & {(order, sku) for order, _, sku in theirs if sku}
    by = "sku" if len({order for order, _ in goods}) * 2 >= len(both) else "order"
    return [
        *_comment(_(
            "Our lines of {n} orders that the platform has do not have the platform's numbers, so they are held against each other by "
            "`{by}` (`line` where our system keeps the numbers).", n=len(both), by=by), "    "),
        f"    compare_by: {by}",
    ]


def _expected(folder: Folder, shops: Shops) -> list[str]:
    """Kinds of which every day has a file of its own are expected daily; of the others it is not known when they come."""
    days = folder.days
    ends = last_whole_day(folder, shops)
    seen: dict[tuple[str, str], list[Bill]] = {}
    for bill in folder.bills:
        if bill.tables and bill.days:
            seen.setdefault((shops.shop_of(bill), bill.spec.name), []).append(bill)
    daily, others = [], []
    for (shop, source), bills in sorted(seen.items()):
        theirs = sorted(set().union(*(bill.days for bill in bills)))
        named = f"source: {source}" + (f", shop: {_plain(shop)}" if shop else "")
        if _daily(bills) and ends and theirs[-1] >= ends:
            begins = "" if theirs[0] == days[0] else f", from_day: {theirs[0]}"
            daily.append(f"  - {{{named}{begins}}}  # {_('a file for each of {days}', days=days_text(theirs))}")
        else:
            count = len({bill.name for bill in bills})
            others.append(f"  # - {{{named}}}  # {counted('{n} file: {days}', '{n} files: {days}', count, days=days_text(theirs))}")
    if not daily and not others:
        return []
    lines = _comment(_("Files without which a day is held: one a day, from `from_day` on (default: start)."))
    lines += ["expected:", *daily] if daily else ["expected: []"]
    if others:
        lines += _comment(f"{QUESTION}: " + _("seen, but not with one file for each day. Take the # away from what comes every day."), "  ")
        lines += others
    return lines


def _daily(bills: list[Bill]) -> bool:
    """Whether the bills of a kind are one file for each day, without a gap."""
    theirs = sorted(set().union(*(bill.days for bill in bills)))
    return (theirs[-1] - theirs[0]).days + 1 == len(theirs) > 1 and len({bill.name for bill in bills}) >= len(theirs)


def last_whole_day(folder: Folder, shops: Shops) -> dt.date | None:
    """The last day of which most kinds of files have come: a payout that is announced for the next day is no day of business."""
    last: dict[tuple[str, str], dt.date] = {}
    for bill in folder.bills:
        if bill.days and bill.tables and max(bill.days) in folder.days:
            key = (shops.shop_of(bill), bill.spec.name)
            last[key] = max(max(bill.days), last.get(key, dt.date.min))
    ordered = sorted(last.values(), reverse=True)
    # so many kinds reach it that it is more than half of them
    return ordered[len(ordered) // 2] if ordered else None


def _patience(folder: Folder, shops: Shops) -> list[str]:
    """How long payments of orders and their settlement take, where the files show that it takes longer than is usual."""
    lines = [line for found in shops.shops.values() for line in _until_paid(found, folder, shops)]
    paid, settled = _earliest(bill.paid for bill in folder.bills), _earliest(bill.settled for bill in folder.bills)
    for provider in sorted({key[0] for key in paid}):
        payments = {key: day for key, day in paid.items() if key[0] == provider}
        lag = _Lag(payments, settled, load_legs()["payment_settlement"].days_of(provider))
        if lag.usual_days:
            lines += _comment(_("{provider}: of {n} payments, settled by days: {seen}; not settled in these files: {left}.",
                                provider=provider, n=len(payments), seen=lag.seen, left=lag.left), "  ")
            lines += [f"  {leg}/{_plain(provider)}: {lag.usual_days}" for leg in ("payment_settlement", "fee")]
        elif lag.is_unknown:
            lines += _comment(f"{QUESTION}: " + _("{provider}: none of {n} payments is settled in these files; after how many days is one?",
                                                  provider=provider, n=len(payments)), "  ")
            lines += [f"  # {leg}/{_plain(provider)}: 7" for leg in ("payment_settlement", "fee")]
    if not lines:
        return []
    head = _comment(_("Days that a counterpart may take before it is overdue, where the files show that the usual ones are not enough."))
    return [*head, "sla_days:" if any(not line.lstrip().startswith("#") for line in lines) else "# sla_days:", *lines]


def _until_paid(found: Found, folder: Folder, shops: Shops) -> list[str]:
    """After how many days a shop's orders are paid to it: a platform may keep what the buyer pays until the parcel has arrived."""
    accounts = [account for account in shops.shared.values() if found.name in account.orders]
    bills = [*found.bills, *(bill for account in accounts for bill in account.bills)]
    own = ({order: day for order, day in bill.ordered.items() if order[0] in bill.own.get(found.name, ())} for bill in folder.bills)
    ordered = _earliest([*(bill.ordered for bill in found.bills), *own])
    lag = _Lag(ordered, _earliest(bill.received for bill in bills), load_legs()["order_payment"].days_of(found.provider))
    if not lag.usual_days:
        return []
    return [
        *_comment(_("{shop}: of {n} orders, paid to us by days: {seen}; not paid in these files: {left}.",
                    shop=found.name, n=len(ordered), seen=lag.seen, left=lag.left), "  "),
        *(f"  {_plain(f'{leg}/{found.name}')}: {lag.usual_days}" for leg in ("order_payment", "customer")),
    ]


def _earliest(found: Iterable[Days]) -> Days:
    days: Days = {}
    for of_bill in found:
        for key, day in of_bill.items():
            days[key] = min(day, days.get(key, day))
    return days


class _Lag:
    """Days from what begins to what ends under the same key. usual_days: within which nearly all have ended, 0 where that is no more
    than `allowed`; seen: how many after how many days; left: how many have not ended; is_unknown: none has, though the first should."""

    def __init__(self, begun: Days, ended: Days, allowed: int) -> None:
        lags = Counter(max((ended[key] - day).days, 0) for key, day in begun.items() if key in ended)
        within = [days for days in sorted(lags) if sum(n for lag, n in lags.items() if lag <= days) * 100 >= _USUALLY * lags.total()]
        self.usual_days = within[0] if within and within[0] > allowed else 0
        self.seen = ", ".join(_("{n} after {days}", n=n, days=lag) for lag, n in sorted(lags.items()))
        self.left = len(begun) - lags.total()
        last = max(ended.values(), default=None)
        self.is_unknown = not lags and last is not None and any((last - day).days >= max(allowed, 1) for day in begun.values())


def _accounts(folder: Folder, answers: Answers) -> list[str]:
    lines: list[str] = []
    numbers = sorted(set().union(*(bill.bank_accounts for bill in folder.bills))) if folder.bills else []
    if numbers:
        lines += _comment(_("Bank accounts that the statements name, and the entity that owns each."))
        lines.append("bank_accounts:" if any(map(is_number, numbers)) else "# bank_accounts:")
        silent = _silent(folder)
        lines += _comment(_(
            "payout_numbers: false - of payouts that these files announce, lines of the statement have the amount and none has the "
            "number, so a line is a provider's payout by its words and amount."), "  ", when=not silent.isdisjoint(numbers))
        entity = _plain(answers.values["entity"])
        lines += [f"  {_quoted(number)}: " + (f"{{entity: {entity}, payout_numbers: false}}" if number in silent else entity)
                  for number in numbers if is_number(number)]
    if unnumbered := [number for number in numbers if not is_number(number)]:
        lines += _comment(f"{QUESTION}: " + _(
            "statements that name no number of an account are of one account, of the entity of the shop in whose folder they stand, else "
            "of that of the books. Of several accounts or entities, put each into the folder of a shop of its entity; else take the # "
            "away."))
        lines += [f"#   {_quoted(number)}: {_plain(answers.values['entity'])}" for number in unnumbered]
    ledger = {code: text for bill in folder.bills for code, text in bill.ledger.items()}
    if ledger:
        lines += _comment(f"{QUESTION}: " + _(
            "which ledger account has to equal which sub-ledger. measure: sales (with shop), sales_refunds (with shop), "
            "provider_fees (with provider), bank (with bank_account), fx_gain_loss. Take the # away and name the measure."))
        listed = sorted(ledger.items())[:_ACCOUNTS]
        lines += ["# accounts:", *(f"#   {_quoted(code)}: {{measure: sales}}  # {_line(text)}" for code, text in listed)]
        lines += [_("#   and {n} more", n=len(ledger) - _ACCOUNTS)] if len(ledger) > _ACCOUNTS else []
    return lines


def _silent(folder: Folder) -> frozenset[str]:
    """Accounts whose statements have the amounts of payouts that are announced, and the number of none."""
    # an id that begins with its provider is one of ours, which no bank knows
    payouts = {payout for bill in folder.bills for payout in bill.payouts if "/" not in str(payout[0])}
    amounts, numbers = {payout[1:] for payout in payouts}, {payout[0] for payout in payouts}
    credits = [line for bill in folder.bills for line in bill.credits]
    met = {str(account) for account, _, *money in credits if tuple(money) in amounts}
    told = {str(account) for account, reference, *_ in credits if reference in numbers}
    return frozenset(filter(is_number, met - told))


def _rates(folder: Folder) -> list[str]:
    """Fees as they were charged; whether they are as agreed, no file knows."""
    fees: dict[tuple[str, str], set[tuple[Decimal, Decimal]]] = {}
    for bill in folder.bills:
        for of, payments in bill.fees.items():
            fees.setdefault(of, set()).update(payments)
    if not fees:
        return []
    first = folder.days[0] if folder.days else ""
    lines = _comment(f"{QUESTION}: " + _(
        "what was agreed with each provider. Fees are held against these cards; without a card they are not checked."))
    lines.append("# rate_cards:")
    for (provider, currency), payments in sorted(fees.items()):
        percent, fixed, number = tariff(payments, currency)
        several = sum(1 for of in fees if of[0] == provider) > 1
        card = f"kind: fee, provider: {_plain(provider)}, from_day: {first}, percent: {percent.normalize():f}"
        card += f", fixed: {fixed:f}" if fixed else ""
        card += f", currency: {currency}" if currency and (fixed or several) else ""
        lines.append(f"#   - {{{card}}}  # {_('so charged on {n} of {all} different payments looked at', n=number, all=len(payments))}")
    return lines


def leg_sides(folder: Folder, shops: Shops) -> dict[str, dict[str, set[str]]]:
    """leg -> side -> the kinds of files that supply it."""
    found: dict[str, dict[str, set[str]]] = {leg: {"left": set(), "right": set()} for leg in LEGS}
    for bill in folder.bills:
        for leg, side in sides_of(bill.spec):
            if leg in found:
                found[leg][side].add(bill.spec.name)
    return found


def _legs(folder: Folder, shops: Shops) -> list[str]:
    sides = leg_sides(folder, shops)
    both = [leg for leg, of in sides.items() if of["left"] and of["right"]]
    lines = _comment(_("Reconciliations that these files have both sides of: {legs}.", legs=", ".join(both) or "-"))
    for leg, of in sides.items():
        if bool(of["left"]) != bool(of["right"]):
            there, lacking = ("left", "right") if of["left"] else ("right", "left")
            lines += _comment(_("Not run until there is a {lacking} side: {leg} (its {there}: {sources}).", lacking=_(lacking), leg=leg,
                                there=_(there), sources=_listed(sorted(of[there]))))
    return lines


def _unread(folder: Folder) -> list[str]:
    said = [_("Not read: {file}: {reason}", file=name, reason=reason) for name, reason in sorted(folder.refused.items())]
    said += [_("Not counted: {file}: same content as {other}", file=name, other=other) for name, other in sorted(folder.copies.items())]
    return [line for text in said for line in _comment(text)]


def _comment(text: str, before: str = "", *, when: bool = True) -> list[str]:
    """A text as lines of comment."""
    return [f"{before}# {line}" for line in folded(_line(text), _WIDTH)] if when and text.strip() else []


def _line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: str) -> str:
    """A text as a YAML scalar."""
    return value if _PLAIN.fullmatch(value) and value.isascii() and value.casefold() not in _SPECIAL else _quoted(value)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:6]) + (_(" and {n} more", n=len(found) - 6) if len(found) > 6 else "")


def open_lines(text: str) -> Iterator[tuple[int, str]]:
    """The questions that are marked in a books.yaml, each with the number of its line."""
    said, at = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        bare = line.strip()
        if said and bare.startswith("# ") and QUESTION not in bare and not bare.startswith(_PROPOSED):
            more = bare.removeprefix("# ")
            said += more if width_of(said[-1] + more[0]) == 4 else f" {more}"  # no blank between two Chinese characters
            continue
        if said:
            yield at, said.strip()
        said, at = (bare.partition(f"# {QUESTION}:")[2], number) if f"# {QUESTION}:" in bare else ("", at)


__all__ = [
    "QUESTION", "Answers", "Found", "Question", "books_text", "last_whole_day", "leg_sides", "open_lines", "questions", "zone_question",
]
