"""`python -m tests.mutants`: changes conditions and numbers at random, and says which changes the fast tests notice.

    pip install -e '.[dev,mutants]'
    python -m tests.mutants map                      # once: which fast test executes which line
    python -m tests.mutants --count 100 --seed 1     # 100 mutants of all areas; --area plan: of one
    python -m tests.mutants --path tui/plan/traffic.py --tests tests/plan    # while tests are written: needs no map
    python -m tests.mutants --only NAME              # one mutant again, by the name that was printed

Each mutant is made in a copy of the checkout; the tests that execute its lines run against it, the quickest first,
until one fails. The same seed on the same tree gives the same mutants. Printed: killed, survived (with its diff) or not
executed, by area. A survivor is a test that is missing, code that nothing needs, or a change that makes no difference.
"""

from __future__ import annotations

import argparse
import difflib
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutants.copies import ROOT, Copy
from tests.mutants.executed_lines import ExecutedLines, measure
from tests.mutants.sites import AREAS, Mutant, mutants, sample

KILLED, SURVIVED, NOT_EXECUTED = "killed", "survived", "not executed"
BUDGET = 150.0  # seconds of tests for each mutant, as long as they took when they were measured


@dataclass(frozen=True)
class Result:
    """What became of a mutant, and by which of how many tests."""

    mutant: Mutant
    outcome: str
    tests: int
    detail: str
    diff: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", nargs="?", choices=["map"], help="measure which test executes which line")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--area", action="append", choices=AREAS, help="may be repeated; all areas by default")
    parser.add_argument("--path", action="append", help="mutants of this module or folder only; may be repeated")
    parser.add_argument(
        "--tests", nargs="+", metavar="FILE", help="run these tests, and not those that execute the lines"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this mutant, as an earlier run printed it")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "aml-deploy-mutants")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    kept = options.folder / "executed-lines.json"
    if options.command == "map" or not (options.tests or kept.is_file()):
        measure(options.folder, kept)
        if options.command == "map":
            return 0
    within = options.path or [f"tui/{area}" for area in options.area or AREAS]
    if options.only:
        chosen = [mutant for mutant in mutants(ROOT, ["tui"]) if mutant.name in options.only]
    else:
        chosen = sample(ROOT, options.count, options.seed, within)
    choice = GivenTests(options.tests) if options.tests else ExecutedLines(kept)
    results = _try_all(chosen, choice, options.folder, options.workers)
    _print_table(results)
    if options.json:
        rows = [
            {"name": r.mutant.name, "outcome": r.outcome, "tests": r.tests, "detail": r.detail, "diff": r.diff}
            for r in results
        ]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


class GivenTests:
    """The same tests for each mutant."""

    def __init__(self, tests: list[str]) -> None:
        self._tests = tests

    def tests(self, mutant: Mutant) -> list[str]:
        return self._tests

    def seconds_of(self, test: str) -> float:
        return 0.0


def _try_all(chosen: list[Mutant], lines: ExecutedLines | GivenTests, folder: Path, workers: int) -> list[Result]:
    copies: Queue[Copy] = Queue()
    for number in range(workers):
        copies.put(Copy(folder / f"copy-{number}"))

    def one(mutant: Mutant) -> Result:
        copy = copies.get()
        try:
            result = _try(mutant, copy, lines)
        finally:
            copies.put(copy)
        print(f"{result.outcome:13}{mutant.name}  {result.detail}", flush=True)
        if result.outcome != KILLED:
            print(result.diff, flush=True)
        return result

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, chosen))


def _try(mutant: Mutant, copy: Copy, lines: ExecutedLines | GivenTests) -> Result:
    file = copy.tree / mutant.path
    original = file.read_text(encoding="utf-8")
    changed = mutant.code(original)
    diff = "\n".join(list(difflib.unified_diff(original.splitlines(), changed.splitlines(), lineterm="", n=1))[2:])
    known = lines.tests(mutant)
    tests, seconds = [], 0.0
    for test in known:
        seconds += lines.seconds_of(test)
        if seconds > BUDGET and tests:
            break
        tests.append(test)
    if not tests:
        return Result(mutant, NOT_EXECUTED, 0, "", diff)
    listed = copy.tree.parent / "tests.txt"
    listed.write_text("\n".join(tests), encoding="utf-8")
    file.write_text(changed, encoding="utf-8")
    try:
        status, output = copy.pytest("-x", "-q", f"@{listed}", limit=120 + 4 * BUDGET)
    finally:
        file.write_text(original, encoding="utf-8")
    if status in (4, 5):
        raise SystemExit(f"pytest could not run the tests of {mutant.name}:\n{output}")
    if status == 0:
        return Result(mutant, SURVIVED, len(tests), f"{len(tests)} of {len(known)} tests that execute it", diff)
    by = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return Result(mutant, KILLED, len(tests), by[0][:160] if by else output.strip()[-160:], diff)


def _print_table(results: list[Result]) -> None:
    print(f"\n{'area':12}{'mutants':>8}{KILLED:>8}{SURVIVED:>10}{NOT_EXECUTED:>14}")
    for area in (*AREAS, "all"):
        of = [result for result in results if area in ("all", result.mutant.area)]
        counts = [sum(result.outcome == outcome for result in of) for outcome in (KILLED, SURVIVED, NOT_EXECUTED)]
        print(f"{area:12}{len(of):8}{counts[0]:8}{counts[1]:10}{counts[2]:14}")


if __name__ == "__main__":
    raise SystemExit(main())
