"""A clumsy user at the wizard for some minutes: random keys, bursts, sizes and pastes, at every screen and dialog.

    python -m tests.clumsy --minutes 10                       # prints its seed, counts and faults
    python -m tests.clumsy --seed 1234 --episode 17           # one episode again
    python -m tests.clumsy --seed 1234 --episode 17 --shrink  # the fewest bursts that show the same fault
    python -m tests.clumsy --seed 1234 --lost 24              # one in which the terminal is lost again

Each episode begins at a place (a screen, a dialog or a step; see tests/clumsy/hand.py for the keys that lead there) and
is a function of the seed and its number, but for how fast the machine is. What must hold is in tests/clumsy/episode.py.
After every few of them, the real command in a rehearsal loses its terminal (tests/clumsy/lost_terminal.py).
Returns 1 when there is a fault, or a place was never displayed though each had its turn.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from tests.clumsy.episode import Ended, run
from tests.clumsy.lost_terminal import Lost, lose, rehearsal
from tests.clumsy.places import places

LOST_EVERY = 6  # episodes


def place_of(seed: int, number: int) -> str:
    """The place at which an episode begins: all in turn, in an order that the seed gives."""
    order = places()
    random.Random(f"{seed}").shuffle(order)
    return order[number % len(order)]


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.clumsy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(100_000))
    parser.add_argument("--first", type=int, default=0, help="the number of the first episode")
    parser.add_argument("--episode", type=int, help="only this one")
    parser.add_argument("--shrink", action="store_true", help="with --episode: leave out bursts that are not needed")
    parser.add_argument("--lost", type=int, help="only the lost terminal with this number")
    asked = parser.parse_args()
    if asked.lost is not None:
        with rehearsal() as env:
            lose(f"{asked.seed}:{asked.lost}", env)
        return 0
    if asked.episode is not None:
        return again(asked.seed, asked.episode, asked.shrink)
    with rehearsal() as env:
        return campaign(asked.seed, asked.minutes, asked.first, env)


def campaign(seed: int, minutes: float, first: int, env: dict[str, str]) -> int:
    """Play episodes for so many minutes; print the faults and the counts."""
    began, number = time.monotonic(), first
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    events = lost = 0
    print(f"seed {seed}, {minutes:g} minutes", flush=True)
    while time.monotonic() - began < minutes * 60:
        place = place_of(seed, number)
        ended = run(place, f"{seed}:{number}")
        counts.update(ended.seen)
        events += ended.events
        if not ended.reached and ended.fault is None:
            print(f"episode {number}: {place} was not reached: {ended.why_not}", flush=True)
        if ended.fault is not None:
            faults[ended.fault.what] += 1
            seen_before = faults[ended.fault.what] > 1
            told = ended.fault.what if seen_before else str(ended.fault)
            print(f"\nFAULT --seed {seed} --episode {number} ({place}): {told}", flush=True)
        if number % LOST_EVERY == LOST_EVERY - 1:
            lost += 1
            try:
                lose(f"{seed}:{number}", env)
            except (Lost, AssertionError) as wrong:
                faults[str(wrong).partition("\n")[0]] += 1
                print(f"\nFAULT --seed {seed} --lost {number}: {wrong}", flush=True)
        number += 1
    missing = [place for place in places() if not counts[place]]
    print(
        f"\n{number - first} episodes, {events} events, {lost} lost terminals, "
        f"{time.monotonic() - began:.0f} s, seed {seed}"
    )
    for place in places():
        print(f"{counts[place]:6}  {place}")
    print(f"never displayed: {', '.join(missing) or 'none'}")
    print(f"faults: {sum(faults.values())}, different ones: {len(faults)}")
    for what, count in faults.most_common():
        print(f"{count:6}  {what}")
    return 1 if faults or (missing and number - first >= len(places())) else 0


def again(seed: int, number: int, shrink: bool) -> int:
    """Play one episode; with `shrink`, look for the fewest bursts that end in the same fault."""
    place = place_of(seed, number)
    ended = run(place, f"{seed}:{number}")
    _tell(ended)
    if ended.fault is None or not shrink:
        return 0 if ended.fault is None and ended.reached else 1
    needed, what = list(range(ended.bursts + 1)), ended.fault.what
    for burst in list(needed):
        rest = [one for one in needed if one != burst]
        tried = run(place, f"{seed}:{number}", only=rest)
        if tried.fault is not None and tried.fault.what == what:
            needed, ended = rest, tried
    print(f"\nbursts {needed} are enough")
    _tell(ended)
    return 1


def _tell(ended: Ended) -> None:
    print(f"{ended.place}: {'reached' if ended.reached else 'not reached: ' + ended.why_not}, {ended.bursts} bursts")
    print(f"displayed: {', '.join(sorted(ended.seen))}")
    print(ended.fault or "no fault")


if __name__ == "__main__":
    sys.exit(main())
