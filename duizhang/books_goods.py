"""What books.yaml says of goods: whose codes stand for which of our SKUs, and what a set is made of."""

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


__all__ = ["Bundle", "BundlePart", "SkuCode"]
