"""`duizhang compare`: any two files by key and amount, without configuration."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from duizhang.errors import UserError

if TYPE_CHECKING:
    from duizhang.compare import Comparison


@click.command("compare")
@click.argument("left", type=click.Path(path_type=Path))
@click.argument("right", type=click.Path(path_type=Path))
@click.option("--key", required=True, metavar="COLS", help="Key columns: `a,b`, or `left=right` where names differ.")
@click.option("--left-amount", required=True, metavar="EXPR", help='Such as "price + freight_value".')
@click.option("--right-amount", required=True, metavar="EXPR", help="The same over the columns of the right file.")
@click.option("--tolerance", default="0", show_default=True, metavar="X", help="|left - right| that still is equal.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the differing keys to a .csv, .xlsx or .parquet file.")
@click.option("--skip-bad", is_flag=True, help="Leave rows without a readable amount out, and count them.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    left: Path, right: Path, key: str, left_amount: str, right_amount: str, tolerance: str, out: Path | None,
    *, skip_bad: bool, as_json: bool,
) -> int:
    """Compare the files LEFT and RIGHT (CSV, XLSX or Parquet, in any mix): the amounts of a key are summed on each side.

    Always: left amount - right amount = amount_left_only - amount_right_only + amount_difference + residual, where
    amount_difference is left - right over all keys in both files, also those within the tolerance, and residual is 0.
    Rows with a blank key form one group. Exit code 0: equal. 2: something differs. 1: an error.
    """
    try:
        allowed = Decimal(tolerance)
    except InvalidOperation as error:
        raise UserError(f"--tolerance {tolerance!r} is not a number") from error
    for path in (left, right):
        if not path.is_file():
            raise UserError(f"there is no file {path}")
    from duizhang.compare import compare_files

    result = compare_files(
        left, right, key=key, left_amount=left_amount, right_amount=right_amount, tolerance=allowed, out=out,
        skip_bad=skip_bad,
    )
    for path, side in ((left, result.left), (right, result.right)):
        if side.skipped:
            click.echo(f"{path}: {side.skipped} rows without a readable amount are left out", err=True)
        if side.blank_rows:
            click.echo(f"{path}: {side.blank_rows} rows have a blank key; they are compared as one group", err=True)
    if as_json:
        click.echo(json.dumps(result.as_json()))
    else:
        click.echo(_table(result))
        if out is not None:
            click.echo(f"the keys that differ are in {out}")
    return 0 if result.equal else 2


def _table(result: Comparison) -> str:
    money = result.money
    lines = [
        ("", "keys", "amount"),
        (f"left ({result.left.rows:,} rows)", f"{result.left.keys:,}", money(result.left.amount)),
        (f"right ({result.right.rows:,} rows)", f"{result.right.keys:,}", money(result.right.amount)),
        ("only left", f"{result.keys_left_only:,}", money(result.amount_left_only)),
        ("only right", f"{result.keys_right_only:,}", money(result.amount_right_only)),
        ("in both, equal", f"{result.keys_equal:,}", ""),
        ("in both, different", f"{result.keys_different:,}", ""),
        ("in both, left - right", f"{result.keys_both:,}", money(result.amount_difference)),
        ("residual", "", money(result.residual)),
    ]
    widths = [max(len(line[n]) for line in lines) for n in range(3)]
    rows = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in lines]
    return "\n".join([*rows, "equal" if result.equal else "different"])
