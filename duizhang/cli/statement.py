"""`duizhang statement`: the account of a customer or a shop over a range."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import in_currency, table_text
from duizhang.cli.options import DAY, home_option, open_state, span
from duizhang.errors import UserError
from duizhang.speech.language import translated as _


@click.command("statement")
@click.option("--customer", default="", help="The pseudonym of a customer, as `customer_balances` shows it.")
@click.option("--shop", default="", help="A shop of books.yaml.")
@home_option
@click.option("--from", "start", required=True, type=DAY, help="First business day.")
@click.option("--to", "end", required=True, type=DAY, help="Last business day.")
@click.option("--out", type=click.Path(path_type=Path), help="An .xlsx or .csv. Default: an .xlsx in the home.")
@json_option
def command(
    customer: str, shop: str, home: Path, start: dt.datetime, end: dt.datetime, out: Path | None, *, as_json: bool
) -> None:
    """Write the account of a customer or a shop: opening, everything charged and settled, closing."""
    if bool(customer) == bool(shop):
        raise UserError("say either --customer or --shop")
    from duizhang.close import statement
    from duizhang.home.store import Store

    state = open_state(home, read_only=True)
    periods = span(start, end)
    name = "".join(c if c.isalnum() else "-" for c in customer or shop)
    target = out or home / f"statement-{name}-{periods[0]}-{periods[-1]}.xlsx"
    lines = statement(Store(home.resolve()), state, target, periods[0], periods[-1], customer=customer, shop=shop)
    names = ["currency", "opening", "charged", "settled", "closing"]
    answer(
        {"of": customer or shop, "from": periods[0], "to": periods[-1], "out": target,
         "accounts": [dict(zip(names, line, strict=True)) for line in lines]},
        [table_text([_(name) for name in names], in_currency(names, lines)), _("statement: {path}", path=target)], as_json=as_json)
