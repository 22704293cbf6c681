"""What an engine had begun before it was interrupted, as the run's journal tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tui.engine.journal.journal import Event

# A task that was stopped leaves its operation running in Azure; any other end of a task is the end of its operation.
_ENDS = ("succeeded", "skipped", "failed")
_KINDS = {"endpoint": "endpoint", "deployment": "deployment"}


@dataclass(frozen=True)
class Begun:
    """A change of a resource that was about to be made, or was asked for, and whose end is not known.

    `operation` is create, change or register. `started` holds the header by which Azure names the operation; it is
    empty where the interruption came before Azure's answer was written down.
    """

    operation: str
    resource_id: str
    started: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shift:
    """What a run has done to the split of the requests, in per cent by deployment.

    `before` is the split from before the run, `after` the last one that it set or was about to set; `back` tells that
    this was on the way back.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    back: bool = False
    why: str = ""


@dataclass
class ResumeState:
    """`begun` by task; `created` lists what the run made or may have made, as (kind, name), in order."""

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
                _add(state, _KINDS[kind_of(task)], str(event["resource_id"]).rpartition("/")[2])
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
    """A task's name without that of its deployment: deployment of deployment:green."""
    return task.partition(":")[0]


def _add(state: ResumeState, kind: str, name: str) -> None:
    if (kind, name) not in state.created:
        state.created.append((kind, name))
