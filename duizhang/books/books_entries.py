"""The entries of books.yaml, one class a thing that it may say something of: a shop, an account, a rate card, a database.

What stands in several of them, and how they go together, is in `duizhang.books`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Entry(BaseModel):
    """An unknown key is an error, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shop(Entry):
    """One shop on one platform. Its files stand in `inbox/<shop id>/`, or state one of `accounts`.

    name: what people, and the company's own systems in their exports, call it. currency: of its amounts whose files name
    none, where it is not that of the books.

    compare_by: what our own orders are held against the platform's by: `line` (its number), `sku` where our own system does not keep
    the numbers (status is no longer compared, and two lines of a SKU are one), `order` (nor SKUs; only amount and pieces are).
    currency: of what it takes, also of its files that name none.
    """

    platform: str
    name: str = ""
    entity: str | None = None
    provider: str = ""
    warehouse: str = ""
    compare_by: Literal["line", "sku", "order"] = "line"
    currency: str | None = None
    accounts: tuple[str, ...] = ()


class BankAccount(Entry):
    """An account at a bank. entity: whose it is; currency: that of statements which name none; payout_numbers: whether they print the
    numbers of providers' payouts. Where they do not, a credit that names a provider is the only payout of it that has its amount.
    """

    entity: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    payout_numbers: bool = True


class Account(Entry):
    """A ledger account and the sub-ledger measure that it must equal, debit positive.

    measure: sales (books order lines, credit), sales_refunds (books refunds, debit), provider_fees (fees on the
    provider's account, debit), clearing (all that moves our account with a provider, what it pays out too, debit), bank (bank
    statement, debit), fx_gain_loss (what conversion by the bank gained, credit).
    entity: whose account it is; else that of `shop` or `bank_account`, else the books' own.
    """

    name: str = ""
    measure: Literal["sales", "sales_refunds", "provider_fees", "clearing", "bank", "fx_gain_loss"]
    shop: str = ""
    provider: str = ""
    bank_account: str = ""
    entity: str | None = None


class RateTier(Entry):
    """The part of an amount up to `up_to` (the last tier has none) and its percentage."""

    up_to: Decimal | None = None
    percent: Decimal


class RateCard(Entry):
    """What a provider, platform or carrier is to charge from a day on, until the next card of the same kind.

    fee, commission: `percent` of the amount, or `tiers` (each part of the amount by its own tier), plus `fixed`, at least
    `minimum`, at most `cap`; rounded half away from zero to the smallest unit of the currency. category: only for lines
    of SKUs of that category; lines without a card of their own go by the card without category. on_refund: whether the
    provider gives the same share back when the buyer is refunded.
    freight: `first_price` for the first `first_weight` kilograms, `step_price` for each `step_weight` begun after it;
    a card without zone holds for every zone that has none of its own. currency: what a freight card's prices are in, that
    of the books by default. A fee or commission card that names one is for amounts in it, and comes before those that name none.
    """

    kind: Literal["fee", "commission", "freight"]
    provider: str
    from_day: dt.date
    percent: Decimal | None = None
    tiers: tuple[RateTier, ...] = ()
    fixed: Decimal | None = None
    minimum: Decimal | None = None
    cap: Decimal | None = None
    category: str = ""
    on_refund: Literal["kept", "returned"] = "kept"
    zone: str = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    first_weight: Decimal | None = None
    first_price: Decimal | None = None
    step_weight: Decimal | None = None
    step_price: Decimal | None = None

    @model_validator(mode="after")
    def _complete(self) -> RateCard:
        if self.kind == "freight":
            if self.first_price is None or self.first_weight is None:
                raise ValueError("a freight card needs first_weight and first_price")
            if (self.step_weight is None) != (self.step_price is None) or (self.step_weight or 1) <= 0:
                raise ValueError("a freight card needs step_weight (more than 0) and step_price together")
        elif (self.percent is None) == (not self.tiers):
            raise ValueError(f"a {self.kind} card needs either percent or tiers")
        bounds = [tier.up_to for tier in self.tiers]
        limits = [bound for bound in bounds if bound is not None]
        if bounds and (bounds[-1] is not None or None in bounds[:-1] or limits != sorted(set(limits))):
            raise ValueError("tiers go up by up_to, and only the last one has none")
        return self


class FxRate(Entry):
    """From a day on, one unit of `base` is worth `rate` of `quote`; rates of a file win over these."""

    base: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    quote: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    from_day: dt.date
    rate: Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=8)]


class PolicyChange(Entry):
    """A declared change of accounting policy or estimate; differences that it explains are `policy_change`.

    key: only keys that begin so (an account, a shop). percent: only where right = left less so many per cent of it,
    rounded to the smallest unit of the currency.
    """

    leg: str
    from_day: dt.date
    description: str
    until_day: dt.date | None = None
    key: str = ""
    percent: Decimal | None = None


class Instalments(Entry):
    """Orders of a shop ('' = all) that are paid in parts, a deposit and its balance or more: the rest is due `days` days after
    the order, for orders from `from_day` to `until_day`."""

    from_day: dt.date
    until_day: dt.date | None = None
    shop: str = ""
    days: Annotated[int, Field(ge=0, le=400)]


class FeeBilling(Entry):
    """A provider that bills its fees once a month and not with every trade; the bill is there `days` days after the month."""

    provider: str
    from_day: dt.date
    days: Annotated[int, Field(ge=0, le=90)] = 5


class StockAllocation(Entry):
    """Stock that a shop shows below the warehouse's on purpose: `keep` pieces, and `percent` of the level rounded up, are held
    back; never more than there is. sku: '' = all. What begins latest counts, that of the SKU before that of all."""

    shop: str
    from_day: dt.date
    sku: str = ""
    keep: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(0)


class Database(Entry):
    """A query that gives own rows, pulled again from the newest watermark less `overlap` (3d, 12h, 30m; 1000 for numbers) on."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    url_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    query: str
    source: str
    watermark: str
    overlap: Annotated[str, Field(pattern=r"^\d{1,6}[dhm]?$")] = "3d"
    shop: str = ""


class PseudonymKey(Entry):
    """Where the key of the pseudonyms is: an environment variable first, else a file beside books.yaml."""

    env: str = "DUIZHANG_PSEUDONYM_KEY"
    file: str = "pseudonym.key"


class Retention(Entry):
    """Years for which raw files are kept, from the end of the year of their last business day; by default what Chinese law asks of
    accounting records. unused: files that no book uses, whose rows nothing obliges anybody to keep."""

    voucher: Annotated[int, Field(ge=1, le=100)] = 30
    bank_statement: Annotated[int, Field(ge=1, le=100)] = 10
    unused: Annotated[int, Field(ge=0, le=100)] = 1


class SourceReading(Entry):
    """How files of a source are read that do not tell it themselves: 03/05 as day or month first, `.` or `,` before the cents, a
    column of fees as part of the amounts (`included`) or charged beside them (`apart`), amounts as they are signed (`signed`) or as
    charges of a card, which are positive and money out (`charges`), debits as money out, as a bank has them (`bank`), or as money in, as
    a ledger of one's own has them (`ledger`), and the currency of rows that name none."""

    dates: Literal["", "day", "month"] = ""
    decimal: Literal["", ".", ","] = ""
    fees: Literal["", "included", "apart"] = ""
    amounts: Literal["", "signed", "charges"] = ""
    sides: Literal["", "bank", "ledger"] = ""
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""


class Counterparty(Entry):
    """Whom letters go to; its name is meant, however like a known provider's. name and address: as they stand in the letter; claim_days:
    how long after a difference was first seen the contract lets it be claimed."""

    name: str = ""
    address: str = ""
    claim_days: Annotated[int, Field(gt=0)] | None = None


class Webhook(Entry):
    """Where a feed is sent: environment variables with its address (https, or http on this machine) and the secret it is signed with."""

    url_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    secret_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Feed(Entry):
    """Corrections for a system that has records of ours: decisions of these kinds whose money is in an item of these legs."""

    legs: Annotated[tuple[str, ...], Field(min_length=1)]
    decisions: tuple[Literal["correct", "adjust", "reclassify", "write_off"], ...] = ("correct", "adjust")
    format: Literal["csv", "json"] = "json"
    webhook: Webhook | None = None


class Notify(Entry):
    """Somebody who is told. address: as apprise has them (dingtalk://, wecombot://, feishu://, slack://, mailtos://), with ${NAME} for what
    stands in the environment; on: held days, days that are ready to be signed, deadlines that passed, sources that fell silent."""

    address: Annotated[str, Field(pattern=r"^[a-z0-9+]+://")]
    on: tuple[Literal["held", "ready", "overdue", "silent"], ...] = ("held", "ready", "overdue", "silent")


class Certify(Entry):
    """Days that are quiet enough to be signed by the machine, as maker and checker at once. key: its public key, as `duizhang key new`
    shows it. open_money: what may be open at most beside timing, in the currency of the books (nothing in any other); open_pieces: pieces;
    match_rate: the least of every leg. Nothing may be overdue or decided by people, and the volume has to be in its usual band."""

    key: Annotated[str, Field(pattern=r"^ed25519:[A-Za-z0-9_-]{43}$")]
    open_money: Annotated[Decimal, Field(ge=0)]
    open_pieces: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    match_rate: Annotated[Decimal, Field(ge=0, le=1)]


class JournalAccounts(Entry):
    """Accounts that proposed entries use. by_cause: where the other side of an entry goes, by the cause of the difference; clearing: the
    account of money on its way, by provider; else `write_off` (of what was written off) or `suspense`, and `cash_in_transit`."""

    write_off: str = "6711.01"
    suspense: str = "1221.99"
    receivable: str = "1122"
    cash_in_transit: str = "1012.99"
    inventory: str = "1405"
    fees: str = "6603"
    by_cause: dict[str, str] = {}
    clearing: dict[str, str] = {}
