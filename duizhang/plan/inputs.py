"""The inputs of periods as digests by name: derived from what there is now, recorded when a period was computed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from duizhang import __version__
from duizhang.books import Books
from duizhang.close import correction_claims, decisions, entries, item_decisions
from duizhang.declared.legs import legs_digest
from duizhang.declared.rule_files import rule_file
from duizhang.declared.schema import DAY, TABLES
from duizhang.digest import file_digest, mapping_digest
from duizhang.gate import accepted
from duizhang.home.state import State
from duizhang.home.store import Store, connect, quoted
from duizhang.home.working_tables import BEGUN, COMPUTED, damaged, digest_of, seal, sealed
from duizhang.ingest import records
from duizhang.ingest.files import by_content, cell_corrections, corrections_of
from duizhang.layout import EXPECTATIONS, SQL
from duizhang.reconcile import KEPT_TABLES, STATE_TABLES, rules_digest
from duizhang.reconcile.causes import CAUSES_FILE

# Reference data holds until it is stated again, so a day also opens with what was last stated before it.
REFERENCE = {
    "skus": ("sku",), "fx_rates": ("base", "quote"), "sku_map": ("system", "shop", "code"), "bundles": ("set_sku",),
    "shared_orders": ("shop", "order_id"), "payment_names": ("shop", "order_id", "name"),
    "payout_providers": ("entity", "payout_id", "provider"), "announced_payouts": ("entity", "currency", "payout_id"),
    "booked_refunds": ("shop", "order_id", "refund_id", "currency"), "closed_orders": ("shop", "order_id", "is_own"),
    "bank_days": ("entity", "bank_account"),
}
_COLUMNS = {**TABLES, **KEPT_TABLES}
_UNUSED = ("duplicate", "superseded", "withdrawn")


@dataclass(frozen=True)
class Inputs:
    """What a period is made from. parts: `kind:subject` -> digest; opening: digest of what the day before left."""

    parts: dict[str, str]
    opening: str

    @property
    def is_whole(self) -> bool:
        """Whether the period was computed to the end."""
        return self.opening != BEGUN


# among the parts of a period that was begun: the last decision that it is computed with
_AS_OF = "as_of"
_ACCEPTANCE = "acceptance:"


def begin(books: Books, state: State, periods: Sequence[dt.date]) -> None:
    """Remember that the periods are being computed, and from what: the inputs as they are now, at the start.

    What changes while the run is under way is seen by the next one, whether this one used it or not. Until `record` the
    working tables may be of the old inputs or of the new ones: where a run ends in between, the periods are computed again,
    also when the inputs are as they were before it.
    """
    ordered = sorted(set(periods))
    taken = _taken(books, state, ordered)
    as_of = str(max((d.id for d in decisions(state)), default=0))
    rows = [
        {"period": p, "opening": BEGUN, "parts": json.dumps({**taken[p], _AS_OF: as_of}, ensure_ascii=False, sort_keys=True)}
        for p in ordered
    ]
    with state.begin() as con:
        con.execute(sa.delete(COMPUTED).where(COMPUTED.c.period.in_(ordered)))
        con.execute(sa.insert(COMPUTED), rows)


def recorded(state: State, period: dt.date | None = None) -> dict[dt.date, Inputs]:
    """The inputs of a period (of every one by default) as they were when it was last computed, in order of time."""
    query = sa.select(COMPUTED).order_by(COMPUTED.c.period)
    with state.read() as con:
        rows = con.execute(query if period is None else query.where(COMPUTED.c.period == period)).all()
    return {r.period: Inputs(json.loads(r.parts), r.opening) for r in rows}


def record(store: Store, state: State, periods: Sequence[dt.date]) -> None:
    """Remember that the periods were computed to the end: from the inputs that `begin` has found, with the opening and the
    decisions on items that they were computed with. Of a period that was only published again, what was let pass is renewed."""
    seal(store, state, periods)
    ordered = sorted(set(periods))
    opening = openings(store, state, ordered)
    was = recorded(state)
    passed = _let_pass(state, ordered)
    as_of = max((int(was[p].parts[_AS_OF]) for p in ordered if p in was and _AS_OF in was[p].parts), default=None)
    people = _on_items(store, state, item_decisions(state, up_to=as_of), ordered)
    rows = []
    for period in ordered:
        if period not in was:
            continue  # computed by nobody who said so: it will be again
        begun = not was[period].is_whole
        parts = {k: v for k, v in was[period].parts.items() if k != _AS_OF and (begun or not k.startswith(_ACCEPTANCE))}
        found = Inputs({**parts, **people[period], **({} if begun else passed[period])}, opening[period])
        rows.append({"period": period, "opening": found.opening, "parts": json.dumps(found.parts, ensure_ascii=False, sort_keys=True)})
    with state.begin() as con:
        con.execute(sa.delete(COMPUTED).where(COMPUTED.c.period.in_([row["period"] for row in rows])))
        if rows:
            con.execute(sa.insert(COMPUTED), rows)


def derive(books: Books, store: Store, state: State, periods: Sequence[dt.date]) -> dict[dt.date, Inputs]:
    """The inputs of periods as they are now: files as they were last taken in, openings as the store holds them."""
    ordered = sorted(set(periods))
    taken, opening = _taken(books, state, ordered), openings(store, state, ordered)
    people = _on_items(store, state, item_decisions(state), ordered)
    return {period: Inputs({**taken[period], **people[period]}, opening[period]) for period in ordered}


def _taken(books: Books, state: State, periods: Sequence[dt.date]) -> dict[dt.date, dict[str, str]]:
    """Of each period the inputs that are known before anything is computed."""
    everywhere = {**_rules(), "engine:version": __version__}
    files, booked, passed = _files(state, periods), _corrections(books, state, periods), _let_pass(state, periods)
    return {p: {**everywhere, **_books(books, p), **files[p], **booked[p], **passed[p]} for p in periods}


def _rules() -> dict[str, str]:
    """Every rule by file; the digest of all of them as well, so that none is missed."""
    parts = {f"rule:sql/{path.relative_to(SQL).as_posix()}": file_digest(path) for path in sorted(SQL.rglob("*.sql"))}
    parts |= {"rule:causes.yaml": file_digest(rule_file(CAUSES_FILE)), "rule:legs.yaml": legs_digest()}
    parts |= {f"expectation:{path.name}": file_digest(path) for path in sorted(EXPECTATIONS.glob("*.yaml"))}
    return {**parts, "rules:all": rules_digest()}


def _books(books: Books, period: dt.date) -> dict[str, str]:
    return {f"books:{name}": mapping_digest({"value": value}) for name, value in books.in_force(period).items()}


def _files(state: State, periods: Sequence[dt.date]) -> dict[dt.date, dict[str, str]]:
    """The files that touch each period, and the cells that people corrected in them; where several of one source do, their order
    counts as well."""
    found: dict[dt.date, dict[str, str]] = {period: {} for period in periods}
    order: dict[tuple[dt.date, str], list[tuple[int, str, str]]] = {}
    corrections = by_content(cell_corrections(state))
    for record_ in records(state):
        if record_.status in _UNUSED:
            continue
        content = mapping_digest({
            "sha256": record_.sha256, "status": record_.status, "source": record_.source, "shop": record_.shop,
            "reading": record_.detail.get("reading", record_.landed), "problem": record_.problem,
        })
        cells = {
            f"cell:{record_.path}, line {c.line}, {c.column} ({c.name})": mapping_digest(c.told())
            for c in corrections_of(record_, corrections)
        }
        for day in record_.touched():
            if day in found:
                found[day] |= {f"file:{record_.path}": content, **cells}
                order.setdefault((day, record_.source), []).append((record_.modified, record_.sha256, record_.path))
    for (day, source), several in order.items():
        if len(several) > 1:
            found[day][f"order:{source}"] = mapping_digest({"paths": [path for *_, path in sorted(several)]})
    return found


def _corrections(books: Books, state: State, periods: Sequence[dt.date]) -> dict[dt.date, dict[str, str]]:
    """Corrections and write-offs of each period, and their entries: a decision that was taken back leaves nothing but these."""
    found: dict[dt.date, dict[str, str]] = {period: {} for period in periods}
    for claim in correction_claims(books, state, periods).to_pylist():
        said = f"C{claim['line']:06d}" if claim["line"] else "its entry"
        found[claim["period"]][f"correction:{claim['leg']} {claim['key']} ({said})"] = mapping_digest(
            {k: str(v) for k, v in claim.items()}
        )
    for entry in entries(books, state, periods):
        lines = " ".join(f"{line.account} {line.amount}" for line in entry.lines)
        found[entry.period][f"entry:{entry.name}"] = mapping_digest({"summary": entry.summary, "lines": lines})
    return found


def _let_pass(state: State, periods: Sequence[dt.date]) -> dict[dt.date, dict[str, str]]:
    """Failed checks of each period that somebody let pass."""
    found: dict[dt.date, dict[str, str]] = {period: {} for period in periods}
    for period, name, digest in accepted(state, periods):
        found[period][f"{_ACCEPTANCE}{name}"] = digest
    return found


def _on_items(store: Store, state: State, items: pa.Table, periods: Sequence[dt.date]) -> dict[dt.date, dict[str, str]]:
    """Items of each period that somebody accepted or waits for."""
    found: dict[dt.date, dict[str, str]] = {period: {} for period in periods}
    spoilt = damaged(store, state, ("variances",)) if items.num_rows else {}
    there = [store.path("variances", p) for p in periods if store.has("variances", p) and p not in spoilt]
    if items.num_rows and there:
        with connect() as con:
            con.register("decisions", items)
            rows = con.execute(
                'select v.period, d.leg, d.entity, d."key", d.currency, d.until, d.status from decisions as d '
                f"inner join read_parquet([{', '.join(map(quoted, there))}], hive_partitioning = false) as v "
                'on v.leg = d.leg and v.entity = d.entity and v."key" = d."key" and v.currency = d.currency '
                "where v.period >= d.from_period and (d.until is null or v.period <= d.until) order by all"
            ).fetchall()
        for period, leg, entity, key, currency, until, status in rows:
            found[period][f"decision:{leg} {entity} {key} {currency}"] = mapping_digest(
                {"until": str(until), "status": status}
            )
    return found


def openings(store: Store, state: State, periods: Sequence[dt.date]) -> dict[dt.date, str]:
    """What each period opens with: the state tables and the reference data of the day before, '' where it never ran.

    Tables that were damaged since count as they were: their day is computed again, and its opening has not changed by that.
    """
    spoilt, was = damaged(store, state, REFERENCE), sealed(state, STATE_TABLES)
    known = _known(store, periods, {
        name: [p for p in store.periods(name) if p < periods[-1] and name not in spoilt.get(p, ())] for name in REFERENCE
    } if periods else {})
    found = {}
    for period in periods:
        before = period - dt.timedelta(days=1)
        if not all(store.has(name, before) for name in STATE_TABLES):
            found[period] = ""
            continue
        # rows are written in total order, so equal content is an equal file
        found[period] = mapping_digest({
            **{name: digest_of(was, name, before) or file_digest(store.path(name, before)) for name in STATE_TABLES},
            **{name: known.get(name, {}).get(period, "") for name in REFERENCE},
        })
    return found


def _known(
    store: Store, periods: Sequence[dt.date], stored: Mapping[str, Sequence[dt.date]]
) -> dict[str, dict[dt.date, str]]:
    """What each period knows of the reference tables when it begins, by table. stored: the periods that count, by table."""
    if not any(stored.values()):
        return {}
    with connect() as con:
        con.register("asked", pa.table({"period": pa.array(list(periods), DAY)}))
        return {name: _known_of(con, store, name, days) for name, days in stored.items() if days}


def _known_of(con: duckdb.DuckDBPyConnection, store: Store, table: str, stored: Sequence[dt.date]) -> dict[dt.date, str]:
    """A digest of the rows of a reference table that hold when each period `asked` for begins: the last stated ones of each key.

    A row holds from its day until its key is stated again, so the sum of the hashes of what begins less what ends is
    the same for the same rows, however they came about. The hash is MD5 over the text of every column: what is recorded
    has to be the same after an upgrade of DuckDB, whose own hash() need not be.
    """
    named = ", ".join(f'"{key}"' for key in REFERENCE[table])
    paths = ", ".join(quoted(store.path(table, p)) for p in stored)
    text = ", ".join(f"coalesce(concat('=', \"{column.name}\"::varchar), '')" for column in _COLUMNS[table])
    rows = con.execute(
        "with stated as (select period, "
        f"{named}, sum(md5_number_lower(concat_ws(chr(31), {text}))::hugeint) as h "
        f"from read_parquet([{paths}], hive_partitioning = false) "
        f"group by period, {named}), "
        f"spans as (select period, h, lead(period) over (partition by {named} order by period) as until from stated), "
        "changes as (select period, h from spans union all select until, -h from spans where until is not null), "
        "days as (select period, sum(h) as h from changes group by period), "
        "running as (select period + 1 as period, sum(h) over (order by period) as h from days) "
        "select a.period, r.h from asked as a asof inner join running as r on a.period >= r.period"
    ).fetchall()
    return {period: str(total) for period, total in rows}
