"""The tasks of a run in few rows: what is done in one, what waits in another, what needs a look in rows of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Union

from tui.engine.journal.run_view import TaskView


class Group(NamedTuple):
    """Tasks that share a row: the state that names them (a key of STATES) and their names."""

    state: str
    names: tuple[str, ...]


def folded(tasks: Sequence[TaskView]) -> list[Union[TaskView, Group]]:  # noqa: UP007
    """What is done, what was left as it is, what is under way or went wrong, what waits; groups of one stay tasks."""
    rest = [task for task in tasks if task.status not in ("succeeded", "skipped", "waiting")]
    return [*_alike(tasks, "succeeded"), *_alike(tasks, "skipped"), *rest, *_alike(tasks, "waiting")]


def _alike(tasks: Sequence[TaskView], state: str) -> list[Union[TaskView, Group]]:  # noqa: UP007
    found = [task for task in tasks if task.status == state]
    return [Group(state, tuple(task.name for task in found))] if len(found) > 1 else list(found)
