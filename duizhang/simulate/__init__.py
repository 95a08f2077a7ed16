"""A made-up business whose raw files have true formats and whose every mistake is known.

`simulate` writes a day's files for each day of a plan, books.yaml and truth.parquet; `score` compares what was
published with that truth. Nothing here uses the pipeline, so the truth is a second opinion.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TypedDict

import numpy as np
import polars as pl

from duizhang.errors import UserError
from duizhang.simulate import company, real_files, shops
from duizhang.simulate.break_kinds import choose
from duizhang.simulate.breaks import inject
from duizhang.simulate.chart import bank_accounts
from duizhang.simulate.noise import Link, contradict_file, damage_bank, damage_payments, refund_elsewhere, repeat_files
from duizhang.simulate.raw_rows import Records, build_records, jd_statement
from duizhang.simulate.score import Score, score
from duizhang.simulate.settings import write_settings
from duizhang.simulate.sums import Totals, add_up
from duizhang.simulate.truth import build_truth, write_links, write_truth
from duizhang.simulate.world import ENTITIES, HOMES, SHOPS, Plan, World, build_world

__all__ = ["Outcome", "Plan", "Score", "score", "simulate"]


MOST = 10**6  # what amounts may be multiplied by: sums of a large company still fit 64 bits


class Outcome(TypedDict):
    """What a simulation wrote. asked: orders that the break rate is of, broken: those that have a fault, or lie in a gap."""

    files: int
    orders: int
    asked: int
    broken: int
    injected: dict[str, int]
    natural: int


def simulate(out: Path, plan: Plan) -> Outcome:
    """Write inbox/, books.yaml, pseudonym.key and truth.parquet below `out`; the same plan gives the same bytes.

    UserError: an impossible plan, or an `out` whose inbox already holds files.
    """
    if plan.days < 1 or plan.orders_per_day < 1:
        raise UserError("days and orders-per-day must be at least 1")
    if not 0 <= plan.break_rate <= 0.5:
        raise UserError(f"break-rate {plan.break_rate} is not between 0 and 0.5", advice="0.005 is half a per cent.")
    if plan.currency not in HOMES:
        raise UserError(f"currency {plan.currency} is not one that a simulation has", advice=f"It is one of {', '.join(HOMES)}.")
    if plan.entities not in ENTITIES or not 1 <= plan.scale <= MOST:
        raise UserError(f"entities are 1 to {len(ENTITIES)}, and scale 1 to {MOST:,}")
    inbox = out / "inbox"
    if inbox.exists() and any(inbox.iterdir()):
        raise UserError(f"{inbox} is not empty", advice="Choose a new folder, or remove that one first.")
    if plan.company == "real":
        if plan.noise != "easy":
            raise UserError("hard noise is made for the demo company alone", advice="Leave out --noise or --company.")
        if (plan.scale, plan.currency, plan.entities) != (1, "CNY", 2):
            raise UserError("scale, currency and entities are those of the demo company alone", advice="Leave them out, or --company.")
        return _real(out, plan)
    # One stream of numbers a stage: more breaks do not change the business.
    streams = [np.random.default_rng([plan.seed, stage]) for stage in range(4)]
    world = build_world(plan, streams[0])
    records = build_records(world)
    chosen: dict[str, list[int]] = {}
    if plan.break_rate > 0:
        chosen = choose(world, streams[1])
        records = inject(world, records, chosen, streams[2])
    else:
        records.jd_bill = jd_statement(world, records, [])
    # what is damaged is drawn last, so that hard noise changes neither the business nor its faults
    noise = np.random.default_rng([plan.seed, len(streams)])
    elsewhere = refund_elsewhere(world, records, np.random.default_rng([plan.seed, len(streams) + 1])) if plan.noise != "easy" else None
    links = damage_payments(world, records, noise) if plan.noise != "easy" else []
    named: list[Link] = []

    def change_bank(bank: pl.DataFrame) -> pl.DataFrame:
        if elsewhere is None:
            return bank
        bank, found = damage_bank(world, bank, noise)
        named.extend(found)
        paid_back = elsewhere.select(pl.col(name).cast(kind) for name, kind in bank.schema.items())
        return pl.concat([bank, paid_back]).sort("day", maintain_order=True)

    totals = add_up(world, records, streams[3], plan.break_rate, change_bank)
    totals.marks += [(link.leg, key, "wrong_reference") for link in named for key in link.members]
    files = write_files(out, world, records, totals)
    if plan.noise != "easy":
        repeat_files(inbox, noise)
        write_links(out / "links.parquet", [*links, *named])
    if plan.noise == "contradictory":
        contradict_file(inbox, noise)
    truth = build_truth(world, records, totals)
    write_truth(out / "truth.parquet", world, truth)
    causes = truth.filter("injected").group_by("cause").len().sort("cause")
    return Outcome(files=files, orders=world.orders.height, asked=plan.asked(world.orders.height),
                   broken=len({o for orders in chosen.values() for o in orders}), injected=dict(causes.iter_rows()),
                   natural=truth.filter(~pl.col("injected")).height)


def _real(out: Path, plan: Plan) -> Outcome:
    files, made = real_files.write(out, plan)
    causes = Counter(row["cause"] for row in made.truth)
    orders = plan.days * plan.orders_per_day
    return Outcome(files=files, orders=orders, asked=plan.asked(orders), broken=made.broken,
                   injected=dict(sorted(causes.items())), natural=0)


def write_files(out: Path, world: World, records: Records, totals: Totals) -> int:
    """books.yaml, the key and the files of every day below `out`; how many files the inbox has."""
    out.mkdir(parents=True, exist_ok=True)
    write_settings(out, world.plan)
    return sum(_write_day(out / "inbox", world, records, totals, day) for day in range(world.plan.days))


def _write_day(inbox: Path, world: World, records: Records, totals: Totals, day: int) -> int:
    """The files of one day, in one folder a shop and one for the company; returns how many."""
    plan = world.plan
    date = plan.date(day).isoformat()
    folders = {name: inbox / name / date for name in (*SHOPS, "company")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    today = pl.col("day") == day
    platform, payments = records.platform.filter(today).sort("o", "n"), records.payments.filter(today).sort("at", "o")
    back, fund = records.provider_refunds.filter(today).sort("at", "o"), totals.fund.filter(today)
    shops.write_taobao(folders["tb-01"], plan, day, platform.filter(pl.col("shop_no") == 0))
    for name, shop, write in (("alipay", "tb-01", shops.write_alipay), ("wechat", "wx-01", shops.write_wechat),
                              ("cardpay", "us-01", shops.write_cardpay)):
        its = pl.col("provider") == name
        write(folders[shop], plan, day, payments.filter(its), back.filter(its),
              fund.filter(its))
    shops.write_jd(folders["jd-01"], plan, day, platform.filter(pl.col("shop_no") == 1), records.jd_bill.filter(today))
    for shop in ("tb-01", "jd-01"):
        stated = totals.statements.filter(today & (pl.col("shop") == shop) & pl.col("stated"))
        shops.write_statement(folders[shop], plan, day, shop, stated)
    own = folders["company"]
    company.write_rates(own, plan, day)
    company.write_books(own, plan, day, records.books.filter(today), records.books_refunds.filter(today))
    company.write_skus(own, plan, day, world.skus)
    company.write_warehouse(own, plan, day, totals.moves.filter(today), totals.snapshots.filter(today),
                            totals.counts.filter(today), totals.shop_stock.filter(today))
    for folder, owner in ((own, plan.owners[0]), *((folders[shop], owner) for shop, owner in zip(SHOPS[1:3], plan.owners[1:3], strict=True)
                                                   if owner != plan.owners[0])):  # each entity has a contract of its own
        company.write_sf(folder / f"顺丰月结账单_{date}.xlsx", plan, day, records.carrier.filter(today & (pl.col("entity") == owner)))
    for account in bank_accounts(plan):
        its = pl.col("account") == account
        before = totals.bank.filter((pl.col("day") < day) & its)["amount"].sum()
        company.write_bank(own / f"statement_{account[-4:]}_{date}.sta", plan, day, totals.bank.filter(today & its),
                           int(before) + 100_000_000 * plan.scale, account)
    company.write_journal(own / f"凭证_{date}.csv", plan, day, totals.journal.filter(pl.col("booked_day") == day))
    return sum(1 for folder in folders.values() for _ in folder.iterdir())
