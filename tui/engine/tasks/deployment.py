"""Creates the deployment, or changes what differs, and shows its logs while Azure works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

from tui.engine.container_log import LogFollower
from tui.engine.operations import carry_out, follow_begun, refuse, settle
from tui.engine.task_context import Outcome, TaskContext
from tui.plan.planned_changes import deployment_change

if TYPE_CHECKING:
    from tui.cloud.endpoints.deployments import DeploymentInfo
    from tui.cloud.http.operation import Operation

LOG_EVERY_SECONDS = 2.0
LOG_LINES = 500


def work(task: TaskContext) -> Outcome:
    """Bring the deployment to what the plan says. Raises CloudError, OperationFailed, Stopped."""
    from tui.cloud.endpoints import deployments

    cloud, endpoint, wanted = task.cloud, task.plan.endpoint.name, task.plan.deployment
    resource = deployments.path(cloud, endpoint, wanted.name)
    with _logs_while_working(task):
        done = follow_begun(
            task,
            resource,
            lambda started: deployments.follow(cloud, endpoint, wanted.name, started),
            f"deployment {wanted.name}",
        )
        found = settle(task, lambda: deployments.read(cloud, endpoint, wanted.name), f"deployment {wanted.name}")
    ids = {kind: task.result(kind, "id") for kind in ("model", "code", "environment")}
    known = {kind: value for kind, value in ids.items() if value}
    change = deployment_change(task.plan, asdict(found) if found else None, known)
    refuse(change)
    if change.action == "skip":
        task.start("skip", change.why)
        result = _result(task, found.id if found else "")
        if done:
            task.log(f"Deployment {wanted.name} is ready.")
            return Outcome("created" if done == "create" else "changed", result)
        return Outcome(f"{wanted.name}, as it was", result, skipped=True)
    words = ", ".join(f"{item.field}: {item.before} → {item.after}" for item in change.changes)
    task.start(change.action, f"{wanted.name}, {wanted.instance_count} × {wanted.instance_type}")
    task.log(f"Changing {words}. {change.how}".strip() if words else f"Creating the deployment {wanted.name}.")
    assets = deployments.AssetIds(model=ids["model"], environment=ids["environment"], code=ids["code"])

    def send() -> Operation[DeploymentInfo]:
        if change.in_place:
            tags = {**wanted.tags, **task.run.tags}
            return deployments.begin_scale(cloud, endpoint, wanted.name, wanted.instance_count, tags)
        return deployments.begin_create_or_update(cloud, task.plan, assets, task.run.tags)

    with _logs(task):
        made = carry_out(
            task, change.action, resource, send, lambda: None if found else task.created("deployment", wanted.name)
        )
    task.log(f"Deployment {wanted.name} is ready.")
    return Outcome(words or "created", _result(task, made.id))


@contextmanager
def _logs(task: TaskContext) -> Iterator[None]:
    """The deployment's logs are shown while inside."""
    logs = _Logs(task)
    logs.thread.start()
    try:
        yield
    finally:
        logs.end()


def _logs_while_working(task: TaskContext) -> AbstractContextManager[None]:
    """The same, where an earlier engine of the run had begun to work on the deployment."""
    return _logs(task) if task.name in task.run.begun else nullcontext()


def _result(task: TaskContext, deployment_id: str) -> dict[str, str]:
    return {"id": deployment_id, "scoring_uri": task.run.result("endpoint", "scoring_uri")}


class _Logs:
    """Reads the deployment's logs now and then, beside the operation, and passes on what is new."""

    def __init__(self, task: TaskContext) -> None:
        self._task = task
        self._ended = threading.Event()
        self._followers = {name: LogFollower(name) for name in ("inference-server", "storage-initializer")}
        self.thread = threading.Thread(target=self._follow, name="logs", daemon=True)

    def end(self) -> None:
        """Read once more and stop; waits a few seconds at most, and not at all when the run is to stop."""
        self._ended.set()
        self.thread.join(0 if self._task.run.stop.is_set() else 10)

    def _follow(self) -> None:
        while not self._ended.wait(LOG_EVERY_SECONDS):
            self._read()
        self._read()

    def _read(self) -> None:
        from tui.cloud.endpoints import deployments
        from tui.cloud.errors import CloudError

        plan = self._task.plan
        for container, follower in self._followers.items():
            try:
                text = deployments.logs(
                    self._task.cloud, plan.endpoint.name, plan.deployment.name, container, LOG_LINES
                )
            except CloudError:
                continue  # there is no log before there is a container; the operation itself reports what is wrong
            for source, line in follower.new(text):
                self._task.log(line, source)
