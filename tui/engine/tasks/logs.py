"""Shows the new lines of a deployment's logs, while Azure works on it and after a failed call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tui.engine.container_log import LogFollower
from tui.engine.task_context import TaskContext

LOG_EVERY_SECONDS = 2.0
FIRST_LOG_SECONDS = 0.25  # doubled each time: a build from a warm cache, with its log, takes less than two seconds
LOG_LINES, LOG_LINES_OF_A_CALL = 500, 100
READS = 4  # after a failed call: Azure's log has the exception only after some seconds
CONTAINERS = ("inference-server", "storage-initializer")


@contextmanager
def followed(task: TaskContext) -> Iterator[None]:
    """Poll the deployment's logs and show new lines while inside."""
    ended = threading.Event()
    name = task.plan.deployment.name

    def follow() -> None:
        seconds = FIRST_LOG_SECONDS
        while not ended.wait(seconds):
            _show_new(task, name, CONTAINERS, LOG_LINES)
            seconds = min(2 * seconds, LOG_EVERY_SECONDS)
        _show_new(task, name, CONTAINERS, LOG_LINES)

    thread = threading.Thread(target=follow, name="logs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # The last read is waited for a few seconds at most, and not at all if the run is asked to stop.
        thread.join(0 if task.run.stop.is_set() else 10)


def after_call(task: TaskContext, deployment: str, reads: int = READS) -> None:
    """Show what a deployment's container logged since its log was last read; up to `reads` times, until it is more."""
    for number in range(reads):
        if number:
            task.sleep(LOG_EVERY_SECONDS)
        if _show_new(task, deployment, CONTAINERS[:1], LOG_LINES_OF_A_CALL):
            return


def _show_new(task: TaskContext, deployment: str, containers: tuple[str, ...], lines: int) -> bool:
    """Show the new lines of the deployment's containers; return whether a container itself logged any."""
    from tui.cloud.endpoints import deployments
    from tui.cloud.errors import CloudError

    found = False
    for container in containers:
        try:
            text = deployments.logs(task.cloud, task.plan.endpoint.name, deployment, container, lines)
        except CloudError:
            continue  # no log before there is a container; the operation itself reports errors
        known = task.run.logs.setdefault((deployment, container), LogFollower(container))
        for source, line in known.new(text):
            task.log(line, source)
            found = found or source == "container"
    return found
