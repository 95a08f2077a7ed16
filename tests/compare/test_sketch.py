"""The sketch and the exact pass on its shortlist give what one grouping of everything gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duizhang.compare import engine, net_by_key, shortlist, signed, sketch
from duizhang.errors import UserError

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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    one, other = sketch(con, "left_claims", bits), sketch(con, "(select key, -amount as amount from right_claims)", bits)
    whole = sketch(con, claims, bits)
    assert one + other == whole
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


def test_parts_change_no_answer(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    for name, step in (("l", 1), ("r", 3)):
        rows = "\n".join(f"k{i % 50},{i * step}.25" for i in range(0, 100, step))
        (folder / f"{name}.csv").write_text("id,amount\n" + rows + "\n")
    answers = []
    for size in (5_000_000, 13):
        monkeypatch.setattr(engine, "PART_ROWS", size)
        answers.append(engine.compare_files(
            folder / "l.csv", folder / "r.csv", key="id", left_amount="amount", right_amount="amount"))
    assert answers[0] == answers[1] and answers[0].keys_different
