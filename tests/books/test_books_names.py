"""Every name in books.yaml that nothing has is refused, all at once, with its line and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duizhang.books import Books, load_books
from duizhang.books.books_names import NAMED
from duizhang.errors import BooksError

ROOT = Path(__file__).resolve().parents[2]
KEY = f"'ed25519:{'A' * 43}'"
GOOD = """\
entity: acme
start: 2026-03-01
shops:
  tb-01: {platform: taobao, provider: alipay, warehouse: WH-1}
expected:
  - {source: alipay_trade, shop: tb-01}
legs: [order_payment, fee]
tolerances: {fee: 0.01}
sla_days: {payout_bank/alipay: 3}
rate_cards:
  - {kind: fee, provider: alipay, from_day: 2026-03-01, percent: 0.6}
accounts:
  "6001": {measure: sales, shop: tb-01, provider: alipay}
policy_changes:
  - {leg: finance, from_day: 2026-03-01, description: less}
matching: {payout_bank: [remark, batch], order_payment: [near_key]}
"""


def problems(folder: Path, text: str) -> list[str]:
    (folder / "books.yaml").write_text(text, encoding="utf-8")
    try:
        load_books(folder / "books.yaml")
    except BooksError as error:
        return re.findall(r"line \d+, .*", str(error))
    return []


@pytest.mark.parametrize(("old", "new", "said"), [
    ("source: alipay_trade", "source: alipay_trad",
     "line 6, expected.0.source: unknown source 'alipay_trad'; did you mean 'alipay_trade'?"),
    ("shop: tb-01}\nlegs", "shop: tb-O1}\nlegs", "line 6, expected.0.shop: unknown shop 'tb-O1'; did you mean 'tb-01'?"),
    ("platform: taobao", "platform: tabao", "line 4, shops.tb-01.platform: unknown platform 'tabao'; did you mean 'taobao'?"),
    ("[order_payment", "[order_paymnt", "line 7, legs.0: unknown leg 'order_paymnt'; did you mean 'order_payment'?"),
    ("{fee: 0.01", "{fees: 0.01", "line 8, tolerances.fees: unknown leg 'fees'; did you mean 'fee'?"),
    ("payout_bank/", "payout_bnak/", "line 9, sla_days.payout_bnak/alipay: unknown leg 'payout_bnak'; did you mean 'payout_bank'?"),
    ("kind: fee, provider: alipay", "kind: fee, provider: alipy",
     "line 11, rate_cards.0.provider: unknown provider or platform of a shop 'alipy'; did you mean 'alipay'?"),
    ("measure: sales,", "measure: sale,", "; did you mean 'sales'?"),
    ("shop: tb-01, provider: alipay}\npolicy", "shop: tb-01, provider: wechat}\npolicy",
     "line 13, accounts.6001.provider: unknown provider 'wechat'; known: alipay"),
    ("leg: finance", "leg: finances", "line 15, policy_changes.0.leg: unknown leg 'finances'; did you mean 'finance'?"),
    ("{payout_bank: [r", "{payuot_bank: [r", "line 16, matching.payuot_bank: unknown leg 'payuot_bank'; did you mean 'payout_bank'?"),
    ("remark, batch", "remrak, batch", "; did you mean 'remark'?"),
    ("remark, batch", "batch, remark, batch", "payout_bank: batch stands there twice"),
    ("order_payment: [near", "ledger: [near", "matching: no passes are tried in 'ledger'"),
    ("warehouse: WH-1", "warehose: WH-1", "line 4, shops.tb-01.warehose: unknown key; did you mean 'warehouse'?"),
    ("legs:", "lags:", "line 7, lags: unknown key; did you mean 'legs'?"),
    ("warehouse: WH-1}", "currency: USX}", "line 4, shops.tb-01.currency: unknown currency 'USX'; did you mean 'USD'?"),
    ("start: 2026-03-01\n", "start: 2026-03-01\ncurrency: RMB\n", "line 3, currency: unknown currency 'RMB'; did you mean 'CNY'?"),
    ("start: 2026-03-01\n", "start: 2026-03-01\nbank_accounts: {'9': acmee, '8': holding}\n",
     "line 3, bank_accounts.9: unknown entity 'acmee'; did you mean 'acme'?"),
    ("start: 2026-03-01\n", "start: 2026-03-01\nsku_map: [{code: x, sku: y, shop: tb-1}]\n",
     "line 3, sku_map.0.shop: unknown shop 'tb-1'; did you mean 'tb-01'?"),
    ("start: 2026-03-01\n", "start: 2026-03-01\ncut_off: 25:10\n", "line 3, cut_off: '25:10' is no time of a day; expected such as 04:00"),
    ("start: 2026-03-01", "start: 2026-02-30", "line 2, start: '2026-02-30' is no day such as 2026-03-31"),
    ("from_day: 2026-03-01, percent", "from_day: 01.03.2026, percent", "rate_cards.0.from_day: '01.03.2026' is no day such as 2026-03-31"),
    ("percent: 0.6", "percent: !!float much", "line 11, rate_cards.0.percent: Input should be a valid decimal"),
    ("payout_bank/alipay: 3", "payout_bank/alipay: -3", "should be greater than or equal to 0"),
    ("{fee: 0.01", "{fee: -0.01", "should be greater than or equal to 0"),
    ("start: 2026-03-01\n", f"start: 2026-03-01\nroles: {{maker: {{may: [make]}}}}\npeople:\n  li: {{name: Li, role: makr, key: {KEY}}}\n",
     "line 5, people.li.role: unknown role 'makr'; did you mean 'maker'?"),
    ("start: 2026-03-01\n", f"start: 2026-03-01\nroles: {{r: {{may: [make]}}}}\npeople:\n  li: {{name: Li, role: r, key: {KEY}}}\n"
     f"  wa: {{name: Wa, role: r, key: {KEY}}}\n", "line 4, books: people: li has the key of somebody else"),
    ("shop: tb-01}\nlegs", "shop: tb-01, every: business_day, calendar: bnk}\ncalendars: {bank: {}}\nlegs",
     "line 6, expected.0.calendar: unknown calendar 'bnk'; did you mean 'bank'?"),
    # the right provider, wherever it stands, is not told as unknown because of the wrong one
    ("provider: alipay, warehouse", "provider: alipya, warehouse", "line 4, shops.tb-01.provider: unknown provider 'alipya'; did you mean"),
    ("start: 2026-03-01\n", "start: 2026-03-01\nstart: 2026-04-01\n", "line 2, start: stands there twice, again in line 3"),
])
def test_a_name_that_nothing_has_is_refused_with_its_line_and_the_nearest_one(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD and problems(tmp_path, GOOD) == []
    found = problems(tmp_path, GOOD.replace(old, new))
    assert len(found) == 1 and said in found[0], found


def test_every_entry_that_names_a_shop_a_leg_a_source_or_a_provider_is_looked_at() -> None:
    schema = Books.model_json_schema()

    def places(node: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        yield above
        for name, inside in node.get("properties", {}).items():
            yield from places(inside, (*above, name))
        for inside in (node.get("items"), node.get("additionalProperties")):
            if isinstance(inside, dict):
                yield from places(inside, (*above, "*"))
        for inside in node.get("anyOf", ()):
            yield from places(inside, above)

    naming = {"shop", "shops", "leg", "legs", "source", "provider", "role", "calendar"}
    found = {place for place in places(schema) if place and not place[-1].startswith("*") and place[-1] in naming}
    found = {(*place, "*") if place[-1] in ("shops", "legs") else place for place in found}
    free = {  # the shops themselves; names that may be any but are looked at for typing errors; whom an account is shared with
        ("shops", "*"), ("shops", "*", "provider"), ("shared_accounts", "*", "provider")}
    assert found - free <= {pattern for patterns in NAMED.values() for pattern in patterns}


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("alipay_trade", "alipay_trad").replace("[order_payment", "[order_paymnt").replace("0.6", "much")
    assert [line.split(",")[0] for line in problems(tmp_path, text)] == ["line 6", "line 7", "line 11"]


@pytest.mark.parametrize(("raw", "said", "advice"), [
    ("name: 对账".encode("gbk"), "is not in UTF-8", "Save it as UTF-8"), (b"shops:\n\ttb: {}\n", "is not valid YAML", "not with a tab"),
    (b"name: a: b\n", "is not valid YAML", "quotation marks"), (b"name: " + b"[" * 3000, "nested too deeply", ""),
    (b"name: &a [*a]\n", "an entry holds itself", ""), (b"name: {a: &a {b: [*a]}}\n", "an entry holds itself", ""),
])
def test_books_that_are_no_yaml_are_told_with_what_to_do(tmp_path: Path, raw: bytes, said: str, advice: str) -> None:
    (tmp_path / "books.yaml").write_bytes(raw)
    with pytest.raises(BooksError) as told:
        load_books(tmp_path / "books.yaml")
    assert said in str(told.value) and advice in (told.value.advice or "")
    with pytest.raises(BooksError, match="is a folder"):
        load_books(tmp_path)
    assert problems(tmp_path, GOOD.replace("tb-01: {", "tb-02: &one {platform: taobao}\n  tb-03: *one\n  tb-01: {")) == [], "said twice"


def test_own_sources_are_known_and_the_books_of_the_readme_and_the_examples_load(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mine.yaml").write_text("name: my_bill\n", encoding="utf-8")
    assert problems(tmp_path, GOOD.replace("alipay_trade", "my_bill")) == []
    readme = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert problems(tmp_path, "\n".join(line.removeprefix("   ") for line in readme[0].splitlines())) == []
    load_books(ROOT / "examples" / "olist" / "books.yaml")


def test_a_provider_whose_name_is_like_anothers_is_taken_where_counterparties_name_it(tmp_path: Path) -> None:
    text = GOOD.replace("alipay", "paypay")
    (told,) = [line for line in problems(tmp_path, text) if "shops" in line]
    assert told.endswith("did you mean 'paypal'? if not, name it under counterparties")
    assert not [line for line in problems(tmp_path, text + "counterparties: {paypay: {}}\n") if "shops" in line]


def test_a_cut_off_is_read_with_and_without_quotation_marks(tmp_path: Path) -> None:
    for text in ("10:30", "'10:30'"):
        (tmp_path / "books.yaml").write_text(GOOD + f"cut_off: {text}\n", encoding="utf-8")
        assert load_books(tmp_path / "books.yaml").cut_off_minutes == 630
