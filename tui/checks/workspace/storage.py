"""Check access to the workspace's storage with the same first request as an upload."""

from __future__ import annotations

from tui.checks.ask_azure import ask
from tui.checks.finding import OK, Finding
from tui.common.deadlines import Question

FIELD = "workspace.name"


def open_to_us(question: Question[str]) -> Finding:
    """Check that the account's firewall and the datastore's credential give this identity access from this machine."""
    answer = ask(question, "storage", FIELD, "Whether this identity has access to the workspace's storage")
    if isinstance(answer, Finding):
        return answer
    return Finding(
        "storage", OK, FIELD, "The workspace's storage is reachable; this identity has access.", looked_at=answer
    )
