"""Which fast tests execute which line, and how long each takes: measured once, kept beside the copies."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import coverage

from tests.mutants.copies import Copy
from tests.mutants.sites import AREAS, Mutant

# A child process inherits the name of the test that started it from pytest.
_SETTINGS = """[run]
parallel = true
patch = _exit
sigterm = true
core = ctrace
context = ${PYTEST_CURRENT_TEST-}
data_file = {data}
include = {include}
"""


class ExecutedLines:
    """The tests of a line, quickest first, those of the module's own area before others."""

    def __init__(self, file: Path) -> None:
        kept = json.loads(file.read_text(encoding="utf-8"))
        self._tests: list[str] = kept["tests"]
        self._lines: dict[str, dict[str, list[int]]] = kept["lines"]
        self._seconds: dict[str, float] = kept["seconds"]

    def seconds_of(self, test: str) -> float:
        return self._seconds.get(test, 1.0)

    def tests(self, mutant: Mutant) -> list[str]:
        """What runs the mutated lines; for lines that run on import, what runs any line of the module."""
        lines = self._lines.get(mutant.path, {})
        first, last = mutant.lines
        found = {number for line in range(first, last + 1) for number in lines.get(str(line), ())}
        if not found and str(first) in lines:
            found = {number for numbers in lines.values() for number in numbers}
        names = [self._tests[number] for number in found]
        slow = 1.0  # seconds
        return sorted(names, key=lambda name: (self.seconds_of(name) >= slow, f"/{mutant.area}/" not in name,
                                               self.seconds_of(name), name))  # fmt: skip


def measure(folder: Path, file: Path, *tests: str) -> None:
    """Run the fast tests once, and write what they execute to `file`. Raises SystemExit where too much fails."""
    copy = Copy(folder / "copy-0")
    data, durations, settings = folder / "coverage", folder / "seconds.json", folder / "coverage.ini"
    for old in folder.glob("coverage.*"):
        old.unlink()
    include = ",".join(str(copy.tree / "tui" / area / "*") for area in AREAS)
    settings.write_text(_SETTINGS.replace("{data}", str(data)).replace("{include}", include), encoding="utf-8")
    # Read at the start of every Python of the copy, also where a test gives its child an environment of its own.
    start = next(copy.python.parent.parent.glob("lib/python*/site-packages")) / "zz-start-coverage.pth"
    setting = f"os.environ['COVERAGE_PROCESS_START'] = {str(settings)!r}"
    start.write_text(f"import os; {setting}; import coverage; coverage.process_startup()\n", encoding="utf-8")
    status, output = copy.pytest(
        "-q", "-n", "2", "--dist", "loadfile", "-m", "not slow", "-p", "tests.mutants.record_contexts", *tests,
        MUTANTS_DURATIONS=str(durations),
    )  # fmt: skip
    start.unlink()
    print(output[-3000:], file=sys.stderr)
    if status not in (0, 1):
        raise SystemExit(f"The tests did not run (exit code {status}).")
    combined = coverage.Coverage(data_file=str(folder / "combined"), config_file=False)
    combined.combine([str(path) for path in folder.glob("coverage.*") if path.suffix != ".ini"], keep=True)
    _write(combined.get_data(), copy.tree, json.loads(durations.read_text(encoding="utf-8")), file)


def _write(data: coverage.CoverageData, tree: Path, seconds: dict[str, float], file: Path) -> None:
    numbers: dict[str, int] = {}
    lines: dict[str, dict[str, list[int]]] = {}
    for path in data.measured_files():
        of_file = lines.setdefault(Path(path).relative_to(tree).as_posix(), {})
        for line, contexts in data.contexts_by_lineno(path).items():
            # A child says "tests/a.py::test_b (call)", a worker the same without the phase.
            tests = {context.lstrip("|").rpartition(" (")[0] or context.lstrip("|") for context in contexts}
            of_file[str(line)] = sorted(numbers.setdefault(test, len(numbers)) for test in tests if test in seconds)
    file.write_text(json.dumps({"tests": list(numbers), "lines": lines, "seconds": seconds}), encoding="utf-8")
