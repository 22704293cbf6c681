"""Runs a graph of tasks, each as soon as its dependencies are done, and ends at the first failure."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from tui.common.deadlines import AwakeDeadline, Question
from tui.engine.outage_retry import through_outages
from tui.engine.task_context import TIME_LIMIT, Outcome, Run, Stopped, TaskContext, journal_stuck
from tui.engine.time_limits import ANSWER_SECONDS, RESTORE_SECONDS, STOP_SECONDS
from tui.plan.rules.durations import words

LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Task:
    """A task of the graph. `typical_seconds` is its typical duration on Azure by Microsoft's documentation, or None.

    `deployment` is the deployment that it belongs to, if the plan has several.
    """

    name: str
    needs: tuple[str, ...]
    work: Callable[[TaskContext], Outcome]
    typical_seconds: float | None = None
    deployment: str | None = None

    def as_dict(self, speed: float | None) -> dict[str, Any]:
        """The task as listed in `run_started`. `speed` is how many times as fast as Azure the service is.

        None is for a rehearsal that runs as fast as it can: it has no typical times.
        """
        typical = self.typical_seconds / speed if self.typical_seconds and speed else None
        return {"name": self.name, "needs": list(self.needs), "typical_seconds": typical}


@dataclass(frozen=True)
class Failure:
    """A task that failed, and the exception."""

    task: str
    error: Exception


def run_tasks(run: Run, tasks: Sequence[Task]) -> Failure | None:
    """Run the tasks of a graph; return the first failure, or None.

    At the first failure the other tasks are asked to stop and no more are started. If the run is asked to stop, no
    failure is returned; running and unstarted tasks are reported as cancelled. A task that does not stop soon is no
    longer waited for, unless it has just requested a change in Azure, or restores what it had changed (`firm`); it ends
    with the process.
    """
    failure: Failure | None = None
    waiting = {task.name: task for task in tasks}
    under_way: dict[Future[Exception | None], TaskContext] = {}
    done: set[str] = set(run.results)
    leaving: tuple[AwakeDeadline, ...] | None = None
    pool = ThreadPoolExecutor(max_workers=max(4, len(tasks)), thread_name_prefix="task")
    while waiting or under_way:
        if failure is None and not run.stop.is_set():
            failure = _hopeless(run, [context.name for context in under_way.values()] or list(waiting))
            if failure is not None:
                run.stop.set()
        for task in [task for task in waiting.values() if done.issuperset(task.needs)]:
            if not run.stop.is_set():
                del waiting[task.name]
                context = TaskContext(run, task.name, task.deployment)
                under_way[pool.submit(_one, context, task)] = context
        if not under_way:
            break
        finished, _ = wait(under_way, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for future in finished:
            context = under_way.pop(future)
            error = future.result()
            if error is None:
                done.add(context.name)
                continue
            if failure is None and not isinstance(error, Stopped):
                failure = Failure(context.name, error)
            run.stop.set()
        if run.stop.is_set():
            leaving = leaving or tuple(map(AwakeDeadline, (STOP_SECONDS, ANSWER_SECONDS, RESTORE_SECONDS)))
            soon, late, latest = (deadline.ended() for deadline in leaving)
            waited_for = failure is not None or any(context.asking for context in under_way.values())
            firm = any(context.firm for context in under_way.values())
            if latest or (not firm and (late or (soon and not waited_for))):
                for context in under_way.values():
                    context.finish("cancelled", Outcome("Cancelled while it waited for a response."))
                break
    pool.shutdown(wait=False)
    return failure


def _hopeless(run: Run, names: Sequence[str]) -> Failure | None:
    """The failure of the run as a whole: its time limit is reached, or its journal cannot be written."""
    from tui.cloud.errors import CloudError

    if run.journal.stuck():
        return Failure(names[0], journal_stuck(run))
    if run.time is not None and run.time.ended():
        title = f"The run took longer than {words(run.time.seconds)}"
        cause = f"That is the plan's limits.total. It was working on: {', '.join(names)}. Azure continues with that."
        remedy = "Apply the plan again, with a longer limit; nothing is done twice."
        return Failure(names[0], CloudError(title, cause, remedy, code=TIME_LIMIT))
    return None


Result = TypeVar("Result")


def unless_stopped(stop: threading.Event, work: Callable[[], Result]) -> Result:
    """Run `work` in a thread and wait for it; raise Stopped as soon as the run is asked to stop."""

    def check() -> None:
        if stop.is_set():
            raise Stopped

    return Question(work).answer(check)


def _one(context: TaskContext, task: Task) -> Exception | None:
    """Run one task and report its end; return the exception that ended it."""
    from tui.cloud.http.retry import observed

    status, outcome = "succeeded", Outcome()
    error: Exception | None = None
    try:
        with observed(context.retrying):
            outcome = through_outages(context, task.work)
        status = "skipped" if outcome.skipped else "succeeded"
    except Stopped as stopped:
        status, error = "cancelled", stopped
        outcome = Outcome("Stopped before it finished.")
    except Exception as raised:
        status, error = "failed", raised
        outcome = Outcome(str(raised))
        traceback.print_exc()  # standard error is the engine's log
    if error is None:
        context.run.results[task.name] = outcome.result
    context.finish(status, outcome)
    return error
