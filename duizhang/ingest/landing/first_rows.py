"""What a specification leaves to the file, found out from its first rows: marks, order of days, charges beside amounts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence, Set
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.landing.chain import Chain
from duizhang.ingest.landing.landed import Setting, typed_schema
from duizhang.ingest.landing.overlay import Overlay
from duizhang.ingest.landing.side_evidence import all_are_payouts, all_came_in, all_went_out
from duizhang.ingest.landing.signs_by_balance import Row, signs_by_balance
from duizhang.ingest.landing.tally import Balance, Led
from duizhang.ingest.landing.whose_sides import settle_sides
from duizhang.ingest.rows import Batch, Reading
from duizhang.ingest.specification import Cell, SourceSpec, normalised
from duizhang.ingest.texts import whole
from duizhang.ingest.typing import MINUS, ColumnTyper, Said, Way, undecided_earliest, undecided_fees, undecided_signs

_ENOUGH = 2  # steps between balances that tell their order
_MANY = 5  # of them that tell how amounts are written
_MAY_BE_NEGATIVE = rf"[-(（{MINUS}]|[A-Za-z][.)]?\s*$"
# columns and lines above the rows that tell the statement of a card
_CARD = re.compile(
    r"(?i)\b(?:clearing|post(?:ed)?) ?date\b.*\bcategory\b|purchased ?by\b|merchant ?category|karteninhaber|titulaire de la carte"
    r"|card ?-?(?:member|holder|no\b|number)|credit ?card|kredit(?:iet)?kaart|kreditkarte|carte ?de ?crédit|tarjeta ?de ?crédito"
    "|信用卡|クレジットカード|신용카드")


def typer_of(reading: Reading, spec: SourceSpec, setting: Setting) -> ColumnTyper:
    """Who types the batches of a reading; `settle` has to see each before."""
    return ColumnTyper(
        reading.names, spec, captures_of(spec, reading), setting.zone, setting.cut_off_minutes, setting.key,
        Said(*setting.readings.get(spec.name, ())), above="\n".join(reading.around), header=reading.header,
        sheet=reading.encoding == "sheet", currency=setting.currency if setting.is_of_books else "")


def overlay_of(typer: ColumnTyper, setting: Setting, member: str) -> Overlay:
    """The corrections of one bill of a file."""
    return Overlay([c for c in setting.corrections if c.member == member], typer.places())


def settle(typer: ColumnTyper, batch: Batch) -> None:
    """Find out from the first rows what the specification leaves to the file; once. Raises RefusedFile where it can be read in two ways."""
    if typer.is_settled:
        return
    try:
        typer.settle(batch)
        _settle_ways(typer, batch)
        _settle_charges(typer, batch)
        _settle_signs(typer, batch)
        settle_sides(typer, batch)
    except RefusedFile as error:
        raise RefusedFile(str(error), advice=str(error.advice).replace("SOURCE", typer.spec.name)) from error
    typer.is_settled = len(batch.lines) > 0  # the first block may hold nothing but lines above the rows


def _settle_signs(typer: ColumnTyper, batch: Batch) -> None:
    """Find out whether positive amounts are money in: by their signs, by the fields that tell it, else by what the books say."""
    for name, column in typer.spec.fields.items():
        if not column.sign_by or typer.positions[name] is None:
            continue
        if typer.said.amounts == "charges":
            typer.charged.add(name)
        after = typer.spec.balance.after if typer.spec.balance else ""
        if typer.said.amounts or any(typer.says(field, batch) for field in column.sign_by if field != after):
            continue
        amounts, signed = typer.signs(name, batch)
        above = amounts.filter(amounts > 0)
        if len(above) and not signed and _all_are_charges(typer, batch, name, after):
            typer.charged.add(name)
            typer.told.append("amounts without a sign are read as money out, as every row says that it is")
            continue
        if after in column.sign_by and typer.says(after, batch):
            if len(above) and not signed:
                _settle_earliest(typer, batch, name, f"{above[0].normalize():f}")
            continue
        is_card = _CARD.search(f"{typer.above} {' '.join(typer.header)}") is not None or typer.pays_card(name, batch)
        if len(above) and (not signed or (is_card and 2 * len(above) >= len(amounts))):
            if not is_card and not signed and all_came_in(typer, batch, name):
                typer.told.append("amounts without a sign are read as money in, as every row says that it is")
                continue
            looked = [field for field in (name, after) if field and field in typer.spec.fields]
            raise undecided_signs(column.column, f"{above[0].normalize():f}", typer.unreadable(looked, batch))


def _all_are_charges(typer: ColumnTyper, batch: Batch, name: str, after: str) -> bool:
    """Whether amounts without any sign are money out: every row says so, and no balance otherwise."""
    if not all_went_out(typer, batch, name):
        return False
    if typer.spec.balance is None or not typer.says(after, batch):
        return True
    typer.charged.add(name)
    led = Balance(typer.spec.balance, typed_schema(typer.spec)).led(typer.type(batch)[0])
    typer.charged.discard(name)
    return not led.breaks


def _settle_earliest(typer: ColumnTyper, batch: Batch, name: str, example: str) -> None:
    """See whether amounts without any sign are money in, as their balance has it: it tells so of every row but the earliest, before which
    no balance stands. Raises RefusedFile where nothing speaks for that one."""
    spec = typer.spec
    beside = [field for field, column in spec.fields.items() if column.beside == name and typer.positions[field] is not None]
    if spec.balance is None or all_came_in(typer, batch, name) or any(typer.signs(field, batch)[1] for field in beside):
        return
    typed = typer.type(batch)[0]
    balance = Balance(spec.balance, typed_schema(spec))
    led, chains = balance.led(typed), [chain for chain in balance.chains(typed).values() if not chain.flat]
    if led.breaks and _are_of_both_ways(typer, batch, name):
        return
    if led.breaks or all(chain.begins_with_nothing for chain in chains) or _moves_nothing_first(chains, typed[name].to_pylist()):
        return  # breaks are shown and hold
    # that of all rows but the earliest payouts came in tells of a payout as the earliest as well
    if led.steps < _MANY and not (led.steps and (_is_like_another(typer, batch) or all_are_payouts(typer, batch, name))):
        raise undecided_earliest(spec.fields[name].column, example)
    typer.told.append("amounts without a sign are read as money in: the balance tells so of all rows but the earliest")


def _are_of_both_ways(typer: ColumnTyper, batch: Batch, name: str) -> bool:
    """Take amounts of which none has a sign for money in and money out as their balance has it, where that proves each; only of a file that
    is read at once. Raises RefusedFile where it proves every row but the earliest."""
    spec, typed = typer.spec, typer.type(batch)[0]
    if spec.balance is None or not typer.is_whole or len(Balance(spec.balance, typed_schema(spec)).chains(typed)) != 1:
        return False
    found = zip(*(typed[column].to_pylist() for column in ("line", name, spec.balance.after)), strict=True)
    rows = [row for row in (Row(*values) for values in found) if row.balance is not None or row.amount]
    if (signs := signs_by_balance(rows)) is None:
        but_one = ([Row(0, None, rows[0].balance), *rows[1:]], [*rows[:-1], Row(0, None, rows[-1].balance)]) if len(rows) > _ENOUGH else ()
        if any(map(signs_by_balance, but_one)):
            amount = typer.signs(name, batch)[0][0]
            raise undecided_earliest(spec.fields[name].column, f"{amount.normalize():f}")
        return False
    typer.directions[name] = pa.array([signs.get(line, 1) for line in batch.lines.to_pylist()], pa.int8())
    typer.told.append("amounts without a sign are read as money in or money out as the balance after each row tells")
    return True


def _moves_nothing_first(chains: Sequence[Chain], amounts: Sequence[Decimal | None]) -> bool:
    """Whether the earliest row of one account is its opening balance: it moves nothing, in any order in which the rows follow."""
    if len(chains) != 1 or not amounts:
        return False
    [chain] = chains
    earliest = [amounts[0]] * (not chain.oldest.count) + [amounts[-1]] * (not chain.newest.count)
    return bool(earliest) and not any(earliest)


def _is_like_another(typer: ColumnTyper, batch: Batch) -> bool:
    """Whether the first and the last row, of which one is the earliest, each have the text of another row."""
    place = typer.positions.get("payout")
    texts = [] if place is None else batch.columns[place].to_pylist()
    return len(texts) > 1 and texts[0] in texts[1:] and texts[-1] in texts[:-1]


def _settle_ways(typer: ColumnTyper, batch: Batch) -> None:
    """Find out of columns of money in or money out which of their signs is the usual one, and which a reversal's."""
    spec = typer.spec
    places = {name: typer.positions[name] for name, column in spec.fields.items() if column.one_way}
    names = [name for name, place in places.items() if place is not None and pc.any(
        pc.match_substring_regex(batch.columns[place], _MAY_BE_NEGATIVE), min_count=0).as_py()]
    amounts = {name: typer.signs(name, batch)[0] for name in names}
    typer.charged |= {name for name, found in amounts.items() if len(found) and 2 * (found < 0).sum() > len(found)}
    mixed = [name for name, found in amounts.items() if (found < 0).any() and (found > 0).any()]
    if not spec.balance or not mixed:
        return
    balance, usual = Balance(spec.balance, typed_schema(spec)), frozenset(typer.charged)
    # where one of two columns has both signs, they may be those of a ledger of one's own; both turned are the same as that
    ways = (Way(), Way(ledger=True)) if spec.sides and len(mixed) == 1 and None not in places.values() else (Way(),)
    found_by: dict[tuple[Way, Set[str]], Led] = {}
    for typer.way, number in itertools.product(ways, range(2 ** len(mixed))):
        turned = frozenset(name for place, name in enumerate(mixed) if number >> place & 1)
        typer.charged = set(usual ^ turned)
        found_by[typer.way, turned] = balance.led(typer.type(batch)[0])
    typer.way = Way()  # which is settled once the signs are
    fewest = min(led.breaks for led in found_by.values())
    best = [turned for (_, turned), led in found_by.items() if led.breaks == fewest]
    typer.charged = set(usual ^ min(best, key=len))
    # either order of two rows explains a reading
    is_open = all(led.longest < _ENOUGH for led in found_by.values()) or len(best) > 1
    if is_open and any(led.has_balances for led in found_by.values()):
        typer.turned = sum(int(min((amounts[name] < 0).sum(), (amounts[name] > 0).sum())) for name in mixed)


def _settle_charges(typer: ColumnTyper, batch: Batch) -> None:
    """Find out whether amounts have the charges beside them in them: by the running balance, else by what the books say."""
    spec = typer.spec
    for name, column in spec.fields.items():
        if not column.beside or typer.positions[name] is None:
            continue
        balance = Balance(spec.balance, typed_schema(spec)) if spec.balance else None
        typer.factors[name] = 1
        typed, _ = typer.type(batch)
        signed = whole(typed[name])
        if not pc.any(pc.not_equal(signed, 0), min_count=0).as_py():
            del typer.factors[name]  # later rows may have some
            continue
        breaks: dict[int, int] = {}
        for factor in (0, -1, 1) if balance else ():
            typer.factors[name] = factor
            led = balance.led(typer.type(batch)[0]) if balance else None
            if led and led.steps:
                breaks[factor] = led.breaks
        best = [factor for factor, count in breaks.items() if count == min(breaks.values())]
        if len(best) == 1 or (best and breaks[best[0]]):
            typer.factors[name] = best[0]  # where it breaks under each, that is shown and holds
        elif typer.said.fees:
            negative = not pc.any(pc.greater(signed, 0), min_count=0).as_py()
            typer.factors[name] = 0 if typer.said.fees == "included" else 1 if negative else -1
        else:
            raise undecided_fees(column.column)


def captures_of(spec: SourceSpec, reading: Reading) -> dict[str, str]:
    """What the lines around the rows say, by the name of the capture."""
    around = "\n".join(reading.around)
    captures = {}
    for name, pattern in spec.captures.items():
        if isinstance(pattern, Cell):
            captures[name] = reading.summary.get(normalised(pattern.cell), "")
        else:
            match = re.search(pattern, around, re.MULTILINE)
            captures[name] = match.group(1) if match else ""
    return captures
