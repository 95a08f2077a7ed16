"""`duizhang compare`: exact on real data against plain Python, honest about what it cannot read, harmless."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from duizhang.cli.compare import command
from duizhang.compare import Comparison, compare_files
from duizhang.errors import UserError
from tests.thoroughness import some

SHARED = Path(__file__).resolve().parents[3] / "shared/data/olist"
KEYS = {
    "left", "right", "keys_both", "keys_left_only", "keys_right_only", "keys_equal", "keys_different",
    "amount_left_only", "amount_right_only", "amount_difference", "residual",
}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def compare(left: Path, right: Path, *, key: str = "id", amount: str = "amount", **options: object) -> Comparison:
    return compare_files(left, right, key=key, left_amount=amount, right_amount=amount, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def olist() -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """The two sides added up in plain Python, from the shortest decimal text of each float."""
    if not (SHARED / "order_items.parquet").is_file():
        pytest.skip("the Olist files are not on this machine; see examples/olist")
    left: dict[str, Decimal] = defaultdict(Decimal)
    right: dict[str, Decimal] = defaultdict(Decimal)
    items = pq.read_table(SHARED / "order_items.parquet", columns=["order_id", "price", "freight_value"])
    for order, price, freight in zip(*(c.to_pylist() for c in items.columns), strict=True):
        left[order] += Decimal(repr(price)) + Decimal(repr(freight))
    payments = pq.read_table(SHARED / "order_payments.parquet", columns=["order_id", "payment_value"])
    for order, value in zip(*(c.to_pylist() for c in payments.columns), strict=True):
        right[order] += Decimal(repr(value))
    return left, right


@pytest.mark.parametrize("tolerance", some(["0", "0.01", "0.02", "0.05", "0.10", "1.00"], "0.02"))
def test_olist_to_the_cent(olist: tuple[dict[str, Decimal], dict[str, Decimal]], tolerance: str, tmp_path: Path) -> None:
    left, right = olist
    both = left.keys() & right.keys()
    different = {k for k in both if abs(left[k] - right[k]) > Decimal(tolerance)}
    out = tmp_path / "out.parquet"
    result = CliRunner().invoke(command, [
        str(SHARED / "order_items.parquet"), str(SHARED / "order_payments.parquet"), "--key", "order_id",
        "--left-amount", "price + freight_value", "--right-amount", "payment_value", "--tolerance", tolerance,
        "--json", "--out", str(out),
    ], standalone_mode=False)
    got = json.loads(result.stdout)
    assert result.return_value == 2
    assert set(got) == KEYS
    assert got["left"] == {"rows": 112_650, "keys": len(left), "amount": str(sum(left.values()))}
    assert got["right"] == {"rows": 103_886, "keys": len(right), "amount": str(sum(right.values()))}
    assert (got["keys_both"], got["keys_left_only"], got["keys_right_only"]) == (98_665, 1, 775)
    assert (got["keys_different"], got["keys_equal"]) == (len(different), len(both) - len(different))
    assert got["amount_left_only"] == "143.46" and got["amount_right_only"] == "162591.95"
    assert Decimal(got["amount_difference"]) == sum(left[k] - right[k] for k in both) == Decimal("-2870.39")
    assert got["residual"] == "0.00"
    if tolerance == "0":
        assert len(different) == 576
    listed = pl.read_parquet(out)
    assert set(listed["order_id"]) == different | (left.keys() ^ right.keys())


def test_any_mix_of_formats_and_encodings_is_equal(tmp_path: Path) -> None:
    text = '订单号,金额,备注\r\n007,"12.30","a\r\nb"\r\n8,0.1,\r\n,1.00,\r\n'
    files = [
        write(tmp_path / "a.csv", text), write(tmp_path / "b.csv", text, "utf-8-sig"),
        write(tmp_path / "c.csv", text, "gb18030"), write(tmp_path / "d.tsv", text.replace(",", "\t"), "utf-16"),
    ]
    book = openpyxl.Workbook()
    for row in (["订单号", "金额"], ["007", 12.3], [8, 0.1], [None, 1]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(tmp_path / "e.xlsx")
    pq.write_table(pa.table({"订单号": ["007", "8", None], "金额": [12.3, 0.1, 1.0]}), tmp_path / "f[1].parquet")
    files += [tmp_path / "e.xlsx", tmp_path / "f[1].parquet"]
    for other in files[1:]:
        result = compare(files[0], other, key="订单号", amount="金额")
        assert result.equal, other
        assert result.left.keys == 3 and result.left.blank_rows == result.right.blank_rows == 1
        assert result.left.amount == Decimal("13.40")


def test_ids_stay_text_and_names_may_differ(tmp_path: Path) -> None:
    left = write(tmp_path / "l.csv", "id,sku,amount\n007,a,1\n7,a,2\n")
    right = write(tmp_path / "r.csv", "order,sku,amount\n7,a,2\n7,b,1\n")
    result = compare(left, right, key="id=order,sku")
    assert (result.keys_both, result.keys_left_only, result.keys_right_only, result.keys_equal) == (1, 1, 1, 1)


def test_ids_that_look_alike_are_not_one(tmp_path: Path) -> None:
    ids = ["A1", "a1", "A1\u200b", "A 1", "\uff211", "A1\u0301", "\u04101"]
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text("id,amount\n" + "".join(f"{name},{n}\n" for n, name in enumerate(ids, 1)), encoding="utf-8")
    right.write_text("id,amount\n" + "".join(f"{name},{n}\n" for n, name in reversed([*enumerate(ids, 1)])), encoding="utf-8")
    found = compare(left, right)
    assert (found.keys_equal, found.keys_different) == (len(ids), 0)


def test_a_bad_row_is_named_by_its_line_and_nothing_is_lost(tmp_path: Path) -> None:
    left = write(tmp_path / "l.csv", 'id,note,amount\n1,"two\nlines",1.5\n\n2,,"1,000"\n3,,\n4,,2\n')
    right = write(tmp_path / "r.csv", "id,amount\n1,1.5\n4,2\n")
    with pytest.raises(UserError) as error:
        compare(left, right)
    message = str(error.value)
    assert "2 rows have no readable amount" in message
    assert "line 5: column 'amount': '1,000' is not a number" in message
    assert "line 6: column 'amount': blank" in message
    result = compare(left, right, skip_bad=True)
    assert result.equal and result.left.skipped == 2 and result.left.rows == 2


def test_rows_with_another_number_of_fields_are_bad(tmp_path: Path) -> None:
    left = write(tmp_path / "l.csv", "id,amount\n1,1\n2,2,2\n3,3\n4,x\n")
    with pytest.raises(UserError, match=r"line 3: 3 fields where the header has 2(.|\n)*line 5: .*'x'"):
        compare(left, left)
    assert compare(left, left, skip_bad=True).left.skipped == 2


def test_every_digit_counts(tmp_path: Path) -> None:
    left = write(tmp_path / "l.csv", "id,amount,q\na,0.000000001,3\na,123456789012345678.1,1\nb,1e-3,100\nb,-.5,1\n")
    right = write(tmp_path / "r.csv", "id,amount\na,123456789012345678.100000003\nb,-0.4\n")
    result = compare_files(left, right, key="id", left_amount="amount * q", right_amount="amount")
    assert result.equal and result.left.amount == Decimal("123456789012345677.700000003")


@pytest.mark.parametrize(("expression", "expected"), [
    ("case when status = 'refund' then -amount else amount end", "7.50"),
    ("coalesce(fee, 0) + amount / 100", "0.625"),
    ("round(amount * 1.13, 2)", "14.13"),
    ("if(status like 're%', 0, abs(amount))", "10.00"),
    ("cast(replace(status, 'refund', '2') as decimal(18,2)) * 0 + 1", None),
    ("amount - nullif(amount, 2.5) + 1 - 1", None),
])
def test_expressions(tmp_path: Path, expression: str, expected: str | None) -> None:
    file = write(tmp_path / "l.csv", "id,status,amount,fee\n1,paid,10,0.5\n2,refund,2.5,\n")
    if expected is None:
        with pytest.raises(UserError, match="readable amount"):
            compare(file, file, amount=expression)
    else:
        result = compare(file, file, amount=expression)
        assert result.equal and result.left.amount == Decimal(expected)


@pytest.mark.parametrize(("expression", "expected"), [
    ("a * r", Decimal("633575.00") * Decimal("7.1137") + Decimal("9999999999999999.99") * Decimal("25000.00004")),
    ("a * r / 8", (Decimal("633575.00") * Decimal("7.1137") + Decimal("9999999999999999.99") * Decimal("25000.00004")) / 8),
    ("w * w", Decimal((10**18 - 1) ** 2 + 1)),
    ("w + w - 1", Decimal(2 * 10**18 - 2)),
    ("a * 100 + a * 0.06", Decimal("100.06") * (Decimal("633575.00") + Decimal("9999999999999999.99"))),
])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_products_and_sums_of_numbers_of_18_digits_have_room(tmp_path: Path, expression: str, expected: Decimal, kind: str) -> None:
    file = write(tmp_path / "l.csv", f"id,a,r,w\n1,633575.00,7.1137,1\n2,9999999999999999.99,25000.00004,{10**18 - 1}\n")
    if kind == "parquet":
        table = pa.table({
            "id": ["1", "2"], "a": pa.array([Decimal("633575.00"), Decimal("9999999999999999.99")], pa.decimal128(18, 2)),
            "r": pa.array([Decimal("7.1137"), Decimal("25000.00004")], pa.decimal128(18, 8)), "w": pa.array([1, 10**18 - 1]),
        })
        file = tmp_path / "l.parquet"
        pq.write_table(table, file)
    result = compare(file, file, amount=expression)
    assert result.equal and result.left.amount == expected


@pytest.mark.parametrize("expression", [
    "amount; drop table x", "amount) from read_csv('/etc/passwd'", "(select 1)", "sum(amount)", "getenv('HOME')",
    "amount, amount", "amount from x", "read_text('/etc/passwd')", "1 union select 2", "amount / amount", "nothing",
    "amount -- x\n) (", "random()", "amount over ()", "'text'", "$1", "*", "", "amount / 3", "exists (select 1)",
    "current_setting('threads')", "nextval('s')", "amount[1]", "list_sum([amount])", "amount::double",
])
def test_an_expression_can_do_nothing_else(tmp_path: Path, expression: str) -> None:
    file = write(tmp_path / "l.csv", "id,amount\n1,10\n")
    with pytest.raises(UserError):
        compare(file, file, amount=expression)


def test_the_list_of_differences_holds_no_formula(tmp_path: Path) -> None:
    left = write(tmp_path / "l.csv", 'id,amount\n"=cmd()",1\n-7,-2\nsame,5\n0012345678901234567890,3\n')
    right = write(tmp_path / "r.csv", "id,amount\nsame,5\n")
    for name in ("o.csv", "o.xlsx", "o.parquet"):
        assert not compare(left, right, out=tmp_path / name).equal
    text = (tmp_path / "o.csv").read_text("utf-8-sig")
    assert "'=cmd(),left_only,1,0,1,0,1" in text and "'-7,left_only,1,0,-2,0,-2" in text and "same" not in text
    sheet = openpyxl.load_workbook(tmp_path / "o.xlsx").active
    assert sheet is not None
    cells = {row[0].value: row for row in sheet.iter_rows(min_row=2)}
    assert cells["=cmd()"][0].data_type != "f"
    assert "0012345678901234567890" in cells
    assert pl.read_parquet(tmp_path / "o.parquet")["difference"].sum() == Decimal(2)


def test_exit_codes_and_text(tmp_path: Path) -> None:
    left = write(tmp_path / "l.csv", "id,amount\n1,10\n")
    near = write(tmp_path / "r.csv", "id,amount\n1,10.01\n")
    base = ["--key", "id", "--left-amount", "amount", "--right-amount", "amount"]
    runner = CliRunner()
    assert runner.invoke(command, [str(left), str(left), *base], standalone_mode=False).return_value == 0
    assert runner.invoke(command, [str(left), str(near), *base], standalone_mode=False).return_value == 2
    within = runner.invoke(command, [str(left), str(near), *base, "--tolerance", "0.01"], standalone_mode=False)
    assert within.return_value == 0 and "-0.01" in within.output and "residual" in within.output
    for wrong in (["--tolerance", "x"], ["--tolerance", "-1"], ["--out", "a.doc"]):
        assert isinstance(runner.invoke(command, [str(left), str(near), *base, *wrong]).exception, UserError)


@pytest.mark.parametrize("content", ["", "\n\n", "id,id,amount\n1,1,1\n", "other\n1\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: str) -> None:
    file = write(tmp_path / "l.csv", content)
    with pytest.raises(UserError):
        compare(file, file)
    with pytest.raises(UserError):
        compare(tmp_path / "none.csv", file)


def test_a_file_with_a_header_only_is_empty(tmp_path: Path) -> None:
    file = write(tmp_path / "l.csv", "id,amount\n")
    result = compare(file, file)
    assert result.equal and result.as_json()["left"] == {"rows": 0, "keys": 0, "amount": "0.00"}
