"""How long the tasks of an endpoint's earlier runs took: kept when a run ends, compared with while another one runs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tui.common.regular_file import json_object, read_regular
from tui.common.write_atomic import write_atomic
from tui.engine.journal.run_view import RunView, TaskView, Usual
from tui.engine.journal.runs import Run, runs

FILE = "times.json"
MOST_RUNS = 10  # earlier runs that are compared with
LONGEST = 1e9  # seconds; what is longer, or negative, was not measured
PLANNED = ("rollout",)
"""Kinds of tasks whose duration is in the plan."""


class Times(NamedTuple):
    """The (action, seconds) of the tasks of a run that succeeded, by name.

    `pace` is the typical seconds of the task `endpoint`, which of a rehearsal depend on its speed.
    """

    tasks: Mapping[str, tuple[str, float]]
    workspace: Mapping[str, str]
    pace: float | None


def keep(folder: Path, times: Times) -> None:
    """Keep the times of a run in its folder, unless that cannot be written: no run fails for it."""
    with contextlib.suppress(OSError):
        write_atomic(folder / FILE, json.dumps(times._asdict()), mode=0o600)


def earlier(run: Run, view: RunView) -> list[Times]:
    """The times of the last runs before this one of the same endpoint, also rehearsed or not. Reads the disk."""
    alike = (one for one in runs() if (one.endpoint, one.rehearsed) == (run.endpoint, run.rehearsed)
             and one.started < run.started)  # fmt: skip
    found = (times for one in alike if (times := _read(one.folder)) is not None and _compares(times, run, view))
    return list(islice(found, MOST_RUNS))


def _compares(times: Times, run: Run, view: RunView) -> bool:
    theirs = {key: value.casefold() for key, value in times.workspace.items()}
    same = theirs == {key: value.casefold() for key, value in view.workspace.items()}
    return same and (not run.rehearsed or times.pace == view.task("endpoint").typical_seconds)


def _read(folder: Path) -> Times | None:
    """The times in a run's folder; None if there are none, or what is there is not such a file."""
    try:
        found: dict[str, Any] = json_object(read_regular(folder / FILE))
        tasks = {str(name): (str(action), float(seconds)) for name, (action, seconds) in found["tasks"].items()}
        workspace = {str(key): str(value) for key, value in found["workspace"].items()}
        pace = None if found["pace"] is None else float(found["pace"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    return Times(tasks, workspace, pace) if all(0 <= seconds < LONGEST for _, seconds in tasks.values()) else None


def usual(task: TaskView, before: list[Times]) -> Usual | None:
    """What earlier runs took for a task of this kind that did the same; before that is known, for what it did most."""
    from statistics import median  # loads much that no front end needs to start

    kind = task.name.partition(":")[0]
    took: dict[str, list[float]] = {}
    for times in () if kind in PLANNED else before:
        for name, (action, seconds) in times.tasks.items():
            if name.partition(":")[0] == kind:
                took.setdefault(action, []).append(seconds)
    found = took.get(task.action, [])
    if not found and task.action in ("", "read"):  # which reading may lead to another action
        found = max(took.values(), key=len, default=[])
    return Usual(median(found), min(found), max(found), len(found)) if found else None
