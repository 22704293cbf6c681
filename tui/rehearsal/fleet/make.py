"""`rehearsal --fleet`: adds a fleet to the store, also to that of a running rehearsal."""

from __future__ import annotations

from datetime import datetime, timezone

from tui.rehearsal.fleet.places import PLACES, REFUSING, SILENT, SUBSCRIPTIONS
from tui.rehearsal.fleet.resources import Member, assets
from tui.rehearsal.places import Home
from tui.rehearsal.process import UsageError, register_workspace
from tui.rehearsal.store import Resource, Store

MOST = 2000
_MARK = "/fleet"


def make(home: Home, number: str) -> str:
    """Add what is missing of a fleet of this many endpoints, and say what there is, in a sentence.

    What was removed of an earlier fleet is not made again. Raises UsageError for a wrong number, OSError.
    """
    wanted = int(number) if number.isdecimal() and len(number) < 6 else 0
    if not 1 <= wanted <= MOST:
        raise UsageError(f"--fleet takes a number of endpoints from 1 to {MOST}, not '{number[:80]}'.")
    now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    store = Store(home.database)
    try:
        with store.together():
            mark = store.get(_MARK)
            there = int(mark.internal["number"]) if mark else 0
            if mark is None:
                for resource in (asset for place in PLACES for asset in assets(place, now)):
                    store.put(resource)
            for index in range(there, wanted):
                member = Member(index, now)
                for resource in member.resources():
                    store.put(resource)
                for name, operation in member.failures().items():
                    store.put_operation(name, operation)
            store.put(Resource(_MARK, "fleet", "", {"name": "fleet"}, {"number": max(there, wanted)}))
    finally:
        store.close()
    for place in PLACES:
        register_workspace(home, place.subscription, place.group, place.name, place.isolation)
    obstacles = {place.obstacle: place.name for place in PLACES}
    return (
        f"The fleet has {max(there, wanted)} endpoints in {len(PLACES)} workspaces of {len(SUBSCRIPTIONS)} "
        f"subscriptions, to look at: nothing runs for them. {obstacles[SILENT]} never answers, {obstacles[REFUSING]} "
        "refuses."
    )
