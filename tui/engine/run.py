"""Executes a run from its first event to its last: preflight, tasks, result."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from pathlib import Path
from typing import Any

from tui import __version__
from tui.common.deadlines import AwakeDeadline
from tui.common.regular_file import json_object, read_regular
from tui.engine import endpoint_lock, heartbeat_and_takeover
from tui.engine.clean_up import clean_up
from tui.engine.error_cards import card
from tui.engine.failure_context import failure_context, last_lines
from tui.engine.journal import runs, usual_times
from tui.engine.journal.journal import Journal, JournalWriter
from tui.engine.journal.state_folder import APPROVED_FILE
from tui.engine.leftovers import Left, changed_traffic, left_behind, stopped_message
from tui.engine.outage_retry import GATES
from tui.engine.resume_state import ResumeState, resume_state
from tui.engine.run_user import who_runs
from tui.engine.task_context import NOT_WRITABLE, OF_THE_RUN, RUN_TAG, USER_TAG, Run, Stopped
from tui.engine.task_graph import Failure, Task, run_tasks, unless_stopped
from tui.engine.tasks import ENDPOINT_SECONDS, keep_plan, tasks_of
from tui.plan.model import Plan, Rollout

TOO_LATE = "The run had already succeeded when it was asked to stop; nothing was removed."


class Engine:
    """Executes one plan. `stop()` may be called from a signal handler."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        journal: JournalWriter,
        *,
        rehearsed: bool,
        resumed: bool,
        record: Path | None = None,
        asked: threading.Event | None = None,
    ) -> None:
        """`asked` is set if the run is asked to stop before there is an engine. Raises CloudError, Stopped."""
        from tui.cloud.session import connect

        self.plan = plan
        self.folder = folder
        self.journal = journal
        self.rehearsed = rehearsed
        self.resumed = resumed
        tags = {"aml-deploy": __version__, "aml-deploy-plan": plan.hash, RUN_TAG: journal.run, USER_TAG: who_runs()}
        recorder = None
        if record is not None:
            from tui.cloud.recording.recorder import Recorder

            recorder = Recorder(record, (plan.credential.client_secret,))
        before = resume_state(Journal(folder).read()) if resumed else ResumeState()
        cloud = unless_stopped(asked or threading.Event(), lambda: connect(plan, recorder))
        self.run = Run(
            plan, cloud, journal, folder, tags=tags, created=before.created, begun=before.begun, shift=before.shift
        )
        if plan.limits.total is not None:
            self.run.time = AwakeDeadline(plan.limits.total)
        self.stopped = False

    def stop(self) -> None:
        """Ask the run to stop."""
        self.stopped = True
        self.run.stop.set()

    def execute(self) -> str:
        """Execute the plan; return the status of `run_finished`."""
        tasks = tasks_of(self.plan)
        self._announce(tasks)
        ended = self._gates([task for task in tasks if task.name in GATES])
        if ended is not None:
            return ended
        failure = run_tasks(self.run, [task for task in tasks if task.name not in GATES])
        not_kept = keep_plan.ended(self.run, lambda: self.stopped)
        if not_kept:
            self.journal.emit("task_log", task="test", source="engine", line=not_kept)
        if failure is not None:
            return self._failed(failure)
        if not self.stopped:
            return self._finish("succeeded", not_kept)
        if all(task.name in self.run.results for task in tasks):
            return self._finish("succeeded", TOO_LATE)
        return self._finish("cancelled", "")

    def _announce(self, tasks: list[Task]) -> None:
        if self.resumed:
            self.journal.emit("run_resumed", host=socket.gethostname(), user=who_runs(), version=__version__)
            return
        self.journal.emit(
            "run_started",
            endpoint=self.plan.endpoint.name,
            deployment=self.plan.deployment.name,
            **({"deployments": [one.name for one in self.plan.deployments]} if self.plan.deployments else {}),
            workspace=_where(self.plan),
            **({"rollout": _planned(self.plan.rollout)} if self.plan.rollout else {}),
            tasks=[task.as_dict(self._speed) for task in tasks],
            principal=_principal(self.plan),
            host=socket.gethostname(),
            user=who_runs(),
            plan_hash=self.plan.hash,
            version=__version__,
            rehearsed=self.rehearsed,
            state=str(self.folder),
            log=str(self.folder / "engine.log"),
        )

    @property
    def _speed(self) -> float | None:
        """How many times as fast as Azure the service is; None for a rehearsal that is as fast as it can be."""
        return float(os.environ.get("REHEARSAL_SPEED") or 0) or None if self.rehearsed else 1.0

    def _gates(self, tasks: list[Task]) -> str | None:
        """Sign in, read the workspace, run the preflight. Returns the status of a run that has ended with that."""
        from tui.checks import each_deployment

        busy = self._busy()
        if busy is not None:
            self._findings([busy])
            return self._finish("blocked", f"{busy['message']} {busy['remedy']}")
        findings = [finding.as_dict() for finding in each_deployment.files(self.plan)]
        if not _blockers(findings):
            failure = run_tasks(self.run, tasks)
            if self.stopped:
                return self._finish("cancelled", "")
            if failure is not None and getattr(failure.error, "code", None) in OF_THE_RUN:
                return self._failed(failure)
            if failure is not None:
                self._attention(failure)
                self._findings([*findings, _as_finding(failure)])
                return self._finish("blocked", str(failure.error))
            from tui.checks import preflight

            try:
                found = unless_stopped(self.run.stop, lambda: preflight.run(self.plan, self.run.cloud))
            except Stopped:
                return self._finish("cancelled", "")
            findings = [finding.as_dict() for finding in found]
            if not _blockers(findings):
                try:
                    findings += unless_stopped(self.run.stop, self._moved)
                except Stopped:
                    return self._finish("cancelled", "")
        self._findings(findings)
        blockers = _blockers(findings)
        if blockers:
            told = [text for blocker in blockers for text in (blocker["message"], blocker["remedy"]) if text]
            said = " ".join(dict.fromkeys(told))
            return self._finish("blocked", said)
        return None

    def _busy(self) -> dict[str, Any] | None:
        """The finding that another run works on the endpoint; None if this run may."""
        target = f"{self.rehearsed} {self.plan.workspace.id} {self.plan.endpoint.name}"
        owner = endpoint_lock.take(self.folder.parent.parent, target, self.journal.run) or self._on_another_machine()
        if owner is None:
            return None
        return {
            "id": "run-in-progress",
            "severity": "blocker",
            "field": "endpoint.name",
            "message": f"Run {owner} is working on the endpoint {self.plan.endpoint.name}.",
            "remedy": f"Follow it with: aml-deploy attach {owner}. When it has ended, apply again.",
            "docs": "",
        }

    def _on_another_machine(self) -> str | None:
        """The run on another machine with the same state folder that works on the endpoint; locks do not reach it."""
        name, here = self.plan.endpoint.name, _where(self.plan)
        for folder in self.folder.parent.iterdir():
            if folder == self.folder or not heartbeat_and_takeover.elsewhere(folder):
                continue
            other = runs.read(folder)
            if other is not None and other.works_on(name, here, rehearsed=self.rehearsed):
                return other.id
        return None

    def _moved(self) -> list[dict[str, Any]]:
        """What has moved since the run's changes were approved, as findings; none if they were not, or if an earlier
        engine of the run has begun them."""
        file = self.folder / APPROVED_FILE
        if not file.exists() or keep_plan.begun(self.run):
            return []
        from tui.cloud.endpoints import live_state
        from tui.cloud.errors import CloudError
        from tui.fleet.approval import moved

        try:
            found = moved(json_object(read_regular(file)), self.plan, live_state.read(self.run.cloud, self.plan))
        except CloudError as error:
            found = [f"It is not known whether Azure is as it was approved. {error}"]
        remedy = "Compare again, and have that approved: aml-deploy diff PLAN -o change.json"
        return [
            {"id": "not-as-approved", "severity": "blocker", "field": "", "message": one, "docs": "",
             "remedy": remedy if one == found[-1] else ""}
            for one in found
        ]  # fmt: skip

    def _findings(self, findings: list[dict[str, Any]]) -> None:
        for finding in findings:
            self.journal.emit("finding", **finding)

    def _attention(self, failure: Failure) -> None:
        log, lines = str(self.folder / "engine.log"), last_lines(self.folder, failure.task)
        shown = card(failure.error, log, failure.task, lines, failure_context(self.run, failure.task))
        self.journal.emit("needs_attention", task=failure.task, card=shown)

    def _failed(self, failure: Failure) -> str:
        self._attention(failure)
        resumable = getattr(failure.error, "code", None) == NOT_WRITABLE
        return self._finish("failed", str(failure.error), resumable=resumable)

    def _finish(self, status: str, message: str, *, resumable: bool = False) -> str:
        # What is left of an interrupted task is no time to compare with, nor does one that changed nothing help.
        if not self.resumed and any(action != "read" for action, _ in self.run.took.values()):
            pace = ENDPOINT_SECONDS / self._speed if self._speed else None
            usual_times.keep(self.folder, usual_times.Times(self.run.took, _where(self.plan), pace))
        left: list[Left] = []
        cleaned = False
        if status in ("failed", "cancelled"):
            cleaned = self._clean_up()
            left = left_behind(self.run)
        if status == "cancelled":
            message = stopped_message(self.run, left, rehearsed=self.rehearsed, cleaned=cleaned)
        elif status == "failed":
            message = f"{message} {changed_traffic(self.run)}".strip()
        extra: dict[str, Any] = {"left_behind": [str(item) for item in left]} if left else {}
        if resumable:
            extra["resumable"] = True
        results = self.run.results
        address = results.get("deployment") or results.get("endpoint") or {}
        self.journal.emit(
            "run_finished",
            status=status,
            endpoint=self.plan.endpoint.name,
            deployment=self.plan.deployment.name,
            scoring_uri=address.get("scoring_uri"),
            portal_url=results.get("endpoint", {}).get("portal_url") or results.get("workspace", {}).get("portal_url"),
            test=results.get("test") or None,
            message=message,
            **extra,
        )
        return status

    def _clean_up(self) -> bool:
        """Remove what this run created, if requested; return whether it was removed."""
        if not (self.stopped and self.run.created and (self.folder / "clean-up").exists()):
            return False
        try:
            clean_up(self.run)
            return True
        except Exception as error:
            traceback.print_exc()
            self.journal.emit("task_log", task="deployment", source="engine", line=f"Not cleaned up: {error}")
            return False


def _blockers(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [finding for finding in findings if finding.get("severity") == "blocker"]


def _as_finding(failure: Failure) -> dict[str, Any]:
    """The blocking finding for a failed gate."""
    error = failure.error
    field = "credential.method" if failure.task == "sign-in" else "workspace.name"
    return {
        "id": failure.task,
        "severity": "blocker",
        "field": field,
        "message": str(error),
        "remedy": getattr(error, "remedy", ""),
        "docs": "",
    }


def _planned(rollout: Rollout) -> dict[str, Any]:
    """The plan's rollout for `run_started`: shares, how long each is watched, and limits."""
    return {
        "deployment": rollout.deployment,
        "steps": list(rollout.steps),
        "pause": rollout.pause,
        "min_requests": rollout.min_requests,
        "max_error_percent": rollout.max_error_percent,
        "max_p95_ms": rollout.max_p95_ms,
    }


def _where(plan: Plan) -> dict[str, str]:
    """The workspace as runs name it in their journals."""
    workspace = plan.workspace
    return {
        "subscription_id": workspace.subscription_id,
        "resource_group": workspace.resource_group,
        "name": workspace.name,
    }


def _principal(plan: Plan) -> str:
    """The identity as far as the plan names it; the sign-in task reports the real one."""
    credential = plan.credential
    return f"{credential.method} {credential.client_id or ''}".strip()
