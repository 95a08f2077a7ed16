"""Lines that state what the columns of a bill add up to are held against its rows, or told where nothing says what they sum."""

from __future__ import annotations

from pathlib import Path

import pytest

from duizhang.ingest import Setting, load_specs
from duizhang.ingest.landing import extract

BANK = "Date,Description,Amount,Currency\n"
ROWS = "2026-03-05,Coffee,-3.50,EUR\n2026-03-06,Sale,10.00,EUR\n"
SIDES = "Buchungstag;Text;Soll;Haben;Saldo\n05.03.2026;Gas;1.003,50;;96,50\n06.03.2026;Kunde;;10,00;106,50\n"
PENDING = "Date,Description,Amount,Currency,Status\n2026-03-05,Coffee,-3.50,EUR,booked\n2026-03-06,Sale,10.00,EUR,pending\n"


@pytest.mark.parametrize(("body", "held", "told"), [
    (f"{BANK}{ROWS}Total,,6.50,\n", {4: True}, ""),
    (f"{BANK}{ROWS}Total,,6.51,\n", {4: False}, ""),
    (f"{BANK}{ROWS},Total,6.50,\n", {4: True}, ""),
    (f"{BANK}{ROWS},Summe:,-6.50,EUR\n", {4: False}, ""),
    (f"{BANK},合计,6.51,\n{ROWS}", {2: False}, ""),
    (f"{BANK}Total,,6.50,\n{ROWS}", {2: True}, ""),
    # a count of rows, and what rows that wait give with the others or without them
    (f"{BANK}{ROWS}Total,,2,\n", {4: True}, ""),
    (f"{PENDING}Total,,6.50,,\n", {4: True}, ""),
    (f"{PENDING}Total,,-3.50,,\n", {4: True}, ""),
    (f"{PENDING}Total,,-3.51,,\n", {4: False}, ""),
    # both sides, each by itself, and a closing balance beside them
    (f"{SIDES}Summe;;1.003,50;10,00;106,50\n", {4: True}, ""),
    (f"{SIDES}Summe;;1.003,50;10,01;106,50\n", {4: False}, ""),
    # of pages and running: what ties says what the others sum; where none ties, nobody knows
    (f"{BANK}{ROWS}Total,,6.50,\n2026-03-07,Sale,2.00,EUR\nTotal,,2.00,\nGrand total,,8.50,\n", {4: True, 6: True, 7: True}, ""),
    (f"{BANK}{ROWS}Total,,6.50,\n2026-03-07,Sale,2.00,EUR\nTotal,,8.51,\n", {4: True, 6: False}, ""),
    (f"{BANK}{ROWS}Total,,16.50,\n2026-03-07,Sale,2.00,EUR\nTotal,,18.50,\n", {}, "lines 4, 6"),
    (f"{BANK}{ROWS}Subtotal,,7.00,\n", {}, "line 4"),
    (f"{BANK}{ROWS}Total,6.50\n", {}, "line 4"),
    # in two currencies a total that names none is of neither
    (f"{BANK}{ROWS}2026-03-07,Sale,2.00,USD\nTotal,,6.50,EUR\nTotal,,2.10,USD\n", {5: True, 6: False}, ""),
    (f"{BANK}{ROWS}2026-03-07,Sale,2.00,USD\nTotal,,9.99,\n", {}, "line 5"),
    # somebody who is called so
    (f"{BANK}{ROWS}2026-03-07,Total,2.00,EUR\n", {}, ""),
])
def test_a_total_among_the_rows_is_held_or_told(tmp_path: Path, body: str, held: dict[int, bool], told: str) -> None:
    """Fails if a wrong total is silent, a right one holds its file, or a total of nobody knows what is taken for that of all rows."""
    path = tmp_path / "bank.csv"
    path.write_text(body, encoding="utf-8")
    [found] = extract(path, load_specs(), Setting(shop="s", zone="UTC", currency="EUR"), file="bank.csv", into=tmp_path / "out")
    lines: dict[int, bool] = {}
    for total in found.totals:
        if " of the total in line " in total.name:
            line = int(total.name.rpartition(" ")[2])
            lines[line] = total.ok and lines.get(line, True)
    assert (lines, found.rows_quarantined) == (held, 0)
    assert [note.rpartition(": ")[2] for note in found.notes if note.startswith("totals that it states")] == [told] * bool(told)
    assert [total.name for total in found.totals if not total.ok and "of the total" not in total.name] == []


def test_a_total_in_the_column_of_orders_is_no_order(tmp_path: Path) -> None:
    """Fails if the total of a list whose rows need no day is read as one order more."""
    head = "商品,订单号,订单状态,商品总价(元),邮费(元),店铺优惠折扣(元),平台优惠折扣(元),多多支付立减金额(元),用户实付金额(元),商家实收金额(元),商品数量(件),支付时间,商品id,商家编码-规格维度,售后状态,快递单号\n"
    row = "杯,260620-1,已发货,60.00,0,0,0,0,60.00,60.00,1,2026-06-20 10:00:00,754,CUP,无售后,SF1\n"
    (tmp_path / "any.csv").write_text(f"{head}{row},Total,,60.00,,,,,60.00,60.00,,,,,,\n", encoding="utf-8")
    [found] = extract(tmp_path / "any.csv", load_specs(), Setting(shop="s", zone="UTC"), file="any", into=tmp_path / "out")
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("pdd_orders", 1, 1)
