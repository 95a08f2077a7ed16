"""Reads one period of published.duckdb and fills the template."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from duizhang.currency import in_places
from duizhang.errors import UserError
from duizhang.evidence import in_words
from duizhang.published import open_published
from duizhang.reconcile import load_causes
from duizhang.schema import PIECES
from duizhang.verdict import Verdict, not_run_lines, verdicts

LEG_NAMES = {
    "order_platform": ("订单 ↔ 平台", "Orders and platform"),
    "order_payment": ("订单 ↔ 收款", "Orders and payments"),
    "order_shipment": ("订单 ↔ 发货", "Orders and shipments"),
    "return_refund": ("退货 ↔ 退款", "Returns and refunds"),
    "payment_settlement": ("交易 ↔ 资金", "Payments and settlement"),
    "fee": ("手续费 ↔ 费率", "Fees and rate cards"),
    "payout_bank": ("提现 ↔ 银行", "Payouts and bank"),
    "stock": ("库存", "Stock"),
    "freight": ("运费 ↔ 承运商账单", "Freight and carriers' bills"),
    "finance": ("损益 ↔ 平台结算单", "Our lines and the platform's statement"),
    "customer": ("客户往来", "Customers"),
    "ledger": ("明细账 ↔ 总账", "Sub-ledger and ledger"),
}
AGES = (("0", 0, 0), ("1-3", 1, 3), ("4-7", 4, 7), ("8-30", 8, 30), (">30", 31, None))
TOP = 50


def number(value: Any) -> str:
    """A count with thousands separators."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def quantity(value: Any) -> str:
    """A number of pieces without needless decimals."""
    if value is None:
        return ""
    return f"{int(value):,}" if value == int(value) else f"{value.normalize():,f}"


def amount(value: Any, currency: str) -> str:
    """Money with the places of its currency, more where more are significant, or pieces."""
    if currency == PIECES:
        return quantity(value)
    return f"{in_places(value, currency):,f}" if isinstance(value, Decimal) else number(value)


def write_report(home: Path, period: dt.date | None = None, out: Path | None = None) -> Path:
    """Write HOME/reports/<period>.html (default: the newest published period). Raises UserError where there is none."""
    with open_published(home) as con:
        known = _rows(con, "select * from period_status order by period")
        if period is None:
            visible = [r["period"] for r in known if r["version"]] or [r["period"] for r in known]
            if not visible:
                raise UserError("no period was ever run")
            period = visible[-1]
        status = next((r for r in known if r["period"] == period), None)
        if status is None:
            raise UserError(f"{period} was never run", advice="`duizhang status` lists the periods.")
        page = _render(_content(con, period, status))
    target = out or home / "reports" / f"{period}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(target)
    return target


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    cursor = con.execute(sql, list(values))
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _content(con: duckdb.DuckDBPyConnection, period: dt.date, status: dict[str, Any]) -> dict[str, Any]:
    day = [period]
    variances = _rows(con, "select * from variances where period = ? order by cause = 'timing', abs(difference) desc, key", day)
    causes = load_causes()
    by_cause: dict[tuple[str, str], dict[str, Any]] = {}
    for v in variances:
        entry = by_cause.setdefault((v["cause"], v["currency"]), {
            "cause": causes[v["cause"]], "currency": v["currency"], "items": 0, "gross": Decimal(0), "net": Decimal(0),
        })
        entry["items"] += 1
        entry["gross"] += abs(v["difference"])
        entry["net"] += v["difference"]
        v["said"] = in_words(v["evidence"], 4)
    order = list(causes)
    grouped = sorted(by_cause.values(), key=lambda e: (e["cause"].name == "timing", order.index(e["cause"].name), e["currency"]))
    real = [v for v in variances if v["cause"] != "timing"]
    money = [v for v in real if v["currency"] != PIECES]
    widest = max((e["gross"] for e in grouped if e["currency"] != PIECES), default=Decimal(0)) or Decimal(1)
    return {
        "period": period, "status": status,
        "legs": _rows(con, "select * from recon_summary where period = ? order by leg, entity, currency", day),
        "verdict": verdicts(con).get(period, Verdict()),
        "not_run": not_run_lines(_rows(
            con, "select *, period as first_day, period as last_day from legs_not_run where period = ? order by all", day)),
        "leg_names": LEG_NAMES, "by_cause": grouped, "widest": widest, "real": real, "top": variances[:TOP],
        "variances": variances, "pieces": PIECES,
        "disputed": _by_currency(money), "oldest": max((v["age_days"] for v in real), default=0),
        "ages": [
            (name, _by_currency([v for v in variances if v["age_days"] >= low and (high is None or v["age_days"] <= high)]))
            for name, low, high in AGES
        ],
        "shops": _rows(con, "select * from channel_pnl where period = ? order by shop, currency", day),
        "stock": _rows(
            con, "select * from stock_rollforward where period = ? and (snapshot_difference <> 0 or count_difference <> 0) "
            "order by warehouse, sku", day,
        ),
        "ledger": _rows(con, "select * from ledger_tieout where period = ? order by account", day),
        "files": _rows(con, "select * from source_files where period = ? "
                       "order by status <> 'missing', control_totals_ok, source, file", day),
        "quality": _rows(con, "select * from quality_results where period = ? and not success order by table_name", day),
        "checks": _rows(con, "select count(*) as n from quality_results where period = ?", day)[0]["n"],
        "quarantine": _rows(con, "select * from quarantine where period = ? order by file, line limit 50", day),
        "entries": _rows(con, "select * from journal_proposals where period = ? order by entry, line_no", day),
        "anomalies": _rows(con, "select * from anomalies where period = ? order by kind, subject limit 30", day),
    }


def _by_currency(rows: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row["currency"]] = found.get(row["currency"], Decimal(0)) + abs(row["difference"])
    return dict(sorted(found.items()))


def _render(content: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters.update(number=number, quantity=quantity)
    environment.globals.update(amount=amount)
    return environment.get_template("page.html.j2").render(**content)
