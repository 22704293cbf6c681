"""A run from its first event to its last: preflight, tasks, result."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Any

from tui import __version__
from tui.engine.cards import card
from tui.engine.clean_up import clean_up
from tui.engine.context import Run
from tui.engine.graph import Failure, Task, run_tasks
from tui.engine.journal import JournalWriter
from tui.engine.tasks import tasks_of
from tui.plan.model import Plan

GATES = ("sign-in", "workspace")


class Engine:
    """Carries out one plan. `stop()` may be called from a signal handler."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        journal: JournalWriter,
        *,
        rehearsed: bool,
        resumed: bool,
        record: Path | None = None,
    ) -> None:
        from tui.cloud.session import connect

        self.plan = plan
        self.folder = folder
        self.journal = journal
        self.rehearsed = rehearsed
        self.resumed = resumed
        tags = {"aml-deploy": __version__, "aml-deploy-plan": plan.hash}
        recorder = None
        if record is not None:
            from tui.cloud.recorder import Recorder

            recorder = Recorder(record, (plan.credential.client_secret,))
        self.run = Run(plan, connect(plan, recorder), journal, folder, tags=tags)
        self.stopped = False

    def stop(self) -> None:
        """Ask the run to stop."""
        self.stopped = True
        self.run.stop.set()

    def execute(self) -> str:
        """Run the plan; returns the status that `run_finished` carries."""
        tasks = tasks_of(self.plan)
        self._announce(tasks)
        blocked = self._gates([task for task in tasks if task.name in GATES])
        if blocked is not None:
            return self._finish(*blocked)
        failure = run_tasks(self.run, [task for task in tasks if task.name not in GATES])
        if failure is not None:
            self._attention(failure)
            return self._finish("failed", str(failure.error))
        if self.stopped:
            return self._finish("cancelled", "The run was stopped.")
        return self._finish("succeeded", "")

    def _announce(self, tasks: list[Task]) -> None:
        if self.resumed:
            self.journal.emit("run_resumed", host=socket.gethostname(), version=__version__)
            return
        workspace = self.plan.workspace
        self.journal.emit(
            "run_started",
            endpoint=self.plan.endpoint.name,
            deployment=self.plan.deployment.name,
            workspace={
                "subscription_id": workspace.subscription_id,
                "resource_group": workspace.resource_group,
                "name": workspace.name,
            },
            tasks=[task.as_dict(rehearsed=self.rehearsed) for task in tasks],
            principal=_principal(self.plan),
            host=socket.gethostname(),
            plan_hash=self.plan.hash,
            version=__version__,
            rehearsed=self.rehearsed,
            state=str(self.folder),
            log=str(self.folder / "engine.log"),
        )

    def _gates(self, tasks: list[Task]) -> tuple[str, str] | None:
        """Sign in, read the workspace, run the preflight. Returns status and message where the run must not go on."""
        from tui.checks import artifacts, preflight

        findings = [finding.as_dict() for finding in artifacts.check(self.plan)]
        if not _blockers(findings):
            failure = run_tasks(self.run, tasks)
            if self.stopped:
                return "cancelled", "The run was stopped before anything was changed."
            if failure is not None:
                self._attention(failure)
                self._findings([*findings, _as_finding(failure)])
                return "blocked", str(failure.error)
            findings = [finding.as_dict() for finding in preflight.run(self.plan, self.run.cloud)]
        self._findings(findings)
        blockers = _blockers(findings)
        if blockers:
            return "blocked", " ".join(f"{blocker['message']} {blocker['remedy']}".strip() for blocker in blockers)
        return None

    def _findings(self, findings: list[dict[str, Any]]) -> None:
        for finding in findings:
            self.journal.emit("finding", **finding)

    def _attention(self, failure: Failure) -> None:
        shown = card(failure.error, str(self.folder / "engine.log"), failure.task)
        self.journal.emit("needs_attention", task=failure.task, card=shown)

    def _finish(self, status: str, message: str) -> str:
        left: list[str] = []
        if status in ("failed", "cancelled") and self.run.created:
            left = self._leave_behind()
        extra: dict[str, Any] = {"left_behind": left} if left else {}
        results = self.run.results
        scoring_uri = results.get("deployment", {}).get("scoring_uri") or results.get("endpoint", {}).get("scoring_uri")
        self.journal.emit(
            "run_finished",
            status=status,
            endpoint=self.plan.endpoint.name,
            deployment=self.plan.deployment.name,
            scoring_uri=scoring_uri,
            portal_url=results.get("endpoint", {}).get("portal_url") or results.get("workspace", {}).get("portal_url"),
            test=results.get("test") or None,
            message=message,
            **extra,
        )
        return status

    def _leave_behind(self) -> list[str]:
        """What this run made and leaves in Azure, after it has cleaned up where that was asked for."""
        if self.stopped and (self.folder / "clean-up").exists():
            try:
                clean_up(self.run)
            except Exception as error:
                traceback.print_exc()
                self.journal.emit("task_log", task="deployment", source="engine", line=f"Not cleaned up: {error}")
        return [f"{kind} {name}" for kind, name in self.run.created]


def _blockers(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [finding for finding in findings if finding.get("severity") == "blocker"]


def _as_finding(failure: Failure) -> dict[str, Any]:
    """A failed gate as the finding that blocks the run."""
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


def _principal(plan: Plan) -> str:
    """Who will sign in, as far as the plan says it; the sign-in task says who it really is."""
    credential = plan.credential
    return f"{credential.method} {credential.client_id or ''}".strip()
