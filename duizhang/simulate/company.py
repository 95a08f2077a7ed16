"""The company's own files of a day: order system, warehouse, carrier bill, bank statement, ledger."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import xlsxwriter

from duizhang.simulate.chart import ACCOUNT_NAMES, BANK_ACCOUNT
from duizhang.simulate.rates import ZONES, rate_of
from duizhang.simulate.text import by_shop, csv_lines, local, major, moment, money, write_text
from duizhang.simulate.world import Plan

SF_HEADER = (
    "序号", "日期", "运单号码", "寄件地区", "到件地区", "对方公司名称", "计费重量", "产品类型", "付款方式",
    "费用(元)", "折扣/促销", "应付金额", "经手人", "备注",
)


def write_books(folder: Path, plan: Plan, day: int, lines: pl.DataFrame, refunds: pl.DataFrame) -> None:
    """books_orders and books_refunds."""
    amount_of = by_shop(plan)
    date = plan.date(day).isoformat()
    rows = csv_lines(lines, [
        pl.col("order_id"), pl.col("line_id"), pl.col("shop"), pl.col("sku"), pl.col("product"), pl.col("quantity"),
        amount_of("price"), amount_of("shop_discount"), amount_of("coupon"), amount_of("amount"), pl.col("currency"), pl.col("status"),
        moment(plan, "ordered_at"), pl.when("is_paid").then(moment(plan, "at")).otherwise(pl.lit("")),
        pl.col("customer"),
    ])
    write_text(folder / f"books_orders_{date}.csv", [
        "order_id,line_id,shop,sku,product,quantity,unit_price,shop_discount,platform_discount,amount,currency,status,"
        "ordered_at,paid_at,customer", *rows])
    rows = csv_lines(refunds, [
        pl.col("refund_id"), pl.col("shop"), pl.col("order_id"), pl.col("sku"), pl.col("kind"), amount_of("amount"),
        pl.col("currency"), moment(plan, "at"), pl.col("customer"), "七天无理由",
    ])
    write_text(folder / f"books_refunds_{date}.csv",
               ["refund_id,shop,order_id,sku,kind,amount,currency,refunded_at,customer,reason", *rows])


def write_rates(folder: Path, plan: Plan, day: int) -> None:
    """books_fx_rates: what a dollar costs."""
    date = plan.date(day).isoformat()
    rate = int(pl.select(rate_of(plan, pl.lit(day))).item())
    write_text(folder / f"books_fx_rates_{date}.csv",
               ["base,quote,rate,as_of", f"USD,{plan.currency},{rate // 10_000}.{rate % 10_000:04d},{date} 09:15:00"])


def write_skus(folder: Path, plan: Plan, day: int, skus: pl.DataFrame) -> None:
    """books_skus, the price list of the day; weight in kilograms."""
    date = plan.date(day).isoformat()
    rows = csv_lines(skus, [
        pl.col("sku"), pl.col("product"), pl.col("category"), local(plan)("cost"), local(plan)("price"), plan.currency,
        major(pl.col("grams") // 10), f"{date} 00:00:00",
    ])
    write_text(folder / f"books_skus_{date}.csv", ["sku,product,category,cost,price,currency,weight,as_of", *rows])


def write_warehouse(
    folder: Path, plan: Plan, day: int, moves: pl.DataFrame, snapshots: pl.DataFrame, counts: pl.DataFrame,
    shop_stock: pl.DataFrame,
) -> None:
    """wms_moves, wms_snapshot, wms_count and shop_stock."""
    date = plan.date(day).isoformat()
    rows = csv_lines(moves, [
        pl.col("move_id"), pl.col("warehouse"), pl.col("sku"), pl.col("kind"), pl.col("quantity"), pl.col("order_id"),
        pl.col("shop"), pl.col("carrier"), pl.col("tracking"), pl.col("zone"), pl.col("refund_id"),
        pl.when(pl.col("value").is_null()).then(pl.lit("")).otherwise(by_shop(plan)("value")), pl.col("value_currency"),
        moment(plan, "at"),
    ])
    write_text(folder / f"wms_moves_{date}.csv",
               ["move_id,warehouse,sku,kind,quantity,order_id,shop,carrier,tracking_number,zone,refund_id,value,"
                "value_currency,moved_at", *rows])
    rows = csv_lines(snapshots, [pl.col("warehouse"), pl.col("sku"), pl.col("quantity"), f"{date} 23:59:00"])
    write_text(folder / f"wms_snapshot_{date}.csv", ["warehouse,sku,quantity,as_of", *rows])
    rows = csv_lines(counts, [pl.col("warehouse"), pl.col("sku"), pl.col("counted"), f"{date} 23:30:00"])
    write_text(folder / f"wms_count_{date}.csv", ["warehouse,sku,counted,counted_at", *rows])
    rows = csv_lines(shop_stock, [pl.col("shop"), pl.col("sku"), pl.col("available"), f"{date} 23:59:00"])
    write_text(folder / f"shop_stock_{date}.csv", ["shop,sku,available,as_of", *rows])


def write_sf(path: Path, plan: Plan, day: int, parcels: pl.DataFrame) -> None:
    """SF's bill of a day; parcels: tracking, zone, kilograms, amount. The merged title names the year, the rows do not."""
    date = plan.date(day)
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_properties({"created": dt.datetime(2026, 1, 1)})  # noqa: DTZ001 - XLSX knows no time zone
    sheet = book.add_worksheet("账单明细")
    title = f"顺丰速运月结账单 账单周期：{date:%Y年%m月%d日}-{date:%Y年%m月%d日}"
    sheet.merge_range(0, 0, 0, len(SF_HEADER) - 1, title)
    sheet.write_row(1, 0, SF_HEADER)
    rows = parcels.select("tracking", "zone", "kilograms", "amount").iter_rows()
    for number, (tracking, zone, weight, amount) in enumerate(rows):
        sheet.write_row(number + 2, 0, [
            number + 1, f"{date:%m-%d}", tracking, "测试市", ZONES[zone][0], "", weight, "顺丰标快", "寄付月结",
            amount / 10**plan.places, 0, amount / 10**plan.places, "", "",
        ])
    book.close()


def write_bank(
    path: Path, plan: Plan, day: int, entries: pl.DataFrame, opening: int, account: str = BANK_ACCOUNT,
    currency: str = "",
) -> None:
    """One MT940 message for the day whose balances tie; /OCMT/ is what was sent, where the bank converted it.

    currency: that of the account, at home by default."""
    date = plan.date(day).strftime("%y%m%d")

    currency, decimals = (currency, 2) if currency else (plan.currency, plan.places)

    def amount_of(units: int, places: int = decimals) -> str:
        return money(abs(units), places).replace(".", ",") + ("" if places else ",")

    def balance(units: int) -> str:
        return f"{'D' if units < 0 else 'C'}{date}{currency}{amount_of(units)}"

    lines = [f":20:STMT{date}", f":25:{account}", f":28C:{day + 1}/1", f":60F:{balance(opening)}"]
    closing = opening
    for row in entries.iter_rows(named=True):
        amount = int(row["amount"])
        closing += amount
        mark = "D" if amount < 0 else "C"
        lines.append(f":61:{date}{date[2:]}{mark}{amount_of(amount)}NTRFNONREF//{row['entry_id']}")
        if row["text"] is not None:
            lines.append(f":86:{row['text']}")
        elif row["reference"]:
            sent = f"/OCMT/USD{amount_of(int(row['original']), 2)}/" if row["original"] else ""
            lines.append(f":86:/NAME/{str(row['provider']).upper()}/PAYOUT/{row['reference']}{sent}")
        else:
            lines.append(":86:/NAME/SUPPLIER/REMI/GOODS")
    lines += [f":62F:{balance(closing)}", "-"]
    write_text(path, lines, "ascii", "\r\n")


def write_journal(path: Path, plan: Plan, day: int, vouchers: pl.DataFrame) -> None:
    """Kingdee KIS import: two lines a voucher, debit = credit."""
    date = plan.date(day).isoformat()
    lines = ["日期,凭证字,凭证号,摘要,科目编码,科目名称,借方,贷方"]
    for row in vouchers.iter_rows(named=True):
        amount = int(row["debit"])
        sides = [(str(row["booked_account"]), amount), (str(row["contra"]), -amount)]
        for account, value in sorted(sides, key=lambda side: -side[1]):
            debit, credit = (money(value, plan.places), "") if value > 0 else ("", money(-value, plan.places))
            lines.append(
                f"{date},记,{row['number']},{row['summary']},{account},{ACCOUNT_NAMES[account]},{debit},{credit}"
            )
    write_text(path, lines, "utf-8-sig", "\r\n")
