"""Groups a run's tasks into few rows: one for completed ones, one for waiting ones, and one for each other task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Union

from tui.engine.journal.run_view import TaskView


class Group(NamedTuple):
    """Tasks that share a row: their state (a key of STATES) and their names."""

    state: str
    names: tuple[str, ...]


def folded(tasks: Sequence[TaskView]) -> list[Union[TaskView, Group]]:  # noqa: UP007
    """Return completed, skipped, running or failed, and waiting tasks in this order; a group of one stays a task."""
    rest = [task for task in tasks if task.status not in ("succeeded", "skipped", "waiting")]
    return [*_alike(tasks, "succeeded"), *_alike(tasks, "skipped"), *rest, *_alike(tasks, "waiting")]


def _alike(tasks: Sequence[TaskView], state: str) -> list[Union[TaskView, Group]]:  # noqa: UP007
    found = [task for task in tasks if task.status == state]
    return [Group(state, tuple(task.name for task in found))] if len(found) > 1 else list(found)
