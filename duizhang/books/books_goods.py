"""What books.yaml says of goods and of accounts that several shops share: codes, sets, and whose a row is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=9, decimal_places=8)]
_Pieces = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=4)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SkuCode(_Closed):
    """From a day on, `code` of a platform, provider or warehouse (`system`; `books` is our own order system) is our `sku`.

    system: '' is every one of them but our own order system; shop: '' is every shop. The narrower entry wins: that of system
    and shop, then of the system, then of the shop. An empty sku ends the entry. from_day: the start of the books by default.
    """

    code: Annotated[str, Field(min_length=1)]
    sku: str
    system: str = ""
    shop: str = ""
    from_day: dt.date | None = None


class BundlePart(_Closed):
    """So many pieces of a SKU in a set, and its share of the set's price (0..1)."""

    sku: Annotated[str, Field(min_length=1)]
    quantity: _Pieces = Decimal(1)
    share: _Share | None = None


class Bundle(_Closed):
    """From a day on (the start of the books by default) the set `sku` is made of these parts, all of them.

    Only the last part may leave out its share: it takes the rest, as it takes what rounding leaves.
    """

    sku: Annotated[str, Field(min_length=1)]
    parts: Annotated[tuple[BundlePart, ...], Field(min_length=1)]
    from_day: dt.date | None = None

    @model_validator(mode="after")
    def _whole(self) -> Bundle:
        shares = [part.share for part in self.parts]
        if None in shares[:-1]:
            raise ValueError(f"set {self.sku}: only the last part may leave out its share")
        given = sum((share for share in shares if share is not None), Decimal(0))
        if given > 1 or (shares[-1] is not None and given != 1):
            raise ValueError(f"set {self.sku}: the shares of the parts make {given}, not 1")
        skus = [part.sku for part in self.parts]
        if len(set(skus)) < len(skus) or self.sku in skus:
            raise ValueError(f"set {self.sku}: a part stands there twice, or is the set itself")
        return self


class Gift(_Closed):
    """A SKU that is given along with orders of a shop ('' = all) from a day to another: up to `per_order` pieces in a parcel need no order
    line, and a line of it without a price needs none on the other side."""

    sku: Annotated[str, Field(min_length=1)]
    from_day: dt.date
    until_day: dt.date | None = None
    shop: str = ""
    per_order: _Pieces = Decimal(1)


class NotShipped(_Closed):
    """A SKU that is sold and never sent, as a gift card, a service or a download is, in a shop ('' = all), from a day on (the start of the
    books by default): no parcel is missing for it."""

    sku: Annotated[str, Field(min_length=1)]
    shop: str = ""
    from_day: dt.date | None = None


class PlacingRule(_Closed):
    """Rows of a shared account whose order or transaction number begins so are the shop's, where no order of that number is known."""

    shop: str
    order_prefix: str = ""
    transaction_prefix: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> PlacingRule:
        if not self.order_prefix and not self.transaction_prefix:
            raise ValueError("a rule needs an order_prefix or a transaction_prefix")
        return self


class SharedAccount(_Closed):
    """A provider's account, a warehouse or a carrier's contract of several shops.

    The files of a provider's account stand in `inbox/<name of the account>/`; rows of `warehouse`, or of `carrier`, are those of the
    company's files that name no shop. A row is of the shop whose order it names, among the orders known up to its day; else a rule
    says it; else it stands under `unassigned/<name of the account>` until its order comes.
    """

    shops: Annotated[tuple[str, ...], Field(min_length=2)]
    provider: str = ""
    warehouse: str = ""
    carrier: str = ""
    entity: str | None = None
    rules: tuple[PlacingRule, ...] = ()

    @model_validator(mode="after")
    def _of_one_kind(self) -> SharedAccount:
        if sum(map(bool, (self.provider, self.warehouse, self.carrier))) != 1:
            raise ValueError("a shared account has a provider, a warehouse or a carrier: one of them")
        return self


__all__ = ["Bundle", "BundlePart", "Gift", "NotShipped", "PlacingRule", "SharedAccount", "SkuCode"]
