"""What goes to others: how a letter is written, and the statement of account. Amounts are numbers, to the cent; labels stand
in Chinese and English; nothing in a cell can run as a formula."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.close.workbook import EXACT_DIGITS, safe_cell
from duizhang.declared.currency import in_places
from duizhang.declared.schema import CLAIM
from duizhang.declared.terms import PeriodStatus
from duizhang.errors import ConservationError, UserError
from duizhang.home.state import State
from duizhang.home.store import Store, connect, days
from duizhang.publish import period_states
from duizhang.reconcile import STATE_TABLES
from duizhang.spelling import meant

STATEMENT = {
    "period": "日期", "kind": "类型", "order_id": "订单", "key": "编号", "currency": "币种", "charged": "应收",
    "settled": "已收", "source": "来源", "file": "文件", "line": "行",
}


def statement(
    store: Store, state: State, out: Path, start: dt.date, end: dt.date, *, customer: str = "", shop: str = ""
) -> list[tuple[str, Decimal, Decimal, Decimal, Decimal]]:
    """Write the account of a customer (pseudonym) or a shop over a range: opening, every claim, closing.

    Gives (currency, opening, charged, settled, closing) for each currency, and opening + charged - settled = closing or
    it raises ConservationError. Raises UserError where a day is not published, or nothing is known of who is asked for.
    """
    leg = "customer" if customer else "order_payment"
    states = period_states(state)
    for period in days(start, end):
        found = states.get(period)
        if found is None or not found.version or found.state == PeriodStatus.HELD:
            raise UserError(f"{period} is {found.state if found else 'not published'}",
                            advice="`duizhang status` says why; a statement is made of published days.")
    column, who = ("customer", customer) if customer else ("shop", shop)
    with connect() as con:
        store.view(con, "claims", days(start, end), CLAIM, table_of=leg)
        for name, day in (("opening", start - dt.timedelta(days=1)), ("closing", end)):
            store.view(con, name, [day], STATE_TABLES["open_claims"], table_of="open_claims")
        con.execute(
            'create table accounts as select distinct entity, "key", currency from ('
            f'select entity, "key", currency from claims where "{column}" = ? union all '
            f'select entity, "key", currency from opening where leg = ? and "{column}" = ?)', [who, leg, who]
        )
        signed = "coalesce(sum(case side when 'left' then amount else -amount end), 0)::decimal(28, 4)"
        of = "inner join accounts using (entity, \"key\", currency)"
        sums: dict[str, dict[str, Decimal]] = {
            name: dict(con.execute(f"select currency, {signed} from {name} {of} where leg = '{leg}' group by all").fetchall())
            for name in ("opening", "claims", "closing")
        }
        known = [str(name) for name, in con.execute(
            "select shop from claims where shop <> '' union select shop from closing where leg = ? and shop <> '' order by 1", [leg],
        ).fetchall()]
        rows = con.execute(
            'select period, kind, order_id, "key", currency, case side when \'left\' then amount end, '
            f"case side when 'right' then amount end, source, file, line from claims {of} where leg = '{leg}' order by all"
        ).fetchall()
    currencies = sorted({c for part in sums.values() for c in part} | {r[4] for r in rows})
    if not currencies:
        raise UserError(f"nothing is known of {column} {who!r} from {start} to {end}{meant(shop, known) if shop else ''}")
    lines = []
    for currency in currencies:
        zero = Decimal(0)
        opening, closing = sums["opening"].get(currency, zero), sums["closing"].get(currency, zero)
        charged = sum((r[5] for r in rows if r[4] == currency and r[5] is not None), zero)
        settled = sum((r[6] for r in rows if r[4] == currency and r[6] is not None), zero)
        if opening + charged - settled != closing:
            raise ConservationError(f"{who}: {opening} + {charged} - {settled} is not {closing} {currency}")
        lines.append((currency, opening, charged, settled, closing))
    preface = [
        f"对账单 / Statement of account: {column} {who}", f"{start} – {end}",
        *(f"{c}: 期初 / opening {_read(o, c)}; 应收 / charged {_read(d, c)}; 已收 / settled {_read(s, c)}; "
          f"期末 / closing {_read(e, c)}" for c, o, d, s, e in lines),
    ]
    write_letter(out, preface, "statement", STATEMENT, [list(r) for r in rows])
    return lines


def write_letter(out: Path, preface: Sequence[str], sheet: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """A letter on one sheet and its items on another, amounts as numbers where a spreadsheet holds them exactly; as .csv the
    items alone, as .txt both as text. Amounts have the places of the currency that stands in their row. Raises UserError for any other
    kind of file."""
    header = [f"{name} {zh}" for name, zh in columns.items()]
    if out.suffix.lower() not in (".xlsx", ".csv", ".txt"):
        raise UserError(f"{out}: expected a name that ends in .xlsx, .csv or .txt")
    out.parent.mkdir(parents=True, exist_ok=True)
    at = list(columns).index("currency")
    if out.suffix.lower() == ".txt":
        items = [
            "\n".join(f"  {name}: {_read(cell, str(row[at]))}" for name, cell in zip(header, row, strict=True) if cell not in (None, ""))
            for row in rows
        ]
        out.write_text("\n".join(preface) + "\n\n" + "\n\n".join(items) + "\n", encoding="utf-8")
        return
    if out.suffix.lower() == ".csv":
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows([_plain(cell, str(row[at])) for cell in row] for row in rows)
        return
    import xlsxwriter

    book = xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True})
    formats: dict[int, Any] = {}  # by how many decimals are shown
    letter, page = book.add_worksheet("letter"), book.add_worksheet(sheet)
    letter.set_column(0, 0, 110)
    for number, text in enumerate(preface):
        letter.write_string(number, 0, str(safe_cell(text)), bold if number == 0 else None)
    for column, text in enumerate(header):
        page.write_string(0, column, text, bold)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            money = None
            if isinstance(cell, Decimal):
                shown = max(0, -int(in_places(cell, str(row[at])).as_tuple().exponent))
                money = formats.setdefault(shown, book.add_format({"num_format": "#,##0" + "." * (shown > 0) + "0" * shown}))
            _write_cell(page, number, column, cell, str(row[at]), money)
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(len(rows), 1), len(header) - 1)
    page.set_column(0, len(header) - 1, 16)
    book.close()


def _write_cell(page: Any, row: int, column: int, value: object, currency: str, money: Any) -> None:
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= EXACT_DIGITS:
        page.write_number(row, column, value, money)
    elif isinstance(value, int):
        page.write_number(row, column, value)
    else:
        page.write_string(row, column, _plain(value, currency))


def _plain(value: object, currency: str) -> str:
    """A number as it is (a spreadsheet takes it for one, a sign in front of it is none of a formula); text that cannot run."""
    return str(safe_cell(value)) if isinstance(value, str) else _text(value, currency)


def _read(value: object, currency: str) -> str:
    """As people read it: an amount with separators."""
    return f"{in_places(value, currency):,f}" if isinstance(value, Decimal) else _text(value, currency)


def _text(value: object, currency: str) -> str:
    if isinstance(value, Decimal):
        return str(in_places(value, currency))
    return "" if value is None else str(value)
