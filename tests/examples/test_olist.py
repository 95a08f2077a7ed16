"""The Olist example: a user's own sources in the books' folder, through the whole pipeline to the truth."""

from __future__ import annotations

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.close import replay
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest.inbox import collect
from duizhang.plan import make_plan
from duizhang.publish import versions
from examples.olist import reconcile
from examples.olist.reconcile import DAY, HERE, TRUTH, prepare
from pipelines.run import run_range

PERIOD = dt.date.fromisoformat(DAY)
FOLDERS = [found for above in Path(__file__).resolve().parents if (found := above / "shared" / "data" / "olist").is_dir()]

# as Kaggle publishes them; two items and their freight paid in two parts, a payment of zero, and one of each difference
ITEMS = """"order_id","order_item_id","product_id","seller_id","shipping_limit_date","price","freight_value"
"a1",1,"p1","s1",2017-09-19 09:45:35,58.90,13.29
"a1",2,"p2","s1",2017-09-19 09:45:35,10.10,0.00
"b2",1,"p1","s1",2017-09-20 09:45:35,58.90,13.29
"c3",1,"p1","s1",2017-09-21 09:45:35,58.90,13.29
"""
PAYMENTS = """"order_id","payment_sequential","payment_type","payment_installments","payment_value"
"a1",1,"credit_card",1,72.29
"a1",2,"voucher",1,10.00
"b2",1,"credit_card",8,80.00
"d4",1,"boleto",1,33.00
"e5",1,"not_defined",1,0.00
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "download"
    folder.mkdir()
    (folder / "olist_order_items_dataset.csv").write_text(ITEMS, encoding="utf-8")
    (folder / "olist_order_payments_dataset.csv").write_text(PAYMENTS, encoding="utf-8")
    return prepare(folder, tmp_path / "work")


@pytest.mark.slow
def test_own_sources_need_nothing_but_their_files_beside_the_books(small: Path) -> None:
    home = small.parent / "home"
    assert run_range(small, home, PERIOD, PERIOD) == 0
    assert reconcile.found(home) == {
        "orders on both sides": (2, Decimal("7.81")), "items without a payment": (1, Decimal("-72.19")),
        "payments without items": (2, Decimal("33.00")), "payments of zero without items": (1, Decimal(0)),
        "differing, paid too much": (1, Decimal("7.81")), "differing, paid too little": (0, None), "residual": (0, Decimal(0)),
    }
    books, store, state = load_books(small), Store(home), State(home)

    def stale() -> list[dt.date]:
        collect(books, store, state)
        return list(make_plan(books, store, state, PERIOD, PERIOD).stale)

    # a source that read none of the day's files touches nothing; one that did, does
    other = (HERE / "sources" / "items.yaml").read_text(encoding="utf-8")
    other = other.replace("olist_items", "other_items").replace("order_id, order_item_id", "bill, order_item_id")
    (books.sources_path / "other.yaml").write_text(other, encoding="utf-8")
    assert stale() == []
    payments = books.sources_path / "payments.yaml"
    payments.write_text(payments.read_text(encoding="utf-8").replace("fee: '0'", "fee: '1'"), encoding="utf-8")
    assert stale() == [PERIOD]
    # the version is rebuilt by the sources that it was made with
    shutil.rmtree(books.sources_path)
    then, now = replay(home, state, PERIOD, None, run_range)
    assert then == now == versions(state, PERIOD)[-1].digest


@pytest.mark.slow
@pytest.mark.skipif(not FOLDERS, reason="the Olist data set (../shared/data/olist) is not here")
def test_olist_gives_the_truth(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run_range(prepare(FOLDERS[0], tmp_path / "work"), home, PERIOD, PERIOD) == 0
    assert reconcile.found(home) == TRUTH
