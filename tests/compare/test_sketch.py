"""The sketch and the exact pass on its shortlist give what one grouping of everything gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duizhang.compare import comparison, grouping, hashes, load, net, net_by_key, shortlist, signed, sketch
from duizhang.compare.peel import Peeled, peel
from duizhang.errors import ConservationError, UserError
from tests.thoroughness import examples

KEYS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "007", "7", "订单"]), st.text(max_size=3))
LARGE = Decimal(10) ** 16
AMOUNTS = st.one_of(
    st.sampled_from([Decimal("0.00"), Decimal("1.00"), Decimal("-1.00"), Decimal("0.01")]),
    st.decimals(-LARGE + 1, LARGE - 1, places=2),
)
ROWS = st.lists(st.tuples(KEYS, AMOUNTS), max_size=40)
Rows = list[tuple[str | None, Decimal]]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        yield connection


def put(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    con.register(name, pa.table({
        "key": pa.array([k for k, _ in rows], pa.string()),
        "amount": pa.array([a for _, a in rows], pa.decimal128(18, 2)),
    }))


@settings(max_examples=examples(10, 200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=ROWS, right=ROWS, shared=ROWS, bits=st.sampled_from([1, 4, 16]))
def test_sketch_and_exact_is_plain_aggregation(
    con: duckdb.DuckDBPyConnection, left: Rows, right: Rows, shared: Rows, bits: int
) -> None:
    halves = [(k, Decimal("0.03")) for k, _ in shared] + [(k, a - Decimal("0.03")) for k, a in shared]  # 1:n
    put(con, "left_claims", left + shared)
    put(con, "right_claims", right + halves)
    net: dict[str | None, Decimal] = defaultdict(Decimal)
    for key, amount in left:
        net[key] += amount
    for key, amount in right:
        net[key] -= amount
    expected = {k: v for k, v in net.items() if v}
    claims = signed("left_claims", "right_claims")
    assert dict(net_by_key(con, claims, bits).fetchall()) == expected
    assert dict(net_by_key(con, "left_claims", bits, less="right_claims").fetchall()) == expected
    one, other = sketch(con, "left_claims", bits), sketch(con, "(select key, -amount as amount from right_claims)", bits)
    whole = sketch(con, claims, bits)
    assert one + other == whole
    assert (one + -other).total == one.total - other.total
    # differences of which 2^17 minor units are a divisor may not be told apart by 16 bits: then all is grouped
    assert peel(whole).whole or bits < 16 or any(int(v.scaleb(whole.scale)) % (1 << 17) == 0 for v in expected.values())
    listed = {row[0] for row in con.execute(f"select distinct key from {shortlist(claims, whole)}").fetchall()}
    assert expected.keys() <= listed


def test_amounts_beyond_64_bits_do_not_wrap(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table big as select 'k' || i as key, "
                "cast('999999999999999999999999.99' as decimal(30,2)) as amount from range(50) t(i)")
    claims = signed("big", "(select key, amount + case when key = 'k7' then 0.01 else 0 end as amount from big)")
    assert net_by_key(con, claims).fetchall() == [("k7", Decimal("-0.01"))]


def test_a_float_is_no_amount(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UserError, match="double"):
        sketch(con, "(select 'a' as key, 0.1::double as amount)")


@settings(max_examples=examples(6, 100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(KEYS, st.sampled_from(["paid", "open", None]), AMOUNTS), max_size=40), swap=st.booleans())
def test_attributes_must_net_too(
    con: duckdb.DuckDBPyConnection, rows: list[tuple[str, str, Decimal]], *, swap: bool
) -> None:
    other = [(k, "open" if swap and n % 3 == 0 else status, a) for n, (k, status, a) in enumerate(rows)]
    net: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for name, side, sign in (("left_claims", rows, 1), ("right_claims", other, -1)):
        con.register(name, pa.table({
            "key": pa.array([r[0] for r in side], pa.string()), "status": pa.array([r[1] for r in side], pa.string()),
            "amount": pa.array([r[2] for r in side], pa.decimal128(18, 2)),
        }))
        for key, status, amount in side:
            net[key, status] += sign * amount
    claims = signed("left_claims", "right_claims", ["status"])
    found = net_by_key(con, claims, attributes=["status"]).fetchall()
    assert {row[0] for row in found} == {key for (key, _), value in net.items() if value}
    assert all(row[1] == sum(v for (key, _), v in net.items() if key == row[0]) for row in found)


@settings(max_examples=examples(8, 50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(ROWS, min_size=1, max_size=4), order=st.randoms(use_true_random=False))
def test_saved_days_add_up_to_the_range(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, days: list[Rows], order: object
) -> None:
    put(con, "whole", [row for day in days for row in day])
    files = []
    for n, day in enumerate(days):
        put(con, "day", day)
        files.append(tmp_path / f"{n}.sketch")
        sketch(con, "day", 4).save(files[-1])
    order.shuffle(files)  # type: ignore[attr-defined]
    total = load(files[0])
    for file in files[1:]:
        total = total + load(file)
    whole = sketch(con, "whole", 4)
    assert total == whole and total.rows == whole.rows
    net = con.execute("select key, sum(amount) as net from whole group by key having net <> 0 order by key").fetchall()
    assert net_by_key(con, "whole", found=total).order("key").fetchall() == net
    assert not len((total + -whole).buckets)


def test_a_damaged_or_foreign_sketch_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(con, "day", [("a", Decimal("1.50")), ("b", Decimal(-2))])
    one, file = sketch(con, "day", 4), tmp_path / "day.sketch"
    assert one.save(file) == one.digest == load(file).digest
    data = file.read_bytes()
    for broken in (data[:-1], data + b"x", data[:-40] + bytes([data[-40] ^ 1]) + data[-39:], b"", b"PAR1"):
        file.write_bytes(broken)
        with pytest.raises(UserError, match="not a whole sketch"):
            load(file)
    with pytest.raises(UserError, match="cannot be added"):
        one + sketch(con, "day", 5)
    cents = sketch(con, "(select key, cast(amount as decimal(18,4)) as amount from day)", 4)
    assert not len((one + -cents).buckets)  # the same money at another scale


def test_totals_do_not_overflow(con: duckdb.DuckDBPyConnection) -> None:
    large = 10**18 - 1
    for digits in (18, 38):
        found = sketch(con, f"(select 'k' as key, cast({large} as decimal({digits},0)) as amount from range(100000))", 1)
        assert found.total == large * 100_000 and found.rows == 100_000


def test_keys_of_two_types_are_the_same_keys(con: duckdb.DuckDBPyConnection) -> None:
    for name, type_ in (("numbers", "integer"), ("texts", "varchar")):
        con.execute(f"create or replace temp table {name} as select cast(i as {type_}) as key, 1 as amount from range(9) t(i)")
    assert net_by_key(con, "numbers", less="texts").fetchall() == []


def test_names_come_from_whichever_side_has_the_key(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    con.execute("create or replace temp table first_side as "
                "select case when i <> 77 then i end as key, i as amount from range(5000) t(i)")
    con.execute("create or replace temp table second_side as select case when i <> 77 then i end as key, "
                "case when i % 9 > 0 then i + (i % 77 = 0)::int end as amount from range(70, 5100) t(i)")
    expected = con.execute(f"""
        select key, sum(amount) as net from {signed("first_side", "second_side")} group by key having net <> 0 order by key
    """).fetchall()
    monkeypatch.setattr(net, "_grouped", None)  # no grouping is needed
    assert net_by_key(con, "first_side", less="second_side").order("key").fetchall() == expected
    assert net_by_key(con, "first_side", less="first_side").fetchall() == []


CLOSED = [np.zeros(0, np.intp)] * 2
NONE = Peeled(np.zeros(0, np.uint64), np.zeros(0, np.int64), 16, CLOSED)


def test_a_false_zero_is_not_published(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(con, "one", [("a", Decimal("1.50"))])
    put(con, "two", [("a", Decimal("1.51"))])
    monkeypatch.setattr(net, "peel", lambda _: NONE)
    with pytest.raises(ConservationError):
        net_by_key(con, signed("one", "two"))
    files = []
    for name in ("one", "two"):
        files.append(tmp_path / f"{name}.parquet")
        pq.write_table(con.sql(f"select * from {name}").to_arrow_table(), files[-1])
    monkeypatch.setattr(comparison, "peel", lambda _: NONE)
    with pytest.raises(ConservationError):
        comparison.compare_files(*files, key="key", left_amount="amount", right_amount="amount")


def test_a_wrong_guess_is_not_believed(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash that no key has, and two keys with one hash, go to the exact grouping."""
    wrong = Peeled(np.array([7], np.uint64), np.array([-1], np.int64), 16, CLOSED)
    put(con, "one", [("a", Decimal("1.50")), ("b", Decimal(2))])
    put(con, "two", [("a", Decimal("1.51")), ("b", Decimal(2))])
    for module in (net, comparison):
        monkeypatch.setattr(module, "peel", lambda _: wrong)
    assert net_by_key(con, "one", less="two").fetchall() == [("a", Decimal("-0.01"))]
    files = []
    for name in ("one", "two"):
        files.append(tmp_path / f"{name}.parquet")
        pq.write_table(con.sql(f"select * from {name}").to_arrow_table(), files[-1])
    got = comparison.compare_files(*files, key="key", left_amount="amount", right_amount="amount")
    assert (got.keys_equal, got.keys_different, got.amount_difference) == (1, 1, Decimal("-0.01"))


@pytest.mark.parametrize("keys", [1, 100, 20_000])
@pytest.mark.parametrize("factor", ["0.01", "0.04", "1.28"])
def test_differences_are_read_back_from_the_sums(con: duckdb.DuckDBPyConnection, keys: int, factor: str) -> None:
    """Whatever power of two is in the amounts, and with many more keys than are alone in a bucket of one table."""
    con.execute(f"""
        create or replace temp table many as
        select 'k' || i as key, cast((cast(hash(i) % 1000 as integer) - 500) * {factor} as decimal(18,2)) as amount
        from range({keys}) t(i)
    """)
    found = peel(sketch(con, "many"))
    expected = con.execute("select hash(key), cast(amount * 100 as bigint) from many where amount <> 0 order by 1").fetchall()
    assert found.whole and list(zip(found.hashes.tolist(), found.amounts.tolist(), strict=True)) == expected


@pytest.mark.slow
def test_many_differences_take_a_larger_sketch(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table many as select i as key, i + 1 as amount from range(100000) t(i)")
    found = sketch(con, "many")
    assert not peel(found).whole and net.more_bits(found) == 18
    assert len(net_by_key(con, "many").fetchall()) == 100_000


SMALL = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from([Decimal("0.00"), Decimal(1), Decimal("1.02")])), max_size=8)


@settings(max_examples=examples(8, 50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=SMALL, right=SMALL, shared=st.integers(0, 30), bits=st.sampled_from([2, 16]), held=st.sampled_from([7, 100]),
       tolerance=st.sampled_from(["0", "0.02"]), named=st.booleans())
def test_compare_counts_what_plain_python_counts(
    tmp_path: Path, left: Rows, right: Rows, shared: int, bits: int, held: int, tolerance: str, *, named: bool
) -> None:
    same: Rows = [(f"s{n}", Decimal(n)) for n in range(shared)]
    sums: list[dict[str, Decimal]] = []
    out = tmp_path / "out.parquet"
    for name, rows in (("l", left + same), ("r", same[::-1] + right)):
        side: dict[str, Decimal] = defaultdict(Decimal)
        for key, amount in rows:
            side[str(key)] += amount
        sums.append(side)
        pq.write_table(pa.table({
            "id": pa.array([k for k, _ in rows], pa.string()), "amount": pa.array([a for _, a in rows], pa.decimal128(18, 2)),
        }), tmp_path / f"{name}.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "OPEN_SHARE", 1.0)  # always use what was settled
        patch.setattr(comparison, "BITS", bits)
        patch.setattr(comparison, "more_bits", lambda *_: 0)
        patch.setattr(hashes, "HELD", held)
        got = comparison.compare_files(tmp_path / "l.parquet", tmp_path / "r.parquet", key="id", left_amount="amount",
                                   right_amount="amount", tolerance=Decimal(tolerance), out=out if named else None)
    one, two = sums
    if named:
        differ = {k for k in one.keys() & two.keys() if abs(one[k] - two[k]) > Decimal(tolerance)} | (one.keys() ^ two.keys())
        listed = {row["id"]: row for row in pq.read_table(out).to_pylist()}
        assert listed.keys() == differ
        assert all(row["left_amount"] == one.get(k, 0) and row["right_amount"] == two.get(k, 0) for k, row in listed.items())
    both = one.keys() & two.keys()
    different = sum(abs(one[k] - two[k]) > Decimal(tolerance) for k in both)
    assert (got.left.keys, got.right.keys, got.keys_both) == (len(one), len(two), len(both))
    assert (got.keys_different, got.keys_equal) == (different, len(both) - different)
    assert got.amount_left_only == sum(one[k] for k in one.keys() - both)
    assert got.amount_difference == sum(one[k] - two[k] for k in both)


def test_parts_change_no_answer(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(str(tmp_path))
    for name, step in (("l", 1), ("r", 3)):
        rows = "\n".join(f"k{i % 50},{i * step}.25" for i in range(0, 100, step))
        (folder / f"{name}.csv").write_text("id,amount\n" + rows + "\n")
    answers = []
    for size in (5_000_000, 13):
        monkeypatch.setattr(grouping, "PART_ROWS", size)
        monkeypatch.setattr(comparison, "OPEN_SHARE", -1)
        answers.append(comparison.compare_files(
            folder / "l.csv", folder / "r.csv", key="id", left_amount="amount", right_amount="amount"))
    assert answers[0] == answers[1] and answers[0].keys_different
