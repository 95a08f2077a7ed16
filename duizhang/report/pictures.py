"""Which pictures a report has, each made of the same rows as a table of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from duizhang.declared.currency import rounded
from duizhang.report import charts
from duizhang.report.charts import Step
from duizhang.report.figures import amount, percent, with_currency
from duizhang.report.home_books import HomeBooks
from duizhang.report.queries import TREND_DAYS, Facts, Row
from duizhang.report.sections import rates_of
from duizhang.report.tables import Table, columns, currency_name, place
from duizhang.report.usual import Band, usual
from duizhang.speech.labels import Labels

_MOST_CAUSES = 7
_LEAST_RATE = 0.002  # a match rate may always move by so much


@dataclass(frozen=True)
class Figure:
    """A picture with the table of what it shows."""

    name: str
    title: str
    svg: Markup
    table: Table
    note: str = ""
    is_minor: bool = False  # shows nothing that has to be dealt with


class Pictures:
    """The pictures of one report in one language."""

    def __init__(self, facts: Facts, labels: Labels, books: HomeBooks) -> None:
        self.facts, self.labels, self.books = facts, labels, books

    def waterfalls(self) -> list[Figure]:
        """One a leg, entity and currency with open items; those with differences first, the first currency first."""
        by_leg: dict[tuple[str, str, str], list[Row]] = {}
        for step in self.facts.steps:
            by_leg.setdefault((step["leg"], step["entity"], step["currency"]), []).append(step)
        found = []
        for leg in self.facts.legs:
            key = (leg["leg"], leg["entity"], leg["currency"])
            parts = [p for p in by_leg.get(key, []) if p["difference"]]
            if parts:
                real = sum((abs(p["difference"]) for p in parts if p["cause"] != "timing"), Decimal(0))
                found.append((not real, place(leg["currency"], self.facts.currencies), -real, key, leg, parts))
        found.sort(key=lambda f: f[:4])
        several = len({leg["entity"] for leg in self.facts.legs}) > 1
        return [self._waterfall(leg, parts, minor=minor, several=several) for minor, _, _, _, leg, parts in found]

    def _waterfall(self, leg: Row, parts: list[Row], *, minor: bool, several: bool) -> Figure:
        labels, currency = self.labels, leg["currency"]
        parts = sorted(parts, key=lambda p: (p["cause"] == "timing", -abs(p["difference"]), p["cause"]))
        level = leg["opening"] + leg["left_amount"]
        lines: list[tuple[str, Decimal]] = [(labels.column("opening"), leg["opening"]), (labels.column("left_amount"), leg["left_amount"])]
        steps = [
            Step(f"{labels.column('opening')} + {labels.column('left_amount')}" if leg["opening"] else labels.column("left_amount"),
                 amount(level, currency), 0.0, float(level), "carried", is_total=True),
        ]
        shown, rest = parts[:_MOST_CAUSES], parts[_MOST_CAUSES:]
        if rest:
            others = sum((p["difference"] for p in rest), Decimal(0))
            shown = [*shown, {"cause": "", "difference": others, "items": sum(p["items"] for p in rest)}]
        for part in shown:
            cause, after = part["cause"], level - part["difference"]
            colour = {"timing": "transit", "unexplained": "unexplained"}.get(cause, "differs")
            name = labels.cause(cause) if cause else labels.text("more", n=len(rest))
            lines.append((name, -part["difference"]))
            told = f"{name} · {labels.text('of_it', n=part['items'])}"
            steps.append(Step(told, _signed(-part["difference"], currency), float(level), float(after), colour))
            level = after
        lines.append((labels.column("right_amount"), leg["right_amount"]))
        steps.append(Step(labels.column("right_amount"), amount(leg["right_amount"], currency), 0.0, float(leg["right_amount"]), "total",
                          is_total=True))
        name = f"w-{leg['leg']}-{leg['entity']}-{currency}"
        title = f"{labels.leg(leg['leg'])} · {currency_name(currency, labels)}" + (f" · {leg['entity']}" if several else "")
        described = labels.text("list").join(f"{label} {amount(value, currency)}" for label, value in lines)
        svg, is_cut = charts.waterfall(steps, name, title, described)
        table = Table(name, columns("step", "amount:money", "currency:currency"), [
            {"step": label, "amount": value, "currency": currency} for label, value in lines])
        return Figure(name, title, svg, table, labels.text("waterfalls_cut") if is_cut else "", minor)

    def ageing(self, table: Table) -> Figure:
        rows = []
        for r in table.rows:
            money = [with_currency(m["amount"], m["currency"], self.labels) for m in r["money"][:2]]
            told = " · ".join([self.labels.text("of_it", n=r["events"]), *money]) if r["events"] else "0"
            rows.append((self.labels.text("ages_note", a=r["range"]), float(r["events"]), told, "differs"))
        title = self.labels.text("ageing")
        return Figure("ageing", title, charts.bars(rows, "c-ageing", title, self.labels.text("ageing_note")), table)

    def counts(self) -> Figure:
        """Faults at the end of each day, and what is usual."""
        by_day = {r["period"]: float(r["events"]) for r in self.facts.counts}
        shown = [day for day in sorted(by_day) if day > self.facts.span.last - dt.timedelta(days=max(TREND_DAYS, self._days()))]
        bands = {day: usual(by_day, day, least=1.0) for day in shown}
        title = self.labels.text("trend")
        svg = charts.over_time(
            [(str(day), by_day[day]) for day in shown], {str(day): (b.low, b.high) for day, b in bands.items() if b},
            "c-trend", title, self.labels.text("trend_note"))
        table = Table("trend", columns("day:day", "events:count", "band"), [
            {"day": day, "events": int(by_day[day]), "band": _range(bands[day], 0)} for day in reversed(shown)])
        return Figure("trend", title, svg, table, "" if any(bands.values()) else self.labels.text("history_none"))

    def _days(self) -> int:
        return (self.facts.span.last - self.facts.span.first).days + 1

    def profits(self) -> list[Figure]:
        """Profit by shop, one picture a currency."""
        found = []
        for currency in self.facts.currencies:
            rows = [r for r in self.facts.pnl if r["currency"] == currency]
            if rows:
                rows.sort(key=lambda r: (-r["profit"], r["shop"]))
                title = f"{self.labels.text('profit')} · {currency}"
                drawn = [
                    (self._shop(r["shop"]), float(r["profit"]),
                     amount(rounded(r["profit"], currency), currency)
                     + (f" ({percent(r['profit'] / r['revenue'])})" if r["revenue"] else ""),
                     "unexplained" if r["profit"] < 0 else "carried") for r in rows]
                table = Table(f"profit-{currency}", columns("shop", "profit:money"), [])
                found.append(Figure(f"profit-{currency}", title, charts.bars(drawn, f"c-profit-{currency}", title, ""), table))
        return found

    def _shop(self, shop: str) -> str:
        """A shop with its channel."""
        return " · ".join(filter(None, (self.books.shop(shop) or "—", self.labels.of("channels", self.books.channel(shop)))))

    def put_trends(self, legs: Table, recurring: Table) -> None:
        """Give the rows of two tables their small pictures, and the legs what is usual for their rate."""
        days = self._window()
        for n, row in enumerate(legs.rows):
            rates = {d: float(v) for d, v in rates_of(self.facts, row["_leg"], row["entity"], row["currency"]).items() if v is not None}
            band = usual(rates, self.facts.span.first, least=_LEAST_RATE)
            row["usual"] = _percents(band) if band else ""
            if row["rate"] is None:
                row["usual"] = row["usual"] or ""
            elif band and row["_state"] != "bad" and float(row["rate"]) < band.low:
                row["_state"] = "watch"
            name = f"{row['leg']} {row['entity']} {row['currency']}"
            values = [rates.get(d) for d in days]
            if sum(v is not None for v in values) > 1:
                low = min([*(v for v in values if v is not None), band.low if band else 1.0, 0.98])
                row["trend"] = charts.spark(values, f"s-leg-{n}", f"{self.labels.column('rate')}: {name}", low=low, high=1.0,
                                            band=(max(band.low, low), min(band.high, 1.0)) if band else None)
        for n, row in enumerate(recurring.rows):
            seen = row["seen_on"]
            row["trend"] = charts.spark(
                [float(seen.count(d)) for d in days], f"s-rec-{n}", f"{self.labels.column('new_items')}: {row['cause']}",
                low=0.0, is_bars=True)

    def _window(self) -> list[dt.date]:
        last = self.facts.span.shown or self.facts.span.last
        first = max(last - dt.timedelta(days=TREND_DAYS - 1), min((r["period"] for r in self.facts.counts), default=last))
        return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _signed(value: Decimal, currency: str) -> str:
    text = amount(abs(value), currency)
    return f"−{text}" if value < 0 else f"+{text}"


def _range(band: Band | None, places: int) -> str:
    return f"{max(band.low, 0):.{places}f} – {band.high:.{places}f}" if band else ""


def _percents(band: Band) -> str:
    low, high = max(band.low, 0.0), min(band.high, 1.0)
    return f"{low:.1%} – {high:.1%}"
