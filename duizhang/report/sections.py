"""The tables of a report, made of what was read. What is counted or added up is so in queries.py; here it is put in order and named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from duizhang.declared.currency import rounded
from duizhang.declared.terms import FileStatus, PeriodStatus
from duizhang.publish.metrics import CHARGES
from duizhang.reconcile import load_causes
from duizhang.report.analysis import Break, Mass
from duizhang.report.figures import candidate_lines, evidence_lines, proposal_lines, with_currency
from duizhang.report.home_books import HomeBooks
from duizhang.report.item_names import item_name, provider_name
from duizhang.report.measures import MEASURES, Finding
from duizhang.report.queries import MOST_FINDINGS, TOP, Facts, Row, left_out, share
from duizhang.report.tables import Table, by_money, columns, ordered, place
from duizhang.speech.labels import Labels
from duizhang.speech.phrases import in_language

AGES = ((0, 0), (1, 3), (4, 7), (8, 30), (31, None))
_LINES_OF_EVIDENCE = 2
# of files that are as they should be, or about which somebody decided
FINE_FILES = (FileStatus.READ, FileStatus.ACCEPTED)


class Sections:
    """The tables of one report in one language."""

    def __init__(self, facts: Facts, labels: Labels, books: HomeBooks, findings: Sequence[Finding] = ()) -> None:
        self.facts, self.labels, self.books, self.findings = facts, labels, books, findings

    def all(self) -> list[Table]:
        """In the order of the page."""
        return [
            self.days(), self.todo(), self.first(), self.due(), self.legs(), self.ageing(), self.profit(), self.stock(), self.fees(),
            self.freight(), self.ledger(), self.bank_unclaimed(), self.unusual(), self.recurring(), self.changed(), self.not_run(),
            self.files(), self.quarantine(), self.checks(), self.entries(), self.details(),
        ]

    def days(self) -> Table:
        counts = {r["period"]: r["events"] for r in self.facts.counts}
        return Table("days", columns("day:day", "state", "version:count", "events:count", "reason:lines"), [
            {"day": d["period"], "state": self.labels.of("states", d["state"]), "version": d["version"], "events": counts.get(d["period"]),
             "reason": held_lines(d, self.labels), "_state": "bad" if d["state"] == PeriodStatus.HELD or not d["version"] else ""}
            for d in self.facts.days
        ])

    def todo(self) -> Table:
        """By whom, then by money: a row a cause."""
        money: dict[str, list[Row]] = {}
        for one in self.facts.todo_money:
            money.setdefault(one["cause"], []).append(one)
        first: dict[str, tuple[Decimal, ...]] = {}
        found = []
        for cause in self.facts.todo:
            name = cause["cause"]
            sums = ordered(money.get(name, []), self.facts.currencies)
            key = by_money(sums, self.facts.currencies)
            who = load_causes()[name].who
            first[who] = min(first.get(who, key), key)
            found.append((key, who, {
                "who": self.labels.who(name), "cause": self.labels.cause(name), "events": cause["events"], "money": sums,
                "oldest": cause["oldest"], "overdue": cause["overdue"], "deadline": cause["deadline"], "action": self.labels.action(name),
                "_state": "bad" if name == "unexplained" else "",
            }))
        found.sort(key=lambda entry: (first[entry[1]], entry[1], entry[0], entry[2]["cause"]))
        kinds = columns("who", "cause", "money:sums", "events:count", "overdue:count", "oldest:count", "deadline:day", "action")
        return Table("todo", kinds, [row for _, _, row in found])

    def first(self) -> Table:
        """The faults to look at first: by money, then by age."""
        found = []
        for fault in self.facts.faults:
            sums = [{"amount": fault["amount"], "currency": fault["currency"]}] if fault["amount"] else []
            found.append((by_money(sums, self.facts.currencies), -fault["age_days"], fault, sums))
        found.sort(key=lambda f: (f[0], f[1], f[2]["entity"], f[2]["event"]))
        of_orders: dict[tuple[str, str, str], list[Row]] = {}
        for fault in self.facts.faults:
            of_orders.setdefault(_order(fault), []).append(fault)
        kinds = columns("what:key", "cause", "who", "amount:sums", "since:day", "deadline:day", "seen_in", "evidence:lines")
        return Table("first", kinds, [{
            "what": self.what(fault), "cause": self.labels.cause(fault["cause"]), "who": self.labels.who(fault["cause"]), "amount": sums,
            "since": fault["first_seen"], "deadline": fault["due"],
            "seen_in": self.labels.listed(self.labels.leg(leg) for leg in sorted(fault["legs"], key=self._leg_order().index)),
            "evidence": [*_thoughts(fault, self.labels), *evidence_lines(fault["evidence"], self.labels, _LINES_OF_EVIDENCE),
                         *self._parts(fault), *self._also(fault, of_orders[_order(fault)])],
        } for _, _, fault, sums in found[:TOP]], len(found) - len(found[:TOP]))

    def _parts(self, fault: Row) -> list[str]:
        """The other items that have the money of an event with more than one, where they add up to it."""
        return [self.labels.text("part_of", what=self.what({**fault, **part}), amount=with_currency(
            part["difference"], fault["currency"], self.labels)) for part in fault["parts"] or ()]

    def _also(self, fault: Row, of_order: Sequence[Row]) -> list[str]:
        """What else differs by the same order, so that nobody takes it for this."""
        others = [f for f in of_order if f["event"] != fault["event"]] if fault["order_id"] else []
        if not others:
            return []
        return [self.labels.text("also_here", what=self.labels.listed(
            f"{self.labels.cause(f['cause'])} {with_currency(f['amount'], f['currency'], self.labels)}" for f in others))]

    def what(self, fault: Row) -> str:
        """What an event is about: an order of a shop, or what the leg calls it."""
        return item_name(fault, self.labels, self.books, self._accounts(), parts=False)

    def _accounts(self) -> dict[str, str]:
        return {r["account"]: r["account_name"] or "" for r in self.facts.ledger}

    def due(self) -> Table:
        rows = sorted(self.facts.due, key=lambda r: (r["due_from"] or dt.date.max, r["leg"], place(r["currency"], self.facts.currencies)))
        return Table("due", columns("leg", "events:count", "amount:money", "currency:currency", "due_from:day", "due_to:day"), [
            {**r, "leg": self.labels.leg(r["leg"]), "events": r["items"]} for r in rows
        ])

    def legs(self) -> Table:
        order = {leg: n for n, leg in enumerate(self._leg_order())}
        rows = sorted(self.facts.legs, key=lambda r: (order[r["leg"]], place(r["currency"], self.facts.currencies), r["entity"]))
        kinds = columns("leg", "entity", "currency:currency", "opening:money", "left_amount:money", "right_amount:money", "closing:money",
                        "in_transit:money", "differing:count", "rate:percent", "usual", "trend:picture")
        return Table("legs", kinds, [{
            **r, "leg": self.labels.leg(r["leg"]), "_leg": r["leg"], "differing": r["differing_keys"],
            "rate": share(r["matched_keys"], r["matched_keys"] + r["differing_keys"]), "usual": "", "trend": "",
            "_state": "bad" if r["differing_keys"] and not r["matched_keys"] else "",
        } for r in rows])

    def _leg_order(self) -> list[str]:
        from duizhang.speech.labels import load_labels

        return list(load_labels()["legs"])

    def ageing(self) -> Table:
        found = []
        for low, high in AGES:
            days = range(low, (high if high is not None else 10**6) + 1)
            rows = [r for r in self.facts.ages if r["age_days"] in days]
            sums: dict[str, Decimal] = {}
            for r in rows:
                if r["currency"]:
                    sums[r["currency"]] = sums.get(r["currency"], Decimal(0)) + r["amount"]
            name = f"{low}" if low == high else f"{low}–{high}" if high is not None else f">{low - 1}"
            found.append({
                "range": name, "events": sum(r["events"] for r in self.facts.age_counts if r["age_days"] in days),
                "money": ordered([{"currency": c, "amount": v} for c, v in sums.items()], self.facts.currencies),
            })
        return Table("ageing", columns("range", "events:count", "money:sums"), found)

    def profit(self) -> Table:
        # what few shops have has a column where one has it
        rare = [name for name in ("service", "pieces_without_cost", "not_in_profit") if any(r[name] for r in self.facts.pnl)]
        kinds = columns(
            "shop", "channel", "currency:currency", "orders:count", "revenue:money", "refund:money",
            *(f"{name}:money" for name in CHARGES if name != "service" or name in rare), "profit:money", "margin:percent",
            *(f"{name}:{'pieces' if name.startswith('pieces') else 'money'}" for name in rare if name != "service"))
        rows = sorted(self.facts.pnl, key=lambda r: (place(r["currency"], self.facts.currencies), -r["profit"], r["shop"]))
        return Table("profit", kinds, [{
            **r, **{m: rounded(r[m] or Decimal(0), r["currency"]) for m in (*CHARGES, "profit", "not_in_profit")},
            "shop": self.books.shop(r["shop"]), "channel": self.labels.of("channels", self.books.channel(r["shop"])),
            "margin": r["profit"] / r["revenue"] if r["revenue"] else None, "_state": "bad" if r["profit"] < 0 else "",
        } for r in rows])

    def stock(self) -> Table:
        kinds = columns("warehouse", "sku", "expected_pieces:pieces", "snapshot:pieces", "counted:pieces", "pieces:pieces", "since:day",
                        "value:money", "currency:currency")
        return Table("stock", kinds, [{
            **r, "expected_pieces": r["expected"], "pieces": r["difference"], "value": r["difference_value"],
            "currency": r["cost_currency"] or "", "since": r["first_seen"],
        } for r in self.facts.stock])

    def fees(self) -> Table:
        kinds = columns("provider", "shop", "currency:currency", "transactions:count", "expected:money", "charged:money",
                        "difference:money")
        return Table("fees", kinds, [
            {**r, "provider": provider_name(r["provider"], self.labels), "shop": self.books.shop(r["shop"] or "")} for r in self.facts.fees
        ])

    def freight(self) -> Table:
        kinds = columns("carrier", "currency:currency", "parcels:count", "differing:count", "expected:money", "charged:money",
                        "difference:money")
        return Table("freight", kinds, [{**r, "carrier": provider_name(r["carrier"], self.labels)} for r in self.facts.freight])

    def ledger(self) -> Table:
        return Table("ledger", columns("account", "currency:currency", "subledger:money", "ledger:money", "difference:money"), [
            {**r, "account": f"{r['account']} {r['account_name'] or ''}".strip(), "_state": "bad" if r["difference"] else ""}
            for r in sorted(self.facts.ledger, key=lambda r: (r["difference"] == 0, r["account"], r["currency"]))
        ])

    def bank_unclaimed(self) -> Table:
        """Lines of bank statements that no leg claims, added up, each with the largest of them."""
        kinds = columns("entity", "direction", "lines:count", "currency:currency", "amount:money", "largest:money", "largest_line:key")
        return Table("bank_unclaimed", kinds, [
            {**r, "direction": self.labels.of("moved", r["kind"])} for r in self.facts.bank_unclaimed])

    def unusual(self) -> Table:
        """What stands out against history, then what is out of the ordinary by itself."""
        rows = [{
            "day": f.day or self.facts.span.shown, "shop": self.books.shop(f.shop), "subject": self._subject(f), "finding": self._odd(f),
        } for f in self.findings[:MOST_FINDINGS]]
        rows += [{
            "day": r["period"], "shop": self.books.shop(r["shop"] or ""),
            "finding": self._finding(r) + (self.labels.text("on_days", n=r["days"]) if r["days"] > 1 else ""),
            "subject": "" if r["subject"] == r["shop"] else self.books.shop(r["subject"]) if r["subject"] in self.books.shops
            else provider_name(r["subject"], self.labels),
        } for r in self.facts.anomalies]
        more = left_out(self.facts.anomalies) + len(self.findings[MOST_FINDINGS:])
        return Table("unusual", columns("day:day", "shop", "subject:key", "finding"), rows, more)

    def _subject(self, finding: Finding) -> str:
        if isinstance(finding.found, Mass):
            return self.books.shop(finding.found.part) if finding.measure == "shop" else finding.found.part
        return finding.subject

    def _odd(self, finding: Finding) -> str:
        """A finding against history in words: how much, and what would be normal."""
        found, labels = finding.found, self.labels
        if isinstance(found, Mass):
            return labels.text("mass", cause=labels.cause(finding.subject), n=found.count, share=f"{found.share:.0%}",
                               base=f"{found.base:.1%}", times=f"{found.lift:.1f}")
        what = labels.of("measured", finding.measure)

        def shown(value: float) -> str:
            if finding.measure.endswith("share"):
                return f"{value:.2%}"
            if MEASURES[finding.measure][0] == "count":
                return f"{value:,.0f}"
            return f"{value:,.2f} {finding.currency}".strip()

        if isinstance(found, Break):
            return labels.text("lasting", what=what, day=found.since, before=shown(found.before), after=shown(found.after))
        return labels.text("odd", what=what, value=shown(found.value), low=shown(found.low), high=shown(found.high), n=found.days)

    def _finding(self, row: Row) -> str:
        """Why something is unusual by itself, with what would be normal."""
        currency = row["currency"] or ""
        value, expected = (with_currency(rounded(row[name], currency), currency, self.labels) for name in ("value", "expected"))
        text = self.labels.of("measures", row["measure"])
        return text.format(value=value, expected=expected) if text != row["measure"] else f"{row['reason']}: {value} / {expected}"

    def recurring(self) -> Table:
        kinds = columns("cause", "shop", "who", "days_seen:count", "new_items:count", "still_open:count", "trend:picture")
        return Table("recurring", kinds, [{
            **r, "cause": self.labels.cause(r["cause"]), "who": self.labels.who(r["cause"]), "shop": self.books.shop(r["shop"]),
            "trend": "",
        } for r in self.facts.recurring], left_out(self.facts.recurring))

    def changed(self) -> Table:
        """What is new, what is gone and what is still open since the day before the range, a row a cause."""
        found: dict[str, Row] = {}
        for r in self.facts.changed:
            row = found.setdefault(r["cause"], {"cause": self.labels.cause(r["cause"]), "who": self.labels.who(r["cause"])})
            row[r["kind"]] = row.get(r["kind"], 0) + r["events"]
            if r["amount"]:
                row.setdefault(f"{r['kind']}_money", []).append({"currency": r["currency"], "amount": r["amount"]})
        for row in found.values():
            for kind in ("come", "gone", "still"):
                row[kind], row[f"{kind}_money"] = row.get(kind, 0), ordered(row.get(f"{kind}_money", []), self.facts.currencies)
        rows = sorted(found.values(), key=lambda r: (-r["come"], -r["gone"], -r["still"], r["cause"]))
        return Table("changed", columns("cause", "who", "come:count", "come_money:sums", "gone:count", "gone_money:sums", "still:count",
                                        "still_money:sums"), rows)

    def since_before(self) -> str:
        """The same in a sentence; '' where there is no day before."""
        if self.facts.before is None:
            return ""
        counts = {kind: sum(r["events"] for r in self.facts.changed if r["kind"] == kind) for kind in ("come", "gone", "still")}
        return self.labels.text(
            "since_day", day=self.facts.before, new=self._money_of("come"), less=self._money_of("gone"),
            **{kind: f"{number:,}" for kind, number in counts.items()},
        )

    def _money_of(self, kind: str) -> str:
        totals: dict[str, Decimal] = {}
        for r in self.facts.changed:
            if r["kind"] == kind and r["amount"]:
                totals[r["currency"]] = totals.get(r["currency"], Decimal(0)) + r["amount"]
        said = ordered([{"currency": c, "amount": v} for c, v in totals.items()], self.facts.currencies)
        return self.labels.listed(with_currency(m["amount"], m["currency"], self.labels) for m in said) or "0"

    def not_run(self) -> Table:
        side = {"left": self.labels.column("left_amount"), "right": self.labels.column("right_amount")}
        groups: dict[tuple[str, str, str], list[Row]] = {}
        for r in self.facts.not_run:
            groups.setdefault((r["leg"], r["missing"], r["wanted"] or ""), []).append(r)

        def listed(group: list[Row], name: str, called: Callable[[str], str]) -> str:
            return self.labels.listed(called(one) for one in dict.fromkeys(r[name] for r in group if r[name]))

        return Table("not_run", columns("leg", "shop:key", "channel", "missing", "wanted", "records:count"), [{
            "leg": self.labels.text("own_refunds") if leg == "refunds" else self.labels.leg(leg),
            "shop": listed(group, "shop", self.books.shop), "channel": listed(group, "channel", partial(self.labels.of, "channels")),
            "missing": side.get(missing, missing), "records": sum(r["claims"] or 0 for r in group),
            "wanted": self.labels.listed(self.labels.of("records", table) for table in wanted.split(", ")),
        } for (leg, missing, wanted), group in groups.items()])

    def files(self) -> Table:
        kinds = columns("source", "shop", "file:key", "status", "rows_read:count", "rows_parsed:count", "rows_quarantined:count",
                        "rows_ignored:count", "totals", "problem")
        return Table("files", kinds, [{
            **r, "shop": self.books.shop(r["shop"] or ""), "status": self.labels.of("statuses", r["status"]),
            "totals": "✓" if r["control_totals_ok"] else "✗", "problem": in_language(r["problem"], self.labels.language),
            "_state": "bad" if is_bad(r) else "",
        } for r in self.facts.files])

    def quarantine(self) -> Table:
        kinds = columns("file:key", "line:count", "column", "cell:key", "reason")
        return Table("quarantine", kinds, [{**r, "column": r["column_name"], "cell": r["value"]} for r in self.facts.quarantine],
                     left_out(self.facts.quarantine))

    def checks(self) -> Table:
        return Table("checks", columns("day:day", "check:key", "column", "records:count", "problem"), [{
            "day": r["period"], "check": f"{r['table_name']}.{r['expectation']}", "column": r["column_name"], "records": r["unexpected"],
            "problem": r["detail"],
        } for r in self.facts.failed])

    def entries(self) -> Table:
        kinds = columns("entry", "account", "summary:key", "debit:money", "credit:money", "currency:currency")
        return Table("entries", kinds, list(self.facts.entries))

    def details(self) -> Table:
        accounts = self._accounts()
        kinds = columns("leg", "what:key", "cause", "difference:money", "currency:currency", "since:day", "status", "evidence:lines")
        return Table("details", kinds, [{
            **r, "what": item_name(r, self.labels, self.books, accounts), "leg": self.labels.leg(r["leg"]),
            "cause": self.labels.cause(r["cause"]), "since": r["first_seen"],
            "status": self.labels.of("statuses", r["status"]),
            "evidence": [*_thoughts(r, self.labels), *evidence_lines(r["evidence"], self.labels, 3)],
        } for r in self.facts.details], left_out(self.facts.details))


def _thoughts(item: Row, labels: Labels) -> list[str]:
    """What an item is proposed with, and what an unexplained one may be; of others the pages and the workbook tell
    that, where there is room."""
    may_be = candidate_lines(item["candidates"], labels) if item["cause"] == "unexplained" else []
    return [*proposal_lines(item["proposal"], labels), *may_be]


def _order(fault: Row) -> tuple[str, str, str]:
    return fault["entity"], fault["shop"], fault["order_id"]


def held_lines(day: Row, labels: Labels) -> list[str]:
    """Why a day is held, a line a reason."""
    return [in_language(line, labels.language) for line in (day["held_reasons"] or "").splitlines()]


def is_bad(file: Row) -> bool:
    """Whether a file is not as it should be."""
    is_doubtful = not file["control_totals_ok"] or bool(file["problem"])
    return file["status"] not in FINE_FILES or (file["status"] == FileStatus.READ and is_doubtful)


def named(tables: Iterable[Table]) -> dict[str, Table]:
    return {table.name: table for table in tables}


def rates_of(facts: Facts, leg: str, entity: str, currency: str) -> dict[dt.date, Any]:
    """The match rate of what was due, day by day; a day on which nothing was due has none."""
    return {
        r["period"]: share(r["matched"], r["matched"] + r["differing"]) for r in facts.rates
        if (r["leg"], r["entity"], r["currency"]) == (leg, entity, currency)
    }
