"""How sharp the fast tests are: changes of decisions in the program (mutants), and whether a test notices each.

    python -m tests.mutants map                # once: which fast test executes which line; the whole fast suite is run
    python -m tests.mutants map tests/plan     # brings these tests up to date in the map
    python -m tests.mutants --count 100 --seed 1 [--area plan]
    python -m tests.mutants --only ID ID       # single ones again, by what is printed before their outcome
    python -m tests.mutants --only ID --tests tests/plan/test_new.py

The mutants are cosmic-ray's: comparisons, conditions, and/or, not, True/False, numbers, break/continue, in the folders
plan, checks, cloud, engine, export, helper and remedies of tui. The sample is drawn from all of them alike; a seed
gives the same ones as long as the program is the same. Each is tried in a copy of the checkout with the tests that
execute its line, by the map. Printed is for each: `killed` and by which test, `survived`, or `not executed` where no
fast test comes to the line (a time limit that is passed counts as killed); then the changes of those that were not
killed, and a table. Needs the extras `dev` and `mutants`.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from tests.mutants import line_map
from tests.mutants.decisions import Mutant, mutants
from tests.mutants.line_map import AREAS, ROOT
from tests.mutants.trial import Scratch, Verdict


def main() -> int:
    """Runs the command; returns 0, whatever the outcome of the mutants."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["map"], help="make the map of tests and lines")
    parser.add_argument("files", nargs="*", help="with map: only these tests, in the map that is there")
    parser.add_argument("--map", type=Path, default=ROOT / "build/mutants.json", help="where the map is kept")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--area", choices=AREAS, help="draw from this folder only")
    parser.add_argument("--only", nargs="+", metavar="ID", help="no sample, but these")
    parser.add_argument("--tests", nargs="+", default=[], help="tests that are run for each mutant besides the map's")
    parser.add_argument("--budget", type=float, default=120, help="seconds of tests for a mutant, as the map measured")
    parser.add_argument("--workers", type=int, default=1, help="mutants, or processes of the map, at a time")
    parser.add_argument("--list", action="store_true", help="print the sample and end")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file too")
    asked = parser.parse_args()
    if asked.what == "map":
        line_map.make(asked.map, asked.files, str(asked.workers))
        return 0
    all_of_them = mutants((asked.area,) if asked.area else AREAS)
    chosen = [one for one in all_of_them if asked.only and one.id in asked.only]
    if not asked.only:
        shuffled = random.Random(asked.seed).sample(all_of_them, len(all_of_them))
        chosen = sorted(islice((one for one in shuffled if one.compiles()), asked.count))
    elif missing := set(asked.only) - {one.id for one in chosen}:
        parser.error(f"no such mutant: {', '.join(sorted(missing))}")
    if asked.list:
        print("\n".join(one.id for one in chosen))
        return 0
    if not asked.map.exists():
        parser.error(f"there is no {asked.map}: run `python -m tests.mutants map` first")
    verdicts = _tried(chosen, asked)
    if asked.json:
        asked.json.write_text(json.dumps([{"id": one.mutant.id, **asdict(one)} for one in verdicts], indent=1))
    for one in verdicts:
        if one.outcome != "killed":
            print(f"\n{one.outcome}: {one.mutant.id}\n{one.diff}", end="")
    print(f"\n{'area':10}{'killed':>8}{'survived':>10}{'not executed':>14}{'of':>6}")
    for area in [*AREAS, "all"]:
        counted = Counter(one.outcome for one in verdicts if area in (one.mutant.area, "all"))
        columns = f"{counted['killed']:8}{counted['survived']:10}{counted['not executed']:14}{sum(counted.values()):6}"
        print(f"{area:10}{columns}")
    return 0


def _tried(chosen: list[Mutant], asked: argparse.Namespace) -> list[Verdict]:
    known = json.loads(asked.map.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="mutants-") as name, ThreadPoolExecutor(asked.workers) as threads:
        free: queue.Queue[Scratch] = queue.Queue()
        for number in range(asked.workers):
            free.put(Scratch(Path(name) / str(number)))
        copies = list(free.queue)
        for scratch in copies:
            scratch.copy()

        def one(mutant: Mutant) -> Verdict:
            scratch = free.get()
            try:
                verdict = scratch.tried(mutant, known, asked.budget, asked.tests)
            finally:
                free.put(scratch)
            by = f"{verdict.chosen} of {verdict.known} tests{', by ' + verdict.by if verdict.by else ''}"
            print(f"{mutant.id}: {verdict.outcome} ({by}; {verdict.seconds:.0f} s)", flush=True)
            return verdict

        verdicts = list(threads.map(one, chosen))
        if unsteady := sorted(set().union(*(scratch.unsteady for scratch in copies))):
            print(f"failed without a mutant, left out: {', '.join(unsteady)}", file=sys.stderr)
        return verdicts


if __name__ == "__main__":
    sys.exit(main())
