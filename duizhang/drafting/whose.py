"""Whose the bills of a folder are: by the folder that they stand in, the shops that own orders name, and order numbers in common.

Nothing is decided by the name of a platform or provider: two channels belong to one shop where they know the same orders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from duizhang.drafting.bills import Bill, Folder
from duizhang.ingest.inbox import COMPANY, is_of_a_shop
from duizhang.ingest.opening import MEMBER
from duizhang.speech.language import counted
from duizhang.speech.language import translated as _

_SHARED = 5  # of a hundred order numbers of the smaller side that both sides have to know
_DATE = re.compile(r"[\d._年月日-]+")


@dataclass
class Found:
    """A shop. bills: that belong to it; because: what says so; open: what nothing says, a question for a person."""

    name: str
    bills: list[Bill] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    warehouse: str = ""
    through: str = ""  # the provider of an account that it shares

    @property
    def platform(self) -> str:
        """The channel of its orders, else the only one that it has, else that of its folder's name."""
        with_orders = sorted({bill.channel for bill in self.bills if bill.has_orders})
        channels = sorted({bill.channel for bill in self.bills})
        return (with_orders or channels or [self.name])[0]

    @property
    def provider(self) -> str:
        """Through whom its buyers pay: of the providers that its payments name, else its bills, one that is not the platform."""
        paid = sorted({provider for bill in self.bills for provider, _ in bill.paid})
        named = paid or sorted({provider for bill in self.bills for provider in bill.providers})
        others = [provider for provider in named if provider != self.platform]
        return (others or named or [self.through])[0]


@dataclass
class Shared:
    """An account with a provider, or a warehouse, of several shops. bills: that stand in its folder; a warehouse's are the company's own.
    orders: shop -> how many of its order numbers it has."""

    name: str
    orders: dict[str, int]
    bills: list[Bill] = field(default_factory=list)

    @property
    def provider(self) -> str:
        """With whom the account is; '' for a warehouse."""
        return min((provider for bill in self.bills for provider in bill.providers), default=self.name) if self.bills else ""


@dataclass
class Shops:
    """The shops of a folder, and the accounts that several share, by name. of: file -> its shop or account; the company's own files are
    not there."""

    shops: dict[str, Found]
    of: dict[str, str]
    shared: dict[str, Shared] = field(default_factory=dict)

    def shop_of(self, bill: Bill) -> str:
        """The shop of a bill; '' where it is the company's own."""
        return self.of.get(bill.name, "")


def find_shops(folder: Folder) -> Shops:
    """The shops of a folder's bills, and which bill is whose."""
    theirs = [bill for bill in folder.bills if is_of_a_shop(bill.spec)]
    # what a platform sent or took back for a shop is that shop's, as are its other reports
    channels = {bill.channel for bill in theirs}
    theirs += [bill for bill in folder.bills if bill not in theirs and bill.channel in channels and _is_of_goods(bill)]
    own, shared = _own(folder.bills), dict[str, Shared]()
    if folder.inside:
        groups = _by_folder(theirs)
        _adopt(groups, [bill for bill in theirs if not bill.top])
        shared = _shared_folders(groups, own)
    else:
        groups, shared, others = _by_own_orders(theirs, own)
        for name, found in _renamed(_by_orders(others), own).items():
            _put(groups, name, found)
    for name in own:
        if name and name not in groups:
            groups[name] = Found(name, because=[_("own orders name it; no file of it was found")])
    for account in shared.values():
        for name in account.orders:
            groups[name].through = account.provider
    shared |= _shared_warehouses(folder.bills, own, {*groups, *shared})
    _warehouses(folder.bills, groups, own)
    of = {bill.name: account.name for account in shared.values() for bill in account.bills}
    of |= {bill.name: name for name, found in groups.items() for bill in found.bills}
    # a platform's statement is of the shop that all its rows name
    of |= {
        bill.name: shop for bill in folder.bills if bill.name not in of and len(bill.stated) == 1
        for shop in bill.stated & groups.keys() if not folder.inside or bill.top == shop
    }
    return Shops(dict(sorted(groups.items())), of, dict(sorted(shared.items())))


def _is_of_goods(bill: Bill) -> bool:
    """Whether it lists parcels or returns and does not say of which shop."""
    return any(table.table in ("shipments", "returns") and "shop" not in table.columns for table in bill.spec.tables)


def place_of(bill: Bill, folder: Folder, shops: Shops) -> str:
    """Where a bill belongs, below the folder of books.yaml: the same name in the inbox folder of its shop, or of the company."""
    name = bill.name.partition(MEMBER)[0]
    stays = folder.inside and (bill.top or not is_of_a_shop(bill.spec))
    return f"inbox/{name}" if stays else f"inbox/{shops.shop_of(bill) or COMPANY}/{name}"


def repeated(bill: Bill, folder: Folder, shops: Shops) -> list[str]:
    """Other files of its kind and shop that state the same days: of these only the newest counts."""
    if not bill.coverage:
        return []
    slot = (bill.spec.name, shops.shop_of(bill), bill.coverage)
    return [b.name for b in folder.bills if b.name != bill.name and (b.spec.name, shops.shop_of(b), b.coverage) == slot]


def _by_own_orders(bills: list[Bill], own: Mapping[str, frozenset[str]]) -> tuple[dict[str, Found], dict[str, Shared], list[Bill]]:
    """(shops, shared accounts, bills of which own orders tell nothing). A list of orders is of the shop whose orders it has; so is a bill
    of a provider, unless one of its bills has orders of several shops: then its account is theirs together."""
    known = {bill.name: {shop: n for shop, theirs in own.items() if shop and (n := len(bill.numbers & theirs))} for bill in bills}
    groups: dict[str, Found] = {}
    shared: dict[str, Shared] = {}
    others: list[Bill] = []
    channels: dict[tuple[str, bool], list[Bill]] = {}
    for bill in bills:
        channels.setdefault((bill.channel, any(table.table == "orders" for table in bill.spec.tables)), []).append(bill)
    for (channel, lists_orders), of_channel in sorted(channels.items()):
        named = {shop for bill in of_channel for shop in known[bill.name]}
        several = any(len(known[bill.name]) > 1 for bill in of_channel)
        if several and not lists_orders:
            orders = {shop: len(_numbers(of_channel) & own[shop]) for shop in sorted(named)}
            shared[channel] = Shared(slug(channel), orders, of_channel)
            continue
        silent: list[Bill] = []
        for bill in of_channel:
            # a bill of which no order is known is of the shop of all others of its channel, where that is one
            mine = known[bill.name] or dict.fromkeys(sorted(named), 0)
            if not mine or (len(mine) > 1 and bill.numbers):
                others.append(bill)
                continue
            found = groups.setdefault(next(iter(mine)), Found(next(iter(mine))))
            found.bills.append(bill)
            if len(mine) > 1:
                silent.append(bill)
        if silent:
            first, *rest = sorted(named)
            kinds = ", ".join(sorted({bill.spec.name for bill in silent}))
            groups[first].open.append(counted(
                "{n} file of {kinds} names no order: it may as well be of {shops}",
                "{n} files of {kinds} name no order: they may as well be of {shops}", len(silent), kinds=kinds, shops=", ".join(rest)))
    for shop, found in groups.items():
        both = len(_numbers(found.bills) & own[shop])
        found.because.append(_("own orders name it {name}: {n} order numbers in common", name=shop, n=both))
    for name in sorted({shop for account in shared.values() for shop in account.orders} - groups.keys()):
        groups[name] = Found(name, because=[_("own orders name it; no file of it alone was found")])
    return groups, shared, others


def _by_folder(bills: Iterable[Bill]) -> dict[str, Found]:
    groups: dict[str, Found] = {}
    for bill in bills:
        if bill.top and bill.top != COMPANY:
            found = groups.setdefault(bill.top, Found(bill.top, because=[_("the folder {folder}", folder=f"inbox/{bill.top}")]))
            found.bills.append(bill)
    return groups


def _shared_folders(groups: dict[str, Found], own: Mapping[str, frozenset[str]]) -> dict[str, Shared]:
    """The folders of accounts, taken out of the groups: they list no orders, and know those of several shops."""
    shared: dict[str, Shared] = {}
    for name, found in sorted(groups.items()):
        numbers = _numbers(found.bills)
        if name in own or any(bill.has_orders for bill in found.bills):
            continue
        known = {shop: len(numbers & (own.get(shop, frozenset()) | _numbers(bill for bill in other.bills if bill.has_orders)))
                 for shop, other in sorted(groups.items()) if shop != name}
        orders = {shop: n for shop, n in known.items() if n * 100 >= _SHARED * len(numbers) and n}
        if len(orders) > 1:
            shared[name] = Shared(name, orders, groups.pop(name).bills)
        elif orders:
            [(shop, n)] = orders.items()
            found.open.append(_(
                "{n} order numbers of {name} are those of {shop}. If it is how the buyers of that shop pay, put its files into that shop's "
                "folder, name it there as provider, and take this shop out.", n=n, name=name, shop=shop))
    return shared


def _adopt(groups: dict[str, Found], homeless: list[Bill]) -> None:
    """Bills that stand in no folder of an inbox go to the shop that knows their orders, else to one of their own."""
    for name, found in _by_orders(homeless).items():
        numbers = _numbers(found.bills)
        known = {shop: len(numbers & _numbers(other.bills)) for shop, other in groups.items()}
        best = max(known, key=lambda shop: (known[shop], shop), default="")
        if best and known[best]:
            groups[best].bills += found.bills
        else:
            _put(groups, name, found)


def _put(groups: dict[str, Found], name: str, found: Found) -> None:
    """One shop more, under a name that none has."""
    found.name = name if name not in groups else f"{name}-2"
    groups[found.name] = found


def _by_orders(bills: list[Bill]) -> dict[str, Found]:
    """Channels are shops of their own until they know the same orders. One channel in several folders is several shops, where the
    folders are not just days and the same days come in both."""
    parts: dict[tuple[str, str], list[Bill]] = {}
    for bill in bills:
        parts.setdefault((bill.channel, bill.top if _tells_shops(bill, bills) else ""), []).append(bill)
    names: dict[tuple[str, str], str] = {}
    for channel, top in sorted(parts):
        names[channel, top] = slug(f"{channel}-{top}" if top else channel)
    groups = {names[key]: Found(names[key], listed) for key, listed in sorted(parts.items())}
    while pair := _same_shop(groups):
        into, gone, number, smaller = pair
        groups[into].bills += groups[gone].bills
        groups[into].because += [
            _("{one} knows {n} of {all} order numbers of {other}", one=gone, n=number, all=smaller, other=into), *groups.pop(gone).because]
    for name, found in groups.items():
        others = [other for other in groups if other != name]
        if not found.because and others and not any(bill.has_orders for bill in found.bills):
            found.open.append(_(
                "no order number of {name} is one of {others}. If it is how the buyers of one of them pay, put its files into that shop's "
                "folder, name it there as provider, and take this shop out.", name=name, others=", ".join(others)))
    return groups


def _tells_shops(bill: Bill, bills: list[Bill]) -> bool:
    """Whether the first folder of a bill tells shops of one channel apart: the same kind for the same day stands in another one too."""
    if not bill.top or _DATE.fullmatch(bill.top):
        return False
    others = [b for b in bills if b.spec.name == bill.spec.name and b.top != bill.top and b.top and not _DATE.fullmatch(b.top)]
    return any(bill.days & other.days and not (bill.numbers & other.numbers) for other in others)


def _numbers(bills: Iterable[Bill]) -> frozenset[str]:
    return frozenset().union(*(bill.numbers for bill in bills))


def _same_shop(groups: dict[str, Found]) -> tuple[str, str, int, int] | None:
    """(shop, other that is the same, how many order numbers of the smaller one both know, how many it has) of the surest pair."""
    best: tuple[int, str, str, int] | None = None
    for one, left in groups.items():
        for two, right in groups.items():
            mine, other = _numbers(left.bills), _numbers(right.bills)
            shared, smaller = len(mine & other), min(len(mine), len(other))
            # orders lead; of two without, or with, the first by name
            leads = (not any(b.has_orders for b in left.bills), one) < (not any(b.has_orders for b in right.bills), two)
            if one != two and leads and shared and shared * 100 >= _SHARED * smaller and (best is None or shared > best[0]):
                best = (shared, one, two, smaller)
    return (best[1], best[2], best[0], best[3]) if best else None


def _own(bills: Iterable[Bill]) -> dict[str, frozenset[str]]:
    """The shops that own orders name, each with its order numbers."""
    found: dict[str, frozenset[str]] = {}
    for bill in bills:
        for shop, numbers in bill.own.items():
            found[shop] = found.get(shop, frozenset()) | numbers
    return found


def _renamed(groups: dict[str, Found], own: dict[str, frozenset[str]]) -> dict[str, Found]:
    """The groups under the names that own orders have for them, where they know the same orders."""
    renamed: dict[str, Found] = {}
    for found in groups.values():
        numbers = _numbers(found.bills)
        shared = {shop: len(numbers & theirs) for shop, theirs in own.items() if shop}
        best = max(shared, key=lambda shop: (shared[shop], shop), default="")
        if best and shared[best] and best not in renamed:
            found.because.append(_("own orders name it {name}: {n} order numbers in common", name=best, n=shared[best]))
            found.name = best
            found.open.clear()
        renamed[found.name] = found
    return renamed


def _shared_warehouses(bills: Iterable[Bill], own: Mapping[str, frozenset[str]], taken: set[str]) -> dict[str, Shared]:
    """The warehouses that send orders of several shops and say of no shipment whose it is."""
    sent: dict[str, frozenset[str]] = {}
    for bill in bills:
        if "" in bill.warehouses:
            for warehouse, numbers in bill.sent.items():
                sent[warehouse] = sent.get(warehouse, frozenset()) | numbers
    of = {warehouse: {shop: n for shop in sorted(own) if shop and (n := len(numbers & own[shop]))} for warehouse, numbers in sent.items()}
    return {name: Shared(name, orders) for name, orders in sorted(of.items()) if len(orders) > 1 and name not in taken}


def _warehouses(bills: Iterable[Bill], groups: dict[str, Found], own: Mapping[str, frozenset[str]]) -> None:
    """The warehouse of each shop: the only one that sends its orders or that its shipments name, else the only one there is."""
    bills, of_shop = list(bills), dict[str, set[str]]()
    for shop, numbers in own.items():
        of_shop[shop] = {warehouse for bill in bills for warehouse, sent in bill.sent.items() if sent & numbers}
    for bill in bills:
        for shop, names in bill.warehouses.items():
            of_shop.setdefault(shop, set()).update(names)
    every = set().union(*of_shop.values()) if of_shop else set()
    for name, found in groups.items():
        named = of_shop.get(name, set())
        only = named if len(named) == 1 else every if len(every) == 1 else set()
        found.warehouse = next(iter(only), "")
        if not found.warehouse and every:
            found.open.append(_("from which warehouse it sends: {warehouses}", warehouses=", ".join(sorted(every))))


def slug(text: str) -> str:
    """A text as the name of a folder: letters, digits, `_`, `.` and `-`."""
    return re.sub(r"[^\w.-]+", "-", text.strip()).strip("-.").lower() or "shop"


def days_text(days: Iterable[date]) -> str:
    """Days as their first, their last and how many there are."""
    ordered = sorted(days)
    if not ordered:
        return _("no day")
    return f"{ordered[0]}" if len(ordered) == 1 else _("{first} to {last}, {n} days", first=ordered[0], last=ordered[-1], n=len(ordered))
