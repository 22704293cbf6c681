"""Tries a mutant: in a scratch copy of the checkout the module is changed, and the tests that execute the line run."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.mutants.decisions import Mutant
from tests.mutants.line_map import ROOT, environment, tests_of

MOST_MEMORY = 4 << 30  # bytes, for each process of a trial
_FAILED = re.compile(r"^(?:FAILED|ERROR) ((\S+?::.*?)(?: - .*)?)$", re.MULTILINE)


@dataclass
class Verdict:
    """What became of a mutant: `killed` (`by` a test), `survived`, `not executed`; `chosen` of `known` tests ran."""

    mutant: Mutant
    outcome: str
    by: str = ""
    chosen: int = 0
    known: int = 0
    seconds: float = 0.0
    diff: str = ""


@dataclass
class Scratch:
    """A copy of the checkout in `folder`, which is the program that the tests there get."""

    folder: Path
    steady: set[str] = field(default_factory=set)  # tests that were seen to pass without a mutant
    unsteady: set[str] = field(default_factory=set)  # those that were not, or are no longer there
    written: int = 0

    @property
    def root(self) -> Path:
        """The top folder of the copy."""
        return self.folder / "c"

    def copy(self) -> None:
        """Make the copy: what git has, and what it would take. Raises RuntimeError where another one would be tried."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        where = subprocess.run(
            [sys.executable, "-c", "import tui; print(tui.__file__)"],
            cwd=self.folder, env=environment(self.folder, self.root), capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        if Path(where) != self.root / "tui/__init__.py":
            raise RuntimeError(f"the tests would try {where}, not the copy in {self.root}")

    def there_are(self, tests: list[str]) -> set[str]:
        """Those of the tests that the checkout still has: the map may be older."""
        files = [name for name in sorted({test.partition("::")[0] for test in tests}) if (self.root / name).exists()]
        return set(tests).intersection(self.run(["--collect-only"], files, 1800)[1].splitlines()) if files else set()

    def run(self, options: list[str], tests: list[str], seconds: float) -> tuple[int | None, str]:
        """Runs pytest on these tests; returns its code, None after `seconds`, and what it said. Ends all it began."""
        (self.folder / "tests").write_text("\n".join(tests), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={self.folder}/t"]
        command += [*options, *([f"@{self.folder}/tests"] if tests else [])]
        with (self.folder / "said").open("w+", encoding="utf-8", errors="replace") as said:
            process = subprocess.Popen(
                command, cwd=self.root, env=environment(self.folder, self.root), stdin=subprocess.DEVNULL,
                stdout=said, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_limit_memory,
            )  # fmt: skip
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                self._end_all()
                process.wait()
            said.seek(0)
            return code, said.read()

    def _end_all(self) -> None:
        """Of those that left the session of the tests too, at least one variable names a folder of theirs."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if any(f"{self.folder}/" in value for value in process.environ().values()):
                    process.send_signal(signal.SIGKILL)

    def write(self, file: str, source: str) -> None:
        """Replaces a module, at a time of its own: by time and size Python knows whether its compiled file is of it."""
        place = self.root / file
        place.write_text(source, encoding="utf-8")
        self.written += 1
        os.utime(place, (1_000_000_000 + self.written,) * 2)

    def tried(self, mutant: Mutant, known: dict[str, Any], budget: float, extra: list[str]) -> Verdict:
        """Whether the tests notice the mutant; at most `budget` seconds of them as the map measured them, and `extra`.

        A test that fails without the mutant too has not noticed it: it is left out, and the rest is run again.
        """
        started, source = time.monotonic(), (ROOT / mutant.file).read_text(encoding="utf-8")
        changed = mutant.applied(source)
        diff = "".join(difflib.unified_diff(
            source.splitlines(True), changed.splitlines(True), mutant.file, mutant.file, n=2,
        ))  # fmt: skip
        executing = tests_of(known, mutant.file, source, mutant.line)
        outcome, by, chosen = "not executed", "", list[str]()
        while executing - self.unsteady or extra:
            chosen = _first(executing - self.unsteady, known["tests"], mutant.area, budget)
            limit = 240 + 10 * sum(known["tests"].get(test, 1.0) for test in chosen) + 60 * len(extra)
            self.write(mutant.file, changed)
            code, said = self.run(["-x"], [*extra, *chosen], limit)
            self.write(mutant.file, source)
            by = "a time limit" if code is None else ""
            outcome = "survived" if code == 0 else "killed"
            if code == pytest.ExitCode.USAGE_ERROR and (gone := {*chosen} - self.there_are(chosen)):
                self.unsteady |= gone
                continue
            failed = _FAILED.search(said)
            if code == 0 or failed is None:
                by = by or ("" if code == 0 else said.strip().splitlines()[-1])
                break
            by = max((test for test in chosen if failed[1].startswith(test)), key=len, default=failed[2])
            if by in self.steady or self.run(["-x"], [by], limit)[0] == 0:
                self.steady.add(by)
                break
            self.unsteady.add(by)
            if by not in chosen:
                raise RuntimeError(f"{by} fails without a mutant")
            outcome = "not executed"
        return Verdict(mutant, outcome, by, len(chosen), len(executing), round(time.monotonic() - started, 1), diff)


def _limit_memory() -> None:
    """A mutant that never stops collecting ends by itself, and not by taking the machine's memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


def _first(tests: set[str], seconds: dict[str, float], area: str, budget: float) -> list[str]:
    """The area's own tests first, then the quickest, as long as the budget lasts; a file's tests beside each other."""
    order = sorted(tests, key=lambda test: (not test.startswith(f"tests/{area}/"), seconds.get(test, 1.0), test))
    files: dict[str, list[str]] = {}
    for place, test in enumerate(order):
        budget -= seconds.get(test, 1.0)
        if place and budget < 0:
            break
        files.setdefault(test.partition("::")[0], []).append(test)
    return [test for chosen in files.values() for test in chosen]
