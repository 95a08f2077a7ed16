"""What a change would do is what it does, and asking writes nothing."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duizhang.declared.rule_files import trying
from duizhang.errors import BooksError, UserError
from duizhang.home.events import event_log
from duizhang.home.state import State
from duizhang.ingest import records
from duizhang.reconcile.causes import CAUSES_FILE
from duizhang.secrecy.sealing import KEYS
from duizhang.what_if import Proposed, what_if
from duizhang.what_if.duplicate import duplicate_home
from duizhang.what_if.edits import differing_entries, edited
from duizhang.yaml_reading import load_yaml
from tests.pipelines.test_end_to_end import LAST, START, duizhang, query, run

pytestmark = pytest.mark.usefixtures("unchecked")

EDITS = ("sla_days.order_shipment=0", "rate_cards[provider=alipay,kind=fee].percent='0.5'", "tolerances.order_payment=0.5")
ITEM = 'leg, entity, "key", currency, cause'


def content(home: Path) -> dict[str, tuple[int, int, int]]:
    """Every file with size and times; the lock has no content."""
    return {
        p.relative_to(home).as_posix(): (p.stat().st_size, p.stat().st_mtime_ns, p.stat().st_ctime_ns)
        for p in home.rglob("*") if p.is_file() and not p.name.endswith(".lock")
    }


def items(home: Path) -> dict[tuple[str, ...], dict[Any, Any]]:
    """Of every open item what is said of it, by day."""
    found: dict[tuple[str, ...], dict[Any, Any]] = {}
    said = "concat_ws('|', status, proposal, confidence, first_seen, candidates)"
    for *item, period, amount, rest in query(home, f"select {ITEM}, period, difference, {said} from variances order by period"):
        found.setdefault(tuple(item), {})[period] = (amount, rest)
    return found


@pytest.mark.slow
def test_the_answer_is_what_a_run_with_the_change_gives_and_the_home_is_untouched(raw: Path, home: Path, tmp_path: Path) -> None:
    mine, rules = tmp_path / "home", tmp_path / "causes.yaml"
    shutil.copytree(home, mine, symlinks=True)
    causes = load_yaml(CAUSES_FILE.read_text(encoding="utf-8"))
    causes = [{**c, "when": "false"} if c["name"] == "stock_count_error" else c for c in causes]
    rules.write_text(json.dumps(causes, ensure_ascii=False), encoding="utf-8")
    for role, by in (("maker", "Li Na"), ("checker", "Wang Wei")):
        duizhang("approve", "--home", mine, "--period", START, "--as", role, "--by", by)
    duizhang("close", "--home", mine, "--from", START, "--to", START, "--by", "Wang Wei")
    before, was = content(mine), items(mine)
    told = duizhang("what-if", "--home", mine, "--quiet", "--json", "--causes", rules, *(part for e in EDITS for part in ("--set", e)))
    assert content(mine) == before, "nothing was written"
    answer = json.loads(told)
    assert {c["entry"] for c in answer["changes"]} >= {"sla_days.order_shipment", "tolerances.order_payment"}
    assert answer["closed"] == [str(START)] and answer["stale_outside"] == [] and answer["not_current"] == []

    changed = edited(load_yaml((raw / "books.yaml").read_text(encoding="utf-8")), EDITS)
    shutil.copytree(raw, tmp_path / "raw")
    (tmp_path / "raw" / "books.yaml").write_text(json.dumps(changed, default=str, ensure_ascii=False), encoding="utf-8")
    duizhang("reopen", "--home", mine, "--period", START, "--by", "Wang Wei", "--reason", "other rules")
    with trying({"causes.yaml": rules}):
        run(tmp_path / "raw", mine)
    now = items(mine)
    digests = {str(period): digest for period, digest in query(mine, "select period, digest from period_status")}
    assert {d["period"]: d["now"] for d in answer["days"]} == digests

    kinds: dict[str, Counter[tuple[str, str, str]]] = {"new": Counter(), "gone": Counter(), "changed": Counter()}
    money: Counter[tuple[str, str, str]] = Counter()
    for item in {*was, *now}:
        leg, *_, currency, cause = item
        kind = "new" if item not in was else "gone" if item not in now else "changed" if was[item] != now[item] else ""
        if kind:
            kinds[kind][leg, cause, currency] += 1
        if kind == "new":
            money[leg, cause, currency] += abs(list(now[item].values())[-1][0])
    for kind, counted in kinds.items():
        assert {(r["leg"], r["cause"], r["currency"]): r[kind] for r in answer["variances"] if r[kind]} == counted, kind
    assert {(r["leg"], r["cause"], r["currency"]): r["new_amount"] for r in answer["variances"] if r["new"]} == {
        k: f"{v:.4f}" for k, v in money.items()}
    moved = {(r["leg"], r["was"]) for r in answer["moved"]}
    assert {("order_shipment", "timing"), ("stock", "stock_count_error")} <= moved
    fee = next(r for r in answer["legs"] if r["leg"] == "fee" and r["currency"] == "CNY")
    closing = f"select sum(closing) from recon_summary where leg = 'fee' and currency = 'CNY' and period = '{LAST}'"
    assert fee["closing_now"] == str(query(mine, closing)[0][0])

    duizhang("report", "--home", mine, "--lang", "en", "--out", tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert f"{LAST} is version 2; since version 1: the rules changed, books.yaml changed, the closing of the day before changed." in page


def nothing(*_: object) -> int:
    raise AssertionError("nothing may be computed")


@pytest.mark.parametrize(
    ("proposed", "error", "said"),
    [
        (lambda _: Proposed(edits=("tolerances.order_paymnt=1",)), BooksError, "the changed books: .*order_paymnt"),
        (lambda _: Proposed(edits=("sla_days.order_shipment=2",)), UserError, "nothing would change"),
        (lambda f: Proposed(causes=f("- {name: a}\n")), UserError, "is no causes.yaml"),
    ],
)
def test_a_change_that_is_none_or_wrong_is_told_before_anything_is_computed(
    home: Path, tmp_path: Path, proposed: Callable[..., Proposed], error: type[Exception], said: str
) -> None:
    def file(text: str) -> Path:
        (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "a.yaml"

    with pytest.raises(error, match=said):
        what_if(home, State(home, read_only=True), proposed(file), nothing)


def test_a_copy_has_the_keys_of_sealed_files_and_all_of_the_state(home: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(home, tmp_path / "home", symlinks=True))
    (mine / KEYS / "archive").mkdir(parents=True)
    (mine / KEYS / "archive" / "2026-03.key").write_bytes(b"wrapped")
    copy = duplicate_home(mine, State(mine), tmp_path / "copy")
    assert (tmp_path / "copy" / KEYS / "archive" / "2026-03.key").read_bytes() == b"wrapped"
    assert event_log(copy) == event_log(State(mine)) and records(copy) == records(State(mine)) != []


def test_an_edit_is_put_where_it_says_and_told_by_what_the_entry_is() -> None:
    books = {"tolerances": {"fee": 1}, "accounts": {"6001.01": {"shop": "a"}}, "rate_cards": [
        {"kind": "fee", "provider": "alipay", "percent": "0.6"}, {"kind": "freight", "provider": "SF", "zone": "省内"}]}
    edits = ("tolerances.fee=0.05", 'accounts."6001.01".shop=b', "rate_cards[provider=alipay].percent='0.5'", "sla_days.order_payment/tb=3",
             "rate_cards.1.zone=省外")
    found = [str(e) for e in differing_entries(books, edited(books, edits))]
    assert found == [
        "accounts.6001.01.shop: a -> b", "rate_cards[fee alipay].percent: 0.6 -> 0.5",
        "rate_cards[freight SF 省内].zone: 省内 -> 省外", "sla_days: (none) -> {order_payment/tb: 3}", "tolerances.fee: 1 -> 0.05",
    ]
    for wrong in ("tolerances", "=1", "rate_cards[provider=x].percent=1", "rate_cards.9.zone=1", "tolerances.fee.a=1", "a[b]=1"):
        with pytest.raises(UserError, match="--set") as told:
            edited(books, (wrong,))
        assert told.value.advice
