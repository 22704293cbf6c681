"""Collects the context of a failure: facts about plan and workspace, and the last lines of a task's logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.checks.environment import conda_file
from tui.checks.model import model_folder
from tui.engine.journal.journal import Journal
from tui.engine.task_context import Run
from tui.plan import sizes

LAST_LINES = 400
"""Lines read from the end of each log, where the cause of a failure is found."""
LOGS = ("build", "container", "storage-initializer", "service")


def failure_context(run: Run, task: str = "") -> dict[str, Any]:
    """The known facts about plan and workspace, by the names used in the catalogue of remedies.

    Unknown facts are omitted. `task` is the failed task; the facts are those of its deployment.
    """
    plan = run.plan.of(task.partition(":")[2] or None)
    deployment = plan.deployment
    # The model needs at least as much memory as its files are long; a second counts most of them.
    path = deployment.model.path if task.startswith("deployment") else None
    need = model_folder.read(path, 1.0).bytes if path else 0
    known: dict[str, Any] = {
        "endpoint": plan.endpoint.name,
        "auth_mode": plan.endpoint.auth_mode,
        "public_network_access": plan.endpoint.public_network_access,
        "deployment": deployment.name,
        "instance_type": deployment.instance_type,
        "larger": sizes.larger(deployment.instance_type, need),
        "has_code": deployment.code_configuration is not None,
        "egress": deployment.egress_public_network_access,
        "model_type": deployment.model.type,
        "workspace": plan.workspace.name,
        "resource_group": plan.workspace.resource_group,
        "subscription": plan.workspace.subscription_id,
        "credential_method": plan.credential.method,
        "client_id": plan.credential.client_id or run.result("sign-in", "client_id"),
        "tenant_id": plan.credential.tenant_id,
        "isolation": run.result("workspace", "isolation"),
        "location": run.result("workspace", "location"),
        "conda_names_server": _names_server(deployment.environment.conda_file),
    }
    return {key: value for key, value in known.items() if value is not None and value != ""}


def _names_server(path: Path | None) -> bool | None:
    """Whether the conda file lists the scoring server; None if there is no file that can be read."""
    conda = conda_file.read(path) if path else None
    return conda.has_server if conda and conda.found and not conda.problem else None


def last_lines(folder: Path, task: str) -> list[str]:
    """The last lines of a task's logs since the run was started or last resumed, in order."""
    events = Journal(folder).read()
    resumed = max((event["seq"] for event in events if event["event"] == "run_resumed"), default=0)
    lines: dict[str, list[str]] = {source: [] for source in LOGS}
    for event in events:
        if event["event"] == "task_log" and event.get("task") == task and event["seq"] > resumed:
            kept = lines.get(str(event.get("source")))
            if kept is not None:
                kept.append(str(event.get("line", "")))
    return [line for source in LOGS for line in lines[source][-LAST_LINES:]]
