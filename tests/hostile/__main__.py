"""`python -m tests.hostile`: runs the matrix, or some of it, and prints the counts of each outcome."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hostile.calls import ELSEWHERE, listed, write
from tests.hostile.matrix import COMMANDS, Cell, Ground, environment


def main() -> int:
    """Run the cells; the exit code is 1 if one of them is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--count", type=int, help="so many cells, drawn by the seed; all without it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--command", choices=COMMANDS, help="only calls of this command")
    parser.add_argument("--calls", default="", help="only calls with this text")
    parser.add_argument("--behaviours", default="", help="only behaviours with this text")
    parser.add_argument("--at-once", type=int, default=3, help="runs at a time")
    parser.add_argument("--record", action="store_true", help="write the list of calls anew")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        folder = Path(name)
        ground = Ground(folder, environment(folder))
        try:
            if chosen.record:
                made_by = ground.undisturbed()
                met = {call for _, call in made_by}
                write([*made_by, *(pair for pair in listed() if pair[0] == ELSEWHERE and pair[1] not in met)])
                return 0
            names = ground.behaviours
            cells = [
                (command, call, one)
                for command, call in listed()
                for one in names
                if command in ([chosen.command] if chosen.command else COMMANDS)
                and chosen.calls in call
                and chosen.behaviours in one
            ]
            if chosen.count:
                cells = random.Random(chosen.seed).sample(cells, min(chosen.count, len(cells)))
            with ThreadPoolExecutor(chosen.at_once) as pool:
                made = list(pool.map(lambda item: _told(ground.cell(*item[1], item[0])), enumerate(cells)))
        finally:
            ground.stop()
    for outcome, count in Counter(cell.outcome for cell in made).most_common():
        print(f"{count:5d}  {outcome}")
    return 1 if any(cell.wrong for cell in made) else 0


def _told(cell: Cell) -> Cell:
    print(
        f"{cell.seconds:6.1f} s  {cell.outcome:40}  {cell.behaviour:28}  {cell.command}: {cell.call}  {cell.detail!r}",
        flush=True,
    )
    return cell


if __name__ == "__main__":
    sys.exit(main())
