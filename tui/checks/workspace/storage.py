"""Can what is uploaded be uploaded: the workspace's storage, asked as an upload asks it first."""

from __future__ import annotations

from tui.checks.ask_azure import ask
from tui.checks.finding import OK, Finding
from tui.common.deadlines import Question

FIELD = "workspace.name"


def open_to_us(question: Question[str]) -> Finding:
    """Whether the account's firewall and the credential of the datastore admit this identity, from this machine."""
    answer = ask(question, "storage", FIELD, "Whether the workspace's storage admits this identity")
    if isinstance(answer, Finding):
        return answer
    return Finding("storage", OK, FIELD, "The workspace's storage answers, and admits this identity.", looked_at=answer)
