"""Reads from a run's journal what its engine had started before an interruption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tui.engine.journal.journal import Event

# A stopped task leaves its operation running in Azure; any other end of a task is also the end of its operation.
_ENDS = ("succeeded", "skipped", "failed")
_KINDS = ("endpoint", "deployment", "autoscale")


@dataclass(frozen=True)
class Begun:
    """A change to a resource that was intended or requested, and whose end is unknown.

    `operation` is create, change or register. `started` holds the header in which Azure names the operation; it is
    empty if the interruption came before Azure's response was recorded.
    """

    operation: str
    resource_id: str
    started: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shift:
    """The change of the traffic split by a run, in per cent by deployment.

    `before` is the split before the run, `after` the last one that it set or was about to set; `back` is whether that
    was part of a roll back, `applied` whether this engine has seen Azure apply it.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    back: bool = False
    why: str = ""
    applied: bool = False


@dataclass
class ResumeState:
    """The state to resume from: `begun` by task; `created` lists resources (kind, name) that the run may have made."""

    begun: dict[str, Begun] = field(default_factory=dict)
    created: list[tuple[str, str]] = field(default_factory=list)
    shift: Shift | None = None


def resume_state(events: Iterable[Event]) -> ResumeState:
    """Read a journal from its beginning."""
    state = ResumeState()
    for event in events:
        kind, task = event.get("event"), str(event.get("task", ""))
        if kind == "task_intent":
            state.begun[task] = Begun(str(event["operation"]), str(event["resource_id"]))
            if event["operation"] == "create" and kind_of(task) in _KINDS:
                _add(state, kind_of(task), str(event["resource_id"]).rpartition("/")[2])
        elif kind == "task_operation" and task in state.begun:
            before = state.begun[task]
            started = {str(event["header"]): str(event["url"])}
            state.begun[task] = Begun(before.operation, before.resource_id, started)
        elif kind == "task_created":
            _add(state, str(event["kind"]), str(event["name"]))
        elif kind == "task_removed":
            state.created = [item for item in state.created if item != (event["kind"], event["name"])]
            for name in (str(event["kind"]), f"{event['kind']}:{event['name']}"):
                state.begun.pop(name, None)
        elif kind == "traffic_shift":
            state.shift = Shift(event["before"], event["after"], bool(event.get("back")), str(event.get("why", "")))
        elif kind == "task_finished" and event.get("status") in _ENDS:
            state.begun.pop(task, None)
    return state


def kind_of(task: str) -> str:
    """The kind of a task: its name without the deployment, such as deployment for deployment:green."""
    return task.partition(":")[0]


def _add(state: ResumeState, kind: str, name: str) -> None:
    if (kind, name) not in state.created:
        state.created.append((kind, name))
