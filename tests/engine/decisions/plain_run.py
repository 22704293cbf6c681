"""A run without a process: its journal in memory, a connection that leads nowhere, a clock that the test turns."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import tui.engine.tasks  # noqa: F401  # before the modules of rollouts, which import one of its modules
from tui.engine.task_context import Run, TaskContext
from tui.plan import model as m

PLAN = m.Plan(
    workspace=m.Workspace("s", "rg", "ws"),
    endpoint=m.Endpoint(name="churn"),
    deployment=m.Deployment(name="green"),
    traffic={"green": 100},
)


class Notes:
    """A journal in memory; `full` is whether its disk takes nothing more."""

    def __init__(self, run: str = "r-1") -> None:
        self.run, self.events = run, list[dict[str, Any]]()
        self.written, self.full = 0, False

    def emit(self, event: str, **fields: Any) -> dict[str, Any]:
        self.events.append({"seq": len(self.events) + 1, "event": event, **fields})
        if not self.full:
            self.written = len(self.events)
        return self.events[-1]

    def stuck(self) -> bool:
        return self.full

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def lines(self) -> str:
        """Everything that was logged."""
        return "\n".join(event["line"] for event in self.of("task_log"))


class Clock:
    """Stands for the module `time`: it goes on when somebody sleeps, and by `step` at each look."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step, self.slept = 1000.0, step, 0

    def monotonic(self) -> float:
        self.now += self.step
        return self.now

    time = monotonic

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        assert seconds >= 0 and self.slept < 10_000, "this waiting does not end"
        self.now += seconds


def a_run(folder: Path, plan: m.Plan = PLAN, **more: Any) -> Run:
    """A run of a plan in a folder."""
    cloud = SimpleNamespace(
        plan=plan,
        for_plan=lambda changed: SimpleNamespace(plan=changed),
        workspace_id=plan.workspace.id,
        metadata=SimpleNamespace(
            resource_manager="https://management.azure.com",
            login="https://login.microsoftonline.com",
            studio="https://ml.azure.com",
            portal="https://portal",
        ),
    )
    return Run(plan, cloud, Notes(), folder, **more)


def a_task(run: Run, name: str = "rollout", deployment: str | None = None) -> TaskContext:
    """The context of a task of a run."""
    return TaskContext(run, name, deployment)
