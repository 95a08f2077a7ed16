"""A letter tells each event once, to whom it concerns, in words that are meant for them."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pytest

from duizhang.books import Books, Counterparty
from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice
from duizhang.close.claiming import clock, told_of
from duizhang.close.deciding import take
from duizhang.close.decisions import Item
from duizhang.close.disputes import _evidence, chased, dispute, load_requests, totals
from duizhang.close.groups import Event
from duizhang.close.letters import write_letter
from duizhang.declared.schema import TABLES as CANONICAL
from duizhang.errors import UserError
from duizhang.home.events import append_event
from duizhang.home.published import PERIOD_STATUS, TABLES
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.reconcile import LEG_MODELS, load_causes

DAY = dt.date(2026, 3, 6)
BOOKS = Books.model_validate({
    "entity": "e", "time_zone": "Asia/Shanghai", "currency": "CNY", "start": dt.date(2026, 3, 1), "root": Path(),
    "shops": {"wx": {"platform": "wechat_shop", "provider": "wechat"}, "tb": {"platform": "taobao", "provider": "alipay"}},
})
CLAIM = '[{"side":"right","kind":"refund","amount":"152.9000","source":"wechat_trade","file":"wx/2026-03-03/All.csv","line":13}]'
LINES = '[{"key":"tb/T1/T1","difference":"189.9100"},{"key":"tb/T9/1","difference":"5.0000"}]'
SILENT = (
    '[{"claimed":"2026-03-02","side":"left","kind":"statement","amount":"429.1300","source":"books","file":"","line":null,"because":'
    '"lines of 429.1300 on days without a statement, and -2776.0800 of other lines"}]'
)
# leg, cause, key, order_id, shop, left, right
OPEN = [
    ("fee", "fee_rate", "wechat/4200/fee", "WX1", "wx", "1.64", "2.20", CLAIM),
    ("payment_settlement", "fee_rate", "wechat/4200", "WX1", "wx", "98.36", "97.80", CLAIM),
    ("fee", "fee_rate", "taobao/77/commission", "TB1", "tb", "5", "4", CLAIM),  # charged too little
    ("fee", "fee_rate", "taobao/78/commission", "TB2", "tb", "4", "6", CLAIM),
    ("return_refund", "lost_in_transit", "wx/RF37", "WX37", "wx", "0", "152.90", CLAIM),
    ("freight", "lost_in_transit", "SF/SF37", "WX37", "wx", "26", "0", CLAIM),
    ("freight", "overbilled_freight", "SF/SF4", "WX4", "wx", "12", "18.5", CLAIM),
    ("freight", "fee_rate", "SF/SF5", "WX5", "wx", "12", "10", CLAIM),
    ("freight", "missing_right", "SF/SF6", "WX6", "wx", "12", "0", CLAIM),
    ("order_payment", "missing_right", "wx/WX8", "WX8", "wx", "90.90", "0", CLAIM),
    ("order_payment", "missing_right", "wx/WX9", "WX9", "wx", "80", "100", CLAIM),
    ("order_payment", "missing_right", "wx/WX10", "WX10", "wx", "408.16", "0", CLAIM),
    ("payment_settlement", "missing_left", "wechat/4210", "WX10", "wx", "0", "405.71", CLAIM),
    ("customer", "missing_right", "p15e", "WX8", "wx", "90.90", "0", CLAIM),
    ("order_platform", "missing_right", "tb/T1/T1", "T1", "tb", "179.92", "0", CLAIM),
    ("finance", "missing_right", "tb/revenue", "", "tb", "1000", "800", LINES),
    # a day that we have no orders of, and in the same sum one that the platform has no statement of
    ("order_payment", "missing_source", "tb/absent/books_orders/2026-03-03", "", "tb", "0", "2776.08", CLAIM),
    ("finance", "missing_source", "tb/revenue", "", "tb", "429.13", "2776.08", SILENT),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    def rows(listed: list[dict[str, object]], columns: pa.Schema) -> pa.Table:
        empty = {"period": DAY, "version": 1, "first_seen": DAY, "age_days": 3, "status": "open", "currency": "CNY", "entity": "e"}
        return pa.Table.from_pylist([{**{k: empty.get(k) for k in columns.names}, **row} for row in listed], schema=columns)

    store = Store(tmp_path)
    store.write("shipments", DAY, rows([{"order_id": "WX37", "carrier": "SF", "tracking_number": "SF37"}], CANONICAL["shipments"]))
    items = [
        {"leg": leg, "cause": cause, "key": key, "order_id": order, "shop": shop, "left_amount": Decimal(left),
         "right_amount": Decimal(right), "difference": Decimal(left) - Decimal(right), "evidence": evidence}
        for leg, cause, key, order, shop, left, right, evidence in OPEN
    ]
    with duckdb.connect(str(tmp_path / "published.duckdb")) as con:
        for name, table in {
            "variances": rows(items, TABLES["variances"]), "freight_audit": TABLES["freight_audit"].empty_table(),
            "period_status": rows([{"state": "reconciled"}], PERIOD_STATUS),
        }.items():
            con.register("given", table)
            con.execute(f"create table {name} as select * from given")
            con.unregister("given")
    State(tmp_path)
    return tmp_path


def letter(home: Path, whom: str) -> list[dict[str, str]]:
    out = home / f"{whom}.csv"
    asked = totals(dispute(home, BOOKS, whom, DAY, out))
    with out.open(encoding="utf-8-sig", newline="") as file:
        found = [{name.split()[0]: value for name, value in row.items()} for row in csv.DictReader(file)]
    assert asked == {"CNY": sum(Decimal(row["claim"]) for row in found if row["claim"])}
    return found


def told(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(row["order_id"], row["reference"], row["claim"]) for row in rows]


def test_an_event_is_told_once_with_its_own_sign(home: Path) -> None:
    rows = letter(home, "WeChat")
    assert told(rows) == [("WX1", "4200", "0.56"), ("WX9", "", "-20.00"), ("WX10", "", "0.00"), ("WX8", "", "90.90")]
    assert [(row["due"], row["stated"]) for row in rows] == [
        ("1.64", "2.20"), ("80.00", "100.00"), ("408.16", "405.71"), ("90.90", "0.00"),
    ]
    assert "refund" in rows[1]["subject"] and "payment" in rows[3]["subject"]


def test_what_the_provider_has_credited_is_not_asked_for_again(home: Path) -> None:
    (row,) = [row for row in letter(home, "WeChat") if row["order_id"] == "WX10"]
    assert row["claim"] == "0.00" and "credited to our account" in row["subject"] and "correct your bill" in row["request"]


def test_a_lost_parcel_goes_to_its_carrier_and_what_favours_us_to_nobody(home: Path) -> None:
    assert told(letter(home, "SF")) == [("WX4", "SF4", "6.50"), ("WX37", "SF37", "152.90")]
    assert letter(home, "SF")[1]["due"] == ""


def test_a_platform_is_told_orders_and_sums_apart(home: Path) -> None:
    rows = letter(home, "taobao")
    assert told(rows) == [("TB2", "78", "2.00"), ("T1", "", "179.92"), ("T9", "", "5.00"), ("", "收入 / Revenue", "5.09"),
                          ("", "收入 / Revenue", "")]
    assert "order" in rows[1]["subject"] and "statement does not show" in rows[3]["subject"]
    with pytest.raises(UserError, match="nothing is open"):
        letter(home, "alipay")


def test_a_statement_that_is_missing_is_asked_for_and_not_its_money(home: Path) -> None:
    out = home / "letter.txt"
    items = dispute(home, BOOKS, "taobao", DAY, out)
    (missing,) = [item for item in items if item.request.records]
    assert missing.claim == 0 and totals([missing]) == {} and "429.13" in missing.evidence
    (line,) = [line for line in out.read_text(encoding="utf-8").splitlines() if line.startswith("贵方结算单缺少整日记录")]
    assert line.endswith("1 项 / items")


def test_words_are_for_the_other_side_and_amounts_are_numbers(home: Path) -> None:
    for whom in ("wechat", "SF", "taobao"):
        out = home / "letter.xlsx"
        dispute(home, BOOKS, whom, DAY, out)
        book = openpyxl.load_workbook(out)
        header, *rows = book["dispute"].iter_rows(values_only=True)
        names = [str(name).split()[0] for name in header]
        text = " ".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
        assert "ounterparty" not in text and "对方" not in text
        assert not any(mark in text for mark in (".csv", ".zip", ".xlsx", "All", "wx/", "tb/"))
        records = [row for row in rows if "Please send us the statement" in row[names.index("request")]]
        assert all(isinstance(row[names.index("claim")], int | float) != (row in records) for row in rows)


def test_a_letter_has_address_deadline_evidence_and_the_places_of_the_currency(home: Path) -> None:
    party = {"name": "财付通", "address": "深圳市南山区 1 号", "claim_days": 5}
    out = home / "letter.txt"
    dispute(home, BOOKS.model_copy(update={"counterparties": {"wechat": Counterparty(**party)}}), "WeChat", DAY, out)
    text = out.read_text(encoding="utf-8")
    assert "→ 财付通\n深圳市南山区 1 号\n" in text and "claim_by 索赔期限: 2026-03-11" in text and "ends within 7 days" in text
    assert "evidence 凭据: 贵方 / yours 152.90" in text and "claim 请求金额: 0.56" in text
    both = '[{"side":"left","claimed":"2026-03-02","amount":"5"},{"side":"right","claimed":"2026-03-03","amount":"-1"}]'
    assert _evidence("payment_settlement", both, "CNY") == \
        "贵方交易账单 / your bill 2026-03-02 5.00; 贵方资金账单 / your settlement 2026-03-03 -1.00"
    assert _evidence("payout_bank", both, "CNY") == "贵方出账 / your payout 2026-03-02 5.00; 我方银行 / our bank 2026-03-03 -1.00"
    columns, rows = {"currency": "币种", "claim": "金额"}, [["JPY", Decimal("1200.0000")], ["KWD", Decimal("1.5000")]]
    write_letter(home / "yen.xlsx", ["x"], "items", columns, rows)
    sheet = openpyxl.load_workbook(home / "yen.xlsx")["items"]
    assert [sheet.cell(n, 2).number_format for n in (2, 3)] == ["#,##0", "#,##0.000"]
    write_letter(home / "yen.csv", ["x"], "items", columns, rows)
    assert (home / "yen.csv").read_text(encoding="utf-8-sig").split()[3:] == ["JPY,1200", "KWD,1.500"]


def test_the_clock_tells_what_is_claimed_expiring_and_recovered(home: Path) -> None:
    books = BOOKS.model_copy(update={"counterparties": {"wechat": Counterparty(claim_days=5), "sf": Counterparty(claim_days=1)}})
    state = State(home)
    before = {c.counterparty: c for c in clock(home, books, state, DAY)}
    wechat = before["wechat"]
    assert (wechat.claimed, wechat.unclaimed, wechat.expiring, wechat.next) == (0, Decimal("71.46"), Decimal("71.46"), dt.date(2026, 3, 11))
    assert not any(c.expired for c in before.values())
    items = dispute(home, books, "wechat", DAY, home / "letter.csv")
    append_event(state, actor="dispute", kind="disputed", payload={
        "counterparty": "WeChat", "period": str(DAY), "items": told_of(items),
    })
    with duckdb.connect(str(home / "published.duckdb")) as con:
        con.execute("delete from variances where order_id = 'WX8'")
        con.execute("update variances set first_seen = date '2026-03-01' where key = 'SF/SF4'")
    after = {c.counterparty: c for c in clock(home, books, state, DAY)}
    wechat = after["wechat"]
    assert (wechat.claimed, wechat.unclaimed, wechat.recovered, wechat.next) == (Decimal("-19.44"), 0, Decimal("90.90"), None)
    assert (after["SF"].expired, after["SF"].unclaimed) == (Decimal("6.5"), Decimal("159.4"))


def test_what_is_chased_is_asked_of_that_party_alone_and_as_much_as_is_open(home: Path) -> None:
    state = State(home)

    def chase(key: str, leg: str, cause: str, difference: str, to: str, until: dt.date | None = None) -> None:
        item = Item(leg, "e", key, "CNY", cause, Decimal(difference), Decimal(0), is_booked=True)
        event = Event(f"E{key}", DAY, (item,), DAY, frozenset())
        take(state, [Choice(event, "chase", "late", until, to=to)], by=Actor("Li"))

    chase("SF/SF4", "freight", "overbilled_freight", "-6.5", "Wang Logistics")
    chase("wx/WX8", "order_payment", "missing_right", "40", "customer:p15e")  # the rest was decided otherwise
    chase("SF/SF6", "freight", "missing_right", "12", "wechat", DAY)
    assert told(letter(home, "wang logistics")) == [("WX4", "SF4", "6.50")] and told(letter(home, "SF")) == [("WX37", "SF37", "152.90")]
    assert told(letter(home, "customer:p15e")) == [("WX8", "", "40.00")]
    assert told(letter(home, "WeChat"))[-1] == ("WX6", "SF6", "-12.00"), "in general words, as its cause has none"
    assert {c.counterparty for c in clock(home, BOOKS, state, DAY) if c.unclaimed} >= {"Wang Logistics", "customer:p15e"}
    assert [d.to for d in chased(state, DAY + dt.timedelta(days=1))] == ["Wang Logistics", "customer:p15e"]


def test_requests_name_causes_and_legs_that_there_are() -> None:
    *named, general = load_requests()
    assert general.cause == "*" and {s.leg: s.to for s in general.legs} == dict.fromkeys(LEG_MODELS, "chased")
    for request in load_requests():
        assert request in (*named, general) and (request.cause in load_causes() or request is general)
        assert {shown.leg for shown in request.legs} <= set(LEG_MODELS)
        assert request.zh and request.en and request.ask and request.ask_zh
