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
class Memory:
    """`begun` by task; `created` lists what the run made or may have made, as (kind, name), in order."""

    begun: dict[str, Begun] = field(default_factory=dict)
    created: list[tuple[str, str]] = field(default_factory=list)
    shift: Shift | None = None


def recall(events: Iterable[Event]) -> Memory:
    """Read a journal from its beginning."""
    memory = Memory()
    for event in events:
        kind, task = event.get("event"), str(event.get("task", ""))
        if kind == "task_intent":
            memory.begun[task] = Begun(str(event["operation"]), str(event["resource_id"]))
            if event["operation"] == "create" and kind_of(task) in _KINDS:
                _add(memory, _KINDS[kind_of(task)], str(event["resource_id"]).rpartition("/")[2])
        elif kind == "task_operation" and task in memory.begun:
            before = memory.begun[task]
            started = {str(event["header"]): str(event["url"])}
            memory.begun[task] = Begun(before.operation, before.resource_id, started)
        elif kind == "task_created":
            _add(memory, str(event["kind"]), str(event["name"]))
        elif kind == "task_removed":
            memory.created = [item for item in memory.created if item != (event["kind"], event["name"])]
            for name in (str(event["kind"]), f"{event['kind']}:{event['name']}"):
                memory.begun.pop(name, None)
        elif kind == "traffic_shift":
            memory.shift = Shift(event["before"], event["after"], bool(event.get("back")), str(event.get("why", "")))
        elif kind == "task_finished" and event.get("status") in _ENDS:
            memory.begun.pop(task, None)
    return memory


def kind_of(task: str) -> str:
    """A task's name without that of its deployment: deployment of deployment:green."""
    return task.partition(":")[0]


def _add(memory: Memory, kind: str, name: str) -> None:
    if (kind, name) not in memory.created:
        memory.created.append((kind, name))
