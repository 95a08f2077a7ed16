"""Runs the SQL models of `sql/` over a range of periods and writes their tables to the store.

A range is one pass: claims are made, summed up by key and traced through all its days at once. What is open at the end of a
day is a row for every day on which it is open, so these rows are judged a stretch of days after the other; what a day
gets does not depend on the stretch that it is in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from duizhang import published, schema
from duizhang.books import DEFAULT_SLA_DAYS, LEGS, Books, RateCard, RateTier
from duizhang.currency import minor_units
from duizhang.errors import ConservationError, ModelFault, UserError
from duizhang.layout import SQL
from duizhang.matching_passes import load_matching, matching_digest
from duizhang.reconcile.causes import causes_digest, prepare_causes
from duizhang.reconcile.goods import fall_back, map_goods, prepare_goods
from duizhang.reconcile.matching import match, normalise_keys, prepare_matching
from duizhang.reconcile.mistyped import mistyped_digest, prepare_mistyped
from duizhang.reconcile.parts import parts_digest, prepare_parts
from duizhang.reconcile.sides import SIDES, declared_sides, side_feeds
from duizhang.reconcile.traits import leg_traits, traits_digest
from duizhang.schema import CLAIM, DAY, MONEY, PERCENT, RATE, TEXT
from duizhang.store import Store, connect, quoted

LEG_MODELS = tuple(leg for leg in LEGS if (SQL / "claims" / f"{leg}.sql").is_file())
# anomalies reads other marts, so it comes last
MART_MODELS = tuple(sorted((path.stem for path in (SQL / "marts").glob("*.sql")), key=lambda m: (m == "anomalies", m)))

# each after those that it reads
DERIVED_MODELS = (
    "skus_dated", "sku_codes", "bundle_parts", "coded_goods", "order_sides", "own_orders", "fx_known", "fx_results", "fees_expected",
    "goods_sold", "shop_measures",
    "stock_observations", "stock_levels",
)

OPEN_CLAIM = pa.schema([*CLAIM, pa.field("first_seen", DAY), pa.field("claimed", DAY)])
STOCK_LEVEL = pa.schema(
    [
        ("period", DAY), ("basis", TEXT), ("entity", TEXT), ("place", TEXT), ("sku", TEXT),
        ("left_level", MONEY), ("right_level", MONEY),
    ]
)
DECISION = pa.schema(
    [
        ("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("from_period", DAY), ("until", DAY),
        ("status", TEXT),
    ]
)

# What a late duplicate is compared by.
_PAST = (
    'period, leg, entity, "key", currency, side, kind, amount, quantity, sku, occurred_at, record_id, file, line, shop'
)

# What the next period opens with; part of a period's digest together with the published tables.
STATE_TABLES: dict[str, pa.Schema] = {"open_claims": OPEN_CLAIM, "stock_levels": STOCK_LEVEL, "sides": SIDES}
# What is published of the items themselves; the first two are made with the claims, for the whole range.
EARLY_TABLES = ("legs_not_run", "clearings")
ITEM_TABLES = (*EARLY_TABLES, "recon_summary", "variances", "open_items")

# Days whose open items are judged, and written, at once: it sets the memory that a long range takes.
STRETCH = 31
MEMORY = "2GB"
# What the database and Arrow raise where a value has no room or is not of the type that it is taken for.
_OF_VALUES = (duckdb.DataError, duckdb.InvalidInputException, pa.ArrowInvalid)
# What rows are left out of, besides the canonical tables: they have a file and a line as well.
OPENING = "opening_claims"
LEFT_OUT = pa.schema([("table_name", TEXT), ("file", TEXT), ("line", pa.int64())])
# What the models of a stretch are to see of its own days alone.
_BY_PERIOD = ("stock_levels", "shop_measures", "goods_sold", "fx_results", "same_day_matches")


def rules_digest() -> str:
    """SHA-256 over every SQL model, the causes, parts and passes: what a result depends on besides books.yaml."""
    total = hashlib.sha256(f"{causes_digest()} {parts_digest()} {matching_digest()} {mistyped_digest()} {traits_digest()}".encode())
    for path in sorted(SQL.rglob("*.sql")):
        total.update(path.relative_to(SQL).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def _model(path: str) -> str:
    return (SQL / path).read_text(encoding="utf-8")


@dataclass
class Session:
    """One DuckDB connection with the inputs of a range in place: canonical tables, books, what was open before.

    files: the files of the inbox from the oldest to the newest; where two say another level, cost or rate of one time, the
    newest counts. left_out: rows of the inputs, by table, file and line, that the models do not get to see.
    """

    books: Books
    store: Store
    periods: Sequence[dt.date]
    corrections: pa.Table = field(default_factory=CLAIM.empty_table)
    decisions: pa.Table = field(default_factory=DECISION.empty_table)
    say: Callable[[str], None] = field(default=lambda _: None)
    files: Sequence[str] = ()
    left_out: pa.Table = field(default_factory=LEFT_OUT.empty_table)

    def __post_init__(self) -> None:
        expected = [self.periods[0] + dt.timedelta(days=n) for n in range(len(self.periods))]
        if list(self.periods) != expected:
            raise UserError("periods must be consecutive days in order")
        self.whole = list(self.periods)
        self.at = "the inputs"  # the model at work
        self.con = connect(memory=MEMORY, spill=self.store.spill())

    def __enter__(self) -> Session:
        self._load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.con.close()
        self.store.clear_spill()

    def _load(self) -> None:
        con, periods = self.con, self.periods
        # files of the store do not change while they are read
        con.execute("set parquet_metadata_cache = true")
        con.execute("set preserve_insertion_order = false")
        con.register("left_out", self.left_out)
        self._span(periods, "")
        self._input("skus_known", self._history("skus"), schema.TABLES["skus"], table_of="skus")
        self._input("sku_map_filed", self._history("sku_map"), schema.TABLES["sku_map"], table_of="sku_map")
        self._input("bundles_filed", self._history("bundles"), schema.TABLES["bundles"], table_of="bundles")
        self._input("fx_filed", self._history("fx_rates"), schema.TABLES["fx_rates"], table_of="fx_rates")
        prepare_matching(con)
        prepare_mistyped(con)
        prepare_causes(con)
        prepare_parts(con)
        prepare_goods(con, self.books)
        con.register("corrections", self.corrections.filter(pc.is_in(self.corrections["period"], pa.array(periods, DAY))))
        con.register("decisions", self.decisions)
        con.register("file_ranks", _rows(list(zip(self.files, range(len(self.files)), strict=True)), file=TEXT, rank=pa.int64()))
        for name, table in _books_tables(self.books).items():
            con.register(name, table)
        con.register("declared_sides", declared_sides(self.books))
        con.register("side_feeds", side_feeds())
        con.execute(
            "create table sides_known (leg varchar, side varchar, entity varchar, shop varchar, channel varchar, since date)"
        )
        self.view("sides/supplied_sides.sql")

    def _span(self, periods: Sequence[dt.date], temporary: str) -> None:
        """Calendar, variables and views of the store for these periods; temporary ones stand before those of the range."""
        con = self.con
        con.execute("set variable period_from = ?::date", [periods[0]])
        con.execute("set variable period_to = ?::date", [periods[-1]])
        con.execute(
            f"create or replace {temporary} table calendar as select unnest(generate_series("
            "getvariable('period_from'), getvariable('period_to'), interval 1 day))::date as period"
        )
        for name, columns in schema.TABLES.items():
            self._input(name, periods, columns, temporary=temporary)
        before = [periods[0] - dt.timedelta(days=1)]
        self._input(OPENING, before, OPEN_CLAIM, table_of="open_claims", temporary=temporary)
        self.store.view(con, "carried_stock_levels", before, STOCK_LEVEL, table_of="stock_levels", temporary=temporary)
        if not temporary:  # sides are known for the whole range before it is judged
            self.store.view(con, "carried_sides", before, SIDES, table_of="sides")
        # as far back as a late duplicate is looked for
        horizon = [periods[0] - dt.timedelta(days=n) for n in range(load_matching().repeat_horizon_days, 0, -1)]
        self._claims("past_claims", horizon, temporary, columns=_PAST)

    def _input(
        self, name: str, periods: Sequence[dt.date], columns: pa.Schema, *, table_of: str = "", temporary: str = ""
    ) -> None:
        """A view of an input without the rows that are left out of it."""
        table = OPENING if name == OPENING else table_of or name
        if not pc.any(pc.equal(self.left_out["table_name"], table)).as_py():
            self.store.view(self.con, name, periods, columns, table_of=table_of or name, temporary=temporary)
            return
        self.store.view(self.con, f"{name}_given", periods, columns, table_of=table_of or name, temporary=temporary)
        self.con.execute(
            f"create or replace {temporary} view {name} as select g.* from {name}_given as g "
            f"anti join (select file, line from left_out where table_name = {quoted(table)}) as l "
            "on g.file = l.file and g.line is not distinct from l.line"
        )

    def _claims(self, name: str, periods: Sequence[dt.date], temporary: str, *, columns: str = "*") -> None:
        """A view of the claims of every leg as the store has them."""
        for leg in LEG_MODELS:
            self.store.view(self.con, f"{name}_{leg}", periods, CLAIM, table_of=leg, temporary=temporary)
        union = " union all ".join(f'select {columns} from "{name}_{leg}"' for leg in LEG_MODELS)
        self.con.execute(f"create or replace {temporary} view {name} as {union}")

    def stretches(self) -> Iterator[Sequence[dt.date]]:
        """The range in stretches, each of which the models then see as if it were the range; what came before is stored."""
        if len(self.whole) <= STRETCH:
            yield self.periods
            return
        # all of about one length: each has what it costs to begin
        count = -(-len(self.whole) // STRETCH)
        for number in range(count):
            self.periods = self.whole[len(self.whole) * number // count : len(self.whole) * (number + 1) // count]
            self._span(self.periods, "temp")
            self._claims("claims", self.periods, "temp")
            for name in _BY_PERIOD:
                self.con.execute(
                    f"create or replace temp view {name} as select * from memory.main.{name} "
                    "where period between getvariable('period_from') and getvariable('period_to')"
                )
            map_goods(self.con, _model, "temp")
            yield self.periods

    def _history(self, table: str) -> list[dt.date]:
        return [p for p in self.store.periods(table) if p <= self.periods[-1]]

    def run(self, path: str) -> None:
        """Materialise one model as an in-memory table that is named like its file."""
        self.at = f"sql/{path}"
        try:
            self.con.execute(f'create or replace table "{Path(path).stem}" as {_model(path)}')
            self.at = f"behind sql/{path}"
        except _OF_VALUES:
            raise
        except duckdb.Error as error:
            raise ConservationError(f"sql/{path}: {error}") from error

    def view(self, path: str) -> None:
        """One model as a view that is named like its file: what it shows grows with what it reads."""
        self.con.execute(f'create or replace view "{Path(path).stem}" as {_model(path)}')

    def result(self, name: str, columns: pa.Schema, periods: Sequence[dt.date]) -> pa.Table:
        """The periods of a table in its declared schema: column order and types; a missing column is an error."""
        listed = ", ".join(f'"{column.name}"' for column in columns)
        query = f'select {listed} from "{name}" where period between ? and ?'
        return self.con.sql(query, params=[periods[0], periods[-1]]).to_arrow_table().cast(columns)

    def keep(self, name: str, columns: pa.Schema, *, relation: str = "") -> int:
        """Write a table into the store, period by period; the number of rows. relation: what it is here, where not its name."""
        rows = 0
        for at in range(0, len(self.periods), STRETCH):
            part = self.periods[at : at + STRETCH]
            found = self.result(relation or name, columns, part)
            self.store.split(name, found, part)
            rows += int(found.num_rows)
        return rows


def _books_tables(books: Books) -> dict[str, pa.Table]:
    sla = [(leg, "", days) for leg, days in DEFAULT_SLA_DAYS.items() if leg not in books.sla_days]
    sla += [(*(f"{key}/".split("/")[:2]), days) for key, days in sorted(books.sla_days.items())]  # type: ignore[misc]
    shops = [
        (name, books.entity_of(name), shop.platform, shop.provider, shop.warehouse, shop.currency or books.currency)
        for name, shop in sorted(books.shops.items())
    ]
    accounts = [
        (code, a.name, a.measure, a.shop, a.provider, a.bank_account, books.entity_of_account(a))
        for code, a in sorted(books.accounts.items())
    ]
    cards = [
        (number, c.kind, c.provider, c.from_day, c.category, c.fixed or Decimal(0), c.minimum, c.cap,
         c.on_refund == "returned", c.zone, c.currency or books.currency, c.first_weight, c.first_price, c.step_weight, c.step_price)
        for number, c in enumerate(books.rate_cards)
    ]
    tiers = [
        (number, lower, tier.up_to, tier.percent)
        for number, c in enumerate(books.rate_cards)
        for lower, tier in _steps(c)
    ]
    warehouses = sorted({shop.warehouse for shop in books.shops.values() if shop.warehouse})
    return {
        "minor_units": minor_units(),
        "sla": _rows(sla, leg=TEXT, channel=TEXT, days=pa.int64()),
        "shops": _rows(
            shops, shop=TEXT, entity=TEXT, platform=TEXT, provider=TEXT, warehouse=TEXT, currency=TEXT
        ),
        "account_map": _rows(
            accounts, account=TEXT, name=TEXT, measure=TEXT, shop=TEXT, provider=TEXT, bank_account=TEXT, entity=TEXT
        ),
        "bank_account_owners": _rows(sorted(books.bank_accounts.items()), bank_account=TEXT, entity=TEXT),
        "warehouse_owners": _rows(
            [(name, books.entity_of_warehouse(name)) for name in warehouses], warehouse=TEXT, entity=TEXT
        ),
        "tolerances": _rows(sorted(books.tolerances.items()), leg=TEXT, tolerance=MONEY),
        "policy_changes": _rows(
            [(p.leg, p.from_day, p.until_day, p.description, p.key, p.percent) for p in books.policy_changes],
            leg=TEXT, from_day=DAY, until_day=DAY, description=TEXT, key_prefix=TEXT, percent=PERCENT,
        ),
        "rate_cards": _rows(
            cards, card=pa.int64(), kind=TEXT, provider=TEXT, from_day=DAY, category=TEXT, fixed=MONEY, minimum=MONEY,
            cap=MONEY, on_refund=pa.bool_(), zone=TEXT, currency=TEXT, first_weight=MONEY, first_price=MONEY, step_weight=MONEY,
            step_price=MONEY,
        ),
        "rate_tiers": _rows(tiers, card=pa.int64(), lower=MONEY, upper=MONEY, percent=PERCENT),
        "fx_declared": _rows(
            [(r.from_day, r.base, r.quote, r.rate) for r in books.fx_rates], period=DAY, base=TEXT, quote=TEXT, rate=RATE
        ),
        "leg_traits": leg_traits(),
        "instalments_declared": _rows(
            [(i.shop, i.from_day, i.until_day, i.days) for i in books.instalments], shop=TEXT, from_day=DAY, until_day=DAY,
            days=pa.int64(),
        ),
        "fee_billing": _rows(_billing(books), provider=TEXT, from_day=DAY, until_day=DAY, days=pa.int64()),
        "stock_allocations": _rows(
            [(a.shop, a.sku, a.from_day, a.keep, a.percent) for a in books.stock_allocations], shop=TEXT, sku=TEXT,
            from_day=DAY, keep=MONEY, percent=PERCENT,
        ),
        "waiting_settings": _rows([(books.deposit_days,)], deposit_days=pa.int64()),
        "fx_settings": _rows([(books.fx_tolerance_percent, books.currency)], tolerance_percent=PERCENT, currency=TEXT),
    }


def _billing(books: Books) -> list[tuple[str, dt.date, dt.date, int]]:
    """Of each provider the spans of days in which a declared billing holds; the next one of the provider ends it."""
    spans = []
    for one in books.fee_billing:
        later = [other.from_day for other in books.fee_billing if other.provider == one.provider and other.from_day > one.from_day]
        end = min(later) - dt.timedelta(days=1) if later else dt.date.max
        spans.append((one.provider, one.from_day, end, one.days))
    return sorted(spans)


def _steps(card: RateCard) -> list[tuple[Decimal, RateTier]]:
    """Lower bound and tier of each part of an amount; a plain percentage is one tier, a freight card has none."""
    tiers = card.tiers or ((RateTier(percent=card.percent),) if card.percent is not None else ())
    bounds = [Decimal(0), *(tier.up_to for tier in tiers[:-1] if tier.up_to is not None)]
    return list(zip(bounds, tiers, strict=False))


def _rows(rows: Sequence[tuple[object, ...]], **columns: pa.DataType) -> pa.Table:
    parts = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    return pa.table([pa.array(list(part), kind) for part, kind in zip(parts, columns.values(), strict=True)],
                    schema=pa.schema(list(columns.items())))


def reconcile(session: Session) -> dict[str, int]:
    """Run every model over the session's range and write the results to the store; rows a table.

    Raises ConservationError when amounts were lost or made up in any leg, entity, currency and period, ModelFault where a
    model cannot be computed with the values that it reads.
    """
    try:
        return _reconcile(session)
    except _OF_VALUES as error:
        raise ModelFault(session.at, str(error).strip().splitlines()[0]) from error


def _reconcile(session: Session) -> dict[str, int]:
    rows = make_claims(session)
    trace(session)
    for name in ("stock_levels", "sides"):
        rows[name] = session.keep(name, STATE_TABLES[name])
    for name in EARLY_TABLES:
        rows[name] = session.keep(name, published.TABLES[name])
    session.con.execute("drop table clearings")
    for periods in session.stretches():
        if len(periods) < len(session.whole):
            session.say(f"open items: day {(periods[0] - session.whole[0]).days + 1} of {len(session.whole)}")
        judge(session)
        done = {"open_claims": session.keep("open_claims", OPEN_CLAIM)}
        done |= {name: session.keep(name, published.TABLES[name]) for name in ITEM_TABLES if name not in EARLY_TABLES}
        for mart in MART_MODELS:
            session.run(f"marts/{mart}.sql")
            done[mart] = session.keep(mart, published.TABLES[mart])
        assert_conservation(session)
        for name, number in done.items():
            rows[name] = rows.get(name, 0) + number
    return rows


def make_claims(session: Session) -> dict[str, int]:
    """The claims of every leg, with the corrections: written to the store, and from there the view `claims`; rows a leg."""
    con, rows = session.con, {}
    session.run("derived/orders_seen.sql")
    con.execute("insert into sides_known select leg, side, entity, shop, channel, since from orders_seen")
    for model in DERIVED_MODELS:
        session.run(f"derived/{model}.sql")
        if model == "coded_goods":
            map_goods(con, _model)
    for number, leg in enumerate(LEG_MODELS, 1):
        session.say(f"claims: {leg}, leg {number} of {len(LEG_MODELS)}")
        session.run(f"claims/{leg}.sql")
        con.execute(f"create or replace view leg_claims as {_cast_claims(session, leg)} where {leg in session.books.legs}")
        _keep_to_what_has_two_sides(session, leg)
        fall_back(con, session.run, leg, session.periods)
        # a leg may add up the claims of an earlier one: those that were kept, as they are what the next day opens with
        ahead = " ".join(_model(f"claims/{later}.sql") for later in LEG_MODELS[number:])
        if f"from {leg})" in ahead and leg in session.books.legs:
            con.execute(f'create or replace table "{leg}" as select * from claims')
        con.execute(f"insert into claims {_cast_claims(session, 'corrections')} where leg = {quoted(leg)}")
        normalise_keys(con)
        rows[leg] = session.keep(leg, CLAIM, relation="claims")
        con.execute("drop table claims")
        for made in LEG_MODELS[:number]:
            if f"from {made})" not in ahead:
                con.execute(f'drop table if exists "{made}"')
    session.run("sides/sides.sql")
    session.run("sides/legs_not_run.sql")
    con.execute("drop table fees_expected; drop table stock_observations; drop table own_orders")
    con.execute("drop view if exists scoped_claims; drop view leg_claims")
    session._claims("claims", session.periods, "")
    return rows


def _keep_to_what_has_two_sides(session: Session, leg: str) -> None:
    """From `leg_claims` to `claims`: those whose other side is supplied; the rest is remembered in `all_leg_runs`."""
    con = session.con
    con.execute(f"set variable leg_made = {quoted(leg)}")
    con.execute("create table if not exists all_leg_runs (leg varchar, period date, entity varchar, side varchar, "
                "scope_shop varchar, scope_channel varchar, claims bigint, is_run boolean)")
    if not con.execute("select 1 from leg_claims limit 1").fetchall():
        con.execute("create or replace table claims as select * from leg_claims")
        con.execute(
            "insert into sides_known select leg, side, entity, shop, channel, since from carried_sides "
            "where leg = getvariable('leg_made')"
        )
        return
    session.view("sides/scoped_claims.sql")
    session.run("sides/sides_seen.sql")
    con.execute("insert into sides_known select leg, side, entity, shop, channel, since from sides_seen")
    session.run("sides/leg_runs.sql")
    con.execute(
        "insert into all_leg_runs by name "
        "select leg, period, entity, side, scope_shop, scope_channel, claims, is_run from leg_runs"
    )
    session.run("sides/claims_run.sql")
    con.execute("alter table claims_run rename to claims")


def settle(session: Session) -> None:
    """From `claims` to open items, what cleared, causes and proposals."""
    trace(session)
    judge(session)


def trace(session: Session) -> None:
    """The keys that do not net to zero within their periods, through all days of the range, and what cleared."""
    session.say("open items")
    for model in ("movements", "positions", "same_day_matches", "carried_claims", "clearings"):
        session.run(f"open/{model}.sql")
        if model == "same_day_matches":
            session.con.execute("drop table movements")  # most of them, and never looked at again


def judge(session: Session) -> None:
    """What is open at the end of each day, why, and what could be its counterpart."""
    con = session.con
    for model in ("open_claims", "recon_summary"):
        session.run(f"open/{model}.sql")
    session.run("derived/fx_known.sql")
    for model in ("late_repeats", "features", "judged"):
        session.run(f"causes/{model}.sql")
    con.execute("drop table features")
    session.run("matching/matchable.sql")
    match(con, session.run, session.view)
    for model in ("paired", "with_cause", "split_by_cause", "parts"):
        session.run(f"causes/{model}.sql")
    con.execute("drop table judged")
    session.run("matching/proposals.sql")
    for model in ("item_variances", "allocated_variances", "suspected", "variances"):
        session.run(f"variances/{model}.sql")
    session.view("variances/open_items.sql")


def assert_conservation(session: Session) -> None:
    """Run sql/assertions: each returns the rows that break a promise; any row is a ConservationError."""
    for path in sorted(Path(SQL / "assertions").glob("*.sql")):
        broken = session.con.execute(path.read_text(encoding="utf-8")).fetchall()
        if broken:
            raise ConservationError(f"{path.stem}: {len(broken)} rows, first {broken[0]}")


def _cast_claims(session: Session, name: str) -> str:
    """A select of claims in the declared columns and types; what a leg may leave out is empty."""
    given = {row[0] for row in session.con.execute(f'describe "{name}"').fetchall()}
    absent = {
        **dict.fromkeys(("customer", "counterparty", "remark", "record_id", "zone"), "''"),
        **dict.fromkeys(("sequence", "instalments", "weight"), "null"),
    }
    listed = (
        f'{absent[c.name] if c.name in absent and c.name not in given else _named(c.name)}::{_duck_type(c.type)} as {_named(c.name)}'
        for c in CLAIM
    )
    return f'select {", ".join(listed)} from "{name}"'


def _named(column: str) -> str:
    return f'"{column}"'


def _duck_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    names = {"string": "varchar", "date32[day]": "date", "timestamp[us]": "timestamp", "int64": "bigint"}
    return names[str(kind)]
