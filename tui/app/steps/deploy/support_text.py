"""Builds the text to send to support: what happened, with IDs, times, versions and the last log lines.

Known secrets, and anything that looks like a secret, are removed from it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tui import __version__
from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.text import formatting
from tui.app.widgets.card import Card
from tui.common.redact import redact

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run

LAST_LINES = 60
LIBRARIES = ("azure-ai-ml", "azure-identity", "azure-storage-blob", "textual")


def about(snapshot: RunSnapshot, run: Run | None) -> dict[str, str]:
    """Return what identifies a run: IDs, addresses, times."""
    view = snapshot.view
    workspace = view.workspace
    names = ("subscription_id", "resource_group", "name")
    return {
        "Run": run.id if run else "",
        "State": snapshot.state + ", in rehearsal" * view.rehearsed,
        "Started (UTC)": _moment(view.started),
        "Finished (UTC)": _moment(view.finished),
        "Worked for": formatting.duration(snapshot.elapsed()) if view.started else "",
        "Endpoint": view.endpoint,
        "Deployment": view.deployment,
        "Workspace": "/".join(workspace.get(name, "") for name in names) if workspace else "",
        "Signed in as": view.principal,
        "Portal": view.portal_url,
        "Scoring URI": view.scoring_uri,
        "Engine on": snapshot.azure_requests.host,
        "Engine log": view.log_path or (str(run.log) if run else ""),
    }


def support_text(card: Card | None, snapshot: RunSnapshot, run: Run | None) -> str:
    """Return everything that support needs, as one text without secrets."""
    view = snapshot.view
    parts = [card.for_support(about(snapshot, run)).rstrip()] if card else [_named(about(snapshot, run))]
    parts.append("Versions\n" + _named(versions(snapshot.azure_requests.versions)))
    tasks = [_task_line(task.name, task.status, task.seconds, task.detail) for task in view.tasks]
    parts.append("Tasks\n" + "\n".join(tasks)) if tasks else None
    asked = [f"  {task}: {line}" for task, lines in snapshot.azure_requests.asked.items() for line in lines]
    parts.append("Requests to Azure\n" + "\n".join(asked)) if asked else None
    findings = [
        f"  {item.get('severity', '')}  {item.get('id', '')}  {item.get('message', '')}".rstrip()
        for item in view.findings
        if item.get("severity") != "ok"
    ]
    parts.append("Findings\n" + "\n".join(findings)) if findings else None
    lines = view.logs[max(view.log_count - LAST_LINES, 0) : view.log_count]
    if lines:
        from tui.app.widgets.log_view import row_text

        parts.append(f"Last {len(lines)} log lines\n" + "\n".join(f"  {row_text(line)}" for line in lines))
    return redact("\n\n".join(parts) + "\n")


def versions(engine: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of programs and libraries; `engine` are the versions of the run's engines."""
    from importlib.metadata import PackageNotFoundError, version

    found = {
        "aml-deploy": __version__,
        "engine": ", ".join(engine),
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _named(rows: Mapping[str, str]) -> str:
    return "\n".join(f"  {name}: {value}" for name, value in rows.items() if value)


def _task_line(name: str, status: str, seconds: float | None, detail: str) -> str:
    took = f", {formatting.duration(seconds)}" if seconds is not None else ""
    return f"  {name}: {status}{took}{': ' + formatting.plain(detail) if detail else ''}"


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
