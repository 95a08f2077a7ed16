"""What goes to others: a dispute with a counterparty, a statement of account. Amounts as text, to the cent; labels in
Chinese and English; nothing in a cell can run as a formula."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from duizhang.books import Books
from duizhang.close.workbook import no_such_day, safe_cell
from duizhang.errors import ConservationError, UserError
from duizhang.evidence import in_words
from duizhang.publish import period_states
from duizhang.published import open_published
from duizhang.reconcile import LEG_MODELS, STATE_TABLES, load_causes
from duizhang.schema import CLAIM
from duizhang.state import State
from duizhang.store import Store, connect, days

# Differences that the other side has caused or has to answer for.
THEIRS = ("missing_right", "fee_rate", "partial_settlement", "overbilled_freight", "lost_in_transit")
_PAID_BY = ("order_payment", "payment_settlement", "fee", "return_refund")
_SOLD_ON = ("order_platform", "finance")
DISPUTE = {
    "leg": "对账关系", "cause": "原因", "order_id": "订单", "key": "编号", "currency": "币种", "ours": "我方金额",
    "yours": "贵方金额", "difference": "差异", "first_seen": "首次发现", "age_days": "账龄（天）", "request": "请贵方",
    "evidence": "证据",
}
STATEMENT = {
    "period": "日期", "kind": "类型", "order_id": "订单", "key": "编号", "currency": "币种", "charged": "应收",
    "settled": "已收", "source": "来源", "file": "文件", "line": "行",
}


def dispute(home: Path, books: Books, counterparty: str, period: dt.date, out: Path) -> dict[str, Decimal]:
    """Write what `counterparty` (a provider, a platform or a carrier) has to answer for, as it is open at a period's
    end; the difference by currency. `out` is .xlsx (letter and items) or .csv (items).

    Raises UserError where nobody is called so, nothing is published, or there is nothing to dispute.
    """
    pay = [s for s, shop in books.shops.items() if (shop.provider or "").casefold() == counterparty.casefold()]
    sell = [s for s, shop in books.shops.items() if shop.platform.casefold() == counterparty.casefold()]
    with open_published(home) as con:
        no_such_day(con, period)
        carriers = {str(r[0]) for r in con.execute("select distinct carrier from freight_audit").fetchall()}
        carriers |= {c.provider for c in books.rate_cards if c.kind == "freight"}
        hauls = [c for c in sorted(carriers) if c.casefold() == counterparty.casefold()]
        if not (pay or sell or hauls):
            known = sorted({s.provider for s in books.shops.values()} | {s.platform for s in books.shops.values()} | carriers)
            raise UserError(f"no provider, platform or carrier is called {counterparty!r}",
                            advice=f"Known: {', '.join(k for k in known if k)}.")
        rows = con.execute(
            'select leg, cause, order_id, "key", currency, left_amount, right_amount, difference, first_seen, age_days, '
            "evidence from variances where period = ? and status <> 'accepted' and list_contains(?, cause) and ("
            "list_contains(?, leg) and list_contains(?, shop) or list_contains(?, leg) and list_contains(?, shop) "
            "or leg = 'freight' and (list_contains(?, split_part(\"key\", '/', 1)) or \"key\" in "
            "(select tracking_number from freight_audit where list_contains(?, carrier)))) "
            'order by currency, abs(difference) desc, leg, "key"',
            [period, list(THEIRS), list(_PAID_BY), pay, list(_SOLD_ON), sell, hauls, hauls],
        ).fetchall()
    if not rows:
        raise UserError(f"nothing is open on {period} that {counterparty} has to answer for")
    causes = load_causes()
    table, totals = [], dict[str, Decimal]()
    for leg, cause, order_id, key, currency, left, right, difference, first_seen, age, evidence in rows:
        c = causes[cause]
        table.append([leg, f"{c.zh} / {c.en}", order_id, key, currency, left, right, difference, first_seen, age,
                      f"{c.action_zh} / {c.action}", _evidence(evidence)])
        totals[currency] = totals.get(currency, Decimal(0)) + difference
    preface = [
        f"差异函 / Letter of dispute: {books.name or books.entity} → {counterparty}",
        f"截至 / as of {period}: {len(table)} 项 / items",
        *(f"差异合计 / total difference: {safe_cell(total)} {currency}" for currency, total in sorted(totals.items())),
        "差异 = 我方金额 - 贵方金额。请核对所附明细并书面回复。/ Difference = our amount - yours. Please check the items "
        "attached and answer in writing.",
    ]
    _write(out, preface, "dispute", DISPUTE, table)
    return totals


def statement(
    store: Store, state: State, out: Path, start: dt.date, end: dt.date, *, customer: str = "", shop: str = ""
) -> list[tuple[str, Decimal, Decimal, Decimal, Decimal]]:
    """Write the account of a customer (pseudonym) or a shop over a range: opening, every claim, closing.

    Gives (currency, opening, charged, settled, closing) for each currency, and opening + charged - settled = closing or
    it raises ConservationError. Raises UserError where a day is not published, or nothing is known of who is asked for.
    """
    leg = "customer" if customer and "customer" in LEG_MODELS else "order_payment"
    states = period_states(state)
    for period in days(start, end):
        found = states.get(period)
        if found is None or not found.version or found.state == "held":
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
        signed = "coalesce(sum(case side when 'left' then amount else -amount end), 0)::decimal(18, 4)"
        of = "inner join accounts using (entity, \"key\", currency)"
        sums: dict[str, dict[str, Decimal]] = {
            name: dict(con.execute(f"select currency, {signed} from {name} {of} where leg = '{leg}' group by all").fetchall())
            for name in ("opening", "claims", "closing")
        }
        rows = con.execute(
            'select period, kind, order_id, "key", currency, case side when \'left\' then amount end, '
            f"case side when 'right' then amount end, source, file, line from claims {of} where leg = '{leg}' order by all"
        ).fetchall()
    currencies = sorted({c for part in sums.values() for c in part} | {r[4] for r in rows})
    if not currencies:
        raise UserError(f"nothing is known of {column} {who!r} from {start} to {end}")
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
        *(f"{c}: 期初 / opening {safe_cell(o)}; 应收 / charged {safe_cell(d)}; 已收 / settled {safe_cell(s)}; "
          f"期末 / closing {safe_cell(e)}" for c, o, d, s, e in lines),
    ]
    _write(out, preface, "statement", STATEMENT, [list(r) for r in rows])
    return lines


def _evidence(text: str | None) -> str:
    return "; ".join(in_words(text))


def _write(out: Path, preface: Sequence[str], sheet: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
    header = [f"{name} {zh}" for name, zh in columns.items()]
    cells = [["" if v is None else str(safe_cell(v)) for v in row] for row in rows]
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".csv":
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(cells)
        return
    if out.suffix.lower() != ".xlsx":
        raise UserError(f"{out}: expected a name that ends in .xlsx or .csv")
    book = xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True})
    letter, page = book.add_worksheet("letter"), book.add_worksheet(sheet)
    letter.set_column(0, 0, 110)
    for number, text in enumerate(preface):
        letter.write_string(number, 0, str(safe_cell(text)), bold if number == 0 else None)
    for number, row in enumerate([header, *cells]):
        for column, cell in enumerate(row):
            page.write_string(number, column, cell, bold if number == 0 else None)
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(len(cells), 1), len(header) - 1)
    page.set_column(0, len(header) - 1, 16)
    book.close()
