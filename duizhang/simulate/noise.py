"""What nobody planned for: references that people and machines damaged, deposits that put payouts together, files sent again.

The business stays as it was and its faults stay in it; orders that are broken, paid in parts, refunded or not shipped are hit as
any other. What belongs together is kept in `links`, so that a proposal can be right or wrong.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from duizhang.simulate.chart import account_of
from duizhang.simulate.raw_rows import Records
from duizhang.simulate.world import PROVIDERS, World, dates, digits

# of the payments, of the payouts, and of the refunds, so many are hit
DAMAGED_PAYMENTS, FREE_TEXTS, BATCHED, ELSEWHERE = 0.08, 0.6, 0.4, 0.15
_LOOK_ALIKES = {"0": "O", "1": "l", "5": "S", "8": "B", "2": "Z"}
_WORDS = {
    "alipay": ("TRF FROM ALIPAY", "ALIPAY CN SETTLEMENT"), "wechat": ("TENPAY PAYMENT", "WECHAT PAY TRANSFER"),
    "jd": ("JD.COM SETTLEMENT", "FROM JINGDONG"),
}


@dataclasses.dataclass(frozen=True)
class Link:
    """What a matching pass should put together: keys of one leg whose records are one, and what was done to them."""

    leg: str
    entity: str
    currency: str
    kind: str
    members: tuple[str, ...]


def _cut(text: str, rng: np.random.Generator) -> str:
    size = int(rng.integers(2, 5))
    return text[:-size] if rng.random() < 0.7 else text[size:]


def _doubled(text: str, rng: np.random.Generator) -> str:
    if rng.random() < 0.4:
        return text + text
    at = int(rng.integers(2, len(text) - 1))
    return text[:at] + text[at] + text[at:]


def _blanks(text: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(3, len(text) - 2))
    return f"{text[:at]} {text[at:]}"


def _look_alike(text: str, rng: np.random.Generator) -> str:
    places = [i for i, ch in enumerate(text) if ch in _LOOK_ALIKES]
    hit = set(rng.permutation(places)[: int(rng.integers(1, 3))].tolist())
    return "".join(_LOOK_ALIKES[ch] if i in hit else ch for i, ch in enumerate(text))


def _swapped(text: str, rng: np.random.Generator) -> str:
    places = [i for i in range(len(text) - 1) if text[i] != text[i + 1] and text[i].isdigit() and text[i + 1].isdigit()]
    if not places:
        return text
    at = int(rng.permutation(places)[0])
    return text[:at] + text[at + 1] + text[at] + text[at + 2:]


DAMAGE: dict[str, Callable[[str, np.random.Generator], str]] = {
    "cut": _cut, "doubled": _doubled, "blanks": _blanks, "look_alike": _look_alike, "swapped": _swapped,
}


def damage_payments(world: World, records: Records, rng: np.random.Generator) -> list[Link]:
    """Damage the order numbers of some payments in the providers' trade bills; what the order's leg must then show is theirs.

    Half of those that are hit have the amount of another one of the shop and day.
    """
    paid = records.payments.with_row_index("row")
    known = records.books.filter("is_paid")["o"].unique().implode()
    able = paid.filter(
        pl.col("o").is_in(known) & (pl.col("provider") != "jd") & (pl.col("day") < world.plan.early(1)) & (pl.col("amount") > 0)
    ).with_columns(alike=pl.len().over("shop", "day", "amount"))
    count = round(DAMAGED_PAYMENTS * paid.height)
    crowded, others = able.filter(pl.col("alike") > 1)["row"].to_list(), able["row"].to_list()
    picked = dict.fromkeys(np.array(crowded)[rng.permutation(len(crowded))].tolist()[: count // 2]) if crowded else {}
    picked |= dict.fromkeys(np.array(others)[rng.permutation(len(others))].tolist()[: count - len(picked)])
    taken, given, links = set(records.payments["order_id"].to_list()) | set(world.orders["order_id"].to_list()), {}, []
    hit: set[int] = set()
    kinds = list(DAMAGE)
    for number, (row, o, shop, entity, currency, order_id) in enumerate(
        able.filter(pl.col("row").is_in(list(picked))).select("row", "o", "shop", "entity", "currency", "order_id").iter_rows()
    ):
        kind = kinds[number % len(kinds)]
        damaged = DAMAGE[kind](order_id, rng)
        if damaged in taken or o in hit:
            continue
        taken.add(damaged)
        hit.add(o)
        given[row] = damaged
        links.append(Link("order_payment", entity, currency, kind, (f"{shop}/{order_id}", f"{shop}/{damaged}")))
    rows = pl.DataFrame({"row": list(given), "now": list(given.values())}, schema={"row": pl.UInt32, "now": pl.String})
    records.payments = paid.join(rows, on="row", how="left", maintain_order="left").with_columns(
        order_id=pl.coalesce("now", "order_id"), damaged=pl.col("now").is_not_null()).drop("row", "now")
    # what else is wrong with the order's money shows in the pair, and not under a name of its own
    orders = {link.members[0] for link in links}
    records.marks = [mark for mark in records.marks if not (mark[1] == "order_payment" and mark[0] in hit)]
    records.marks += [(o, "order_payment", "wrong_reference") for o in sorted(hit)]
    records.seconds = [second for second in records.seconds if not (second[0] == "order_payment" and second[1] in orders)]
    return links


def refund_elsewhere(world: World, records: Records, rng: np.random.Generator) -> pl.DataFrame:
    """Pay some refunds that the books have from the bank account, and not by the provider who took the payment: the bank's entries.

    Of orders without another fault; the bank names neither the order nor the buyer.
    """
    broken = {o for o, _, _ in records.marks}
    able = records.provider_refunds.filter(
        pl.col("provider").is_in(["alipay", "wechat"]) & (pl.col("day") < world.plan.early(2)) & pl.col("o").is_in(list(broken)).not_()
    )
    able = able.join(records.books_refunds, on="o", how="semi", maintain_order="left")
    rows = rng.permutation(able.height)[: round(ELSEWHERE * records.provider_refunds.height)].tolist()
    picked = able[sorted(rows)]
    orders = picked["o"].to_list()
    hit = pl.col("o").is_in(orders)
    records.provider_refunds = records.provider_refunds.filter(~hit)
    records.fund = records.fund.filter(~(hit & ((pl.col("kind") == "refund") | (pl.col("refund_id") != ""))))
    records.marks += [(o, leg, "refund_elsewhere") for o in orders for leg in ("order_payment", "return_refund")]
    return picked.select(
        "day", amount=-pl.col("amount"), reference=pl.lit(""), abroad=pl.lit(value=False), off=pl.lit(0, pl.Int64),
        original=pl.lit(0, pl.Int64), converted=pl.lit(0, pl.Int64), gain=pl.lit(0, pl.Int64),
        account=pl.col("provider").replace_strict(account_of(world.plan), return_dtype=pl.String),
        number=pl.lit(0, pl.Int64), entry_id="R" + dates(world.plan, pl.col("day")) + digits(pl.col("o") + 1, 8),
        text=pl.lit(None, pl.String), provider=pl.lit(""),
    )


def damage_bank(world: World, entries: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, list[Link]]:
    """Payouts that the bank credits together, days apart, or under free text that names them badly or not at all."""
    plan = world.plan
    bank = entries.with_row_index("row")
    links: list[Link] = []
    gone: set[int] = set()
    texts: dict[int, str] = {}
    sums: dict[int, int] = {}
    named: set[int] = set()
    for provider in _WORDS:
        owner = plan.owners[PROVIDERS.index(provider)]
        credits = bank.filter((pl.col("provider") == provider) & (pl.col("reference") != "") & (pl.col("amount") > 0)).sort("day")
        rows = list(credits.select("row", "day", "amount", "reference", "entry_id", "account").iter_rows())
        free = [place for place in range(len(rows)) if rows[place][1] < plan.early(2)]
        batches = round(BATCHED * len(free) / 2.5)
        for number in range(batches):
            members = _apart(rows, free, 2 + number % 2, rng)
            if not members:
                break
            free = [place for place in free if place not in members]
            last = rows[members[-1]]
            gone.update(rows[place][0] for place in members[:-1])
            sums[last[0]] = sum(rows[place][2] for place in members)
            texts[last[0]] = _text(provider, "", rng)
            links.append(Link("payout_bank", owner, plan.currency, "batch", (
                f"bank/{last[5]}/{last[4]}", *(rows[place][3] for place in members))))
        kinds = list(DAMAGE)
        for number, place in enumerate(sorted(rng.permutation(free)[: round(FREE_TEXTS * len(free))].tolist())):
            row, _, _, reference, entry, account = rows[place]
            kind = kinds[number % len(kinds)] if number % 3 else "no reference"
            written = DAMAGE[kind](reference, rng) if kind in DAMAGE else ""
            texts[row] = _text(provider, written, rng)
            # twice over, or with a blank in it, it is read as it is: nothing is wrong with that line
            if reference in re.sub("[^0-9A-Z]", "", written):
                named.add(row)
                continue
            said = "damaged" if kind in DAMAGE else kind
            links.append(Link("payout_bank", owner, plan.currency, f"free text, {said}", (reference, f"bank/{account}/{entry}")))
    changed = pl.DataFrame(
        {"row": list(texts), "text_now": list(texts.values()), "sum": [sums.get(row) for row in texts]},
        schema={"row": pl.UInt32, "text_now": pl.String, "sum": pl.Int64})
    now = bank.join(changed, on="row", how="left", maintain_order="left").filter(~pl.col("row").is_in(list(gone))).with_columns(
        amount=pl.coalesce("sum", "amount"), text=pl.coalesce("text_now", "text"),
        reference=pl.when(pl.col("text_now").is_not_null() & ~pl.col("row").is_in(list(named))).then(pl.lit("")).otherwise("reference"),
    ).drop("row", "text_now", "sum")
    return now, links


def _apart(rows: Sequence[tuple[int, int, int, str, str, str]], free: Sequence[int], size: int, rng: np.random.Generator) -> list[int]:
    """Places of so many payouts, none on the day after another one, all within a week."""
    for start in rng.permutation(free).tolist():
        members = [start]
        for place in free:
            if rows[place][1] - rows[members[-1]][1] >= 2 and rows[place][1] - rows[start][1] <= 6:
                members.append(place)
            if len(members) == size:
                return members
    return []


def _text(provider: str, reference: str, rng: np.random.Generator) -> str:
    """The words of a bank's line; one in five says nothing of who paid."""
    words = _WORDS[provider][int(rng.integers(0, 2))] if rng.random() < 0.8 else "CREDIT ADVICE"
    return " ".join(part for part in (words, reference, f"OPR {int(rng.integers(100, 999))}") if part)


def contradict_file(inbox: Path, rng: np.random.Generator) -> tuple[str, str]:
    """A second download of the card provider's bill states another amount for one transaction: the transaction, and the file."""
    bills = sorted(path for path in inbox.glob("us-01/*/settlement_*.csv") if len(path.read_text(encoding="utf-8").splitlines()) > 1)
    if not bills:
        return "", ""
    bill = bills[int(rng.integers(0, len(bills)))]
    head, *rows = [line.split(",") for line in bill.read_text(encoding="utf-8").splitlines()]
    charges = [row for row in rows if row[head.index("type")] == "charge"]
    row = charges[int(rng.integers(0, len(charges)))]
    for column in ("gross", "net"):
        row[head.index(column)] = f"{Decimal(row[head.index(column)]) + 10:.2f}"
    again = bill.with_name(f"again {bill.name}")
    again.write_text("".join(",".join(cells) + "\n" for cells in (head, *rows)), encoding="utf-8")
    return row[head.index("transaction_id")], f"us-01/{bill.parent.name}/{again.name}"


def repeat_files(inbox: Path, rng: np.random.Generator) -> int:
    """Some files come again under another name, some stand in the folder of a later day; the number of those."""
    folders = sorted(path for path in inbox.glob("*/*") if path.is_dir())
    moved = 0
    for folder, later in pairwise(folders):
        # a file without a row stands for the day of its folder, and small shops have such files
        if folder.parent != later.parent or folder.parent.name not in ("company", "tb-01"):
            continue
        for path in sorted(folder.iterdir()):
            chance = rng.random()
            if chance < 0.02:
                shutil.copy(path, later / f"copy of {path.name}")
                moved += 1
            elif chance < 0.04 and not (later / path.name).exists():
                path.rename(later / path.name)
                moved += 1
    return moved
