"""Findings from Azure's own workspace diagnostics."""

from __future__ import annotations

from tui.checks.ask_azure import ask
from tui.checks.finding import OK, UNKNOWN, WARNING, Finding
from tui.checks.workspace.workspace import az_workspace
from tui.cloud.workspace.diagnose import Diagnosis
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import NoAnswer, Question

FIELD = "workspace.name"
_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-workspace-diagnostic-api"


def noticed(question: Question[list[Diagnosis]], info: WorkspaceInfo) -> list[Finding]:
    """Azure's diagnostics as warnings, because they do not tell whether this plan is affected."""
    command = az_workspace("diagnose", info)
    try:
        found = question.answer()
    except (NoAnswer, TimeoutError):
        message = f"The workspace diagnostics of {info.name} did not finish in time; they can take a minute."
        return [
            Finding(
                "diagnose", UNKNOWN, FIELD, message, f"To wait for them, run: {command}", _DOCS, info.id, (command,)
            )
        ]
    except Exception:
        answer = ask(question, "diagnose", FIELD, "The result of the workspace diagnostics", blocks=False)
        return [answer] if isinstance(answer, Finding) else []
    telling = [item for item in found if item.level.lower() != "information"]
    if not telling:
        message = (
            f"Workspace diagnostics found no problems with {info.name}: routes, security rules, locks, DNS, storage, "
            "vault "
        )
        return [Finding("diagnose", OK, FIELD, f"{message}and registry were checked.", docs=_DOCS, looked_at=info.id)]
    return [
        Finding(
            "diagnose" if number == 0 else f"diagnose-{number + 1}",
            WARNING,
            FIELD,
            (
                f"Workspace diagnostics, {item.about}: "
                f"{item.message.rstrip('.')}.{f' ({item.code})' if item.code else ''}"
            ),
            "Send it to the administrator of the workspace's network; the message names what to change.",
            _DOCS,
            info.id,
            (command,),
        )
        for number, item in enumerate(telling)
    ]
