"""What Azure itself notices about the workspace, from its own seat."""

from __future__ import annotations

from tui.checks.ask_azure import ask
from tui.checks.finding import OK, UNKNOWN, WARNING, Finding
from tui.checks.workspace.workspace import group_of
from tui.cloud.workspace.diagnose import Diagnosis
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import NoAnswer, Question

FIELD = "workspace.name"
_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-workspace-diagnostic-api"


def noticed(question: Question[list[Diagnosis]], info: WorkspaceInfo) -> list[Finding]:
    """Azure's own findings as warnings: it says what it sees, not whether this plan is stopped by it."""
    command = f"az ml workspace diagnose --name {info.name} --resource-group {group_of(info.id)}"
    try:
        found = question.answer()
    except (NoAnswer, TimeoutError):
        message = f"Azure's own look at {info.name} had not ended in time; it can take a minute."
        return [
            Finding("diagnose", UNKNOWN, FIELD, message, f"Wait for it with: {command}", _DOCS, info.id, (command,))
        ]
    except Exception:
        answer = ask(question, "diagnose", FIELD, "What Azure itself notices about the workspace", blocks=False)
        return [answer] if isinstance(answer, Finding) else []
    telling = [item for item in found if item.level.lower() != "information"]
    if not telling:
        message = f"Azure itself notices nothing about {info.name}: routes, security rules, locks, DNS, storage, vault "
        return [Finding("diagnose", OK, FIELD, f"{message}and registry were looked at.", docs=_DOCS, looked_at=info.id)]
    return [
        Finding(
            "diagnose" if number == 0 else f"diagnose-{number + 1}",
            WARNING,
            FIELD,
            f"Azure notices about {item.about}: {item.message.rstrip('.')}{f' ({item.code})' if item.code else ''}.",
            "Show it to whoever keeps the workspace's network; Azure's words name what to change.",
            _DOCS,
            info.id,
            (command,),
        )
        for number, item in enumerate(telling)
    ]
