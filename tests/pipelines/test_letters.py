"""What goes to others says what the published tables say, and no cell can run as a formula."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duizhang.close.workbook import safe_cell
from tests.pipelines.test_end_to_end import LAST, START, duizhang, query


def test_a_statement_opens_and_closes_with_the_open_items(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.csv"
    second = START.replace(day=2)
    duizhang("statement", "--shop", "tb-01", "--home", home, "--from", second, "--to", LAST, "--out", out)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    moved = sum(Decimal(r["charged 应收"] or 0) - Decimal(r["settled 已收"] or 0) for r in rows)
    at = "select sum(difference) from variances where leg = 'order_payment' and shop = 'tb-01' and period = date '{}'"
    ((opening,),), ((closing,),) = (query(home, at.format(d)) for d in (START, LAST))
    assert opening + moved == closing
    (who,), *_ = query(home, f"select customer from customer_balances where period = date '{LAST}' and customer <> '' order by 1")
    owed = dict(query(home, f"""
        select currency, sum(balance) from customer_balances where period = date '{LAST}' and customer = '{who}' group by 1"""))
    told = duizhang("statement", "--customer", who, "--home", home, "--from", START, "--to", LAST, "--out", tmp_path / "c.xlsx")
    cells = [line.split() for line in told.splitlines()[2:-1]]
    assert {currency: Decimal(closing) for currency, *_, closing in cells if Decimal(closing)} == owed
    with pytest.raises(AssertionError, match="did you mean 'tb-01'"):
        duizhang("statement", "--shop", "tb-1", "--home", home, "--from", START, "--to", LAST, "--out", out)


def test_a_dispute_lists_what_the_other_side_has_to_answer_for(raw: Path, home: Path, tmp_path: Path) -> None:
    theirs = f"""
        from variances where period = date '{LAST}' and cause = 'missing_right' and difference > 0
        and leg in ('order_payment', 'payment_settlement') and status <> 'accepted'"""
    (shop, items), *_ = query(home, f"select shop, count(*) {theirs} group by 1 order by 2 desc, 1")
    provider = {"tb-01": "alipay", "wx-01": "wechat", "jd-01": "jd"}[shop]
    out = tmp_path / "d.xlsx"
    told = duizhang("dispute", provider, "--books", raw / "books.yaml", "--home", home, "--period", LAST, "--out", out,
                    "--answer-by", "2026-04-01")
    book = openpyxl.load_workbook(out)
    header, *rows = book["dispute"].iter_rows(values_only=True)
    at = {str(name).split()[0]: n for n, name in enumerate(header)}
    orders = {k for (k,) in query(home, f"select order_id {theirs} and shop = '{shop}'")}
    assert orders <= {r[at["order_id"]] for r in rows} and len(rows) >= items
    assert all(str(c)[:1] not in "=+@" for r in rows for c in r if c)
    letter = [str(cell.value) for cell in book["letter"]["A"]]
    assert f"{len(rows)} 项" in letter[1] and "2026-04-01" in letter[-1]
    total = sum(Decimal(str(r[at["claim"]])) for r in rows)
    assert Decimal(told.rsplit(" ", 2)[1]) == total and f"{total:,.2f}" in " ".join(letter)
    with pytest.raises(AssertionError, match="nobody-pays"):
        duizhang("dispute", "nobody-pays", "--books", raw / "books.yaml", "--home", home, "--period", LAST, "--out", out)
    with pytest.raises(AssertionError, match="was never computed"):
        duizhang("dispute", provider, "--books", raw / "books.yaml", "--home", home, "--period", "2026-01-01", "--out", out)


def test_text_that_would_run_is_quoted() -> None:
    assert [safe_cell(v) for v in ("=1+1", "+1", "-1", "@a", "a=1", Decimal("-1.5000"))] == [
        "'=1+1", "'+1", "'-1", "'@a", "a=1", "-1.5"
    ]
