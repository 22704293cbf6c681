"""A campaign of faults: kills, halts and failing services while a run works, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from azure_state import Azure

from tui.cloud.assets.code import snapshot_hash
from tui.cloud.storage.folder_files import walk
from tui.engine import start_stop
from tui.engine.journal import runs
from tui.engine.journal.runs import Run
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import presets
from tui.rehearsal_client import prepare

LONGEST = 600.0
ROOT = Path(__file__).resolve().parents[2]
PRESET = next(preset for preset in presets() if preset.name == "own-score")  # its server starts soonest
ORDINARY_SECONDS = 7.0

BOUNDARIES = (
    ("run_started", ""),
    ("task_finished", "sign-in"),
    ("task_finished", "workspace"),
    ("task_intent", "endpoint"),
    ("task_operation", "endpoint"),
    ("task_finished", "endpoint"),
    ("task_intent", "model"),
    ("task_progress", "model"),
    ("task_created", "model"),
    ("task_finished", "model"),
    ("task_intent", "code"),
    ("task_finished", "code"),
    ("task_intent", "environment"),
    ("task_finished", "environment"),
    ("task_intent", "deployment"),
    ("task_operation", "deployment"),
    ("task_log", "deployment"),
    ("task_finished", "deployment"),
    ("task_intent", "traffic"),
    ("task_operation", "traffic"),
    ("task_finished", "traffic"),
    ("task_started", "test"),
    ("task_finished", "test"),
)
# What goes on for a while after these: an upload, or the questions whether an operation has ended.
INSIDE = (
    ("task_intent", "model"),
    ("task_progress", "model"),
    ("task_operation", "endpoint"),
    ("task_operation", "deployment"),
    ("task_log", "deployment"),
    ("task_operation", "traffic"),
)
LONGEST_INSIDE = 0.8
# Disturbances that a run must get over by itself.
SCENARIOS = (
    "throttling",
    "throttling-no-hint",
    "server-errors",
    "gateway-errors",
    "connection-reset",
    "storage-reset",
    "slow-storage",
    "expired-tokens",
)


@dataclass(frozen=True)
class Blow:
    """What happens to the engine, and when: `seconds` after an event of a task, or after its start."""

    how: str
    event: str = ""
    task: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.event:
            return f"{self.how} at {self.seconds:.2f} s"
        later = f" and {self.seconds:.2f} s" if self.seconds else ""
        return f"{self.how} at {self.event} {self.task}".rstrip() + later


@dataclass(frozen=True)
class Schedule:
    """The blows of one run, one after each start of its engine, and the scenario that the services are under."""

    number: int
    blows: tuple[Blow, ...]
    scenario: str

    def __str__(self) -> str:
        return (
            f"{self.number:3d}  {'; '.join(map(str, self.blows))}{f'  under {self.scenario}' if self.scenario else ''}"
        )


def schedules(count: int, seed: int) -> Iterator[Schedule]:
    """So many schedules; the same for the same seed. Every boundary comes before one comes again."""
    chance = random.Random(seed)
    boundaries: list[tuple[str, str]] = []
    scenarios: list[str] = []
    for number in range(count):
        boundaries = boundaries or chance.sample(BOUNDARIES, len(BOUNDARIES))
        scenarios = scenarios or chance.sample(SCENARIOS, len(SCENARIOS))
        blows = [_at(boundaries.pop(), number, chance)]
        if number % 2:
            blows.append(Blow("SIGKILL", seconds=chance.uniform(0.05, ORDINARY_SECONDS)))
        yield Schedule(number, tuple(blows), scenarios.pop() if number % 3 == 2 else "")


def brief(seed: int) -> list[Schedule]:
    """Every boundary and every scenario once, in half as many runs as there are boundaries: an early, a late blow."""
    chance = random.Random(seed)
    middle = (len(BOUNDARIES) + 1) // 2
    pairs = list(zip_longest(BOUNDARIES[:middle], BOUNDARIES[middle:]))
    under = chance.sample([*SCENARIOS, *[""] * (len(pairs) - len(SCENARIOS))], len(pairs))
    return [
        Schedule(
            number,
            (
                _at(early, number, chance),
                _at(late, number + 3, chance) if late else Blow("SIGKILL", seconds=chance.uniform(0.05, 2.0)),
            ),
            scenario,
        )
        for number, ((early, late), scenario) in enumerate(zip(pairs, under))
    ]


def _at(boundary: tuple[str, str], number: int, chance: random.Random) -> Blow:
    """A blow at a boundary, or inside of what goes on after it."""
    inside = boundary in INSIDE and number % 4 != 0
    moment = chance.uniform(0.02, LONGEST_INSIDE) if inside else 0.0
    return Blow("SIGSTOP" if number % 6 == 5 else "SIGKILL", *boundary, moment)


class Place:
    """A rehearsal for runs under one scenario at a time, which is all its services' and all its runs'."""

    def __init__(self, home: Path, environ: dict[str, str]) -> None:
        self.environ = prepare(load(PRESET.path), {**environ, "AML_DEPLOY_HOME": str(home)})
        self.azure = Azure(self.environ)

    def under(self, scenario: str) -> None:
        """From now on the services answer as a scenario has it; `none` as they should."""
        self._command("scenario", scenario)

    def stop(self) -> None:
        """Ends the rehearsal."""
        self._command("stop")

    def _command(self, *words: str) -> None:
        command = [sys.executable, "-m", "tui.rehearsal", *words]
        subprocess.run(command, env=self.environ, cwd=ROOT, check=True, capture_output=True, timeout=60)


@dataclass
class Outcome:
    """How a schedule ended: the journal's events, engines that were started, blows that struck; what is in Azure."""

    name: str
    code_hash: str
    events: list[dict[str, Any]]
    engines: int
    struck: int
    seconds: float
    state: dict[str, Any] = field(default_factory=dict)


class Campaign:
    """Runs of the preset, each with names and files of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self, place: Place, outcome: Outcome) -> Outcome:
        """Reads what is in Azure after a run, then makes room for others."""
        try:
            outcome.state = place.azure.state(outcome.name, outcome.code_hash)
        finally:
            place.azure.remove(outcome.name)
        return outcome

    def carry_out(self, place: Place, schedule: Schedule | None, name: str) -> Outcome:
        """One run from its start to its end, with its blows."""
        begun = time.monotonic()
        document, code_hash = self._plan(name)
        run = start_stop.start(document, environ=place.environ, rehearse=True)
        engines, struck = 1, 0
        try:
            for blow in schedule.blows if schedule else ():
                if not self._strike(run, blow):
                    continue
                struck += 1
                if blow.how == "SIGKILL":
                    assert run.status == "interrupted", run.status
                    start_stop.resume(run, environ=place.environ)
                    engines += 1
            self._until_the_end(run)
        finally:
            pid = runs.engine_pid(run.folder)
            if pid is not None:  # never 0: that is everything this test belongs to
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return Outcome(name, code_hash, whole_journal(run.folder), engines, struck, time.monotonic() - begun)

    def _plan(self, name: str) -> tuple[Document, str]:
        """The preset with names and contents that no other run has."""
        folder = self._folder / name
        own = name.ljust(16)  # of one length: how many bytes a model has is part of what is compared
        files = folder / PRESET.path.stem
        shutil.copytree(PRESET.path.with_suffix(""), files)
        shutil.copy(PRESET.path, folder / "plan.yml")
        script = files / "onlinescoring" / "score.py"
        script.write_text(f"{script.read_text(encoding='utf-8')}\n# {own}\n", encoding="utf-8")
        (files / "model" / "name.txt").write_text(own, encoding="utf-8")
        for number in range(40):  # so that there is an inside of the upload
            part = files / "model" / f"part-{number:02d}.bin"
            part.write_bytes(own.encode() * 2000 + bytes([number]))
        sets = [f"endpoint.name={name}", f"deployment.model.name={name}"]
        return load(folder / "plan.yml", sets=sets), snapshot_hash(walk(script.parent))

    def _strike(self, run: Run, blow: Blow) -> bool:
        """Wait for the blow's moment and strike; False when the run has ended before."""
        if run.journal.finished():
            return False
        known = run.journal.last()
        after = int(known["seq"]) if known else 0
        seen = False  # whether the event was there
        moment = time.monotonic() + blow.seconds
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            events = run.journal.read(after=after)
            if run.journal.finished():
                return False
            seen = seen or any(event["event"] == blow.event and event.get("task", "") == blow.task for event in events)
            after = max([after, *(event["seq"] for event in events)])
            pid = runs.engine_pid(run.folder)
            if (seen if blow.event else time.monotonic() >= moment) and pid is not None:
                if blow.event and blow.seconds:
                    time.sleep(blow.seconds)  # into what has just begun: the moment is the schedule's
                    pid = runs.engine_pid(run.folder)
                    if pid is None or run.journal.finished():
                        return False
                return _hit(run, pid, blow)
            time.sleep(0.01)
        raise AssertionError(f"{blow}: its moment never came; the last event: {run.journal.last()}")

    def _until_the_end(self, run: Run) -> None:
        end = time.monotonic() + LONGEST
        while not run.journal.finished():
            assert run.alive or run.journal.finished(), f"the engine has ended: {run.log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"no end: {run.journal.read()[-3:]}"
            time.sleep(0.1)


def _hit(run: Run, pid: int, blow: Blow) -> bool:
    if blow.how == "SIGSTOP":
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.5)  # the disturbance itself: nobody waits for anything here
        os.kill(pid, signal.SIGCONT)
        return True
    os.kill(pid, signal.SIGKILL)
    while runs.engine_pid(run.folder) is not None:
        time.sleep(0.002)
    return not run.journal.finished()


def whole_journal(folder: Path) -> list[dict[str, Any]]:
    """All events of a journal, read file by file; fails on a line that is not whole."""
    files = sorted(path for path in (folder / "journal").iterdir() if not path.name.startswith("."))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
