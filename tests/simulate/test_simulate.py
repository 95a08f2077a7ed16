"""The simulator: same plan, same bytes; files whose totals tie; a truth that says what was injected and no more."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import hashlib
import io
import itertools
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from duizhang.books import load_books
from duizhang.cli import cli
from duizhang.errors import UserError
from duizhang.ingest import load_specs
from duizhang.simulate import Plan, score, simulate
from duizhang.simulate.break_kinds import KINDS, OUTAGES, REFUND_KINDS, choose, swap_digits
from duizhang.simulate.breaks import inject
from duizhang.simulate.raw_rows import build_records
from duizhang.simulate.sums import add_up
from duizhang.simulate.truth import build_truth
from duizhang.simulate.world import build_world

PLAN = Plan(days=9, orders_per_day=160, seed=7, break_rate=0.1)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, PLAN)
    return folder


@pytest.fixture(scope="module")
def truth(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "truth.parquet")


def _digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def _days(out: Path, shop: str) -> list[Path]:
    return sorted((out / "inbox" / shop).iterdir())


def _table(lines: list[str]) -> list[dict[str, str]]:
    return [{str(name).strip(): str(cell or "").strip().strip("`") for name, cell in row.items()}
            for row in csv.DictReader(lines)]


def _sum(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column] or "0") for row in rows), Decimal(0))


@pytest.mark.slow
def test_same_plan_same_bytes(out: Path, tmp_path: Path) -> None:
    simulate(tmp_path, PLAN)
    assert _digests(tmp_path) == _digests(out)


@pytest.mark.slow
def test_another_seed_is_another_business(out: Path, tmp_path: Path) -> None:
    simulate(tmp_path, Plan(days=1, orders_per_day=20, seed=8))
    name = "inbox/company/2026-03-01/books_orders_2026-03-01.csv"
    assert (tmp_path / name).read_bytes() != (out / name).read_bytes()


def test_books_are_valid_and_every_expected_file_stands_there(out: Path) -> None:
    books = load_books(out / "books.yaml")
    assert set(books.shops) == {"tb-01", "jd-01", "wx-01", "us-01"}
    assert {books.entity_of(shop) for shop in books.shops} == {"demo", "demo-us"}
    assert books.sla("payment_settlement", "jd") == 3
    count = {shop: [len(list(day.iterdir())) for day in _days(out, shop)] for shop in (*books.shops, "company")}
    assert count == {
        shop: [files] * PLAN.days
        for shop, files in (("tb-01", 5), ("jd-01", 3), ("wx-01", 2), ("us-01", 1), ("company", 12))}


def test_alipay_archives_have_the_summary_first_and_totals_that_tie(out: Path) -> None:
    for day in _days(out, "tb-01"):
        for kind, column in (("trade", "商家实收（元）"), ("signcustomer", "收入金额（+元）")):
            with zipfile.ZipFile(next(day.glob(f"*_{kind}.zip"))) as archive:
                summary, detail = archive.infolist()
                assert not detail.flag_bits & 0x800
                assert "汇总" in summary.filename.encode("cp437").decode("gbk")
                lines = archive.read(detail).decode("gbk").splitlines()
            rows = _table([line for line in lines if not line.startswith("#")])
            if kind == "trade":
                for name, mark in (("交易", "#交易合计"), ("退款", "#退款合计")):
                    some = [row for row in rows if row["业务类型"] == name]
                    stated = next(line for line in lines if line.startswith(mark))
                    assert f"{len(some)}笔" in stated
                    assert f"共{_sum(some, column):.2f}元，" in stated
            else:
                income = [row for row in rows if Decimal(row[column]) > 0]
                stated = next(line for line in lines if line.startswith("#收入合计"))
                assert stated.rstrip(",") == f"#收入合计：{len(income)}笔，共{_sum(income, column):.2f}元"
                for newer, older in itertools.pairwise(rows):
                    moved = Decimal(newer[column]) + Decimal(newer["支出金额（-元）"])
                    assert Decimal(newer["账户余额（元）"]) == Decimal(older["账户余额（元）"]) + moved


def test_wechat_bills_tie_and_balances_chain_over_the_days(out: Path) -> None:
    balance = Decimal("50000.00")
    for day in _days(out, "wx-01"):
        for path in day.iterdir():
            raw = path.read_bytes()
            assert raw.startswith(b"\xef\xbb\xbf") and raw.count(b"\n") == raw.count(b"\r\n")
            lines = raw.decode("utf-8-sig").splitlines()
            rows, (stated,) = _table(lines[:-2]), _table(lines[-2:])
            if "All" in path.name:
                assert len(lines[0].split(",")) == 27
                assert int(stated["总交易单数"]) == len(rows)
                for column, total in (("应结订单金额", "应结订单总金额"), ("退款金额", "退款总金额"),
                                      ("手续费", "手续费总金额")):
                    assert _sum(rows, column) == Decimal(stated[total])
            else:
                for row in rows:
                    sign = 1 if row["收支类型"] == "收入" else -1
                    balance += sign * Decimal(row["收支金额(元)"])
                    assert balance == Decimal(row["账户结余(元)"])
                assert int(stated["资金流水总笔数"]) == len(rows)


def test_taobao_and_jd_headers_and_ids(out: Path) -> None:
    day = _days(out, "tb-01")[1]
    header, first, *_ = next(day.glob("ExportOrderDetailList*")).read_bytes().decode("gb18030").splitlines()
    assert len(header.split(",")) == 18 and header.endswith("订单付款时间 ")
    assert first.startswith('="') and len(first.split(",")) == 18
    header, first, *_ = next(day.glob("ExportOrderList*")).read_bytes().decode("gb18030").splitlines()
    assert len(header.split(",")) == 61 == len(first.split(",")) and "收货地址 ," in header
    title, header, *rows = next(_days(out, "jd-01")[2].glob("结算明细*")).read_bytes().decode("gb18030").splitlines()
    assert title.startswith("结算明细") and len(header.split(",")) == 22 and rows


def test_bank_statements_tie_and_chain(out: Path) -> None:
    closing = Decimal(1_000_000)

    def amount(text: str) -> Decimal:
        return Decimal(text.replace(",", "."))

    for day in _days(out, "company"):
        lines = next(day.glob("statement_0001_*.sta")).read_text(encoding="ascii").splitlines()
        opening = next(line for line in lines if line.startswith(":60F:"))
        assert amount(opening.split("CNY")[1]) == closing
        for line in lines:
            if line.startswith(":61:"):
                value = amount(line[15:].split("N")[0])
                closing += value if line[14] == "C" else -value
        assert f"CNY{closing:.2f}".replace(".", ",") in next(line for line in lines if line.startswith(":62F:"))


def test_vouchers_balance(out: Path) -> None:
    for day in _days(out, "company"):
        rows = _table(next(day.glob("凭证*")).read_text(encoding="utf-8-sig").splitlines())
        sums: dict[str, Decimal] = {}
        for row in rows:
            assert (row["借方"] == "") != (row["贷方"] == "")
            moved = Decimal(row["借方"] or "0") - Decimal(row["贷方"] or "0")
            sums[row["凭证号"]] = sums.get(row["凭证号"], Decimal(0)) + moved
        assert set(sums.values()) == {Decimal(0)}


def test_carrier_bill_has_a_title_with_the_year(out: Path) -> None:
    path = next(_days(out, "company")[1].glob("*.xlsx"))
    sheet = load_workbook(io.BytesIO(path.read_bytes()), read_only=True)["账单明细"]
    title, header, first, *_ = sheet.iter_rows(values_only=True)
    assert "账单周期：2026年" in str(title[0]) and header[2] == "运单号码" and first[1] == "03-02"


def test_truth_holds_every_cause_and_nothing_late(truth: pl.DataFrame) -> None:
    injected = truth.filter("injected")
    assert set(injected["cause"]) == {
        "timing", "missing_left", "missing_right", "missing_source", "duplicate", "amount_entry", "discount_bearer", "fee_rate",
        "refund_unrecorded", "partial_settlement", "wrong_period", "wrong_account", "rounding", "stock_count_error",
        "stock_sync_delay", "attribute_mismatch", "currency", "overbilled_freight", "system_outage", "policy_change",
        "refund_without_return", "return_without_refund", "lost_in_transit",
    }
    assert set(truth.filter(~pl.col("injected"))["cause"]) == {"timing"}
    assert set(truth.filter(~pl.col("injected"))["leg"]) == {
        "order_payment", "order_shipment", "payment_settlement", "payout_bank", "fee", "return_refund", "customer"}
    assert truth.select("leg", "entity", "key", "currency", "cause").is_duplicated().sum() == 0
    last = PLAN.date(PLAN.days - 1)
    clears = ["timing", "stock_sync_delay", "policy_change"]
    late = injected.filter(~pl.col("cause").is_in(clears) & (pl.col("period") >= last - dt.timedelta(days=1)))
    assert late.is_empty()


def test_every_break_shows_and_nothing_natural_outlives_its_sla() -> None:
    streams = [np.random.default_rng([3, stage]) for stage in range(4)]
    world = build_world(PLAN, streams[0])
    records = inject(world, build_records(world), choose(world, streams[1]), streams[2])
    truth = build_truth(world, records, add_up(world, records, streams[3], PLAN.break_rate))
    age = PLAN.days - 1 - pl.col("day")
    slas = {"order_shipment": 2, "payment_settlement": 3, "payout_bank": 2, "fee": 3, "return_refund": 2}
    sla = pl.col("leg").replace_strict(slas, default=0)
    assert truth.filter(~pl.col("injected") & pl.col("stays_open") & (age >= sla)).is_empty()
    shown = set(truth.filter("injected").select("o", "leg").iter_rows())
    own_shop = set(world.orders.filter(pl.col("shop").is_in(["wx-01", "us-01"]))["o"])  # have no platform file
    assert {(o, leg) for o, leg, _ in records.marks if leg != "order_platform" or o not in own_shop} <= shown


def test_a_fault_of_an_order_in_parcels_or_parts_is_each_ones_own() -> None:
    rng = np.random.default_rng(3)
    world = build_world(PLAN, rng)
    records = build_records(world)
    several = {name: frame.group_by("o").len().filter(pl.col("len") > 1)["o"].sort().to_list() for name, frame in (
        ("freight_twice_and_weight", records.carrier), ("fee_rate", records.payments.filter(pl.col("provider") != "jd")))}
    assert all(several.values())
    chosen = {name: several.get(name, []) for name in (*KINDS, *REFUND_KINDS, *OUTAGES)}
    broken = inject(world, records, chosen, rng)
    meant, billed = (dict(frame.select("tracking", "amount").iter_rows()) for frame in (records.carrier, broken.carrier))
    seconds = [(key.removeprefix("SF/"), amount) for leg, key, _, amount in broken.seconds if leg == "freight"]
    assert len(seconds) == len(dict(seconds)) >= 2 * len(several["freight_twice_and_weight"])
    assert all(amount == meant[tracking] - billed[tracking] != 0 for tracking, amount in seconds)
    columns = ["provider", "txn", "kind", "refund_id"]
    assert broken.fund.select(columns).equals(records.fund.select(columns))
    dearer = broken.fund.filter(pl.col("amount") != records.fund["amount"])
    assert set(dearer["kind"]) == {"fee"} and dearer["txn"].n_unique() == dearer.height > len(several["fee_rate"])


def test_ledger_breaks_come_in_pairs_that_net_to_zero(truth: pl.DataFrame) -> None:
    ledger = truth.filter((pl.col("leg") == "ledger") & pl.col("cause").is_in(["wrong_period", "wrong_account"]))
    assert ledger.height
    for _, part in ledger.group_by("cause"):
        assert part.height % 2 == 0 and part["difference"].sum() == 0


def test_small_breaks_have_small_amounts(truth: pl.DataFrame) -> None:
    rounding = truth.filter((pl.col("cause") == "rounding") & (pl.col("leg") == "order_platform"))["difference"].abs().unique().to_list()
    assert rounding == [Decimal("0.0100")]
    assert set(truth.filter(pl.col("cause") == "attribute_mismatch")["difference"]) == {Decimal(0)}


def test_order_payment_truth_agrees_with_the_files(out: Path, truth: pl.DataFrame) -> None:
    """WeChat orders once more with plain csv: books less refunds against the bill, order by order."""
    net: dict[str, Decimal] = {}

    def add(order: str, value: Decimal) -> None:
        net[order] = net.get(order, Decimal(0)) + value

    for day in _days(out, "company"):
        for row in _table(next(day.glob("books_orders*")).read_text(encoding="utf-8").splitlines()):
            if row["shop"] == "wx-01" and row["paid_at"]:
                add(row["order_id"], Decimal(row["amount"]))
        for row in _table(next(day.glob("books_refunds*")).read_text(encoding="utf-8").splitlines()):
            if row["shop"] == "wx-01":
                add(row["order_id"], -Decimal(row["amount"]))
    for day in _days(out, "wx-01"):
        lines = next(day.glob("*All*")).read_text(encoding="utf-8-sig").splitlines()
        for row in _table(lines[:-2]):
            add(row["商户订单号"], Decimal(row["退款金额"]) - Decimal(row["应结订单金额"]))
    wrong = {f"wx-01/{order}": value for order, value in net.items() if value}
    told = truth.filter((pl.col("leg") == "order_payment") & pl.col("key").str.starts_with("wx-01/")
                        & (pl.col("cause") != "timing"))
    each = told.group_by("key").agg(pl.col("difference").sum())  # causes and currencies together, as the files have them
    assert dict(each.filter(pl.col("difference") != 0).iter_rows()) == wrong


@pytest.mark.parametrize("plan", [Plan(days=1, orders_per_day=3), Plan(days=2, orders_per_day=1, break_rate=0.5)])
def test_tiny_plans_work(plan: Plan, tmp_path: Path) -> None:
    outcome = simulate(tmp_path, plan)
    assert outcome["files"] == 23 * plan.days
    assert (outcome["asked"], outcome["broken"]) == (1, 0)  # what could not be broken is told


def test_what_the_break_rate_asks_for_and_days_have_no_room_for_is_told(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["simulate", "--out", str(tmp_path), "--days", "1", "--orders-per-day", "10", "--break-rate", "0.3"])
    assert told.exit_code == 0, told.output
    assert "asks for 3 broken orders, and 0 are" in told.output


def test_no_breaks_leave_only_natural_timing(tmp_path: Path) -> None:
    assert simulate(tmp_path, Plan(days=4, orders_per_day=60, break_rate=0))["injected"] == {}


def test_a_used_folder_and_a_wrong_rate_are_refused(out: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not empty"):
        simulate(out, PLAN)
    with pytest.raises(UserError, match="break-rate"):
        simulate(tmp_path, Plan(break_rate=2))


@pytest.mark.parametrize(("price", "swapped"), [(12390, 21390), (2590, 5290), (9990, 0), (22090, 22900)])
def test_swapped_digits_are_larger_or_none(price: int, swapped: int) -> None:
    assert swap_digits(price) == swapped


def _publish(home: Path, query: str) -> None:
    home.mkdir()
    with duckdb.connect(str(home / "published.duckdb")) as con:
        con.execute(f"create table variances as {query}")


def test_score_of_a_perfect_finder_is_perfect(out: Path, tmp_path: Path) -> None:
    _publish(tmp_path / "home", f"select *, 1 as version from read_parquet('{out / 'truth.parquet'}')")
    result, misses = score(out / "truth.parquet", tmp_path / "home")
    assert misses == []
    assert result["differences"]["precision"] == result["differences"]["recall"] == 1
    assert result["amounts_exact"] == result["causes_right"] == 1
    assert set(result) == {"differences", "amounts_exact", "causes_right", "unexplained", "named_wrongly", "candidate_right",
                           "proposals", "by_leg", "by_cause", "confusion", "unpublished"}
    assert (result["named_wrongly"], result["candidate_right"], result["proposals"]) == (0, 1, {})


def test_score_counts_what_is_missed_made_up_and_wrong(tmp_path: Path) -> None:
    rows = """
        select date '2026-03-01' as period, 'order_payment' as leg, 'demo' as entity, column0 as key,
            'CNY' as currency, column1 as cause, column2::decimal(18, 4) as difference, column3 as injected
        from (values {}) as v (column0, column1, column2, column3)
    """
    truth = tmp_path / "truth.parquet"
    duckdb.sql(rows.format("('a', 'rounding', 0.01, true), ('b', 'duplicate', 5, true), ('c', 'fee_rate', 2, true), "
                           "('n', 'timing', 7, false), ('m', 'timing', 8, false)")).write_parquet(str(truth))
    _publish(tmp_path / "home", rows.format(
        "('a', 'rounding', 0.01, true), ('b', 'unexplained', 6, true), ('n', 'timing', 7, true), "
        "('m', 'missing_right', 8, true), ('x', 'duplicate', 1, true)"))
    result, misses = score(truth, tmp_path / "home")
    assert result["differences"] == {"precision": 0.5, "recall": 0.666667, "injected": 3, "found": 4} and result["unpublished"] == []
    assert (result["amounts_exact"], result["causes_right"]) == (0.5, 0.5)
    assert result["confusion"] == {
        "duplicate": {"unexplained": 1}, "fee_rate": {"missed": 1}, "none": {"duplicate": 1, "missing_right": 1},
        "rounding": {"rounding": 1}}
    assert [miss.split(":")[0] for miss in misses] == ["missed", "not injected", "not injected", "differs"]
    with duckdb.connect(str(tmp_path / "home" / "published.duckdb")) as con:
        con.execute("create table period_status as select date '2026-03-01' as period, null::bigint as version")
    assert score(truth, tmp_path / "home")[0]["unpublished"] == ["2026-03-01"]  # as a day that is held


def test_a_proposal_is_right_where_it_names_all_that_belongs_together_and_nothing_else(tmp_path: Path) -> None:
    rows = """
        select date '2026-03-01' as period, 'payout_bank' as leg, 'demo' as entity, column0 as key, 'CNY' as currency,
            'wrong_reference' as cause, 1::decimal(18, 4) as difference, true as injected, column1 as proposal
        from (values ('P1', 'pairs with B1, P2 (subset: 2 items)'), ('P2', null), ('B1', null), ('P3', 'pairs with B9 (keyless: 1)'),
            ('B3', null), ('P4', 'may pair with B4 (keyless: 1)'), ('B4', null), ('X', 'pairs with Y (keyless: 1)')) as v (column0, column1)
    """
    duckdb.sql(rows).write_parquet(str(tmp_path / "truth.parquet"))
    _publish(tmp_path / "home", rows)
    duckdb.sql("""
        select 'payout_bank' as leg, 'demo' as entity, 'CNY' as currency, column0 as kind, column1 as members
        from (values ('batch', ['B1', 'P1', 'P2']), ('cut', ['P3', 'B3']), ('cut', ['P4', 'B4'])) as v (column0, column1)
    """).write_parquet(str(tmp_path / "links.parquet"))
    result, _ = score(tmp_path / "truth.parquet", tmp_path / "home")
    assert result["proposals"] == {
        "batch": {"links": 1, "right": 1, "wrong": 0, "none": 0}, "cut": {"links": 2, "right": 0, "wrong": 1, "none": 1},
        "none": {"links": 0, "right": 0, "wrong": 1, "none": 0}, "all": {"links": 3, "right": 1, "wrong": 2, "none": 1},
    }


@pytest.mark.slow
def test_hard_noise_changes_references_and_neither_the_business_nor_its_faults(tmp_path: Path) -> None:
    plan = Plan(days=10, orders_per_day=60, seed=8801, break_rate=0)
    simulate(tmp_path / "easy", plan)
    simulate(tmp_path / "hard", dataclasses.replace(plan, noise="hard"))
    links = pl.read_parquet(tmp_path / "hard" / "links.parquet")
    assert set(links["kind"]) >= {"batch", "blanks", "cut", "doubled", "look_alike", "swapped", "free text, damaged"}
    truth = {name: pl.read_parquet(tmp_path / name / "truth.parquet") for name in ("easy", "hard")}
    members = set(links["members"].explode())
    assert members == set(truth["hard"].filter((pl.col("cause") == "wrong_reference") & (pl.col("leg") != "customer"))["key"])
    # what is put together adds up, in the order's leg and at the bank
    amounts = dict(truth["hard"].group_by("key").agg(pl.col("difference").filter(pl.col("leg") != "customer").sum()).iter_rows())
    assert all(sum(amounts[key] for key in group) == 0 for group in links["members"].to_list())
    quiet = truth["hard"].filter(pl.col("cause") != "wrong_reference").select("leg", "key", "cause", "difference")
    assert quiet.filter(pl.col("leg") == "fee").equals(
        truth["easy"].select("leg", "key", "cause", "difference").filter(pl.col("leg") == "fee"))


def test_a_line_of_the_bank_that_holds_its_payouts_id_entire_is_no_fault(tmp_path: Path) -> None:
    """Fails if an id twice over or with a blank in it, which is read as it is, counts as a damaged one that somebody has to find."""
    simulate(tmp_path, Plan(days=10, orders_per_day=20, seed=8801, break_rate=0, noise="hard"))
    files = sorted((tmp_path / "inbox" / "company").glob("*/*.sta"))
    words = dict(pair for path in files for pair in re.findall(r"//(B\d+)\s+:86:([^\r\n]*)", path.read_text(encoding="ascii")))
    links = pl.read_parquet(tmp_path / "links.parquet").filter(pl.col("kind") == "free text, damaged")["members"].to_list()
    assert links
    for payout, line in links:
        assert payout not in words[line.rsplit("/", 1)[1]].replace(" ", "")
    truth = pl.read_parquet(tmp_path / "truth.parquet").filter(pl.col("leg") == "payout_bank")
    causes = dict(truth.filter(~pl.col("key").str.starts_with("bank/")).select("key", "cause").iter_rows())
    entire = {found[0] for text in words.values() if " OPR " in text and (found := re.findall(r"[A-Z]P2026\d{4}", text.replace(" ", "")))}
    read = {payout for payout in entire if any(payout * 2 in text for text in words.values())}
    assert read and {causes.get(payout, "timing") for payout in read} == {"timing"}


def test_score_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        score(tmp_path / "truth.parquet", tmp_path)


def test_every_source_of_a_company_in_another_currency_is_read_in_that(tmp_path: Path) -> None:
    simulate(tmp_path, Plan(days=1, orders_per_day=2, currency="KWD"))
    books = load_books(tmp_path / "books.yaml")
    specs = load_specs(books.sources_path)
    yuan = {name for name in {e.source for e in books.expected}
            if specs[name].currency == "CNY" or any("'CNY'" in t.columns.get("currency", "") for t in specs[name].tables)
            or any(f.default == "CNY" for f in specs[name].fields.values())}
    assert not yuan
