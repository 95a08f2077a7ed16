"""Deadlines that are assumed: of platforms that settle days or weeks after the payment, by a term that no publication gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from duizhang.declared.legs import load_legs, settlement_terms
from duizhang.speech.language import translated as _
from duizhang.speech.spoken_names import spoken_leg, spoken_list

if TYPE_CHECKING:
    from duizhang.books import Books


def assumed_terms(books: Books) -> list[tuple[str, str]]:
    """Which deadlines of the shops' channels are assumed and not declared, each with what to do; in the language of whoever asks."""
    return assumed_of((shop.provider for shop in books.shops.values()), books.sla_days)


def assumed_of(providers: Iterable[str], declared: Collection[str]) -> list[tuple[str, str]]:
    """The same of these channels; declared: the entries of sla_days in books.yaml, as `leg` or `leg/channel`."""
    found = []
    for channel in sorted({*providers}):
        term = settlement_terms().get(channel)
        legs = [leg for leg, one in load_legs().items()
                if term and term.assumed and channel in one.channel_days and not {leg, f"{leg}/{channel}"} & {*declared}]
        if legs:
            found.append((
                _("{channel} settles days or weeks after the payment: for {days} days what it has not settled counts as on its way in "
                  "{legs}; the days are assumed, its term depends on the shop",
                  channel=channel, days=load_legs()[legs[0]].channel_days[channel],
                  legs=spoken_list([spoken_leg(leg) for leg in legs])),
                _("Say the shop's own term, counted from the payment, in books.yaml: sla_days: {{{leg}/{channel}: 14}}", leg=legs[0],
                  channel=channel)))
    return found
