"""Runs tasks as soon as what they need is done, several at a time, and ends at the first failure."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from tui.engine.context import Outcome, Run, Stopped, TaskContext


@dataclass(frozen=True)
class Task:
    """A task of the graph. `typical_seconds` is what it takes on Azure as Microsoft documents it, or None."""

    name: str
    needs: tuple[str, ...]
    work: Callable[[TaskContext], Outcome]
    typical_seconds: float | None = None

    def as_dict(self, *, rehearsed: bool) -> dict[str, Any]:
        """As `run_started` lists it; a rehearsal goes as fast as it goes, so it has no typical times."""
        typical = None if rehearsed else self.typical_seconds
        return {"name": self.name, "needs": list(self.needs), "typical_seconds": typical}


@dataclass(frozen=True)
class Failure:
    """A task that failed, and the exception."""

    task: str
    error: Exception


def run_tasks(run: Run, tasks: Sequence[Task]) -> Failure | None:
    """Run the tasks of a graph; returns the first failure, or None.

    At the first failure the other tasks are asked to stop and nothing more is started. When the run is asked to stop,
    no failure is returned; tasks under way and those not begun are reported as cancelled.
    """
    failure: Failure | None = None
    waiting = {task.name: task for task in tasks}
    under_way: dict[Future[Exception | None], Task] = {}
    done: set[str] = set(run.results)
    with ThreadPoolExecutor(max_workers=max(4, len(tasks)), thread_name_prefix="task") as pool:
        while waiting or under_way:
            for task in [task for task in waiting.values() if done.issuperset(task.needs)]:
                if not run.stop.is_set():
                    del waiting[task.name]
                    under_way[pool.submit(_one, run, task)] = task
            if not under_way:
                break
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                task = under_way.pop(future)
                error = future.result()
                if error is None:
                    done.add(task.name)
                    continue
                if failure is None and not isinstance(error, Stopped):
                    failure = Failure(task.name, error)
                run.stop.set()
    return failure


def _one(run: Run, task: Task) -> Exception | None:
    """Run one task and report it; returns what stopped it."""
    from tui.cloud.retry import observed

    context = TaskContext(run, task.name)
    begun = time.monotonic()
    status, outcome = "succeeded", Outcome()
    error: Exception | None = None
    try:
        with observed(context.retrying):
            outcome = task.work(context)
        status = "skipped" if outcome.skipped else "succeeded"
        run.results[task.name] = outcome.result
    except Stopped as stopped:
        status, error = "cancelled", stopped
        outcome = Outcome("Stopped before it was finished.")
    except Exception as raised:
        status, error = "failed", raised
        outcome = Outcome(str(raised))
        traceback.print_exc()  # standard error is the engine's log
    context.start("skip" if status == "skipped" else "read")
    run.journal.emit(
        "task_finished",
        task=task.name,
        status=status,
        seconds=round(time.monotonic() - begun, 3),
        detail=outcome.detail,
        result=outcome.result,
    )
    return error
