"""Traffic splits: changes one deployment's share while the total stays 100."""

from __future__ import annotations

from collections.abc import Mapping

STEP = 5  # percent per key press


def begun(traffic: Mapping[str, int], names: list[str], preferred: str = "") -> dict[str, int]:
    """Return the initial split: Azure's, or 100 % to one deployment if there is no traffic."""
    split = {name: int(traffic.get(name, 0)) for name in names}
    if split and not sum(split.values()):
        split[preferred if preferred in split else names[0]] = 100
    return split


def moved(split: Mapping[str, int], name: str, by: int) -> dict[str, int]:
    """Return the split after moving one share to the next step up or down; the others balance the change.

    The difference is taken from, or given to, the largest of the others first, so that two deployments simply mirror
    each other. A single deployment always has 100 %.
    """
    others = [other for other in split if other != name]
    if name not in split or not others:
        return dict(split)
    now = split[name]
    wanted = (now // STEP + 1) * STEP if by > 0 else -(-now // STEP) * STEP - STEP
    return placed(split, name, wanted)


def placed(split: Mapping[str, int], name: str, wanted: int) -> dict[str, int]:
    """Return the split with one share set, from 0 to 100; the others share the rest as in `moved`."""
    after = dict(split)
    after[name] = min(max(wanted, 0), 100)
    rest = 100 - after[name]
    others = sorted((other for other in split if other != name), key=lambda other: -split[other])
    if not others:
        return {name: 100}
    surplus = sum(split[other] for other in others) - rest
    if surplus < 0:
        after[others[0]] -= surplus
        return after
    for other in others:
        taken = min(after[other], surplus)
        after[other] -= taken
        surplus -= taken
    return after
