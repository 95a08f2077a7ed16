"""What a loss of power, a kill or a person damaged since the last run: made again from what is left, before anything is read."""

from __future__ import annotations

import datetime as dt
import logging

from duizhang.books import Books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.home.working_tables import damaged
from duizhang.plan.inputs import derive, recorded
from duizhang.publish import CLOSED, period_states
from duizhang.publish.objects import restore_published, restore_tables

log = logging.getLogger(__name__)


def restore(books: Books, store: Store, state: State) -> list[dt.date]:
    """Write damaged manifests, objects and working tables again, each from the others; the days, in order, that have to be
    computed for the rest.

    A closed day is among them only where its inputs are as they were: it then computes to what it closed with.
    """
    home = store.home
    spoilt = damaged(store, state)
    if spoilt:
        restore_tables(home, store, state, spoilt)
        spoilt = damaged(store, state)
    lost = restore_published(home, store, state)
    wanted = sorted({*spoilt, *lost})
    if not wanted:
        return []
    was, now, states = recorded(state), derive(books, store, state, wanted), period_states(state)
    found = []
    for day in wanted:
        what = ", ".join(dict.fromkeys([*spoilt.get(day, []), *lost.get(day, [])]))
        if day in states and states[day].state == CLOSED and (day not in was or was[day].parts != now[day].parts):
            log.warning("%s: %s is damaged, and the day is closed with other files or rules than there are now: reopen it", day, what)
            continue
        log.warning("%s: %s is damaged, so the day is computed again", day, what)
        found.append(day)
    return found
