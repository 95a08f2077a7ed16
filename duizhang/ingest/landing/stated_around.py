"""What lines above and below a bank's rows state of them in words: a balance before or after them, what came in and went out, how many
there are. Held against the rows where these are of one account in one currency.

Which cell of a line is meant, the line does not say; one that ties is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from duizhang.home.store import scratch
from duizhang.ingest.landing.extraction import ControlTotal
from duizhang.ingest.landing.held_totals import stated_amount
from duizhang.ingest.landing.landed import ROWS, landed_schema
from duizhang.ingest.rows import Reading
from duizhang.ingest.specification import SourceSpec
from duizhang.ingest.typing import ColumnTyper

_BEFORE, _AFTER, _IN, _OUT, _COUNT = (
    "balance before its rows", "balance after its rows", "money in", "money out", "number of its rows")
# words for what is of the rows alone: a balance that is new, current or available is of the day of the download
_WORDS = {
    _BEFORE: (
        r"(?:opening|starting|beginning) balance|anfangs(?:saldo|bestand)|solde (?:initial|d['’]ouverture)"
        r"|saldo (?:iniziale|inicial|awal|początkowe)|beginsaldo|ingående saldo|počáteční zůstatek|nyitó ?egyenleg"
        r"|期初余额|входящий остаток"),
    _AFTER: (
        r"(?:closing|ending) balance|schlusssaldo|endsaldo|endbestand|solde (?:final|de clôture)"
        r"|saldo (?:finale|final|akhir|końcowe)|eindsaldo|utgående saldo"
        r"|konečný zůstatek|záró ?egyenleg|期末余额|исходящий остаток"),
    _IN: (
        r"total (?:credits?|deposits?|money in|paid in|crédits?|abonos|ingresos|entrate|accrediti|créditos)"
        r"|summe (?:haben|gutschriften)"
        r"|mutasi kredit|总收入|收入(?:合计|总额|总计|总金额)|贷方(?:合计|总额|总计)"),
    _OUT: (
        r"total (?:debits?|withdrawals?|money out|paid out|débits?|cargos|gastos|uscite|addebiti|débitos)|summe (?:soll|lastschriften)"
        r"|mutasi debet|总支出|支出(?:合计|总额|总计|总金额)|借方(?:合计|总额|总计)"),
}
_BETWEEN = r"(?:\s*\([^)]*\)(?=[^\w\n]{1,6}[-+(]?\d))?[^\w\d+(-]{0,12}(?:[A-Z]{3}\b|[¥￥€$£]|人民币)?[^\w\d+(-]{0,4}"
_NUMBER = r"([-+(−]?\s?\d(?:[\d.,'’\u00a0\u202f ]*\d)?\)?-?)(?![\d/:年月%]|[-.]\d|\s*[笔条])"
_STATED = {what: re.compile(rf"(?i)(?:^|[^\w])(?:{words}){_BETWEEN}{_NUMBER}") for what, words in _WORDS.items()}
_COUNTED = re.compile(
    r"(?i)(?:^|[^\w])(?:(?:number|count|no\.?) of (?:transactions|records|entries|rows)|总笔数|交易笔数|总条数"
    r"|anzahl (?:der )?(?:transaktionen|buchungen|umsätze))"
    r"[^\w]{1,12}(\d+)(?=\W*$)|共\s*(\d+)\s*[笔条]|^\W*(\d+) (?:transactions|records|entries)\W*$")


def stated_around(reading: Reading, spec: SourceSpec, typer: ColumnTyper | None, folder: Path, read: int) -> Iterator[ControlTotal]:
    """The totals that the lines around the rows state, which are those in `folder`. read: how many rows there were."""
    if not spec.stated_around or typer is None or spec.balance is None:
        return
    found: dict[str, list[str]] = {}
    for line in reading.around:
        for what, pattern in _STATED.items():
            found.setdefault(what, []).extend(pattern.findall(line))
    counts = {next(filter(None, match)) for line in reading.around for match in _COUNTED.findall(line)}
    stated = {what: texts[0] for what, texts in found.items() if len(set(texts)) == 1}
    if not stated and len(counts) != 1:
        return
    rows = _rows(spec, folder)
    if rows is None:
        return
    moves, balances, kept = rows
    if len(counts) == 1:
        yield _held(_COUNT, {Decimal(count) for count in counts}, [Decimal(n) for n in (read, kept, len(moves))])
    amounts = {what: _amounts(text, typer.decimal, spec) for what, text in stated.items()}
    came, went = (sum((move for move in moves if (move > 0) == way), Decimal(0)) for way in (True, False))
    for what, expected in ((_IN, came), (_OUT, went)):
        if what in amounts:
            # whose debits they are is settled elsewhere
            yield _held(what, amounts[what], [expected, came if what == _OUT else went])
    if not moves:
        return
    if balances and None not in (balances[0], balances[-1]):
        ends = [Decimal(balances[-1] or 0), Decimal(balances[0] or 0)]
        opened = [ends[1] - moves[0], ends[0] - moves[-1]]
        for what, own in ((_BEFORE, opened), (_AFTER, ends)):
            if what in amounts:
                yield _held(what, amounts[what], own)
    elif {_BEFORE, _AFTER} <= amounts.keys():
        yield _held(_AFTER, amounts[_AFTER], [before + came + went for before in sorted(amounts[_BEFORE])])


def _held(what: str, stated: set[Decimal], computed: Sequence[Decimal]) -> ControlTotal:
    ties = {abs(amount) for amount in stated} & {abs(amount) for amount in computed}
    shown = min(ties) if ties else max(stated)
    found = shown if ties else computed[0]
    return ControlTotal(f"{what}, as the lines around them state", f"{shown.normalize():f}", f"{found.normalize():f}", bool(ties))


def _amounts(text: str, mark: str, spec: SourceSpec) -> set[Decimal]:
    """What a number may be, which may go on over the cells of a line whose delimiter is a mark in numbers too."""
    parts = [text, *text.split(",")] if spec.delimiter == "," else [text]
    return {amount for part in parts if (amount := stated_amount(part.replace("−", "-"), mark)) is not None}


def _rows(spec: SourceSpec, folder: Path) -> tuple[list[Decimal], list[Decimal | None], int] | None:
    """(what each row that counts moves, the balance behind it, how many rows there are); None where they are of several accounts or
    currencies, or nothing tells what they move."""
    balance, kept = spec.balance, landed_schema(spec).names
    if balance is None or {*re.findall(r"\w+", f"{balance.step} {balance.where}")} & {*spec.fields} - {*kept}:
        return None
    whose = [expression for table in spec.tables for name, expression in table.columns.items() if name in ("bank_account", "currency")]
    after = f'"{balance.after}"' if balance.after in kept else "null"
    owner = f"concat_ws('\x1f', {', '.join(dict.fromkeys(whose))})" if whose else "''"
    with scratch() as con:
        found = con.execute(
            f"select ({balance.step})::decimal(38, 4), ({after})::decimal(38, 4), {owner}, coalesce({balance.where}, false) "
            "from read_parquet(?) order by line", [str(folder / ROWS)]).fetchall()
    counting = [row for row in found if row[3]]
    if len({row[2] for row in counting}) != 1:
        return None
    return [row[0] or Decimal(0) for row in counting], [row[1] for row in counting], len(found)
