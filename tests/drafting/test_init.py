"""`duizhang init`: from a folder of bills to books that run; nothing guessed, nothing silent, nothing overwritten."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from duizhang.books import load_books
from duizhang.errors import BooksError, UserError
from tests.ingest.test_alipay import FUND, TRADE, TRADE_HEADER, bill
from tests.ingest.test_amazon import V2_US
from tests.ingest.test_shopify import ORDERS as SHOPIFY_ORDERS
from tests.ingest.test_stripe import BALANCE
from tests.ingest.test_taobao import LINE_NEW, gbk
from tests.pipelines.test_end_to_end import duizhang

FIRST, LAST = dt.date(2026, 3, 1), dt.date(2026, 3, 2)
ORDERS = 6
FUND_HEADER = FUND.decode("gb18030").splitlines(keepends=True)[4]
COVERED = "#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]"


def taobao(day: dt.date) -> bytes:
    return gbk(LINE_NEW, [
        {"子订单编号": f'="{day:%d}70{n}1"', "主订单编号": f'="33027{day:%d}0{n}"', "标题": "杯", "价格": "25.00", "购买数量": "2",
         "订单状态": "交易成功", "商家编码": "CUP", "买家应付货款": "46.00", "买家实际支付金额": "46.00",
         "订单创建时间": f"{day} 10:00:00", "订单付款时间 ": f"{day} 10:0{n}:05"}
        for n in range(ORDERS)
    ])


def alipay(day: dt.date) -> tuple[bytes, bytes]:
    """The trade and the fund bill of a day: a fee of 0.28 on every 46.00, and one payout of 200.00."""
    trades, entries, balance = "", "", 1000
    for n in range(ORDERS):
        number, order, at = f"{day:%Y%m%d}2200{n}", f"T200P33027{day:%d}0{n}", f"{day} 10:0{n}:05"
        trades += (f"{number}\t,{order}\t,交易\t,杯,{at},{at},\t,\t,\t,\t,a***@example.com\t,46.00,46.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,"
                   "0.00,\t,-0.28,0.00,\n")
        for kind, entry, income, expense in (("交易付款", f"{n}1", 4600, 0), ("收费", f"{n}2", 0, -28)):
            balance += income + expense
            entries += (f"18{day:%d}{entry}\t,{number}\t,{order}\t,杯,{at},\t,{income / 100:.2f},{expense / 100:.2f},{balance / 100:.2f},,"
                        f"{kind}\t,\n")
    entries += f"18{day:%d}99\t,PO{day:%d}\t,\t,提现,{day} 23:00:00,\t,0.00,-200.00,{balance / 100 - 200:.2f},,提现\t,\n"
    trade = bill("业务明细", TRADE_HEADER + trades, "#----业务明细列表结束----\n"
                 f"#交易合计：{ORDERS}笔，商家实收共{46 * ORDERS}.00元，商家优惠共0.00元\n"
                 "#退款合计：0笔，商家实收退款共0.00元，商家优惠退款共0.00元\n")
    fund = bill("账务明细", FUND_HEADER + entries, "#----账务明细列表结束----\n"
                f"#支出合计：{ORDERS + 1}笔，共-{ORDERS * 0.28 + 200:.2f}元\n"
                f"#收入合计：{ORDERS}笔，共{46 * ORDERS}.00元\n")
    covered = COVERED.replace("02日", f"{day + dt.timedelta(days=1):%d}日").replace("01日", f"{day:%d}日")
    return tuple(text.decode("gb18030").replace(COVERED, covered).encode("gb18030") for text in (trade, fund))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of a shop as somebody keeps them: flat, names that say nothing, a note and a copy among them."""
    out = tmp_path_factory.mktemp("bills")
    for number, day in enumerate((FIRST, LAST)):
        (out / f"导出{number}.csv").write_bytes(taobao(day))
        for name, body in zip(("a", "b"), alipay(day), strict=True):
            (out / f"{name}{number}.csv").write_bytes(body)
    (out / "bank.csv").write_text(
        "Date,Description,Amount,Balance,Account\n2026-03-01,Alipay /PAYOUT/PO01,200.00,1200.00,62220001\n"
        "2026-03-02,Alipay /PAYOUT/PO02,200.00,1400.00,62220001\n", encoding="utf-8")
    (out / "notes.txt").write_text("call the bank\n", encoding="utf-8")
    (out / "bank copy.csv").write_bytes((out / "bank.csv").read_bytes())
    return out


@pytest.mark.usefixtures("unchecked")
def test_a_flat_folder_of_three_channels_becomes_books_that_run(folder: Path) -> None:
    said = json.loads(duizhang("init", folder, "--json", "--entity", "cups"))
    [unread] = said["not_read"]
    assert unread["file"] == "notes.txt" and "no source specification fits" in unread["reason"]
    assert [(entry["file"], entry["same_as"]) for entry in said["copies"]] == [("bank copy.csv", "bank.csv")]
    assert {(f["source"], f["shop"], f["belongs"].rpartition("/")[0]) for f in said["files"]} == {
        ("taobao_order_lines", "taobao", "inbox/taobao"), ("alipay_trade", "taobao", "inbox/taobao"),
        ("alipay_fund", "taobao", "inbox/taobao"), ("bank_generic", "", "inbox/company"),
    }
    assert not (folder / "inbox").exists(), "nothing is copied unless that is asked for"
    text = (folder / "books.yaml").read_text(encoding="utf-8")
    books = load_books(folder / "books.yaml")
    assert (books.entity, books.time_zone, books.currency, books.start) == ("cups", "Asia/Shanghai", "CNY", FIRST)
    shop = books.shops["taobao"]
    assert (shop.platform, shop.provider) == ("taobao", "alipay") and books.bank_accounts == {"62220001": "cups"}
    assert {(e.source, e.shop) for e in books.expected} == {(s, "taobao") for s in ("taobao_order_lines", "alipay_trade", "alipay_fund")}
    assert "alipay knows 12 of 12 order numbers of taobao" in text and "Not read: notes.txt" in text
    assert len(said["questions"]) == 2

    duizhang("init", folder, "--copy", "--yes")
    assert (folder / "books.yaml").read_text(encoding="utf-8") == text
    duizhang("run", "--quiet", "--books", folder / "books.yaml", "--home", folder / "home", "--from", said["from"], "--to", said["to"])
    with duckdb.connect(str(folder / "home" / "published.duckdb"), read_only=True) as con:
        rates = con.execute("select leg, min(match_rate) from recon_summary where matched_keys + open_keys > 0 group by leg").fetchall()
    assert dict(rates) == dict.fromkeys(("order_payment", "payment_settlement", "payout_bank", "customer"), 1)

    # an answer is no better than what was held against each other, and says so
    home = ("--home", folder / "home")
    told = duizhang("explain", "330270100", *home)
    assert "What was held against each other agrees" in told and "Orders ↔ platform of taobao was not run (2026-03-01)" in told
    with pytest.raises(AssertionError, match="did you mean '330270100'"):
        duizhang("explain", "#33027010", *home)
    signed = duizhang("approve", *home, "--period", "2026-03-02", "--as", "maker", "--by", "Li Na")
    assert "not reconciled: Orders ↔ platform of taobao was not run (2026-03-02): its left side was never supplied (orders)" in signed


@pytest.mark.slow
def test_a_payout_that_is_announced_for_the_next_day_is_no_day_of_business(tmp_path: Path) -> None:
    for day in (FIRST, LAST):
        for name, body in zip(("trade", "fund"), alipay(day), strict=True):
            (tmp_path / f"{name}{day}.csv").write_bytes(body)
    (tmp_path / "payouts.csv").write_text(
        "Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,Total,Currency\n"
        "2026-03-03,paid,10.00,0.00,0.00,0.00,-1.00,0.00,9.00,USD\n", encoding="utf-8")
    said = json.loads(duizhang("init", tmp_path, "--json"))
    assert (said["from"], said["to"]) == ("2026-03-01", "2026-03-02")
    assert {e.source for e in load_books(tmp_path / "books.yaml").expected} == {"alipay_trade", "alipay_fund"}
    noted = [f["what"] for f in json.loads(duizhang("doctor", "--books", tmp_path / "books.yaml", "--home", tmp_path / "home", "--json",
                                                   exit_code=1))["findings"]]
    whole = "Fees are held against these cards; without a card they are not checked."
    assert any(whole in what for what in noted), "a question is told whole"
    assert not any("is not run" in what for what in noted), "which legs have both sides is not known before a file was taken in"


def test_how_long_a_platform_keeps_what_buyers_pay_stands_in_the_files(tmp_path: Path) -> None:
    """Alipay's bill of a Taobao shop has an order on the day on which its parcel was received."""
    for number, day in enumerate(FIRST + dt.timedelta(days=n) for n in range(2)):
        trade, _ = alipay(day)
        (tmp_path / f"trade{number}.csv").write_bytes(trade.replace(str(day).encode(), str(day + dt.timedelta(days=9)).encode()))
        (tmp_path / f"orders{number}.csv").write_bytes(taobao(day))
    duizhang("init", tmp_path, "--json")
    drafted = (tmp_path / "books.yaml").read_text(encoding="utf-8")
    assert "taobao: of 12 orders, paid to us by days: 12 after 9; not paid in these files: 0" in drafted
    assert {"order_payment/taobao": 9, "customer/taobao": 9}.items() <= load_books(tmp_path / "books.yaml").sla_days.items()


@pytest.mark.slow
def test_how_long_settlement_takes_and_whose_a_statement_is_stands_in_the_files(tmp_path: Path) -> None:
    days = [FIRST + dt.timedelta(days=n) for n in range(4)]
    for number, day in enumerate(days):
        trade, fund = alipay(day)
        later = fund.replace(str(day).encode(), str(day + dt.timedelta(days=2)).encode())  # its transactions, two days after they are paid
        (tmp_path / f"trade{number}.csv").write_bytes(trade)
        (tmp_path / f"fund{number}.csv").write_bytes(later)
        (tmp_path / f"orders{number}.csv").write_bytes(taobao(day))
        (tmp_path / f"statement{number}.csv").write_text(
            f"shop,day,currency,revenue,discount,refund,commission,fee\ntaobao,{day},CNY,276.00,0.00,0.00,,\n", encoding="utf-8")
    said = json.loads(duizhang("init", tmp_path, "--json"))
    assert {f["belongs"].rpartition("/")[0] for f in said["files"] if f["source"] == "platform_statement"} == {"inbox/taobao"}
    books = load_books(tmp_path / "books.yaml")
    assert (books.sla_days["payment_settlement/alipay"], books.sla_days["fee/alipay"]) == (2, 2)
    assert "of 24 payments, settled by days: 24 after 2; not settled in these files: 0" in (tmp_path / "books.yaml").read_text()
    assert "platform_statement" in {e.source for e in books.expected if e.shop == "taobao"}
    (tmp_path / "statement0.csv").write_text((tmp_path / "statement0.csv").read_text().replace("taobao", "tb-01"), encoding="utf-8")
    duizhang("init", tmp_path, "--out", tmp_path / "账套.yaml", "--lang", "zh")
    assert "platform_statement 的行写明店铺 `tb-01`" in (tmp_path / "账套.yaml").read_text(encoding="utf-8").replace("\n# ", "")
    drafted = (tmp_path / "账套.yaml").read_text(encoding="utf-8")
    assert "language: zh" in drafted and "共 24 笔收款，结算所用天数：2 天后 24 笔" in drafted and "Because" not in drafted


def test_an_account_and_a_warehouse_of_several_shops_are_told_by_the_orders_that_they_have(tmp_path: Path) -> None:
    """Two shops of one platform in a flat folder: a list of orders for each, and one without orders; one account, one warehouse."""
    header, *lines = taobao(FIRST).decode("gb18030").splitlines(keepends=True)
    own = "order_id,line_id,shop,sku,product,quantity,unit_price,shop_discount,platform_discount,amount,currency,status,ordered_at,paid_at,"
    own += "customer\n"
    moves = "move_id,warehouse,sku,kind,quantity,order_id,shop,carrier,tracking_number,zone,refund_id,value,value_currency,moved_at\n"
    for n in range(ORDERS):
        own += f"33027010{n},1,{('east', 'west')[n % 2]},CUP,杯,2,25.00,4.00,0.00,46.00,CNY,paid,{FIRST} 10:00:00,{FIRST} 10:00:05,b\n"
        moves += f"M{n},WH-1,CUP,sale_out,-2,33027010{n},,ZTO,7{n},,,,,{FIRST} 20:50:00\n"
    files = {"a": header + "".join(lines[::2]), "b": header + "".join(lines[1::2]), "c": header}
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_bytes(text.encode("gb18030"))
    for name, body in zip(("trade", "fund"), alipay(FIRST), strict=True):
        (tmp_path / f"{name}.csv").write_bytes(body)
    (tmp_path / "own.csv").write_text(own, encoding="utf-8")
    (tmp_path / "moves.csv").write_text(moves, encoding="utf-8")
    said = json.loads(duizhang("init", tmp_path, "--json"))
    books = load_books(tmp_path / "books.yaml")
    assert {name: (shop.platform, shop.provider, shop.warehouse) for name, shop in books.shops.items()} == dict.fromkeys(
        ("east", "west"), ("taobao", "alipay", "WH-1"))
    assert {name: (account.provider, account.warehouse, account.shops) for name, account in books.shared_accounts.items()} == {
        "alipay": ("alipay", "", ("east", "west")), "WH-1": ("", "WH-1", ("east", "west"))}
    assert {f["file"]: f["belongs"].split("/")[1] for f in said["files"]} == {
        "a.csv": "east", "b.csv": "west", "c.csv": "east", "trade.csv": "alipay", "fund.csv": "alipay", "own.csv": "company",
        "moves.csv": "company"}
    assert any("1 file of taobao_order_lines names no order: it may as well be of west" in asked for asked in said["questions"])
    # the same files in the folders of an inbox: one that lists no orders and knows those of two shops is an account, and no shop
    for belongs in {f["file"]: f["belongs"] for f in said["files"]}.items():
        (tmp_path / "sorted" / belongs[1]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sorted" / belongs[1]).write_bytes((tmp_path / belongs[0]).read_bytes())
    duizhang("init", tmp_path / "sorted", "--json")
    again = load_books(tmp_path / "sorted" / "books.yaml")
    assert (again.shops, again.shared_accounts) == (books.shops, books.shared_accounts)


def test_books_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("entity: mine\n", encoding="utf-8")
    (tmp_path / "a.csv").write_bytes(TRADE)
    with pytest.raises(AssertionError, match="exists and is not overwritten"):
        duizhang("init", tmp_path)
    assert (tmp_path / "books.yaml").read_text(encoding="utf-8") == "entity: mine\n"
    duizhang("init", tmp_path, "--out", tmp_path / "draft.yaml")
    assert load_books(tmp_path / "draft.yaml").time_zone == "Asia/Shanghai"


@pytest.mark.slow
def test_of_copies_the_first_download_counts_and_a_file_without_rows_is_of_the_day_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "shop orders.csv").write_text(SHOPIFY_ORDERS, encoding="utf-8")
    (tmp_path / "shop orders (1).csv").write_text(SHOPIFY_ORDERS, encoding="utf-8")
    header = "refund_id,order_id,shop,sku,refunded_at,quantity,amount,currency,status\n"
    for day in (1, 2):
        (tmp_path / f"refunds_2026-03-0{day}.csv").write_text(header, encoding="utf-8")
    (tmp_path / "refunds_2026-03-02 (1).csv").write_text(header, encoding="utf-8")
    (tmp_path / os.fsdecode(b"caf\xe9 'x'.csv")).write_text("hello\n", encoding="utf-8")
    said = json.loads(duizhang("init", tmp_path, "--copy", "--json"))
    assert {entry["file"]: entry["same_as"] for entry in said["copies"]} == {
        "shop orders (1).csv": "shop orders.csv", "refunds_2026-03-02 (1).csv": "refunds_2026-03-02.csv"}
    (tmp_path / "books.yaml").unlink()
    assert r"caf\xe9" in duizhang("init", tmp_path, "--out", tmp_path / "again.yaml"), "beside the inbox"
    shutil.rmtree(tmp_path / "inbox")
    told = duizhang("init", tmp_path)
    assert r"caf\xe9 \x27x\x27.csv'" in told.split("next:")[1], "as a shell takes it"


def test_what_no_file_tells_is_a_question_and_not_a_guess(tmp_path: Path) -> None:
    """Two platforms, a provider that shares no order with either, currencies that differ, clocks that are the providers' own."""
    (tmp_path / "orders.csv").write_text(SHOPIFY_ORDERS, encoding="utf-8")
    (tmp_path / "stripe.csv").write_bytes(BALANCE.replace(b"#1001", b"cs_77"))
    (tmp_path / "amazon.txt").write_bytes(V2_US)
    said = json.loads(duizhang("init", tmp_path, "--json"))
    books = load_books(tmp_path / "books.yaml")
    assert set(books.shops) == {"shopify", "stripe", "amazon"}
    asked = " ".join(said["questions"])
    assert "time zone" in asked and "currency of the books" in asked and "what the books are called" in asked
    assert "no order number of stripe is one of" in asked and said["not_read"] == []


def test_a_provider_that_knows_the_orders_of_a_shop_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(SHOPIFY_ORDERS, encoding="utf-8")
    (tmp_path / "stripe.csv").write_bytes(BALANCE)
    duizhang("init", tmp_path, "--json", "--time-zone", "Europe/Berlin", "--currency", "EUR", "--entity", "cups")
    shop = load_books(tmp_path / "books.yaml").shops["shopify"]
    assert (shop.platform, shop.provider) == ("shopify", "stripe")


def test_a_provider_that_calls_the_payments_by_the_shops_references_is_its_own(tmp_path: Path) -> None:
    orders = pl.read_csv(SHOPIFY_ORDERS.encode(), infer_schema=False)
    named = pl.when(pl.col("Name") == "#1001").then(pl.lit("cs_77777777"))
    orders.with_columns(named.alias("Payment Reference")).write_csv(tmp_path / "orders.csv")
    (tmp_path / "stripe.csv").write_bytes(BALANCE.replace(b"#1001", b"cs_77777777"))
    duizhang("init", tmp_path, "--json", "--time-zone", "Europe/Berlin", "--currency", "EUR", "--entity", "cups")
    assert {name: shop.provider for name, shop in load_books(tmp_path / "books.yaml").shops.items()} == {"shopify": "stripe"}


def test_parcels_of_a_platform_are_of_its_shop_and_not_the_companys_own(tmp_path: Path) -> None:
    """Fails if what Amazon sent for a shop stands among the company's own files, where no row says which shop it is of."""
    (tmp_path / "settlement.txt").write_bytes(V2_US)
    (tmp_path / "sent.txt").write_text(
        "amazon-order-id\tshipment-id\tshipment-item-id\tshipment-date\tsku\tquantity-shipped\ttracking-number\n"
        "113-1\tD1\tS1\t2026-03-01T22:05:00+00:00\tMUG\t1\tTBA1\n")
    said = json.loads(duizhang("init", tmp_path, "--json", "--time-zone", "UTC", "--entity", "mugs"))
    assert {f["source"]: f["belongs"] for f in said["files"]} == {
        "amazon_settlement_v2": "inbox/amazon/settlement.txt", "amazon_shipments": "inbox/amazon/sent.txt"}


@pytest.mark.parametrize(("lines", "by"), [
    ((("L-1", "X-9"),), "order"), ((("L-1", "X-9"), ("freight", "")), "order"), ((("TEA", "TEA"),), "line"),
])
def test_orders_without_the_platforms_line_numbers_are_drafted_to_be_compared_by_what_both_have(
    tmp_path: Path, lines: tuple[tuple[str, str], ...], by: str
) -> None:
    """Fails if a first run shows every line of a company whose system has numbers of its own for them as missing on both sides; what both
    call freight is no number of a line."""
    (tmp_path / "platform.csv").write_text(SHOPIFY_ORDERS, encoding="utf-8")
    numbers = [row.split(",")[0] for row in SHOPIFY_ORDERS.splitlines()[1:]]
    (tmp_path / "own.csv").write_text(
        "order_id,line_id,shop,sku,quantity,unit_price,amount,currency,status,ordered_at,paid_at\n"
        + "".join(f"{n},{line},cups,{sku},1,1.00,1.00,EUR,paid,2026-03-01 10:00:00,2026-03-01 10:00:00\n"
                  for n in dict.fromkeys(numbers) for line, sku in lines))
    duizhang("init", tmp_path, "--json", "--time-zone", "Europe/Berlin", "--currency", "EUR", "--entity", "cups")
    assert load_books(tmp_path / "books.yaml").shops["cups"].compare_by == by


def test_folders_of_an_inbox_are_the_shops(tmp_path: Path) -> None:
    for name in ("north", "south"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
        (tmp_path / "inbox" / name / "x.csv").write_bytes(TRADE.replace(b"2026030122", b"2026030133") if name == "south" else TRADE)
    (tmp_path / "inbox" / "lost.csv").write_bytes(FUND)
    (tmp_path / "elsewhere.csv").write_bytes(FUND)
    said = json.loads(duizhang("init", tmp_path / "inbox", "--json"))
    assert set(load_books(tmp_path / "books.yaml").shops) == {"north", "south"} and said["beside"] == ["elsewhere.csv"]
    assert {f["file"]: f["belongs"] for f in said["files"]} == {
        "north/x.csv": "inbox/north/x.csv", "south/x.csv": "inbox/south/x.csv", "lost.csv": "inbox/south/lost.csv"}


@pytest.mark.parametrize(("option", "value"), [("--time-zone", "Mars/Olympus"), ("--currency", "yuan"), ("--entity", "a b")])
def test_an_answer_that_is_none_is_told_and_writes_nothing(tmp_path: Path, option: str, value: str) -> None:
    (tmp_path / "a.csv").write_bytes(TRADE)
    with pytest.raises(AssertionError, match=f"{BooksError.__name__}|{UserError.__name__}"):
        duizhang("init", tmp_path, option, value)
    assert not (tmp_path / "books.yaml").exists()
