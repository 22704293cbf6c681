"""Which fast test executes which line of the program: one run of the fast suite under coverage.py."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from coverage import CoverageData

ROOT = Path(__file__).resolve().parents[2]
AREAS = ("plan", "checks", "cloud", "engine", "export", "helper", "remedies")

# `context` is read anew in each process: a child has the name of the test that started it in its environment.
_SETTINGS = """[run]
core = ctrace
parallel = true
data_file = {folder}/lines
include = {included}
context = ${{PYTEST_CURRENT_TEST-}}
sigterm = true
patch = _exit
disable_warnings = no-data-collected, couldnt-parse, module-not-measured, no-ctracer
"""
_PHASE = re.compile(r" \((setup|call|teardown)\)$")  # what pytest adds to the name of a test in the environment


def environment(folder: Path, root: Path) -> dict[str, str]:
    """The variables of a run of pytest whose program is `root`'s, and whose state is kept in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_", "COV_"))}
    state = {"AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CACHE": str(folder / "cache")}
    return {**kept, **state, "PYTHONPATH": str(root)}


def digest(source: str) -> str:
    """A short name for the content of a file."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def make(path: Path, files: Iterable[str], processes: str) -> None:
    """Runs the fast tests (those of `files` only, which are then brought up to date in the map) and writes the map.

    Tests that fail are in it too: whether a test has noticed a mutant is judged against its run without the mutant.
    """
    chosen = list(files)
    with tempfile.TemporaryDirectory(prefix="mutants-map-") as name:
        folder = Path(name)
        included = ",".join(f"{ROOT}/tui/{area}/*" for area in AREAS)
        (folder / "settings").write_text(_SETTINGS.format(folder=folder, included=included), encoding="utf-8")
        variables = {"COVERAGE_PROCESS_START": f"{folder}/settings", "MUTANTS_TESTS": f"{folder}/tests.json"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.watched", "-p", "no:cacheprovider"]
        command += ["-m", "not slow", "-n", processes, "--dist", "loadfile", f"--basetemp={folder}/t", *chosen]
        subprocess.run(command, cwd=ROOT, env={**environment(folder, ROOT), **variables}, check=False)
        seconds = json.loads((folder / "tests.json").read_text(encoding="utf-8"))
        known = json.loads(path.read_text(encoding="utf-8")) if chosen else {"tests": {}, "files": {}}
        lines = _executed(folder.glob("lines.*"))
    known["tests"].update(seconds)
    for file in sorted({*lines, *known["files"]}):
        source = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
        tests = {test: sorted(numbers) for test, numbers in lines[file].items()}
        before = known["files"].get(file, {"source": digest(source), "tests": {}})
        known["files"][file] = {**before, "tests": {**before["tests"], **tests}}
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_text(json.dumps(known), encoding="utf-8")
    written.replace(path)
    print(f"{path}: {len(known['tests'])} tests, {len(known['files'])} modules")


def _executed(files: Iterable[Path]) -> dict[str, dict[str, set[int]]]:
    """The lines of each module (from the top folder) that each test executed; "" is what no test did, an import."""
    found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for file in files:
        data = CoverageData(basename=str(file))
        try:
            data.read()
            for module in data.measured_files():
                place = found[Path(module).relative_to(ROOT).as_posix()]
                for line, contexts in data.contexts_by_lineno(module).items():
                    for context in contexts:
                        place[_PHASE.sub("", context)].add(line)
        except Exception as error:  # a process that was killed while it wrote
            print(f"{file.name} cannot be read: {error}", file=sys.stderr)
    return found


def tests_of(known: dict[str, Any], file: str, source: str, line: int) -> set[str]:
    """The tests that execute the statement at `line` of `file`.

    A statement outside of functions runs at import, for all tests: those of the module's functions are taken, else of
    the area's own folder. The same is done for a function that an import calls, and after the module has changed.
    """
    module, tree = known["files"].get(file, {"source": "", "tests": {}}), ast.parse(source)
    first, last, inside = _statement(tree, line)
    if inside and module["source"] == digest(source):
        span = set(range(first, last + 1))
        tests = {test for test, lines in module["tests"].items() if not span.isdisjoint(lines)}
        if tests != {""}:
            return tests - {""}
    bodies = {
        number
        for one in ast.walk(tree)
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
        for number in range(one.body[0].lineno, (one.end_lineno or 0) + 1)
    }
    using = {test for test, lines in module["tests"].items() if not bodies.isdisjoint(lines)} - {""}
    area = f"tests/{Path(file).parts[1]}/"
    return using or {test for test in known["tests"] if test.startswith(area)}


def _statement(tree: ast.Module, line: int) -> tuple[int, int, bool]:
    """First and last line of the innermost statement at `line` (of a block: its head); whether it is in a function."""
    first, last, inside = line, line, False
    blocks: list[tuple[list[ast.stmt], bool]] = [(tree.body, False)]
    while blocks:
        body, within = blocks.pop()
        for one in body:
            start = min([one.lineno, *(each.lineno for each in getattr(one, "decorator_list", []))])
            if not start <= line <= (one.end_lineno or one.lineno):
                continue
            parts = [part for name in ("body", "orelse", "finalbody") for part in [getattr(one, name, [])] if part]
            parts += [each.body for name in ("handlers", "cases") for each in getattr(one, name, [])]
            end = min([part[0].lineno - 1 for part in parts] or [one.end_lineno or one.lineno])
            first, last, inside = start, max(end, one.lineno), within
            deeper = within or isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
            blocks += [(part, deeper) for part in parts]
    return first, last, inside
